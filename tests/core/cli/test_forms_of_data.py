"""Data as people hold it, through the commands: a run on it, its measure on a test set alone, and predictions of it."""

import csv
import json

import numpy as np
import pytest
from PIL import Image
from played import written

from kzoo.cli import main
from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.engine.listener import Silent
from kzoo.runs.folder import list_runs
from kzoo_zoo.mnist.pipeline import Mnist

pytestmark = pytest.mark.long  # what is read is tested without a model in tests/zoo/test_forms_of_data.py

COUNT = 30
NAMES = [f"n{number}" for number in range(10)]
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 28, 28), dtype=np.uint8)
LABELS = np.arange(COUNT) % 10


def saved(root, place, suffix=".png"):
    path = root / f"{place}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def folders(root, suffix=".png"):
    for number, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).convert("RGB").save(saved(root, f"{NAMES[LABELS[number]]}/{number}", suffix))
    return root


def links(root):
    folders(root / "elsewhere")
    (root / "set").mkdir()
    for name in NAMES:
        (root / "set" / name).symlink_to(root / "elsewhere" / name, target_is_directory=True)
    return root / "set"


def kaggle(root):
    for number, pixels in enumerate(PIXELS):
        Image.fromarray(pixels).save(saved(root, f"train/{number}"))
    with (root / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("image", "label"), *((n, NAMES[label]) for n, label in enumerate(LABELS))])
    return root


def paths(root):
    folders(root)
    lines = [f"{NAMES[label]}/{number}.png" for number, label in enumerate(LABELS)]
    (root / "list.txt").write_text("\n".join(lines))
    return root / "list.txt"


def npz(root):
    root.mkdir(parents=True)
    np.savez(root / "a.npz", x_train=PIXELS, y_train=LABELS, x_test=PIXELS[:10], y_test=LABELS[:10], class_names=NAMES)
    return root / "a.npz"


def heic(root):
    import pillow_heif

    pillow_heif.register_heif_opener()
    return folders(root, ".heic")


FORMS = {
    "train and labels.csv": kaggle,
    "a text file of paths": paths,
    "an npz with names": npz,
    "folders": folders,
    "folders through links": links,
    "HEIC": heic,
    "AVIF": lambda root: folders(root, ".avif"),
    "TGA": lambda root: folders(root, ".tga"),
}


FLAGS = ["--recipe", "quick", "--epochs", "1", "-o", "report=false", "--quiet", "-o", "train.save_every=off"]


@pytest.fixture(scope="module")
def ran(played, tmp_path_factory):
    """Return the folder of a run on images with a CSV of their labels."""
    folder = tmp_path_factory.mktemp("ran")
    assert main(["run", "mnist", *FLAGS, "--data", str(kaggle(folder / "own")), "--out", str(folder / "runs")]) == 0
    written()
    (run,) = list_runs(folder / "runs")
    assert sum(run.manifest().data.sizes.values()) == COUNT
    return run.path


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_learned_from_measured_and_predicted(ran, tmp_path, capsys, form):
    place, arrays = FORMS[form](tmp_path / "other"), form == "an npz with names"
    learned = load_splits(Mnist().source(), DataRequest(str(place)), Silent())
    assert learned.class_names == tuple(NAMES)
    assert sum(learned.sizes.values()) == (COUNT + 10 if arrays else COUNT)
    assert main(["evaluate", str(ran), "--data", str(place), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["class_names"] == NAMES
    assert found["size"] == (10 if arrays else COUNT)
    assert np.sum(found["confusion"], axis=1).tolist() == [found["size"] // 10] * 10
    if not arrays:
        assert main(["predict", str(ran), str(place), "--json", "--no-prepare"]) == 0
        assert len(capsys.readouterr().out.splitlines()) == COUNT


def test_arrays_without_names_and_a_test_set_alone(played, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    np.savez(tmp_path / "a.npz", x_train=PIXELS, y_train=LABELS, x_test=PIXELS[:10], y_test=LABELS[:10])
    np.savez(tmp_path / "test.npz", x_test=PIXELS[:10], y_test=LABELS[:10] // 2)
    assert main(["run", "mnist", *FLAGS, "--data", "a.npz", "-o", "data.classes=names.txt"]) == 0
    (tmp_path / "names.txt").unlink()  # the model knows them
    capsys.readouterr()
    assert main(["evaluate", "last", "--data", "test.npz", "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["class_names"] == NAMES
    assert "are taken as the numbers of the model's classes: 0 is `n0`" in err
    assert "has no example of 5 of the 10 classes: n5" in err
    assert "train" not in err
    assert main(["evaluate", "last"]) == 0
    assert "numbers of the model" not in capsys.readouterr().err
    np.savez(tmp_path / "wide.npz", x_test=np.zeros((10, 28, 30), np.uint8) + 9, y_test=LABELS[:10])
    assert main(["evaluate", "last", "--data", "wide.npz"]) == 2
    assert "takes inputs of 28x28x1, and those of the data" in capsys.readouterr().err
    far = tmp_path / "far" / "off"
    far.mkdir(parents=True)
    for number in range(2):
        Image.fromarray(PIXELS[number]).save(far / f"{number}.png")
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "list.txt").write_text(f"{far}/0.png n3\n{far}/1.png n4\n")
    command = ["evaluate", "last", "--data", "in/deep/list.txt"]
    assert main(command) == 1
    assert "data.outside=true" in capsys.readouterr().err
    assert main([*command, "-o", "data.outside=true"]) == 0
    assert "2 test examples, all of it" in capsys.readouterr().out
    assert main([*command, "-o", "data.outsid=true"]) == 2
    assert "Did you mean `data.outside`?" in capsys.readouterr().err
