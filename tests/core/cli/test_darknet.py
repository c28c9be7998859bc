"""Darknet's files in and out on the command line."""

import json
import zipfile
from pathlib import Path

import pytest
from darknet_oracle import write_random_weights

from kzoo.cli import main
from kzoo_zoo.yolov3.darknet import parse_cfg

CFG = """[net]
width=64
height=64
channels=3

[convolutional]
batch_normalize=1
filters=6
size=3
stride=2
pad=1
activation=leaky

[convolutional]
filters=14
size=1
activation=linear

[yolo]
mask=0,1
classes=2
num=2
anchors=9,8,20,30
"""


@pytest.fixture
def kzoo(capsys):
    def call(*arguments):
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.cfg").write_text(CFG)
    write_random_weights(parse_cfg(CFG, "net"), Path("net.weights"))
    Path("net.names").write_text("hen\negg\n")
    return tmp_path


def test_there_and_back(kzoo, files):
    code, out, _ = kzoo("import-darknet", "net.cfg", "net.weights", "-o", "net.keras", "--names", "net.names", "--json")
    assert code == 0
    (row,) = json.loads(out)
    assert row["network"] == "net"
    assert row["input"] == "64x64x3"
    with zipfile.ZipFile("net.keras") as archive:
        card = json.loads(archive.read("kzoo.json"))
    assert card["pipeline"] == "yolov3"
    assert card["class_names"] == ["hen", "egg"]
    code, out, err = kzoo("export-darknet", "net.keras", "-o", "again.weights", "--cfg", "again.cfg")
    assert (code, err) == (0, "")
    assert Path("again.weights").read_bytes() == Path("net.weights").read_bytes()
    assert parse_cfg(Path("again.cfg").read_text(), "net").layers == parse_cfg(CFG, "net").layers


REFUSALS = {
    "no cfg": (["none.cfg", "net.weights", "-o", "x.keras"], "There is no cfg none.cfg"),
    "no weights": (["net.cfg", "none.weights", "-o", "x.keras"], "The weights none.weights cannot be read"),
    "no weights named": (["net.cfg", "-o", "x.keras"], "Name the weights for net.cfg"),
    "swapped": (["net.weights", "net.cfg", "-o", "x.keras"], "not a text file"),
    "other cfg": (["yolov3-tiny", "net.weights", "-o", "x.keras"], "bytes are missing"),
    "names": (["net.cfg", "net.weights", "-o", "x.keras", "--names", "none"], "none"),
    "size": (["net.cfg", "net.weights", "-o", "x.keras", "--size", "33"], "multiples of 2"),
    "suffix": (["net.cfg", "net.weights", "-o", "x.h5"], "must end in .keras"),
    "folder": (["net.cfg", "net.weights", "-o", "none/x.keras"], "There is no folder none"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refused_in_one_paragraph_and_nothing_written(case, kzoo, files):
    before = sorted(path.name for path in Path().iterdir())
    arguments, expected = REFUSALS[case]
    code, out, err = kzoo("import-darknet", *arguments)
    assert code in (1, 2)
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert expected in err
    assert sorted(path.name for path in Path().iterdir()) == before


def test_a_file_that_is_no_model(kzoo, files):
    Path("x.keras").write_text("<html>")
    code, _, err = kzoo("export-darknet", "x.keras", "-o", "x.weights")
    assert code == 1
    assert "not a .keras model" in err
    assert not Path("x.weights").exists()
