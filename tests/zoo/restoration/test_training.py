"""The whole way on pieces of two photos: trained, measured, used on pictures and a film, exported, gone on with."""

import csv
import json
import signal

import keras
import numpy as np
import pytest
from PIL import Image

import kzoo
from kzoo.cli import main
from kzoo.data.frames.writing import Mp4
from kzoo.demo.showing import Shown
from kzoo.inference.predicting import find_predicting
from kzoo.models.saving import load_model
from kzoo_zoo.restoration import reading

BRIEF = ("--recipe", "quick", "--epochs", "1", "--width", "8", "--blocks", "1", "-o", "model.patches=2", "--quiet")


def photo(size, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (size[0] // 6 + 1, size[1] // 6 + 1, 3), dtype=np.uint8)
    return np.ascontiguousarray(small.repeat(6, axis=0).repeat(6, axis=1)[: size[0], : size[1]])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train once; return the run and its record."""
    folder = tmp_path_factory.mktemp("trained")
    assert main(["run", "restoration", *BRIEF, "-o", "data.patch=48", "--out", str(folder)]) == 0
    (path,) = (folder / "restoration").iterdir()
    return path, json.loads((path / "run.json").read_text())


@pytest.mark.long
def test_the_whole_way(run, tmp_path, capsys):
    path, record = run
    tested = record["results"]["test"]
    assert {"loss", "psnr", "ssim", "ms_ssim", "psnr_damaged", "gain_over_opencv"} <= set(tested)
    assert {file.stem for file in (path / "plots").iterdir()} >= {"restored", "farthest", "gains"}
    assert "fast_nl_means" in (path / "report.html").read_text()
    assert main(["evaluate", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["psnr"] == pytest.approx(tested["psnr"])
    assert list(found["per_class"])[:2] == ["network", "damaged"]
    assert main(["evaluate", str(path)]) == 0
    assert "METHOD" in capsys.readouterr().out
    for name, size in {"a.png": (50, 61), "b.jpg": (90, 33)}.items():
        Image.fromarray(photo(size)).save(tmp_path / name)
    with Mp4(tmp_path / "film.mp4", 10) as writer:
        for seed in range(3):
            writer.write(photo((64, 64), seed))
    sources = [str(tmp_path / name) for name in ("a.png", "b.jpg", "film.mp4")]
    asked = ["--save", str(tmp_path / "drawn"), "--restored", str(tmp_path / "out"), "--csv", str(tmp_path / "all.csv")]
    assert main(["predict", str(path), *sources, *asked, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["width"], line["height"]) for line in lines[:2]] == [(61, 50), (33, 90)]
    assert len(lines) == 5
    written = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert written == ["a.png", "b.png", *(f"film_{frame:06d}.png" for frame in range(3))]
    assert {file.name for file in (tmp_path / "drawn").iterdir()} == {"a.png", "b.jpg", "film.mp4"}
    np.testing.assert_array_equal(Image.open(tmp_path / "drawn/a.png"), Image.open(tmp_path / "out/a.png"))
    with (tmp_path / "all.csv").open() as file:
        assert {"width", "height", "changed"} <= set(next(csv.DictReader(file)))
    shown = Shown(find_predicting(str(path)), examples=[tmp_path / "a.png"])
    shown.load()
    answer = shown.example({"number": 0})
    assert answer["picture"].startswith("data:image/jpeg")
    assert "error" not in answer


@pytest.mark.long
def test_an_exported_network_restores_alike(run, tmp_path, capsys):
    pytest.importorskip("onnxruntime", reason="ONNX files are run by the extra `onnx`")
    path, _ = run
    Image.fromarray(photo((70, 101))).save(tmp_path / "a.png")
    model = tmp_path / "restoring.onnx"
    assert main(["export", str(path), "--format", "onnx", "--output", str(model)]) == 0
    for name, source in {"own": str(path), "exported": str(model)}.items():
        assert main(["predict", source, str(tmp_path / "a.png"), "--restored", str(tmp_path / name)]) == 0
    capsys.readouterr()
    own, exported = (np.asarray(Image.open(tmp_path / name / "a.png")).astype(int) for name in ("own", "exported"))
    assert np.abs(own - exported).max() <= 1


@pytest.mark.long
def test_a_run_that_was_stopped_goes_on_bit_for_bit(tmp_path):
    settings = {"model.width": 4, "model.blocks": 1, "model.patches": 1, "data.patch": 16, "report": False}
    asked = {"recipe": "quick", "epochs": 2, "batch_size": 14, "options": settings, "verbose": 0}

    class StopAfter(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            signal.raise_signal(signal.SIGINT)  # after one of four steps

    settings["train.steps_per_execution"] = 1
    whole = kzoo.run("restoration", out=tmp_path / "whole", **asked)
    with pytest.raises(KeyboardInterrupt):
        kzoo.run("restoration", out=tmp_path / "cut", callbacks=[StopAfter()], **asked)
    rest = kzoo.run(resume="last", out=tmp_path / "cut", verbose=0, force=True)  # without the callback
    weights = [load_model(result.run.model_path).weights for result in (whole, rest)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.long
@pytest.mark.parametrize(
    ("damage", "loss"),
    [
        ("downscale:factor=2", "0.2*ms_ssim + 0.8*charbonnier"),
        ("jpeg:quality=10", "ssim"),
        ("blur:sigma=1.5", "mean_absolute_error"),
    ],
)
def test_other_damages_and_losses_train_and_are_measured(damage, loss, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_BLOCK", (64, 64))
    found = kzoo.run(
        "restoration",
        recipe="quick",
        loss=loss,
        metrics=["ms_ssim"],
        epochs=1,
        options={"data.damage": damage, "model.width": 4, "model.blocks": 1, "model.patches": 1, "report": False},
        out=tmp_path,
    )
    assert found.run.manifest().test_results["psnr"] > 10
