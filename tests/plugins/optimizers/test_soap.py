"""SOAP beyond its references: without bases it is Adam, with them it does not care how the weights are turned."""

import keras
import numpy as np
import scipy

from kzoo_plugins.optimizers.soap import SOAP


def gradient(step, shape=(3, 4)):
    return np.random.default_rng(step).normal(size=shape).astype("float32")


def run(optimizer, steps=25, turn=lambda g: g, shape=(3, 4)):
    weight = keras.Variable(np.zeros(shape, "float32"))
    for step in range(steps):
        optimizer.apply([turn(gradient(step, shape))], [weight])
    return np.asarray(weight)


def delayed_adam(shape):
    """Return the weights of Keras's Adam, which does not see the first gradient."""
    adam, weight = keras.optimizers.Adam(0.1, beta_1=0.95, beta_2=0.95, epsilon=1e-8), keras.Variable(np.zeros(shape))
    for step in range(1, 25):
        adam.apply([gradient(step, shape)], [weight])
    return np.asarray(weight)


def test_axes_that_are_too_long_and_vectors_take_steps_of_adam():
    np.testing.assert_allclose(run(SOAP(0.1, max_precondition_dim=2)), delayed_adam((3, 4)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(run(SOAP(0.1), shape=(5,)), delayed_adam((5,)), rtol=1e-4, atol=1e-5)
    assert not np.allclose(run(SOAP(0.1)), delayed_adam((3, 4)), atol=1e-2)


def test_turned_gradients_make_turned_steps():
    left, right = (scipy.linalg.qr(gradient(100, (size, size)))[0] for size in (3, 4))
    expected = left @ run(SOAP(0.1, precondition_frequency=4)) @ right
    found = run(SOAP(0.1, precondition_frequency=4), turn=lambda g: left @ g @ right)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_the_first_step_only_looks():
    np.testing.assert_array_equal(run(SOAP(0.1), steps=1), np.zeros((3, 4)))
    assert (run(SOAP(0.1), steps=2) != 0).all()


def test_bases_stay_orthogonal_where_gradients_have_one_direction():
    optimizer, weight = SOAP(0.1, precondition_frequency=2), keras.Variable(np.zeros((6, 4), "float32"))
    for step in range(9):
        optimizer.apply([np.outer(np.arange(6.0), gradient(step, (4,))).astype("float32")], [weight])
    assert np.isfinite(weight).all()
    for axis, size in enumerate((6, 4)):
        basis = np.asarray(optimizer._bases[0][axis])
        np.testing.assert_allclose(basis.T @ basis, np.eye(size), atol=1e-5)


def test_huge_gradients_do_not_overflow_when_bases_are_updated():
    found = run(SOAP(0.1, precondition_frequency=2), steps=6, turn=lambda g: g * 1e15)
    assert np.isfinite(found).all()
    assert (np.abs(found) > 0.01).any()
