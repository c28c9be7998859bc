"""Muon for convolutions: the steps of Keras's Muon for the kernel as a matrix; of Keras's SGD for all else."""

import keras
import numpy as np
import pytest
import scipy

from kzoo_plugins.optimizers.muon_sgd import MuonSGD, orthogonalized

KERNEL, MATRIX = (3, 3, 2, 5), (18, 5)


def numbers(step, shape):
    return np.random.default_rng(step).normal(size=shape).astype("float32")


def run(optimizer, shape, steps=6, scale=1.0):
    weight = keras.Variable(numbers(0, shape))
    for step in range(1, steps + 1):
        optimizer.apply([scale * numbers(step, shape)], [weight])
    return np.asarray(weight)


def test_a_kernel_that_need_not_keep_its_length_takes_the_steps_of_keras_muon_for_its_matrix():
    theirs = keras.optimizers.Muon(0.1, weight_decay=None, momentum=0.6, ns_steps=3, rms_rate=None)
    found = run(MuonSGD(0.1, keep_norm=False), KERNEL)
    np.testing.assert_allclose(found.reshape(MATRIX), run(theirs, MATRIX), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("shape", [(4, 3), (5,), ()])
def test_all_else_takes_the_steps_of_sgd_with_nesterovs_momentum(shape):
    theirs = keras.optimizers.SGD(0.03, momentum=0.8, nesterov=True)
    np.testing.assert_allclose(run(MuonSGD(0.1, sgd_rate=0.3, sgd_momentum=0.8), shape), run(theirs, shape), rtol=1e-5)


@pytest.mark.parametrize(("shape", "times"), [((4, 3), 1), ((5,), 8), ((), 8)])
def test_biases_may_have_a_rate_of_their_own(shape, times):
    theirs = keras.optimizers.SGD(0.03 * times, momentum=0.9, nesterov=True)
    np.testing.assert_allclose(run(MuonSGD(0.03, bias_rate=8), shape), run(theirs, shape), rtol=1e-5)


def test_kernels_keep_their_length_and_turn_alike_whatever_it_is():
    found = run(MuonSGD(0.3), KERNEL)
    assert np.linalg.norm(found) == pytest.approx(np.linalg.norm(numbers(0, KERNEL)), rel=1e-5)
    optimizer, weight = MuonSGD(0.3), keras.Variable(100 * numbers(0, KERNEL))
    for step in range(1, 7):
        optimizer.apply([numbers(step, KERNEL)], [weight])
    np.testing.assert_allclose(np.asarray(weight) / 100, found, rtol=1e-4, atol=1e-5)


def test_the_size_of_gradients_does_not_matter_to_kernels():
    np.testing.assert_allclose(run(MuonSGD(), KERNEL, scale=1e-12), run(MuonSGD(), KERNEL), rtol=1e-3, atol=1e-5)


def test_a_kernel_of_zeros_moves():
    weight = keras.Variable(np.zeros(KERNEL, "float32"))
    MuonSGD(0.5).apply([numbers(1, KERNEL)], [weight])
    assert 0.3 < np.linalg.norm(weight) / 5**0.5 < 0.7


@pytest.mark.parametrize("shape", [(18, 5), (5, 18), (6, 6)])
def test_orthogonalized_is_near_the_polar_factor(shape):
    matrix = numbers(3, shape)
    # Jordan's polynomial does not converge to one: it leaves singular values between about 0.7 and 1.2.
    values = np.linalg.svd(orthogonalized(matrix, 8), compute_uv=False)
    assert ((values > 0.65) & (values < 1.25)).all()
    exact = scipy.linalg.polar(matrix)[0]
    found = np.asarray(orthogonalized(matrix, 8))
    assert (found * exact).sum() / np.linalg.norm(found) / np.linalg.norm(exact) > 0.97
    np.testing.assert_array_equal(orthogonalized(0 * matrix, 3), 0 * matrix)


def test_arguments_are_checked():
    for wrong in ({"momentum": 1.0}, {"ns_steps": 0}, {"sgd_rate": -1.0}, {"sgd_momentum": -0.1}, {"bias_rate": -2}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            MuonSGD(**wrong)
