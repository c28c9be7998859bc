"""The whole way on handwritten digits side by side: trained, measured, used on pictures, exported, gone on with."""

import csv
import json

import numpy as np
import pytest
from PIL import Image

from kzoo.cli import main
from kzoo.demo.showing import Shown
from kzoo.inference.predicting import find_predicting
from kzoo.models.saving import load_model
from kzoo_zoo.transcription.sample import digit_lines

BRIEF = ("--recipe", "quick", "--epochs", "1", "-o", "data.lines=64", "-o", "model.width=8", "--quiet")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Train once; return the run and its record."""
    folder = tmp_path_factory.mktemp("trained")
    assert main(["run", "transcription", *BRIEF, "-o", "train.measure_every=1", "--out", str(folder)]) == 0
    (path,) = (folder / "transcription").iterdir()
    return path, json.loads((path / "run.json").read_text())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    for number, (pixels, _) in enumerate(digit_lines(3, 7, (1, 3), test=True)):
        Image.fromarray(pixels[..., 0]).save(folder / f"{number}.png")
    return folder


@pytest.mark.long
def test_the_whole_way(run, pictures, tmp_path, capsys):
    path, record = run
    tested = record["results"]["test"]
    assert {"loss", "sequence_accuracy", "cer", "mean_confidence"} <= set(tested)
    assert {file.stem for file in (path / "plots").iterdir()} >= {"lines", "worst", "confidence", "confusion"}
    assert "val_cer" in (path / "metrics.csv").read_text().splitlines()[0]
    assert "mean_confidence" in (path / "report.html").read_text()
    assert main(["evaluate", str(path), "--json", "--texts", str(tmp_path / "texts.csv")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["cer"] == pytest.approx(tested["cer"])
    with (tmp_path / "texts.csv").open() as file:
        read = list(csv.DictReader(file))
    assert len(read) == 16
    assert sum(row["true"] == row["read"] for row in read) / 16 == pytest.approx(tested["sequence_accuracy"])
    assert main(["evaluate", str(path), "--save", str(tmp_path / "worst")]) == 0
    assert "SYMBOL" in capsys.readouterr().out
    assert any(file.stem == "worst" for file in (tmp_path / "worst").rglob("*"))
    asked = ["--save", str(tmp_path / "drawn"), "--csv", str(tmp_path / "all.csv"), "--json"]
    assert main(["predict", str(path), str(pictures), *asked, "--decoding", "beam", "--top", "2"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 3
    assert all(set(line) >= {"image", "text", "confidence", "others"} for line in lines)
    assert sorted(file.name for file in (tmp_path / "drawn").iterdir()) == ["0.png", "1.png", "2.png"]
    with (tmp_path / "all.csv").open() as file:
        assert list(next(csv.DictReader(file))) == ["image", "text", "confidence"]
    shown = Shown(find_predicting(str(path)), examples=[pictures / "0.png"])
    shown.load()
    answer = shown.example({"number": 0})
    assert answer["picture"].startswith("data:image/jpeg")
    assert "error" not in answer


@pytest.mark.long
def test_other_data_is_measured_in_the_symbols_of_the_network(run, pictures, tmp_path, capsys):
    path, _ = run
    texts = {number: text for number, (_, text) in enumerate(digit_lines(3, 7, (1, 3), test=True))}
    for number, text in texts.items():
        Image.open(pictures / f"{number}.png").save(tmp_path / f"{number}.png")
        (tmp_path / f"{number}.txt").write_text(text)
    assert main(["evaluate", str(path), "--data", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == 3
    (tmp_path / "1.txt").write_text("1x")
    assert main(["evaluate", str(path), "--data", str(tmp_path), "--json"]) == 1
    assert "1.png: its text '1x' has x, which is no symbol that the network knows" in capsys.readouterr().err


@pytest.mark.long
def test_an_exported_network_reads_alike(run, pictures, tmp_path, capsys):
    pytest.importorskip("onnxruntime", reason="ONNX files are run by the extra `onnx`")
    path, _ = run
    model = tmp_path / "reading.onnx"
    assert main(["export", str(path), "-o", str(model)]) == 0
    found = []
    for one in (path, model):
        capsys.readouterr()
        assert main(["predict", str(one), str(pictures), "--json"]) == 0
        found.append([json.loads(line) for line in capsys.readouterr().out.splitlines()])
    for own, exported in zip(*found, strict=True):
        assert exported["text"] == own["text"]
        assert exported["confidence"] == pytest.approx(own["confidence"], abs=1e-3)


@pytest.mark.long
def test_what_means_nothing_here_is_refused(tmp_path, capsys):
    common = ["run", "transcription", *BRIEF, "--out", str(tmp_path)]
    for more, said in (
        (["--loss", "categorical_crossentropy"], "not for transcription"),
        (["-o", "train.class_weight=balanced"], "the task here is transcription"),
        (["--metric", "accuracy"], "not for transcription"),
        (["--width", "16", "-o", "data.digits=[6,6]"], "too long for the network"),
    ):
        assert main([*common, *more]) in (1, 2), more
        assert said in " ".join(capsys.readouterr().err.split()), more
        assert not [file for file in tmp_path.rglob("*") if file.suffix in (".keras", ".csv")], more


@pytest.mark.long
def test_the_same_seed_gives_the_same_weights(tmp_path):
    common = ["run", "transcription", *BRIEF, "-o", "augment.enabled=true", "-o", "report=false"]
    for name in ("one", "other"):
        assert main([*common, "--out", str(tmp_path / name)]) == 0
    models = [load_model(next((tmp_path / name).rglob("model.keras")), compile=False) for name in ("one", "other")]
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.long
def test_the_crnn_trains_and_what_is_not_written_of_it_is_said(tmp_path, capsys):
    common = ["run", "transcription", "--recipe", "classic", "--epochs", "1", "--data", "sample", "--quiet"]
    small = ["-o", "data.lines=32", "-o", "data.digits=[1,2]", "-o", "model.width=8", "-o", "report=false"]
    assert main([*common, *small, "--out", str(tmp_path)]) == 0
    (path,) = (tmp_path / "transcription").iterdir()
    assert "val_cer" in (path / "metrics.csv").read_text().splitlines()[0]
    capsys.readouterr()
    assert main(["export", str(path)]) == 1
    said = " ".join(capsys.readouterr().err.split())
    assert "kzoo has no ONNX for" in said
    assert "--format saved-model" in said
    assert not list(tmp_path.rglob("*.onnx"))
