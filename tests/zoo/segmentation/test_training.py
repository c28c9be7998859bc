"""The whole way on a few drawn scenes: trained, measured, used on pictures and a video, exported, shown."""

import csv
import json
import math

import numpy as np
import pytest
from mask_sets import folders
from PIL import Image

from kzoo.cli import main
from kzoo.data.frames.writing import Mp4
from kzoo.demo.showing import Shown
from kzoo.inference.predicting import find_predicting
from kzoo_zoo.segmentation import reading
from kzoo_zoo.segmentation.shapes import draw_scenes

QUICK = ("--recipe", "quick", "--epochs", "1", "-o", "model.widths=[4,4,8,8]", "-o", "data.image_size=[32,48]")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train once, on a few drawn scenes; return the run and its record."""
    folder = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_SAMPLE", {"train": (16, 0), "validation": (4, 1), "test": (4, 2)})
        assert main(["run", "segmentation", *QUICK, "--out", str(folder), "--quiet"]) == 0
        (path,) = (folder / "segmentation").iterdir()
        yield path, json.loads((path / "run.json").read_text())


@pytest.mark.long
def test_the_whole_way(run, tmp_path, capsys):
    path, record = run
    assert {"loss", "mean_iou", "mean_dice", "pixel_accuracy", "boundary_f1"} <= set(record["results"]["test"])
    assert {file.stem for file in (path / "plots").iterdir()} >= {"confusion_of_pixels", "worst_masks", "segmented"}
    assert "pictures with the least mean IoU" in (path / "report.html").read_text()
    assert main(["evaluate", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["mean_iou"] == pytest.approx(record["results"]["test"]["mean_iou"])
    assert set(found["per_class"]) == set(found["class_names"])
    for at, pixels in enumerate(draw_scenes(2, 5, (50, 60))[0]):
        Image.fromarray(pixels).save(tmp_path / f"photo{at}.png")
    film = tmp_path / "film.mp4"
    with Mp4(film, 10) as writer:
        for pixels in draw_scenes(3, 6, (64, 64))[0]:
            writer.write(pixels)
    asked = [
        "--masks",
        str(tmp_path / "masks"),
        "--coco",
        str(tmp_path / "coco.json"),
        "--save",
        str(tmp_path / "drawn"),
    ]
    sources = [str(tmp_path / name) for name in ("photo0.png", "photo1.png", "film.mp4")]
    assert main(["predict", str(path), *sources, *asked, "--csv", str(tmp_path / "all.csv"), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 5
    assert all(math.isclose(sum(one["share"] for one in line["segments"]), 1, abs_tol=1e-5) for line in lines)
    masks = sorted(file.name for file in (tmp_path / "masks").iterdir())
    assert masks == ["classes.txt", "film_000000.png", "film_000001.png", "film_000002.png", "photo0.png", "photo1.png"]
    assert np.asarray(Image.open(tmp_path / "masks/photo0.png")).shape == (50, 60)
    assert {file.name for file in (tmp_path / "drawn").iterdir()} == {"photo0.png", "photo1.png", "film.mp4"}
    with (tmp_path / "all.csv").open() as file:
        assert {"class", "share", "pixels"} <= set(next(csv.DictReader(file)))
    shown = Shown(find_predicting(str(path)), examples=[tmp_path / "photo0.png"])
    shown.load()
    answer = shown.example({"number": 0})
    assert answer["picture"].startswith("data:image/jpeg")
    assert answer["columns"][:3] == ["class", "index", "share"]
    assert "error" not in answer


@pytest.mark.long
def test_masks_that_were_written_are_masks_to_measure_on(run, tmp_path, capsys):
    """What a network says is exactly what it says: measured against its own masks it is right throughout."""
    path, _ = run
    for at, pixels in enumerate(draw_scenes(3, 5, (50, 60))[0]):
        (tmp_path / "set/images").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / f"set/images/{at}.png")
    assert main(["predict", str(path), str(tmp_path / "set/images"), "--masks", str(tmp_path / "set/masks")]) == 0
    capsys.readouterr()
    assert main(["evaluate", str(path), "--data", str(tmp_path / "set"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["pixel_accuracy"] == 1
    assert found["measured"] == "all of it"


@pytest.mark.long
@pytest.mark.parametrize("form", ["onnx", "litert"])
def test_it_is_exported(form, run, capsys):
    path, _ = run
    assert main(["export", str(path), "--format", form, "--json"]) == 0
    assert max(row["difference"] for row in json.loads(capsys.readouterr().out)["replay"]) < 1e-4


@pytest.mark.long
def test_one_mask_by_a_loss_of_masks(tmp_path, capsys):
    folders(tmp_path / "data", count=12, classes=2, change=lambda labels: labels * 255)
    asked = ["run", "segmentation", *QUICK, "--data", str(tmp_path / "data"), "--out", str(tmp_path / "runs"), "--json"]
    assert main([*asked, "--loss", "lovasz_hinge", "--metric", "dice_score"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert {"dice_score", "mean_iou"} <= set(record["results"]["test"])
    assert main(["evaluate", record["run"], "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["class_names"] == ["background", "foreground"]


@pytest.mark.long
def test_a_loss_that_does_not_take_the_masks_is_refused_before_training(capsys):
    asked = ["run", "segmentation", *QUICK, "--limit", "8", "--dry-run"]
    assert main([*asked, "--loss", "boundary:class_weight=[0,1]"]) == 2
    assert "`class_weight` has 2 numbers, and `y_pred` has 6 classes" in capsys.readouterr().err
    assert main([*asked, "--loss", "boundary"]) == 0


def test_a_component_for_something_else_is_refused(capsys):
    assert main(["run", "segmentation", "--recipe", "quick", "--loss", "arcface"]) == 2
    assert "is for embedding, not for segmentation" in capsys.readouterr().err
