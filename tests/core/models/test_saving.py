"""Saved models find their components again, say what is missing, and never choose what code runs."""

import json
import random
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

import kzoo
from kzoo.errors import KzooError
from kzoo.models.card import ModelCard
from kzoo.models.saving import CARD, load_model, load_weights, read_card, register_with_keras, save_model
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


@pytest.mark.long
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


def test_registered_names_in_compile():
    """docs/python.md says what Keras does with each; where this fails, Keras has changed and the page is to follow."""
    register_with_keras()
    model, one_hot = make_model(), np.eye(3)[[0, 1, 2, 0]]
    for loss, metrics, what in (("kzoo_plugins>EMD", [], "loss"), ("mse", ["kzoo_plugins>MeanEMD"], "metric")):
        assert keras.saving.get_registered_object(metrics[0] if metrics else loss) is not None
        model.compile("sgd", loss, metrics=metrics, jit_compile=False)
        with pytest.raises(ValueError, match=f"Could not interpret {what} identifier"):
            model.train_on_batch(X, one_hot)
    with pytest.raises(ValueError, match="Could not interpret regularizer identifier"):
        keras.layers.Dense(1, kernel_regularizer="kzoo_plugins>Spectral")
    model.compile("kzoo_plugins>RAdam", "mse", jit_compile=False)
    assert isinstance(model.optimizer, type(build("optimizer", "radam")))
    model.compile(
        build("optimizer", "radam"), build("loss", "emd"), metrics=[build("metric", "emd")], jit_compile=False
    )
    assert np.isfinite(model.train_on_batch(X, one_hot)).all()


def test_registering_imports_all_but_what_is_broken(foreign):
    with pytest.warns(UserWarning, match=r"kzoo-foreign 1\.4"):
        known = register_with_keras()
    assert {"kzoo:emd", "kzoo-foreign:foreign"} <= set(known)
    assert "kzoo-foreign:gone" not in known
    assert keras.saving.get_registered_object("kzoo_foreign>ForeignLoss") is not None


def test_loading_takes_nothing_from_the_seed_of_what_follows(tmp_path):
    path = tmp_path / "m.keras"
    layers = [keras.Input((5,)), keras.layers.Dropout(0.5), keras.layers.Dense(3)]
    keras.Sequential(layers).save(path)
    keras.utils.set_random_seed(3)
    keras.saving.load_model(path)
    expected = random.random()
    keras.utils.set_random_seed(3)
    load_model(path)
    assert random.random() == expected


def test_no_variable_of_the_rehearsal_is_left_behind(tmp_path):
    """Else Keras would give it a value, and the room for it, when the next network is built."""
    path = tmp_path / "m.keras"
    save_model(make_model("mse"), path)
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    config = json.loads(members["config.json"])
    config["config"]["layers"][-1]["config"].update(units=4_000_000)
    with zipfile.ZipFile(path, "w") as new:
        for name, content in members.items():
            new.writestr(name, json.dumps(config) if name == "config.json" else content)
    with pytest.raises(KzooError, match="a network and metrics of 24,000,00"):
        load_model(path)
    assert not keras.src.backend.common.global_state.get_global_attribute("uninitialized_variables")


def test_a_layer_that_begins_with_given_values_is_loaded(tmp_path):
    """It has no shape before its values are there, so it cannot be rehearsed."""
    path = tmp_path / "m.keras"
    model = keras.Sequential([keras.Input((5,)), keras.layers.Normalization(mean=[1.0] * 5, variance=[4.0] * 5)])
    model.save(path)
    np.testing.assert_array_equal(load_model(path).predict(X, verbose=0), model.predict(X, verbose=0))


def test_weights_by_themselves_are_looked_at_too(tmp_path):
    model, path = make_model("mse"), tmp_path / "m.weights.h5"
    model.save_weights(path)
    other = make_model("mse")
    load_weights(other, path)
    np.testing.assert_array_equal(other.get_weights()[0], model.get_weights()[0])
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(KzooError, match=r"m\.weights\.h5 is not read: its weights, m\.weights\.h5, are damaged"):
        load_weights(other, path)
    save_model(make_model("mse"), tmp_path / "m.keras")
    load_weights(other, tmp_path / "m.keras")
    smaller = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(KzooError, match=r"m\.keras does not hold the weights of sequential"):
        load_weights(smaller, tmp_path / "m.keras")
