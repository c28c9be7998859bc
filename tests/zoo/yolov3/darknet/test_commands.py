"""Darknet's files in and out on the command line."""

import hashlib
import json
import struct
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from darknet_cfgs import convolution, head, net
from darknet_oracle import write_random_weights
from malformed_files import CFG as CFG_OF_ONE
from malformed_files import CFGS, WEIGHTS, good_weights
from PIL import Image

from kzoo.data.download import RemoteFile
from kzoo_zoo.yolov3.darknet import parse_cfg, pretrained
from kzoo_zoo.yolov3.darknet.pretrained import Backbone

CFG = net(64, 64) + convolution(6, 3, 2) + head(anchors="9,8,20,30")


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
    "no cfg and no weights named": (["none.cfg", "-o", "x.keras"], "There is no cfg none.cfg"),
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


def _refused(kzoo, folder, command):
    before = sorted(path.name for path in folder.iterdir())
    code, out, err = kzoo(*command)
    assert code in (1, 2)
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "unexpected" not in err
    assert sorted(path.name for path in folder.iterdir()) == before
    return err


@pytest.mark.parametrize("name", CFGS)
def test_cfgs_that_are_wrong(name, kzoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text, expected = CFGS[name]
    Path("net.cfg").write_text(text)
    Path("net.weights").write_bytes(good_weights())
    assert expected in _refused(kzoo, tmp_path, ("import-darknet", "net.cfg", "net.weights", "-o", "x.keras"))


@pytest.mark.parametrize("name", WEIGHTS)
@pytest.mark.parametrize(
    "command",
    [
        ("import-darknet", "net.cfg", "net.weights", "-o", "x.keras"),
        ("predict", "yolov3", "photo.png", "--network", "net.cfg", "--weights", "net.weights", "--save", "drawn"),
    ],
    ids=("import", "predict"),
)
def test_weights_that_are_wrong(command, name, kzoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content, expected = WEIGHTS[name]
    Path("net.cfg").write_text(CFG_OF_ONE)
    Path("net.weights").write_bytes(content)
    Image.new("RGB", (40, 30)).save("photo.png")
    assert expected.lower() in _refused(kzoo, tmp_path, command).lower()


def test_the_right_ones_are_read(kzoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.cfg").write_text(CFG_OF_ONE)
    for header in ({}, {"minor": 1}, {"major": 1, "minor": 0}):
        Path("net.weights").write_bytes(good_weights(**header))
        assert kzoo("import-darknet", "net.cfg", "net.weights", "-o", "x.keras")[0] == 0


class TestBackbones:
    def test_offline(self, kzoo, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("KZOO_DATA", str(tmp_path / "cache"))
        monkeypatch.setenv("KZOO_MIRROR", "http://127.0.0.1:9")
        for command in (
            ("yolov3", "darknet53.conv.74"),
            ("darknet53.conv.74",),
            ("yolov3-tiny", "yolov3-tiny.conv.15"),
        ):
            code, out, err = kzoo("import-darknet", *command, "-o", "x.keras")
            assert (code, out) == (1, "")
            assert f"The weights of {command[-1]} are not in the cache, and there is no network" in err
            assert "name it instead" in err
            assert not Path("x.keras").exists()

    def test_finds_nothing_before_a_training(self, kzoo, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Image.new("RGB", (40, 30)).save("photo.png")
        code, _, err = kzoo("predict", "yolov3", "photo.png", "--weights", "darknet53.conv.74")
        assert code == 2
        assert "-o model.network=yolov3 -o model.weights=darknet53.conv.74" in err


@pytest.fixture
def published(files, file_server, monkeypatch):
    """Let net.weights be what `yolov3-tiny` and, of its first layer, `yolov3-tiny.conv.15` are the names of."""
    content = Path("net.weights").read_bytes()
    url = f"{file_server(content)}/net.weights"
    remote = RemoteFile((url,), hashlib.sha256(content).hexdigest(), len(content), "net.weights", "yolov3")
    monkeypatch.setenv("KZOO_DATA", str(files / "cache"))
    monkeypatch.setitem(pretrained.PRETRAINED, "yolov3-tiny", remote)
    monkeypatch.setitem(pretrained.BACKBONES, "yolov3-tiny.conv.15", Backbone("yolov3-tiny", 1, remote, "a test"))
    return content


class TestDownloads:
    def test_predict_shows_a_download_once(self, kzoo, published):
        Image.new("RGB", (40, 30)).save("photo.png")
        command = ("predict", "yolov3", "photo.png", "--weights", "yolov3-tiny", "--network", "net.cfg")
        code, _, err = kzoo(*command)
        assert code == 0
        assert "downloading net.weights (0.0 MB)" in err
        code, _, err = kzoo(*command)
        assert code == 0
        assert "downloading" not in err

    def test_lines_for_programs_are_not_mixed_with_it(self, kzoo, published):
        Image.new("RGB", (40, 30)).save("photo.png")
        code, out, err = kzoo(
            "predict", "yolov3", "photo.png", "--weights", "yolov3-tiny", "--network", "net.cfg", "--json"
        )
        assert code == 0
        assert json.loads(out)
        assert "downloading" not in err

    def test_a_backbone_by_name_is_imported_as_far_as_it_goes(self, kzoo, published):
        code, _, err = kzoo("import-darknet", "net.cfg", "yolov3-tiny.conv.15", "-o", "net.keras")
        assert code == 0
        assert "downloading net.weights" in err
        assert "1 convolutions of net.keras got no weights" in err
        kzoo("export-darknet", "net.keras", "-o", "again.weights")
        again, first = Path("again.weights").read_bytes(), 20 + 4 * (4 * 6 + 6 * 3 * 9)
        assert again[:first] == published[:first]
        assert again[first:] != published[first:]
        Image.new("RGB", (40, 30)).save("photo.png")
        code, _, err = kzoo("predict", "net.keras", "photo.png")
        assert code == 2
        assert "1 convolutions of this network got no weights" in err


def test_a_file_that_is_no_model(kzoo, files):
    Path("x.keras").write_text("<html>")
    code, _, err = kzoo("export-darknet", "x.keras", "-o", "x.weights")
    assert code == 1
    assert "x.keras is not read: it is a web page" in err
    assert not Path("x.weights").exists()


class TestModelsOfOthers:
    def export(self, kzoo, card):
        with zipfile.ZipFile("x.keras", "w") as archive:
            archive.writestr("config.json", "{}")
            if card is not None:
                archive.writestr("kzoo.json", json.dumps({"schema_version": 2, **card}))
        found = kzoo("export-darknet", "x.keras", "-o", "x.weights", "--cfg", "x.cfg")
        assert not Path("x.weights").exists()
        return found

    def test_of_another_pipeline(self, kzoo, files):
        code, out, err = self.export(kzoo, {"pipeline": "mnist"})
        assert (code, out) == (2, "")
        assert err == "error: x.keras is a model of the pipeline `mnist`, which has no Darknet form.\n"

    def test_of_no_pipeline(self, kzoo, files):
        code, out, err = self.export(kzoo, None)
        assert (code, out) == (1, "")
        assert err.startswith("error: x.keras was not saved by kzoo: it does not say which pipeline")

    def test_of_no_cfg(self, kzoo, files):
        code, out, err = self.export(kzoo, {"pipeline": "yolov3"})
        assert (code, out) == (2, "")
        assert err == "error: x.keras does not tell the cfg that it was made from.\n"


def test_a_classifier_tells_what_the_middle_of_a_picture_shows(kzoo, tmp_path, monkeypatch):
    """The class is that which OpenCV finds in its own crop of the middle."""
    monkeypatch.chdir(tmp_path)
    last = convolution(4, 1, activation="linear", normalized=False)
    Path("net.cfg").write_text(net(32, 32) + convolution(6, 3, 2) + "[avgpool]\n" + last + "[softmax]\ngroups=1\n")
    write_random_weights(parse_cfg(Path("net.cfg").read_text(), "net"), Path("net.weights"))
    Path("net.names").write_text("crane\negg\ncrane\nhen\n")
    pixels = np.random.default_rng(3).integers(0, 256, (60, 90, 3), np.uint8)
    Image.fromarray(pixels).save("photo.png")
    assert kzoo("import-darknet", "net.cfg", "net.weights", "-o", "net.keras", "--names", "net.names")[0] == 0
    code, out, _ = kzoo("predict", "net.keras", "photo.png", "--json")
    assert code == 0
    row = json.loads(out)
    oracle = cv2.dnn.readNetFromDarknet("net.cfg", "net.weights")
    oracle.setInput(cv2.dnn.blobFromImage(pixels, 1 / 255, (32, 32), crop=True))
    wanted = oracle.forward().reshape(-1)
    assert row["class"] == ["crane", "egg", "crane (2)", "hen"][wanted.argmax()]
    assert row["probability"] == pytest.approx(wanted.max(), abs=1e-3)
    for command, expected in (
        (("predict", "net.keras", "photo.png", "--threshold", "0.5"), "--threshold: it is for detectors"),
        (("evaluate", "net.keras", "--data", "."), "here it can only predict"),
        (("predict", "yolov3", "photo.png", "--network", "net.cfg", "--weights", "net.weights"), "is a classifier"),
        (("run", "yolov3", "-r", "quick", "-o", "model.network=net.cfg"), "no detector that can be trained"),
    ):
        code, _, err = kzoo(*command)
        assert code in (1, 2)
        assert expected in err


def test_weights_that_the_user_trusts(kzoo, files):
    raw = Path("net.weights").read_bytes()
    Path("net.weights").write_bytes(raw[:-4] + struct.pack("<f", float("nan")))
    assert "--trust-weights" in kzoo("import-darknet", "net.cfg", "net.weights", "-o", "net.keras")[2]
    assert kzoo("import-darknet", "net.cfg", "net.weights", "-o", "net.keras", "--trust-weights")[0] == 0
    assert kzoo("export-darknet", "net.keras", "-o", "again.weights")[0] == 0
    assert Path("again.weights").read_bytes() == Path("net.weights").read_bytes()
