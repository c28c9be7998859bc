"""``kzoo check``: what a model file is, said without TensorFlow."""

import hashlib
import json
import subprocess
import sys
import zipfile

import keras
import pytest

import kzoo as package
from kzoo.models.card import ModelCard
from kzoo.models.saving import load_model, save_model
from kzoo.plugins.build import build
from kzoo.runs.folder import Run
from kzoo.runs.manifest import Manifest


@pytest.fixture
def model():
    layers = [keras.Input((4, 4, 3)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")]
    made = keras.Sequential(layers)
    made.compile("adam", build("loss", "emd"), jit_compile=False)
    return made


@pytest.fixture
def path(model, tmp_path):
    card = ModelCard(
        pipeline="cats_vs_dogs", task="classification", class_names=("cat", "dog"), input_shape=(4, 4, 3), run="a/b"
    )
    save_model(model, tmp_path / "m.keras", card)
    return tmp_path / "m.keras"


def test_it_says_what_the_file_is(path, kzoo):
    code, out, err = kzoo("check", str(path))
    assert (code, err) == (0, "")
    said = dict(line.split(maxsplit=1) for line in out.splitlines()[1:] if not line.startswith("saved by"))
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert said["pipeline"] == "cats_vs_dogs"
    assert said["classes"] == "2: cat, dog"
    assert said["input"] == "4 x 4 x 3"
    assert said["network"] == "Sequential, 3 layers"
    assert said["weights"].startswith("98 numbers")
    assert f"Keras {keras.__version__}" in out
    version = package.__version__
    assert said["needs"] == f"kzoo {version} for kzoo_plugins>EMD, cats_vs_dogs; {version} is installed"


def test_json_has_all_of_it(path, kzoo):
    code, out, _ = kzoo("check", str(path), "--json")
    found = json.loads(out)
    assert (code, found["faults"]) == (0, [])
    assert found["bytes"] == path.stat().st_size
    assert found["card"]["class_names"] == ["cat", "dog"]
    assert found["weights"]["arrays"] == 4  # kernel and bias; iterations and learning rate
    assert [need["distribution"] for need in found["needs"]] == ["kzoo"]


def test_a_distribution_that_is_not_installed_is_no_fault_of_the_file(model, tmp_path, kzoo, foreign):
    model.compile("adam", build("loss", "foreign:weight=2"), jit_compile=False)
    save_model(model, tmp_path / "m.keras")
    foreign()
    code, out, _ = kzoo("check", str(tmp_path / "m.keras"), "--json")
    [need] = json.loads(out)["needs"]
    assert code == 0
    assert (need["distribution"], need["version"], need["installed"]) == ("kzoo-foreign", "1.4", "")
    assert need["provides"] == ["kzoo_foreign>ForeignLoss"]
    assert "kzoo-foreign 1.4 for kzoo_foreign>ForeignLoss; not installed" in kzoo("check", str(tmp_path / "m.keras"))[1]


def test_every_fault_is_said_and_the_exit_code_is_1(path, kzoo, tmp_path):
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][-1]["config"]["units"] = 10**9
    config["config"]["layers"].append({"class_name": "TFSMLayer", "module": "keras.layers", "config": {}})
    with zipfile.ZipFile(tmp_path / "bad.keras", "w") as new:
        new.writestr("config.json", json.dumps(config))
        new.writestr("kzoo.json", "{")
    code, out, err = kzoo("check", str(tmp_path / "bad.keras"))
    assert code == 1
    assert "Sequential, 4 layers" in out
    for fault in (
        "it holds no metadata.json",
        "its member kzoo.json is damaged",
        "it brings code with it, a SavedModel of TensorFlow",
        "units = 1,000,000,000, and the limit is",
        "it holds no model.weights.h5",
    ):
        assert fault in err
    assert kzoo("check", str(tmp_path / "bad.keras"), "--json")[0] == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("m.h5", b"\x89HDF\r\n\x1a\n", "it is an HDF5 file"),
        ("m.weights.h5", b"\x89HDF\r\n\x1a\n", "it is a file of weights alone"),
        ("m.pkl", b"\x80\x04", "it is a pickle"),
        ("m.keras", b"", "the file is empty"),
    ],
)
def test_it_says_what_a_file_is_instead(name, content, said, tmp_path, kzoo):
    (tmp_path / name).write_bytes(content)
    code, _, err = kzoo("check", str(tmp_path / name))
    assert code == 1
    assert f"{name}: " in err
    assert said in err


