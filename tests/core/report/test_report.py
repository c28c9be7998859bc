"""Pictures of a run: what is chosen, what is counted, and a page that needs nothing else."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kzoo.cli import main
from kzoo.report import write_report
from kzoo.report.figures import curves
from kzoo.runs.configure import configure
from kzoo.runs.folder import create_run
from kzoo.runs.manifest import DataRecord, Manifest, TrainingRecord
from kzoo.tasks import task_named
from kzoo.tasks.classes import ClassOutcome
from kzoo.tasks.values import ValueOutcome

NAMES = ("cat", "dog", "<b>bird</b>")
CLASSES, NUMBERS = task_named("classification"), task_named("regression")
HISTORY = [
    {"loss": 100.0, "accuracy": 0.5, "val_loss": 90.0, "val_accuracy": 0.4, "matrix": [[1, 2], [3, 4]]},
    {"loss": 1.0, "accuracy": 0.7, "val_loss": None, "val_accuracy": 0.6, "matrix": [[1, 2], [3, 4]]},
]


def outcome(seed=0, size=40, *, image=True):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(3), size)
    pixels = rng.integers(0, 256, (size, 6, 5, 3), "uint8")
    return ClassOutcome(rng.integers(0, 3, size), probabilities, NAMES, pixels.__getitem__ if image else None)


@pytest.fixture
def run(tmp_path):
    config = configure("mnist", recipe="quick")
    data = DataRecord(description="drawings & <photos>", used="sample")
    made = create_run(tmp_path, config, Manifest(data=data, argv=["kzoo", "run", "mnist"], timings={"train": 1.5}))
    results = {"test": {"loss": 0.25, "accuracy": 0.5}}
    made.update(status="done", training=TrainingRecord(history=HISTORY), results=results)
    return made


def test_a_page_holds_its_pictures_and_asks_for_nothing(run):
    files = write_report(run, CLASSES, outcome())
    assert [file.name for file in files] == [
        "curves.png", "confusion.png", "mistakes.png", "examples.png", "report.html",
    ]  # fmt: skip
    for file in files[:-1]:
        with Image.open(file) as image:
            image.verify()
    page = files[-1].read_text("utf-8")
    assert page.count("data:image/png;base64,") == 4
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    assert "<b>bird</b>" not in page
    assert "drawings &amp; &lt;photos&gt;" in page
    assert "say nothing about the real task" in page
    assert "kzoo run mnist" in page


def test_without_images_and_without_mistakes_there_are_fewer_pictures(run):
    right = ClassOutcome(np.arange(3), np.eye(3), NAMES, None)
    assert [file.name for file in write_report(run, CLASSES, right)] == ["curves.png", "confusion.png", "report.html"]


def test_numbers_are_drawn_against_the_truth(run):
    true = np.linspace(0, 1, 9)[:, None]
    found = write_report(run, NUMBERS, ValueOutcome(true, true**2, ["y"], np.arange(9.0), "x"))
    assert "values.png" in [file.name for file in found]


def test_curves_leave_out_what_is_no_number_and_scale_a_long_fall():
    axes = curves(HISTORY).axes
    assert [one.get_title() for one in axes] == ["loss", "accuracy"]
    assert [one.get_yscale() for one in axes] == ["log", "linear"]
    training, validation = axes[0].lines
    assert training.get_ydata().tolist() == [100.0, 1.0]
    assert np.isnan(validation.get_ydata()[1])


def test_a_run_whose_data_is_gone_keeps_the_pictures_of_its_test(run):
    write_report(run, CLASSES, outcome())
    page = (run.path / "report.html").read_text("utf-8")
    files = write_report(run, CLASSES)
    assert [file.name for file in files] == ["curves.png", "report.html"]
    again = files[-1].read_text("utf-8")
    assert again.count("data:image/png;base64,") == 4
    assert again.index("Loss and metrics") < again.index("Confusion matrix")
    assert len(again) < len(page)  # without the table of the classes


def test_the_command_draws_a_run_again(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    small = ["--data", "sample", "--recipe", "quick", "--limit", "40", "--epochs", "1", "--quiet"]
    assert main(["run", "mnist", *small, "-o", "report=false"]) == 0
    [folder] = Path("runs/mnist").iterdir()
    assert not (folder / "report.html").exists()
    capsys.readouterr()
    assert main(["report", "last", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [Path(file).exists() for file in said["files"]]
    assert (folder / "report.html").exists()
    assert main(["run", "mnist", *small]) == 0
    assert "report.html" in capsys.readouterr().out


def test_a_report_that_cannot_be_written_takes_nothing_from_the_run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("kzoo.report.write_report", full)
    small = ["--data", "sample", "--recipe", "quick", "--limit", "40", "--epochs", "1", "--quiet"]
    assert main(["run", "mnist", *small]) == 0
    assert "The run is done, but its report could not be written" in capsys.readouterr().err
    [folder] = Path("runs/mnist").iterdir()
    assert json.loads((folder / "run.json").read_text("utf-8"))["status"] == "done"


@pytest.mark.long
def test_the_command_goes_on_without_the_data_and_finds_it_where_it_is(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        for number in range(6):
            path = tmp_path / "photos" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (32, 32, 3), "uint8")).save(path)
    small = ["--epochs", "1", "--quiet", "-o", "data.image_size=32"]
    assert main(["run", "cats_vs_dogs", "--data", "photos", *small]) == 0
    Path("photos").rename("moved")
    capsys.readouterr()
    assert main(["report", "last"]) == 0
    said = capsys.readouterr()
    assert "photos, is not there any more" in said.err
    assert "confusion.png" not in said.out
    page = next(Path("runs/cats_vs_dogs").iterdir()) / "report.html"
    assert "Confusion matrix of the test split" in page.read_text("utf-8")
    assert main(["report", "last", "--data", "moved"]) == 0
    assert "confusion.png" in capsys.readouterr().out
    assert main(["evaluate", "last"]) == 1
    assert "Name where it is now with --data" in capsys.readouterr().err
