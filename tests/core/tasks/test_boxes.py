"""All figures of a test set, against pycocotools on the same files."""

import contextlib
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from kzoo.detection import TruthImage, TruthSet
from kzoo.errors import UsageError
from kzoo.report import write_pictures, write_report
from kzoo.report.figures import curves
from kzoo.runs.configure import configure
from kzoo.runs.folder import create_run
from kzoo.runs.manifest import DataRecord, Manifest, TrainingRecord
from kzoo.tasks import task_named
from kzoo.tasks.boxes import BoxOutcome

COCO_NAMES = (
    *("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large"),
    *("AR_1", "AR_10", "AR_100", "AR_small", "AR_medium", "AR_large"),
)


class Seen:
    def __init__(self, boxes, labels, scores):
        self.boxes = np.array(boxes, np.float32).reshape(-1, 4)
        self.labels, self.scores = np.array(labels, int), np.array(scores, np.float32)


def scene(seed, images=30, classes=4):
    """Return a set with crowds, objects that fill half of their boxes, odd ids; and boxes found in it."""
    rng = np.random.default_rng(seed)
    annotated, found = [], []
    for number in range(images):
        count = int(rng.integers(0, 8))
        corner, size = rng.uniform(0, 300, (count, 2)), rng.uniform(8, 180, (count, 2))
        boxes = np.concatenate([corner, corner + size], -1).round(1)
        labels = rng.integers(0, classes, count)
        annotated.append(
            TruthImage(
                name=f"{number}.jpg",
                boxes=boxes,
                labels=labels,
                crowd=(rng.uniform(size=count) < 0.1).astype(int),
                area=size.prod(-1) * rng.uniform(0.4, 1, count),
                pixels=lambda: np.zeros((480, 480, 3), np.uint8),
                id=1000 + number,
            )
        )
        kept = rng.uniform(size=count) < 0.8
        moved = boxes[kept] + rng.normal(size=(int(kept.sum()), 4)) * 5
        moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
        extra = rng.uniform(0, 300, (5, 2))
        seen = np.concatenate([moved, np.concatenate([extra, extra + rng.uniform(9, 90, (5, 2))], -1)])
        found.append(Seen(seen, [*labels[kept], *rng.integers(0, classes, 5)], rng.uniform(size=len(seen))))
    names = tuple(f"class {label}" for label in range(classes))
    return BoxOutcome(TruthSet(annotated, names, "made", (7, 3, 90, 12)), found)


