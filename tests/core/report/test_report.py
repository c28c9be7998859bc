"""Pictures of a run: what is chosen, what is counted, and a page that needs nothing else."""

import json
import math
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kzoo.cli import main
from kzoo.errors import KzooError
from kzoo.report import write_pictures, write_report
from kzoo.report.figures import curves
from kzoo.report.page import table
from kzoo.report.write import as_png
from kzoo.runs.configure import configure
from kzoo.runs.folder import create_run
from kzoo.runs.manifest import DataRecord, Manifest, TrainingRecord
from kzoo.tasks import task_named
from kzoo.tasks.class_figures import confusion_matrix
from kzoo.tasks.classes import ClassOutcome
from kzoo.tasks.task import Confusion
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


def test_what_is_measured_of_validation_data_alone_has_a_panel():
    """Also where it is measured after some epochs only: between these the line goes on."""
    history = [{"loss": 3.0, "val_loss": 3.0}, {"loss": 2.0, "val_loss": 2.5, "val_cer": 0.5}, {"loss": 1.5}]
    history.append({"loss": 1.0, "val_loss": math.nan, "val_cer": 0.25})
    axes = curves(history).axes
    assert [one.get_title() for one in axes] == ["loss", "cer"]
    assert [line.get_label() for line in axes[1].lines] == ["validation"]
    assert axes[1].lines[0].get_xydata().tolist() == [[2, 0.5], [4, 0.25]]
    assert axes[0].lines[0].get_xdata().tolist() == [1, 2, 3, 4]


def test_curves_leave_out_what_is_no_number_and_scale_a_long_fall():
    axes = curves(HISTORY).axes
    assert [one.get_title() for one in axes] == ["loss", "accuracy"]
    assert [one.get_yscale() for one in axes] == ["log", "linear"]
    training, validation = axes[0].lines
    assert training.get_ydata().tolist() == [100.0, 1.0]
    assert np.isnan(validation.get_ydata()[1])


@pytest.mark.parametrize("losses", [(100.0, 1.0), (0.7, 0.02), (0.65, 0.015), (3.0, 1e-6)])
def test_the_numbers_beside_a_long_fall_are_numbers_and_no_formulas(losses):
    from matplotlib.text import Text

    figure = curves([{"loss": value} for value in losses])
    as_png(figure)
    [axes] = figure.axes
    shown = [text.get_text() for text in axes.yaxis.findobj(Text) if text.get_text()]
    assert axes.get_yscale() == "log"
    assert len(set(shown)) >= 3
    assert all(float(text) > 0 for text in shown)


def test_what_a_run_is_told_by_stands_on_top(run):
    environment = {"host": "heron", "cpu": "Vapor 3", "cpus": 6, "versions": {"keras": "3.15", "numpy": None}}
    training = TrainingRecord(history=HISTORY, epochs=2, best_epoch=1, weights="best (epoch 1)")
    run.update(environment=environment, training=training, started="2026-11-30T03:04:05+00:00")
    page = write_report(run, CLASSES)[-1].read_text("utf-8")
    told = dict(re.findall(r"<tr><th>(\w+)</th><td>(.*?)</td></tr>", page))
    assert told["date"] == "2026-11-30 03:04 UTC"
    assert told["machine"] == "heron, Vapor 3, 6 processors"
    assert told["versions"] == "keras 3.15"
    assert (told["loss"], told["optimizer"]) == tuple(map(str, (run.config().loss, run.config().optimizer)))
    assert told["epochs"] == "2; the best is 1; the model has the weights of the best (epoch 1)"
    assert page.index("Vapor 3") < page.index("Test results") < page.index("data:image/png")


def test_settings_that_are_damaged_do_not_take_the_page_away(run):
    run.config_path.write_text("[train\n")
    page = write_report(run, CLASSES)[-1].read_text("utf-8")
    assert "not known: " in page
    assert "[train\n" in page


def test_the_best_epoch_is_marked():
    for axes in curves(HISTORY, 2).axes:
        [mark] = [line for line in axes.lines if line.get_linestyle() == ":"]
        assert set(mark.get_xdata()) == {2}
        assert "best epoch: 2" in [text.get_text() for text in axes.get_legend().get_texts()]
    assert [len(axes.lines) for axes in curves(HISTORY, None).axes] == [2, 2]
    assert [len(axes.lines) for axes in curves(HISTORY, 9).axes] == [2, 2]


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.5, 0.123456, 12.0], ["0.5000", "0.1235", "12.0000"]),
        ([1234.5, 0.25], ["1,234.50", "0.25"]),
        ([198800.25, 1.0], ["198,800", "1"]),
        ([0.00001234, 0.5], ["1.234e-05", "5.000e-01"]),
        ([1000, 2], ["1,000", "2"]),
        ([float("nan"), 0.5], ["nan", "0.5000"]),
        (["text", 0.5], ["text", "0.5000"]),
    ],
)
def test_the_numbers_of_a_column_have_the_same_decimals(values, shown):
    made = table([{"name": "a", "value": value} for value in values])
    assert [re.sub("<.*?>", "", row).removeprefix("a") for row in re.findall("<tr>(<td>.*?)</tr>", made)] == shown
    assert '<th class="number">value</th>' in made


