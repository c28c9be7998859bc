"""Saved models find their components again, say what is missing, and never choose what code runs."""

import json
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import kzoo
from kzoo.errors import KzooError
from kzoo.models.card import ModelCard
from kzoo.models.saving import CARD, load_model, read_card, register_with_keras, save_model
from kzoo.plugins.build import build

X = np.random.default_rng(0).integers(0, 256, (4, 5), dtype=np.uint8)


def make_model(loss="emd:p=1", regularizer=None):
    kernel = build("regularizer", regularizer) if regularizer else None
    model = keras.Sequential(
        [keras.Input((5,), dtype="uint8"), keras.layers.Rescaling(1 / 255),
         keras.layers.Dense(3, activation="softmax", kernel_regularizer=kernel)]
    )  # fmt: skip
    model.compile("sgd", build("loss", loss), metrics=[build("metric", "emd")], jit_compile=False)
    model.train_on_batch(X, np.eye(3)[[0, 1, 2, 0]])
    return model


def test_a_model_comes_back_with_its_loss_and_weights(tmp_path):
    model, path = make_model(), tmp_path / "m.keras"
    save_model(model, path, ModelCard(class_names=("a", "b", "c")))
    again = load_model(path)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.loss.get_config() == model.loss.get_config()
    assert again.optimizer.iterations.numpy() == 1
    assert read_card(path).class_names == ("a", "b", "c")
    components = read_card(path).components
    assert type(model.loss).__name__ in {component["name"].split(">")[1] for component in components}
    assert {(c["distribution"], c["version"]) for c in components} == {("kzoo", kzoo.__version__)}


def test_a_fresh_process_loads_it_with_kzoo_and_with_plain_keras(tmp_path):
    path = tmp_path / "m.keras"
    save_model(make_model(), path)
    script = f"""
import sys
import kzoo
assert "keras" not in sys.modules
first = kzoo.load_model({str(path)!r})
kzoo.register_with_keras()
import keras
second = keras.models.load_model({str(path)!r})
print(type(first.loss).__module__.split(".")[0], type(second.loss).__name__ == type(first.loss).__name__)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["kzoo_plugins", "True"]


def test_a_missing_distribution_is_named_with_its_version(tmp_path, foreign):
    path = tmp_path / "m.keras"
    save_model(make_model("foreign:weight=2"), path)
    assert load_model(path).loss.weight == 2
    foreign()
    with pytest.raises(KzooError, match=r"kzoo-foreign 1\.4.*pip install kzoo-foreign==1\.4.*`kzoo predict` works"):
        load_model(path)
    assert load_model(path, compile=False).predict(X, verbose=0).shape == (4, 3)


def test_predicting_needs_no_regularizer_either(tmp_path, foreign):
    path = tmp_path / "m.keras"
    model = make_model("mse", regularizer="foreign:factor=0.5")
    save_model(model, path)
    expected = model.predict(X, verbose=0)
    foreign()
    with pytest.warns(UserWarning, match="ForeignRegularizer"):
        again = load_model(path, compile=False)
    np.testing.assert_array_equal(again.predict(X, verbose=0), expected)
    with pytest.raises(KzooError, match="kzoo-foreign"):
        load_model(path)


def test_a_foreign_optimizer_and_metric_come_back(tmp_path, foreign):
    path = tmp_path / "m.keras"
    model = make_model()
    model.compile(
        build("optimizer", "foreign"), "sparse_categorical_crossentropy", metrics=[build("metric", "foreign")]
    )
    model.train_on_batch(X, np.array([0, 1, 2, 0]))
    save_model(model, path)
    assert type(load_model(path).optimizer).__name__ == "ForeignSGD"


def test_a_file_cannot_choose_what_is_imported(tmp_path):
    path, changed = tmp_path / "m.keras", tmp_path / "changed.keras"
    save_model(make_model(), path)
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for item in old.namelist():
            data = old.read(item)
            if item == "config.json":
                config = json.loads(data)
                config["compile_config"]["loss"].update(module="antigravity", registered_name="antigravity>Loss")
                data = json.dumps(config).encode()
            new.writestr(item, data)
    sys.modules.pop("antigravity", None)
    with pytest.raises(KzooError, match="antigravity>Loss"):
        load_model(changed)
    assert "antigravity" not in sys.modules


@pytest.mark.parametrize("content", [b"", b"not a zip", None])
def test_what_is_no_model_is_refused(tmp_path, content):
    path = tmp_path / "m.keras"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(KzooError, match=r"m\.keras"):
        load_model(path)


def test_a_zip_without_a_model_is_refused(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "x")
    with pytest.raises(KzooError, match=r"no config\.json"):
        read_card(path)


def test_a_damaged_model_is_one_clear_error(tmp_path):
    path = tmp_path / "m.keras"
    save_model(make_model(), path)
    data = bytearray(path.read_bytes())
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(KzooError, match="damaged"):
        load_model(path)


def test_plain_keras_files_have_no_card(tmp_path):
    path = tmp_path / "m.keras"
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.save(path)
    assert read_card(path) == ModelCard()
    assert load_model(path, compile=False).count_params() == 3


def test_the_card_does_not_disturb_keras(tmp_path):
    path = tmp_path / "m.keras"
    save_model(make_model("mse"), path)
    assert CARD in zipfile.ZipFile(path).namelist()
    assert keras.saving.load_model(path, compile=False).count_params() == 18


def test_registering_imports_all_but_what_is_broken(foreign):
    with pytest.warns(UserWarning, match=r"kzoo-foreign 1\.4"):
        known = register_with_keras()
    assert {"kzoo:emd", "kzoo-foreign:foreign"} <= set(known)
    assert "kzoo-foreign:gone" not in known
    assert keras.saving.get_registered_object("kzoo_foreign>ForeignLoss") is not None