@pytest.mark.parametrize(
    ("name", "content", "engine"),
    [
        ("m.tflite", b"\x1c\x00\x00\x00TFL3\x14\x00\x20\x00", "LiteRT"),
        ("m.xml", b'<?xml version="1.0"?>\n<net name="m" version="11">\n\t<layers>', "OpenVINO"),
    ],
)
def test_what_kzoo_exports_for_other_engines_is_called_by_its_name(name, content, engine, tmp_path, kzoo):
    (tmp_path / name).write_bytes(content)
    for words in (("check",), ("predict", "x.png"), ("evaluate",)):
        code, _, err = kzoo(words[0], str(tmp_path / name), *words[1:])
        assert code == 1
        assert f"it is a model of {engine}" in " ".join(err.split())
        assert "damaged" not in err
        assert "its name does not end" not in err


@pytest.mark.parametrize("end", ["a row", "a graph", "one for two"])
def test_a_card_that_names_fewer_classes_than_the_network_has_outputs_is_at_fault(end, tmp_path, kzoo):
    inputs = keras.Input((4,))
    layers = [inputs, keras.layers.Dense(1 if end == "one for two" else 5)]
    made = keras.Model(inputs, layers[1](inputs)) if end == "a graph" else keras.Sequential(layers)
    save_model(made, tmp_path / "m.keras", ModelCard(class_names=("a", "b"), label_form="dense"))
    code, _, err = kzoo("check", str(tmp_path / "m.keras"))
    if end == "one for two":
        assert (code, err) == (0, "")
    else:
        assert code == 1
        assert "`class_names` names 2 classes, but the network beside it gives 5 outputs" in err


@pytest.mark.parametrize("member", ["model.weights.h5", "config.json"])
def test_of_a_member_that_is_not_what_its_checksum_says_nothing_more_is_said(member, path, kzoo):
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        info = archive.getinfo(member)
        assert info.compress_type == zipfile.ZIP_STORED
    name, extra = content[info.header_offset + 26 : info.header_offset + 30 : 2]
    start = info.header_offset + 30 + name + extra
    content[start : start + info.file_size] = bytes(info.file_size)
    path.write_bytes(content)
    code, _, err = kzoo("check", str(path))
    assert code == 1
    assert err == f"error: {path}: its member {member} is damaged: Bad CRC-32 for file '{member}'.\n"


def test_a_missing_file_and_a_folder(tmp_path, kzoo):
    assert kzoo("check", str(tmp_path / "gone.keras"))[::2] == (1, f"error: There is no model {tmp_path}/gone.keras.\n")
    (tmp_path / "m.keras").mkdir()
    assert "it is a folder" in kzoo("check", str(tmp_path / "m.keras"))[2]


def test_a_model_of_a_run_is_compared_with_what_the_run_recorded(path, model, tmp_path, kzoo):
    run = Run(tmp_path)
    save_model(model, run.model_path)
    run.manifest_path.write_text(json.dumps(Manifest(pipeline="p").to_dict()), encoding="utf-8")
    run.update(status="done")
    assert kzoo("check", str(tmp_path))[0] == 0
    save_model(load_model(path), run.model_path, ModelCard(run="another"))
    code, _, err = kzoo("check", str(tmp_path))
    assert code == 1
    assert "is not the model that its run saved: its SHA-256 is" in err


def test_neither_tensorflow_nor_keras_is_imported(path):
    script = f"""
import sys
from kzoo.cli import main
code = main(["check", {str(path)!r}])
print(code, sorted({{"tensorflow", "keras", "cv2", "matplotlib", "PIL"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"
