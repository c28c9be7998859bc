"""Regularizers of what a layer puts out: where they may be used, and what a layer adds to the loss."""

import json

import keras
import numpy as np
import pytest
from gradients import gradient

from kzoo.cli import completion, main
from kzoo.errors import UsageError
from kzoo.plugin import RegularizerSpec
from kzoo.plugins.registry import get_registry
from kzoo.training.activity import regularize_activity
from kzoo_plugins.regularizers.activity import DeCov, Entropy


def test_a_spec_says_what_a_regularizer_is_for():
    assert RegularizerSpec(name="x", target="a:b").applies_to == "weights"
    assert RegularizerSpec(name="x", target="a:b", applies_to="activity").faults() == []
    [fault] = RegularizerSpec(name="x", target="a:b", applies_to="kernels").faults()
    assert fault == "`applies_to` must be one of weights, activity, not 'kernels'"


@pytest.mark.parametrize("given", [["--regularizer", "decov"], ["-o", "regularizer.name=confidence_penalty"]])
def test_a_run_refuses_those_that_do_not_say_of_which_layer(given, capsys, monkeypatch):
    for name in ("decov", "entropy"):
        monkeypatch.setitem(get_registry().regularizer(name).spec.__dict__, "layer", "")
    assert main(["run", "mnist", *given]) == 2
    message = " ".join(capsys.readouterr().err.split())
    name = "decov" if "decov" in given else "entropy"
    assert f"The regularizer `{name}` (from kzoo" in message
    assert f'activity_regularizer=kzoo.regularizer("{name}")' in message


def test_a_layer_is_for_what_applies_to_activity():
    [fault] = RegularizerSpec(name="x", target="a:b", layer="outputs").faults()
    assert fault == "`layer` is for a regularizer that applies to activity"
    [fault] = RegularizerSpec(name="x", target="a:b", applies_to="activity", layer="middle").faults()
    assert "`layer` may hold" in fault


def test_the_shell_offers_them_for_a_run():
    assert [name for name, _ in completion.complete_regularizer("deco")] == ["decov"]
    assert [name for name, _ in completion.complete_component("deco")] == ["decov"]


def network():
    inputs = keras.Input((4,))
    hidden = keras.layers.Dense(5, activation="relu", name="features")(inputs)
    return keras.Model(inputs, keras.layers.Dense(3, activation="softmax", name="said")(hidden), name="inner")


def wrapped():
    from kzoo_zoo.cats_vs_dogs.model import MirrorAverage

    inputs = keras.Input((2, 2, 1))
    inner_inputs = keras.Input((2, 2, 1))
    inner = keras.Model(inner_inputs, network()(keras.layers.Flatten()(inner_inputs)))
    return keras.Model(inputs, MirrorAverage(inner)(inputs))


@pytest.mark.parametrize("make", [network, wrapped])
@pytest.mark.parametrize(("layer", "regularizer"), [("outputs", Entropy(factor=0.3)), ("features", DeCov(factor=0.3))])
def test_a_network_gets_it_at_its_last_layer_or_before(make, layer, regularizer, tmp_path):
    model = make()
    regularize_activity(model, regularizer, layer)
    x = np.random.default_rng(0).normal(size=(6, *model.input_shape[1:])).astype("float32")
    model(x, training=True)
    inner = next(one for one in [model, *model._flatten_layers()] if one.name == "inner")
    rows = x.reshape(6, 4)
    given = inner.layers[1](rows) if layer == "features" else inner.layers[2](inner.layers[1](rows))
    expected = float(regularizer(given)) / len(x)  # Keras takes the mean over the batch
    model(x, training=True)
    assert [float(one) for one in model.losses] == pytest.approx([expected], rel=1e-5)
    model.save(tmp_path / "a.keras")
    again = keras.models.load_model(tmp_path / "a.keras")
    again(x, training=True)
    assert [float(one) for one in again.losses] == pytest.approx([expected], rel=1e-5)


def test_a_network_without_such_a_layer_is_refused():
    inputs = keras.Input((4,))
    with pytest.raises(UsageError, match="has no layer of that kind"):
        regularize_activity(keras.Model(inputs, keras.layers.Dense(2)(inputs)), DeCov(), "features")


def test_info_shows_how_they_are_used(capsys):
    assert main(["info", "decov", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert (known["applies_to"], known["layer"]) == ("activity", "features")
    assert known["command"] == "kzoo run cats_vs_dogs --regularizer decov:factor=0.1"
    assert known["python"] == 'keras.layers.Dense(64, activity_regularizer=kzoo.regularizer("decov:factor=0.1"))'


@pytest.mark.parametrize("batch", [2, 8])
def test_a_layer_adds_the_mean_over_a_batch_of_any_size(batch):
    rows = np.tile(np.array([[0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], "float32"), (batch // 2, 1))
    layer = keras.layers.Activation("linear", activity_regularizer=Entropy(factor=0.3))
    layer(rows)
    p = rows.astype("float64")
    assert float(layer.losses[0]) == pytest.approx(0.3 * (p * np.log(p)).sum(-1).mean(), rel=1e-5)
    layer = keras.layers.Activation("linear", activity_regularizer=DeCov(factor=0.3))
    layer(rows)
    covariance = np.cov(p, rowvar=False, bias=True)
    others = covariance - np.diag(np.diag(covariance))
    assert float(layer.losses[0]) == pytest.approx(0.3 * (others**2).sum() / 2, rel=1e-4)


def test_a_batch_of_one_has_no_covariance():
    assert float(DeCov()(np.array([[1.0, 2.0]], "float32"))) == 0


def test_in_a_model_whose_batch_size_is_unknown():
    hidden = keras.layers.Conv2D(3, 3, activation="relu", activity_regularizer=DeCov())
    last = keras.layers.Dense(4, activation="softmax", activity_regularizer=Entropy())
    model = keras.Sequential([keras.Input((6, 6, 1)), hidden, keras.layers.Flatten(), last])
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = np.random.default_rng(0).normal(size=(5, 6, 6, 1)).astype("float32")
    assert np.isfinite(model.train_on_batch(x, np.array([0, 1, 2, 3, 0])))


def test_one_output_is_no_distribution():
    with pytest.raises(ValueError, match=r"outputs of shape \(3, 1\) have one class"):
        Entropy()(np.ones((3, 1), "float32"))


def test_entropy_at_probabilities_0_and_1_and_at_logits_of_infinity():
    certain = np.eye(3, dtype="float32")
    assert float(Entropy()(certain)) == 0
    assert np.isfinite(gradient(Entropy(), certain)).all()
    ruled_out = np.array([[0.0, 0.0, -np.inf]], "float32")
    assert float(Entropy(factor=1.0, from_logits=True)(ruled_out)) == pytest.approx(-np.log(2))
    assert np.isfinite(gradient(Entropy(from_logits=True), ruled_out)).all()
