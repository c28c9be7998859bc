"""A network that begins with the weights of a trained one: which layers have them, and which are named."""

import json

import keras
import numpy as np
import pytest
from keras import layers
from pipelines import built, pictures_of

from kzoo.cli import main
from kzoo.data.splits import ArraySplit
from kzoo.errors import KzooError, UsageError
from kzoo.models.card import ModelCard
from kzoo.models.saving import load_model, save_model
from kzoo.models.starting import start_from
from kzoo.runs.folder import list_runs
from kzoo_zoo.cats_vs_dogs.pipeline import CatsVsDogs
from kzoo_zoo.cifar10.pipeline import Cifar10
from kzoo_zoo.fingers.pipeline import Fingers
from kzoo_zoo.mnist.pipeline import Mnist
from kzoo_zoo.regression.pipeline import Regression

X = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")


def network(*widths, outputs=3, first=4):
    return keras.Sequential(
        [
            keras.Input((first,)),
            layers.Normalization(),
            keras.Sequential([layers.Dense(width, activation="tanh") for width in widths]),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(outputs),
        ]
    )


def trained(path, *widths, classes="abc", **more):
    """Save a network whose weights are all other than those that a new one has."""
    model = network(*widths, outputs=len(classes), **more)
    rng = np.random.default_rng(1)
    for layer in model.layers:
        layer.set_weights([rng.uniform(0.5, 2, one.shape).astype(one.dtype) for one in layer.get_weights()])
    model.layers[0].finalize_state()
    save_model(model, path, ModelCard(pipeline="mnist", class_names=tuple(classes)))
    return load_model(path, compile=False)  # as it is on the disk


def said(model, x):
    return np.asarray(model(x, training=False))


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def test_all_layers_are_taken_whatever_they_are_called(tmp_path):
    old = trained(tmp_path / "m.keras", 6, 5)
    new = network(6, 5)
    drawn = [variable.numpy().copy() for variable in new.non_trainable_variables if "seed" in variable.path]
    started = start_from(new, tmp_path / "m.keras", "abc")
    np.testing.assert_allclose(said(new, X), said(old, X), rtol=1e-6)
    assert len(started.taken) == 5
    assert started.anew == ()
    assert started.text == f"Begins with the weights of {tmp_path / 'm.keras'}: 5 layers."
    after = [variable.numpy() for variable in new.non_trainable_variables if "seed" in variable.path]
    assert all(map(np.array_equal, drawn, after))  # what a layer draws at random is the new run's


@pytest.mark.long_but_first
@pytest.mark.parametrize(
    ("classes", "why"), [("abcd", "Dense 5x4 here, Dense 5x3 there"), ("abd", "for other classes")]
)
def test_the_layer_that_answers_for_other_classes_begins_anew(tmp_path, classes, why):
    old = trained(tmp_path / "m.keras", 6, 5)
    new = network(6, 5, outputs=len(classes))
    before = new.layers[-1].get_weights()
    started = start_from(new, tmp_path / "m.keras", classes)
    assert all(map(np.array_equal, before, new.layers[-1].get_weights()))
    assert same(new.layers[1], old.layers[1])
    assert len(started.taken) == 4
    (named,) = started.anew
    assert f"`{new.layers[-1].name}` (" in named
    assert why in named
    assert "Beginning anew: `" in started.text


@pytest.mark.long
def test_of_a_network_of_another_depth_what_stands_in_the_same_order_is_taken(tmp_path):
    old = trained(tmp_path / "m.keras", 6, 5)
    new = network(6, 7, 5)
    started = start_from(new, tmp_path / "m.keras", "abc")
    assert same(new.layers[1].layers[0], old.layers[1].layers[0])
    assert same(new.layers[-1], old.layers[-1])
    assert [name.partition(" ")[2] for name in started.anew] == [
        "(Dense 6x7 here, nothing in its place)",
        "(Dense 7x5 here, nothing in its place)",
    ]


@pytest.mark.long
def test_what_fits_nowhere_and_what_is_no_model_are_refused(tmp_path):
    trained(tmp_path / "m.keras", 6, 5)
    with pytest.raises(UsageError, match=r"no layer of .*m\.keras fits this network.*Dense 9x8 here, Dense 4x6 there"):
        start_from(network(8, 9, first=9, outputs=4), tmp_path / "m.keras", "abcd")
    (tmp_path / "n.keras").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(KzooError, match=r"--from: The model file .*n\.keras is not read"):
        start_from(network(6), tmp_path / "n.keras")


