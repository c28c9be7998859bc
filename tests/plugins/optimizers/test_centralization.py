"""Gradient centralization beyond its reference: which gradients, and what follows for the weights."""

import keras
import numpy as np
import tensorflow as tf

from kzoo_plugins.optimizers.centralization import GradientCentralization


def test_the_mean_of_each_outputs_weights_stays_what_it_was():
    rng = np.random.default_rng(0)
    shapes = ((4, 3), (2, 2, 3, 4))
    weights = [keras.Variable(rng.normal(size=s).astype("float32")) for s in shapes]
    before = [np.asarray(w).reshape(-1, w.shape[-1]).mean(0) for w in weights]
    optimizer = GradientCentralization(keras.optimizers.SGD(0.1, momentum=0.9))
    for _ in range(5):
        optimizer.apply([rng.normal(size=w.shape).astype("float32") for w in weights], weights)
    for weight, mean in zip(weights, before, strict=True):
        np.testing.assert_allclose(np.asarray(weight).reshape(-1, weight.shape[-1]).mean(0), mean, atol=1e-6)


def test_biases_are_left_alone_and_dense_kernels_too_where_asked():
    bias, kernel = keras.Variable(np.zeros(3, "float32")), keras.Variable(np.zeros((2, 3), "float32"))
    optimizer = GradientCentralization(keras.optimizers.SGD(1.0), conv_only=True)
    optimizer.apply([keras.ops.ones(3), keras.ops.ones((2, 3))], [bias, kernel])
    assert np.all(np.asarray(bias) == -1)
    assert np.all(np.asarray(kernel) == -1)


def test_rows_of_an_embedding_named_twice_are_summed_before_the_mean():
    slices = tf.IndexedSlices(tf.constant([[1.0], [2.0], [3.0]]), tf.constant([0, 2, 2]), tf.constant([3, 1]))
    table = keras.Variable(np.zeros((3, 1), "float32"))
    GradientCentralization(keras.optimizers.SGD(1.0)).apply([slices], [table])
    np.testing.assert_allclose(table, [[1.0], [2.0], [-3.0]])
