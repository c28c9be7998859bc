"""Batch normalization by one operation, against Keras's own: a step of each from the same weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.engine.fused_layers import with_fused_layers

ONE = "FusedBatchNormV3"


class Own(keras.layers.BatchNormalization):
    """Somebody's layer, which does something else."""

    def call(self, inputs, training=None, mask=None):
        return 2 * super().call(inputs, training=training, mask=mask)


def network(layer=keras.layers.BatchNormalization, dtype="float32", shape=(9, 7, 5), *, jit_compile=False, **options):
    """Return a network around a normalization, which is inside of a network that is a layer."""
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([keras.Input(shape), layer(dtype=dtype, **options)])
    inputs = keras.Input(shape)
    x = inner(keras.layers.Dense(shape[-1], dtype=dtype)(inputs))
    outputs = keras.layers.Dense(2, dtype="float32")(keras.layers.Flatten()(keras.layers.Activation("relu")(x)))
    model = keras.Model(inputs, outputs)
    # A rate of 1: what the gradients differ in is not made small.
    model.compile(keras.optimizers.SGD(1.0), "mse", jit_compile=jit_compile)
    return model


def batch(shape=(9, 7, 5), size=4):
    generator = np.random.default_rng(1)
    return generator.normal(3, 2, (size, *shape)).astype("float32"), generator.normal(size=(size, 2)).astype("float32")


def step(model, data, *, fuse=True):
    """Take a step; return the weights, and the operations that it was made of."""
    take = tf.function(with_fused_layers(model, model.train_step) if fuse else model.train_step)
    take(data)
    graph = take.get_concrete_function(data).graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return model.get_weights(), {node.op for node in nodes}


@pytest.mark.parametrize(
    ("dtype", "options"),
    [
        ("float32", {}),
        ("float32", {"scale": False, "epsilon": 1e-6, "momentum": 0.5}),
        ("float32", {"center": False, "axis": 3, "gamma_initializer": keras.initializers.Constant(1.7)}),
        ("mixed_bfloat16", {}),
    ],
)
def test_a_step_comes_to_what_keras_comes_to(dtype, options):
    ours, used = step(network(dtype=dtype, **options), batch())
    theirs, otherwise = step(network(dtype=dtype, **options), batch(), fuse=False)
    assert ONE in used
    assert ONE not in otherwise
    before = network(dtype=dtype, **options).get_weights()
    for a, b, old in zip(ours, theirs, before, strict=True):
        assert np.abs(b - old).max() > 0.01 or not old.any()  # bias in front of a normalization has no gradient
        # bfloat16 keeps 8 bits, and the gradient of each weight in front is a sum of what was rounded to that.
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 if dtype == "float32" else 0.02)


@pytest.mark.parametrize(
    "made",
    [
        {"shape": (63, 5)},
        {"axis": 1},
        {"renorm": True},
        {"layer": Own},
        {"trainable": False},
        {"dtype": "mixed_float16"},
        {"jit_compile": True},
    ],
    ids=lambda made: next(iter(made)),
)
def test_what_tensorflow_has_no_operation_for_is_left_to_keras(made):
    data = batch(made.get("shape", (9, 7, 5)))
    ours, used = step(network(**made), data)
    theirs, _ = step(network(**made), data, fuse=False)
    assert ONE not in used
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_one_value_of_a_channel_has_no_variance():
    shape = (1, 1, 5)
    ours, _ = step(network(shape=shape), batch(shape, size=1))
    theirs, _ = step(network(shape=shape), batch(shape, size=1), fuse=False)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_nothing_of_a_model_is_changed_beyond_the_step(tmp_path):
    model = network()
    step(model, batch())
    assert not [layer.name for layer in model._flatten_layers() if "call" in vars(layer)]
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert np.array_equal(again(batch()[0]), model(batch()[0]))


def test_a_step_that_fails_leaves_the_layers_as_they_were():
    model = network()
    with pytest.raises(ValueError, match="shape"):
        step(model, batch((9, 7, 4)))
    assert not [layer.name for layer in model._flatten_layers() if "call" in vars(layer)]
