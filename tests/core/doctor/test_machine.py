"""What is found on a machine, on one where each thing is amiss."""

import json
import os
import sys

import numpy as np
import pytest

from kzoo.doctor import findings, machine
from kzoo.doctor.trial import findings_of_tensorflow


def by_name(found):
    return {one.name: one for one in found}


@pytest.fixture
def clean(tmp_path, monkeypatch):
    """Make a machine that is in order: no settings of Keras, an empty cache."""
    for name in machine._FLAGS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delitem(sys.modules, "keras.src.backend.config", raising=False)  # the command runs before Keras does
    monkeypatch.setenv("KZOO_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(machine, "_LITTLE_ROOM", 0)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_machine_in_order(clean):
    found = by_name(findings())
    assert [one for one in found.values() if one.state and one.section != "cameras"] == []
    assert found["numpy"].value == np.__version__
    assert found["threads"].value["there"] == os.cpu_count()
    assert list(clean.iterdir()) == []  # nothing is left behind


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"backend": "jax"}, "kzoo needs tensorflow as `backend`, not 'jax'"),
        ({"image_data_format": "channels_first"}, "kzoo needs channels_last as `image_data_format`"),
        ({"floatx": "float16"}, "kzoo needs float32 or float64 as `floatx`"),
        ([], "Keras cannot read its settings"),
    ],
)
def test_keras_is_set_to_something_else(settings, says, clean):
    (clean / "keras").mkdir()
    file = clean / "keras" / "keras.json"
    file.write_text(json.dumps(settings))
    one = by_name(machine._keras())[str(file)]
    assert one.state == "error"
    assert says in one.says


def test_the_environment(clean, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    found = by_name(machine._flags())
    assert (found["backend"].state, found["oneDNN"].state) == ("error", "warning")
    assert found["KERAS_BACKEND"].value == "torch"


def test_folders_that_cannot_be_used(clean, monkeypatch):
    (clean / "data").write_text("a file")
    found = by_name(machine._folders())["data sets"]
    assert (found.state, "is a file, no folder" in found.says) == ("error", True)

    def refuse(dir):  # noqa: A002 - the argument of tempfile
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(machine.tempfile, "TemporaryFile", refuse)
    found = by_name(machine._folders())["runs"]
    assert "cannot be written to: Permission denied. Name another one with `--out`" in found.says
    monkeypatch.undo()
    monkeypatch.setattr(machine, "_LITTLE_ROOM", 2**80)
    assert by_name(machine._folders())["temporary files"].state == "warning"


def test_broken_plugins_are_named(clean, plugins):
    plugins("good", "bad_import")
    found = by_name(machine._plugins())
    assert found["kzoo-good 1.2 good"].state == ""
    broken = found["kzoo-bad-import 0.2 bad"]
    assert broken.state == "warning"
    assert "No module named" in broken.says


def test_a_package_that_is_missing(clean, monkeypatch):
    own = machine._version
    monkeypatch.setattr(machine, "_version", lambda name: None if name in ("rich", "faster-coco-eval") else own(name))
    assert by_name(machine._versions())["rich"].state == "error"
    [extra] = [one for one in machine._extras() if "coco" in one.name]
    assert extra.value == "not installed; `pip install 'kzoo[detection]'` adds it"
    monkeypatch.setattr(machine, "_version", lambda name: "2.21" if name == "tensorflow-cpu" else None)
    assert by_name(machine._versions())["tensorflow"].value == "2.21 (tensorflow-cpu)"


@pytest.mark.long
def test_tensorflow_on_trial(monkeypatch):
    found = by_name(findings_of_tensorflow())
    assert [one for one in found.values() if one.state] == []
    assert "loss" in found["a first step"].value
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    [one] = findings_of_tensorflow()
    assert (one.state, "KERAS_BACKEND is `torch`" in one.says) == ("error", True)


def test_the_command(clean, kzoo, plugins):
    code, out, err = kzoo("doctor")
    assert (code, err) == (0, "")
    assert "Nothing stands in the way." in out
    assert np.__version__ in out
    plugins("bad_import")
    code, out, err = kzoo("doctor", "--json")
    told = json.loads(out)
    assert (code, told["versions"]["numpy"]) == (0, np.__version__)
    assert [one["state"] for one in told["problems"] if one["section"] == "plugins"] == ["warning"]
    (clean / "data").write_text("a file")
    code, out, err = kzoo("doctor")
    assert code == 1
    assert "error: data sets: " in err