@pytest.mark.parametrize(
    ("size", "largest", "shown"),
    [(2, 40, 2), (10, 40, 10), pytest.param(40, 40, 40, marks=pytest.mark.long), (120, 6, 60)],
)
def test_a_matrix_grows_with_its_classes_and_no_two_texts_touch(size, largest, shown, monkeypatch):
    monkeypatch.setattr("kzoo.tasks.class_figures._LARGEST", largest)
    names = [f"class {number}" for number in range(size)]
    counts = np.full((size, size), 12_345_678)
    figure = confusion_matrix(Confusion(names, counts))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    labels = [text for text in axes.get_yticklabels() if text.get_text()]
    boxes = sorted((text.get_window_extent() for text in labels), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in pairwise(boxes))
    numbers = [text for text in axes.texts if text.get_text() == "12,345,678"][:size]
    columns = sorted((text.get_window_extent() for text in numbers), key=lambda box: box.x0)
    assert all(left.x1 <= right.x0 for left, right in pairwise(columns))
    assert min(text.get_fontsize() for text in labels) >= 4
    assert len(labels) == shown
    assert figure.get_size_inches()[1] == pytest.approx(min(3 + 0.45 * size, max(18, 0.16 * size), largest))


@pytest.mark.long
def test_it_is_read_on_a_phone_and_in_the_dark(run):
    files = write_report(run, CLASSES, outcome())
    page = files[-1].read_text("utf-8")
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "@media (prefers-color-scheme: dark)" in page
    assert "@media (max-width: 40rem)" in page
    kinds = re.findall(r'<div class="wide"><img class="(\w+)" alt="(.*?)" width="(\d+)" height="(\d+)"', page)
    assert [kind for kind, *_ in kinds] == ["chart", "chart", "photo", "photo"]
    for (_, _, width, height), file in zip(kinds, files[:-1], strict=True):
        with Image.open(file) as image:
            assert image.size == (int(width), int(height))
    assert page.count('<div class="wide"><table>') == 3


@pytest.mark.long
def test_a_run_whose_data_is_gone_keeps_the_pictures_of_its_test(run):
    write_report(run, CLASSES, outcome())
    page = (run.path / "report.html").read_text("utf-8")
    files = write_report(run, CLASSES)
    assert [file.name for file in files] == ["curves.png", "report.html"]
    again = files[-1].read_text("utf-8")
    assert again.count("data:image/png;base64,") == 4
    assert again.index("Loss and metrics") < again.index("Confusion matrix")
    assert len(again) < len(page)  # without the table of the classes


@pytest.mark.long
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


@pytest.mark.long
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


def test_links_in_a_foreign_run_are_not_followed(run, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (run.path / "plots").symlink_to(other)
    with pytest.raises(KzooError, match="plots is a link that leads out of its folder"):
        write_report(run, CLASSES, outcome())
    assert list(other.iterdir()) == []
    (run.path / "plots").unlink()
    (run.path / "plots").mkdir()
    (other / "secret").write_bytes(b"secret")
    (run.path / "plots" / "confusion.png").symlink_to(other / "secret")
    with pytest.raises(KzooError, match=r"confusion\.png is a link"):
        write_report(run, CLASSES)
    (run.path / "plots" / "confusion.png").unlink()
    run.config_path.unlink()
    run.config_path.symlink_to(other / "secret")
    with pytest.raises(KzooError, match=r"config\.toml is a link"):
        write_report(run, CLASSES)


@pytest.mark.long
def test_a_class_by_the_name_of_a_formula_is_drawn_as_it_is(tmp_path):
    names = ("$", "$x^$", "\\frac{")
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (9, 6, 5, 3), "uint8")
    made = ClassOutcome(rng.integers(0, 3, 9), rng.dirichlet(np.ones(3), 9), names, pixels.__getitem__)
    assert [path.name for path in write_pictures(tmp_path, made)] == ["confusion.png", "mistakes.png", "examples.png"]