def pycocotools_says(outcome, folder):
    """Return pycocotools' twelve figures of the annotations and the results written as files."""
    dataset = outcome.dataset
    rows = []
    for image in dataset.images:
        for place, (x1, y1, x2, y2) in enumerate(image.boxes.tolist()):
            rows.append(
                {
                    "id": len(rows) + 1,
                    "image_id": image.id,
                    "category_id": dataset.category_ids[image.labels[place]],
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": float(image.area[place]),
                    "iscrowd": int(image.crowd[place]),
                }
            )
    truth = {
        "images": [{"id": image.id} for image in dataset.images],
        "categories": [{"id": number, "name": str(number)} for number in dataset.category_ids],
        "annotations": rows,
    }
    (folder / "truth.json").write_text(json.dumps(truth))
    (folder / "found.json").write_text(outcome.files()["coco"])
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(str(folder / "truth.json"))
        evaluation = COCOeval(known, known.loadRes(str(folder / "found.json")), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_figures_are_pycocotools_from_the_results_file(seed, tmp_path):
    outcome = scene(seed)
    found = outcome.metrics()
    evaluation = pycocotools_says(outcome, tmp_path)
    np.testing.assert_allclose([found[name] for name in COCO_NAMES], evaluation.stats, atol=1e-6)
    order = np.argsort(outcome.dataset.category_ids)  # pycocotools sorts the classes by their ids
    own = [outcome.per_class()[outcome.dataset.class_names[label]] for label in order]
    table = evaluation.eval["precision"]
    np.testing.assert_allclose([row["AP"] for row in own], table[:, :, :, 0, 2].mean((0, 1)), atol=1e-6)
    np.testing.assert_allclose([row["AP50"] for row in own], table[0, :, :, 0, 2].mean(0), atol=1e-6)
    np.testing.assert_allclose([row["AR_100"] for row in own], evaluation.eval["recall"][:, :, 0, 2].mean(0), atol=1e-6)


def test_vocs_average_precision_is_close_to_cocos_at_one_overlap():
    found = scene(0).metrics()
    assert found["VOC_AP50"] == pytest.approx(found["AP50"], abs=0.02)


@pytest.mark.long
def test_there_are_pictures_of_it(tmp_path):
    files = write_pictures(tmp_path / "new", scene(0))
    assert [file.stem for file in files] == ["precision_recall", "confusion_of_boxes", "worst", "detected"]
    assert all(file.stat().st_size > 5000 for file in files)


@pytest.mark.long
def test_every_picture_of_it_has_a_caption():
    assert list(scene(0).figures()) == list(task_named("detection").pictures)


def test_a_set_without_objects_has_figures_that_mean_nothing_and_pictures():
    image = TruthImage(name="x", boxes=np.zeros((0, 4)), labels=np.zeros(0, int))
    outcome = BoxOutcome(TruthSet([image], ("a", "b"), "empty"), [Seen([], [], [])])
    assert np.isnan(list(outcome.metrics().values())).all()
    assert outcome.per_class() == {}
    assert outcome.worst(5) == []


def test_classes_in_another_order_become_those_of_the_detector():
    moved = scene(0).dataset.in_classes(["class 3", "other", "class 2", "class 1", "class 0"])
    before, after = scene(0).dataset.images[3], moved.images[3]
    names = [moved.class_names[label] for label in after.labels]
    assert names == [f"class {label}" for label in before.labels]
    assert [moved.category_ids[label] for label in (4, 3, 2, 0)] == [7, 3, 90, 12]
    assert len(set(moved.category_ids)) == 5


def test_a_class_that_the_detector_does_not_know_is_named():
    with pytest.raises(UsageError, match=r"does not know: class 2, class 3. It knows class 0, class 1"):
        scene(0).dataset.in_classes(["class 0", "class 1"])


def test_examples_are_spread_over_the_classes():
    labels = [[0], [0], [0, 1], [], [2], [1]]
    images = [
        TruthImage(name=f"{n}.jpg", boxes=np.tile([0, 0, 9, 9], (len(own), 1)), labels=np.array(own, int))
        for n, own in enumerate(labels)
    ]
    outcome = BoxOutcome(TruthSet(images, ("a", "b", "c"), "made"), [Seen([], [], [])] * 6)
    assert outcome.examples(3) == [0, 2, 4]
    assert outcome.examples(99) == [0, 2, 4, 1, 5, 3]


@pytest.mark.long
def test_the_page_of_a_run_shows_the_parts_of_the_loss_and_all_pictures(tmp_path):
    names = ("loss", "box", "objectness", "class")
    history = [{key: 1.0 / epoch for name in names for key in (name, f"val_{name}")} for epoch in (1, 2, 3)]
    outcome = scene(3)
    begun = Manifest(data=DataRecord(description="made", used="sample"), argv=["kzoo"])
    run = create_run(tmp_path, configure("yolov3", recipe="quick"), begun)
    run.update(status="done", training=TrainingRecord(history=history), results={"test": outcome.metrics()})
    *pictures, page = write_report(run, task_named("detection"), outcome)
    assert [path.stem for path in pictures] == [
        *("curves", "precision_recall", "confusion_of_boxes", "worst", "detected"),
    ]
    assert [axes.get_title() for axes in curves(history).axes] == list(names)
    text = page.read_text()
    assert text.count("data:image/png;base64,") == len(pictures)
    for word in (*COCO_NAMES, "VOC_AP50", "VOC07_AP50", "class 3", "precision", "recall"):
        assert f">{word}<" in text


def test_the_worst_pictures_come_first_and_those_without_errors_not_at_all():
    a, b, c = [0, 0, 10, 10], [50, 50, 60, 60], [80, 0, 90, 10]
    images = [
        TruthImage(name="x", boxes=np.array(boxes, float), labels=np.zeros(len(boxes), int))
        for boxes in ([a], [a, b, c], [a, b])
    ]
    found = [Seen([a], [0], [0.9]), Seen([], [], []), Seen([a], [0], [0.9])]
    assert BoxOutcome(TruthSet(images, ("a",), "three"), found).worst(5) == [1, 2]


def test_the_matrix_is_named_and_large_ones_are_left_to_the_picture():
    confusion = scene(0).confusion()
    assert list(confusion.names) == ["class 0", "class 1", "class 2", "class 3", "nothing"]
    assert confusion.counts.shape == (5, 5)
    assert confusion.most_shown == 12
