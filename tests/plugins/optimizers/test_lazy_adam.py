"""LazyAdam beyond its reference: rows that stay, looked-up rows in training, and where it is Keras's Adam."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo_plugins.optimizers.lazy_adam import LazyAdam


def looked_up(rows, values, size):
    return tf.IndexedSlices(tf.constant(values, "float32"), tf.constant(rows), tf.constant(size))


def test_a_row_that_is_not_looked_up_stays_as_it_is():
    start = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")
    table, optimizer = keras.Variable(start), LazyAdam(0.1)
    optimizer.apply([looked_up([0, 1], np.ones((2, 3)), (4, 3))], [table])
    first = [np.array(variable) for variable in (table, *optimizer.variables)]
    for _ in range(3):
        optimizer.apply([looked_up([1], np.ones((1, 3)), (4, 3))], [table])
    for before, now in zip(first, (table, *optimizer.variables), strict=True):
        if before.shape == (4, 3):
            np.testing.assert_array_equal(before[[0, 2, 3]], np.array(now)[[0, 2, 3]])
            assert (before[1] != np.array(now)[1]).all()


def test_no_row_at_all():
    table, optimizer = keras.Variable(np.ones((4, 3), "float32")), LazyAdam(0.1)
    optimizer.apply([looked_up(np.zeros(0, "int32"), np.zeros((0, 3)), (4, 3))], [table])
    np.testing.assert_array_equal(table, 1)


def network():
    keras.utils.set_random_seed(3)
    words = keras.layers.Embedding(6, 2, name="words")
    return keras.Sequential(
        [keras.Input((4,), dtype="int32"), words, keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
    )


def trained(optimizer):
    """Return the embeddings before and after a training in which words 4 and 5 occur in the first batch alone."""
    model, rng = network(), np.random.default_rng(4)
    x = rng.integers(0, 4, (24, 4)).astype("int32")
    x[:8, 0] = 4 + np.arange(8) % 2
    y = x.sum(1, keepdims=True).astype("float32")
    model.compile(optimizer, "mse", jit_compile=False)
    found = []
    for at in range(0, 24, 8):
        model.train_on_batch(x[at : at + 8], y[at : at + 8])
        found.append(np.array(model.get_layer("words").embeddings))
    return found[0], found[-1]


@pytest.mark.long
def test_words_that_training_saw_once():
    before, after = trained(LazyAdam(0.05))
    np.testing.assert_array_equal(before[4:], after[4:])
    assert (before[:4] != after[:4]).all()
    before, after = trained(keras.optimizers.Adam(0.05))
    assert (before[4:] != after[4:]).all()


@pytest.mark.long_but_first
@pytest.mark.parametrize("arguments", [{"gradient_accumulation_steps": 2}, {"global_clipnorm": 0.5}])
def test_gradients_made_one_tensor_are_adams(arguments):
    _, lazy = trained(LazyAdam(0.05, **arguments))
    _, adam = trained(keras.optimizers.Adam(0.05, **arguments))
    np.testing.assert_allclose(lazy, adam, atol=1e-5)  # Keras's 1 - beta^t has the error of float32


@pytest.mark.parametrize("argument", [{"beta_1": 1.0}, {"beta_2": -0.1}, {"epsilon": 0.0}])
def test_arguments_out_of_range(argument):
    with pytest.raises(ValueError, match=f"`{next(iter(argument))}` must"):
        LazyAdam(**argument)
