"""A test set alone, in each form and of each pipeline: all of it is measured, and nobody speaks of training."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from pipelines import Heard, read

from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.errors import DataError
from kzoo_zoo.cats_vs_dogs.pipeline import CatsVsDogs
from kzoo_zoo.cifar10.pipeline import Cifar10
from kzoo_zoo.fingers import data as fingers_data
from kzoo_zoo.fingers.pipeline import Fingers
from kzoo_zoo.mnist.pipeline import Mnist
from kzoo_zoo.regression.pipeline import Regression
from kzoo_zoo.yolov3.pipeline import Yolo

LABELS = (0, 0, 2, 2, 2, 5)
PICTURES = np.random.default_rng(0).integers(0, 256, (len(LABELS), 40, 40, 3), dtype=np.uint8)
OF_TRAINING = ("train", "learn", "sample", "drawn")


def saved(place, label=None):
    folder = place if label is None else place / str(label)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def by_class(root):
    for number, (label, pixels) in enumerate(zip(LABELS, PICTURES, strict=True)):
        Image.fromarray(pixels).save(saved(root, label) / f"{number}.png")
    return root


def beside(root, *, header=("image", "label"), list_of=None):
    for number, pixels in enumerate(PICTURES):
        Image.fromarray(pixels).save(saved(root / "pictures") / f"{number}.png")
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *((f"{number}.png", label) for number, label in enumerate(LABELS))])
    return root / list_of if list_of else root


def arrays(root):
    np.savez(saved(root) / "a.npz", x_test=PICTURES, y_test=np.array(LABELS))
    return root / "a.npz"


FORMS = {
    "a folder with only test": lambda root: by_class(root / "test").parent,
    "a folder with only val": lambda root: by_class(root / "val").parent,
    "flat class folders": by_class,
    "an npz with only x_test and y_test": arrays,
    "images with a CSV": beside,
    "the CSV": lambda root: beside(root, list_of="labels.csv"),
}


def draws_nothing(monkeypatch):
    def drawn(*given, **more):
        raise AssertionError(given)

    monkeypatch.setattr(fingers_data, "draw_hands", drawn)
    monkeypatch.setattr(fingers_data, "draw_scenes", drawn)


def test_nothing_is_drawn_where_a_run_s_own_data_is_measured(tmp_path, monkeypatch):
    by_class(tmp_path / "train")
    by_class(tmp_path / "test")
    draws_nothing(monkeypatch)
    heard = Heard()
    splits = load_splits(Fingers().source(), DataRequest(str(tmp_path), measured=True), heard)
    assert splits.sizes["test"] == len(LABELS)
    assert heard.warned == []  # of classes too rare to learn from, for one
    with pytest.raises(AssertionError):
        load_splits(Fingers().source(), DataRequest(str(tmp_path)), heard)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("pipeline", [Mnist(), Cifar10(), CatsVsDogs(), Fingers()], ids=lambda one: one.name)
def test_a_test_set_alone_is_measured(tmp_path, monkeypatch, pipeline, form):
    draws_nothing(monkeypatch)
    place, heard = FORMS[form](tmp_path / "in"), Heard()
    known = fingers_data.CLASS_NAMES if isinstance(pipeline, Fingers) else ("nought", "one", "two", "3", "4", "five")
    splits = load_splits(pipeline.source(), DataRequest(str(place), whole=True, known=known, limit=None), heard)
    truth = [known[label + isinstance(pipeline, Fingers)] for label in LABELS]
    assert sorted(splits.class_names[label] for label in splits.test.labels) == sorted(truth)
    assert (splits.sizes["test"], len(splits.train)) == (len(LABELS), 0)
    told = " ".join([*heard.said, *heard.warned, splits.provenance.description]).replace(str(tmp_path), "")
    assert not any(word in told for word in OF_TRAINING), told


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (["3", "none", "7"], "has the label `7`.*no count of fingers"),
        (["1", "2", "3.0"], ""),
        (["empty", "00", "5"], ""),
    ],
)
def test_labels_of_hands_are_counts(tmp_path, labels, reason):
    place = beside(tmp_path)
    with (place / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label"), *((f"{n}.png", label) for n, label in enumerate(labels))])
    if reason:
        with pytest.raises(DataError, match=reason):
            read(Fingers(), place, whole=True)
        return
    found = [fingers_data.CLASS_NAMES[label] for label in read(Fingers(), place, whole=True).test.y]
    assert sorted(found) == sorted({"empty": "none", "00": "0", "3.0": "3"}.get(label, label) for label in labels)


def test_a_folder_of_one_count_and_arrays_of_others(tmp_path):
    by_class(tmp_path / "in")
    assert read(Fingers(), tmp_path / "in" / "2", whole=True).test.y.tolist() == [3, 3, 3]
    (tmp_path / "in" / "hands.csv").write_text("image,label\n0.png,4\n")  # the folders say it
    assert read(Fingers(), tmp_path / "in", whole=True).test.y.tolist() == [1, 1, 3, 3, 3, 6]
    np.savez(tmp_path / "a.npz", x_test=PICTURES, y_test=np.array(LABELS) + 1)
    with pytest.raises(DataError, match="a label is the number of fingers, 0 to 5"):
        read(Fingers(), tmp_path / "a.npz", whole=True)


@pytest.mark.parametrize("others", [(), ("valid",), ("train", "valid")])
def test_the_test_split_of_boxes_alone(tmp_path, others):
    for split in ("test", *others):
        for number, pixels in enumerate(PICTURES[:3]):
            Image.fromarray(pixels).save(saved(tmp_path / split / "images") / f"{split}{number}.png")
            box = "0 0.5 0.5 0.2 0.2" if split == "test" else "0 9 9 9 9"  # wrong boxes elsewhere do not matter
            (saved(tmp_path / split / "labels") / f"{split}{number}.txt").write_text(box)
    (tmp_path / "classes.txt").write_text("cat\n")
    heard = Heard()
    splits = load_splits(Yolo().source(), DataRequest(str(tmp_path), whole=True), heard)
    assert splits.sizes == {"train": 0, "validation": 0, "test": 3}
    told = " ".join([*heard.warned, splits.provenance.description]).replace(str(tmp_path), "")
    assert not any(word in told for word in OF_TRAINING), told


def test_boxes_around_crowds_are_not_said_to_be_learned_from(tmp_path):
    Image.fromarray(PICTURES[0]).save(tmp_path / "0.png")
    box = {"image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}
    records = {
        "images": [{"id": 1, "file_name": "0.png", "width": 40, "height": 40}],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [{"id": 1, **box}, {"id": 2, "iscrowd": 1, **box}],
    }
    (tmp_path / "boxes.json").write_text(json.dumps(records))
    (note,) = read(Yolo(), tmp_path, whole=True).notes
    assert "are around crowds (`iscrowd`): what is found in them is not counted" in note


def test_the_table_of_a_test_alone(tmp_path):
    (tmp_path / "test.csv").write_text("a,y\n1,2\n2,5\n")
    schema = read(Regression(), tmp_path / "test.csv").schema
    card = {"schema": schema, "input_shape": [1]}
    assert len(read(Regression(), tmp_path, card=card, whole=True).test) == 2
    (tmp_path / "train.csv").write_text("a,y\n1,2\n2,5\n3,7\n")
    assert len(read(Regression(), tmp_path, card=card, whole=True).test) == 2
    (tmp_path / "test.csv").unlink()
    (tmp_path / "more.csv").write_text("a,y\n1,2\n")
    with pytest.raises(DataError, match="is a folder; name the table itself"):
        read(Regression(), tmp_path, card=card, whole=True)