@pytest.mark.parametrize(
    ("pipeline", "shape"),
    [(Mnist(), (28, 28, 1)), (Cifar10(), (32, 32, 3)), (CatsVsDogs(), (32, 32, 3)), (Fingers(), (32, 32, 3)),
     (Regression(), (4,))],
    ids=lambda one: getattr(one, "name", ""),
)  # fmt: skip
@pytest.mark.parametrize("network", ["classic", "default"])
@pytest.mark.long
def test_the_networks_of_each_pipeline_take_all_but_their_head(tmp_path, pipeline, shape, network):
    rows = len(shape) == 1
    data = pictures_of(shape)
    data = ArraySplit(data.x * 3 + 1 if rows else 255 - data.x, data.y)  # what they adapt to is other data
    problem = {"predicts": "values", "task": "regression"} if rows else {}
    old = built(pipeline, shape, 1 if rows else 3, train=data, problem=problem, network=network).model
    save_model(old, tmp_path / "m.keras", ModelCard(pipeline=pipeline.name, class_names=() if rows else tuple("abc")))
    new = built(pipeline, shape, 1 if rows else 4, problem=problem, network=network).model
    started = start_from(new, tmp_path / "m.keras", () if rows else tuple("abcd"))
    assert len(started.anew) == (0 if rows else 1)
    if rows:
        np.testing.assert_allclose(said(new, X), said(old, X), rtol=1e-5)
        return
    inner = [keras.Model(one.inputs, one.layers[-2].output) for one in (new, old)]
    pixels = data.x[:2]
    one, other = (said(model, pixels) for model in inner)
    if one.shape == other.shape:  # else the last but one layer is the head's own
        np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.long
def test_a_run_begins_with_another_one_whose_classes_are_others(played, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    x, y = np.random.default_rng(0).integers(0, 256, (30, 28, 28), dtype=np.uint8), np.arange(30) % 10
    np.savez("a.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    np.savez("b.npz", x_train=x, y_train=y, x_test=x, y_test=y, class_names=list("abcdefghij"))
    flags = ["-r", "quick", "-e", "1", "-o", "report=false", "-o", "train.save_every=off"]
    assert main(["run", "mnist", "--data", "a.npz", *flags]) == 0
    (first,) = list_runs(tmp_path / "runs")
    capsys.readouterr()
    assert main(["run", "mnist", "--data", "b.npz", "--from", "last", *flags, "-s", "7"]) == 0
    err = capsys.readouterr().err
    assert f"Begins with the weights of {first.model_path}" in err
    assert "Beginning anew: `" in err
    second = list_runs(tmp_path / "runs")[-1]
    record = second.manifest().model["started_from"]
    assert record["sha256"] == first.manifest().models["model.keras"]
    one, other = (load_model(run.model_path, compile=False).get_weights() for run in (first, second))
    differing = [n for n, pair in enumerate(zip(one, other, strict=True)) if not np.array_equal(*pair)]
    assert differing == [0, len(one) - 2]  # what the played step changes, and the kernel of the head
    assert f'start_from = "{first.model_path}"' in second.config_path.read_text()
    again = ["run", "-c", str(second.config_path), "--print-config", "--json"]
    assert main(again) == 0
    assert json.loads(capsys.readouterr().out)["settings"]["train"]["start_from"] == str(first.model_path)
    first.model_path.unlink()
    assert main(again) == 2
    assert "`train.start_from` must be the path of a .keras file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["--from", "nowhere.keras"], "there is no file nowhere.keras"),
        (["--from", "x.onnx"], "x.onnx is an ONNX file, from which nothing can be trained"),
        (["--from", "last"], "last"),
        (["-o", "train.start_from=last"], "`train.start_from` must be the path of a .keras file, and `last` is none"),
    ],
)
def test_what_cannot_be_begun_from_is_said_before_anything_starts(tmp_path, monkeypatch, kzoo, given, words):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.onnx").touch()
    code, _, err = kzoo("run", "mnist", "--data", "sample", "--print-config", *given)
    assert code == 2
    assert words in err
