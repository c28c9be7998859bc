"""Shampoo beyond its references: Adagrad is a case of it, and it does not care how the weights are turned."""

import keras
import numpy as np
import pytest
import scipy

from kzoo_plugins.optimizers.shampoo import Shampoo


def gradient(step, shape):
    return np.random.default_rng(step).normal(size=shape).astype("float32")


def run(optimizer, shape, steps=20, turn=lambda g: g):
    weight = keras.Variable(np.zeros(shape, "float32"))
    for step in range(steps):
        optimizer.apply([turn(gradient(step, shape))], [weight])
    return np.asarray(weight)


@pytest.mark.parametrize(("shape", "longest"), [((), 8), ((1,), 8), ((5,), 2)])
def test_scalars_and_long_vectors_take_steps_of_adagrad(shape, longest):
    adagrad = keras.optimizers.Adagrad(0.5, initial_accumulator_value=0.0, epsilon=1e-4)
    found = run(Shampoo(0.5, epsilon=1e-4, max_precondition_dim=longest), shape)
    np.testing.assert_allclose(found, run(adagrad, shape), rtol=1e-4)


def test_a_vector_has_adagrad_with_a_full_matrix():
    weight, total = np.zeros(4), 1e-4 * np.eye(4)
    for step in range(20):
        slope = gradient(step, (4,)).astype("float64")
        total += np.outer(slope, slope)
        weight -= 0.1 * np.linalg.solve(scipy.linalg.sqrtm(total), slope)
    np.testing.assert_allclose(run(Shampoo(), (4,)), weight, atol=1e-5)


def test_turned_gradients_make_turned_steps():
    left, right = (scipy.linalg.qr(gradient(100, (size, size)))[0] for size in (3, 4))
    expected = left @ run(Shampoo(), (3, 4)) @ right
    np.testing.assert_allclose(run(Shampoo(), (3, 4), turn=lambda g: left @ g @ right), expected, atol=1e-4)


def test_the_first_step_of_a_matrix_is_its_nearest_orthogonal_one():
    # L^(-1/4) G R^(-1/4) with L = G G' and R = G' G has the singular vectors of G, and singular values of 1.
    found = run(Shampoo(1.0, epsilon=1e-12), (3, 3), steps=1)
    np.testing.assert_allclose(found, -scipy.linalg.polar(gradient(0, (3, 3)))[0], atol=1e-4)


def test_powers_are_kept_between_two_computations():
    optimizer, often = Shampoo(precondition_frequency=3), Shampoo()
    assert np.isfinite(run(optimizer, (3, 3), steps=7)).all()
    assert len(optimizer._powers[0]) == 2
    run(often, (3, 3), steps=1)
    assert often._powers == []
