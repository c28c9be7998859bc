"""Keras's orthogonal regularizer on kernels of any rank."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo_plugins.keras_builtins.orthogonal import OrthogonalRegularizer

KERNEL = np.random.default_rng(0).normal(size=(3, 3, 2, 5)).astype("float32")


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_on_a_matrix_it_is_that_of_keras(mode):
    matrix = keras.ops.convert_to_tensor(KERNEL.reshape(18, 5))
    ours, theirs = (c(0.3, mode)(matrix) for c in (OrthogonalRegularizer, keras.regularizers.OrthogonalRegularizer))
    assert float(ours) == float(theirs)


def test_a_kernel_counts_as_the_matrix_of_its_filters():
    filters = KERNEL.reshape(18, 5).astype("float64")
    filters /= np.linalg.norm(filters, axis=0)
    products = np.abs(filters.T @ filters)
    expected = 0.3 * (products.sum() - np.trace(products)) / (5 * 4)
    assert float(OrthogonalRegularizer(0.3, "columns")(KERNEL)) == pytest.approx(expected, rel=1e-5)


def test_it_comes_back_from_its_configuration():
    again = keras.regularizers.deserialize(keras.regularizers.serialize(OrthogonalRegularizer(0.2, "columns")))
    assert (type(again), again.factor, again.mode) == (OrthogonalRegularizer, 0.2, "columns")


@pytest.mark.parametrize(("mode", "shape"), [("columns", (7, 1)), ("rows", (1, 7)), ("columns", (3, 3, 2, 1))])
def test_a_single_vector_has_no_penalty_and_a_finite_gradient(mode, shape):
    variable = keras.Variable(np.ones(shape, "float32"))
    with tf.GradientTape() as tape:
        penalty = OrthogonalRegularizer(0.3, mode)(variable)
    assert float(penalty) == 0
    np.testing.assert_array_equal(tape.gradient(penalty, variable.value), np.zeros(shape))
