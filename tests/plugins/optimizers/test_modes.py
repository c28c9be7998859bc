"""Products along axes, powers and eigenvectors, against NumPy and SciPy."""

import numpy as np
import pytest
import scipy

from kzoo_plugins.optimizers.modes import along_axes, covariance, eigenvectors, power, power_iteration


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def positive(size, rank, seed=0):
    factor = normal(size, rank, seed=seed)
    return factor @ factor.T


def test_each_axis_is_multiplied_by_its_own_matrix():
    tensor, first, last, diagonal = normal(2, 3, 4), normal(2, 2), normal(4, 4), normal(3)
    found = along_axes(tensor, {0: first, 1: diagonal, 2: last})
    np.testing.assert_allclose(
        found, np.einsum("abc,ax,b,cz->xbz", tensor, first, diagonal, last), rtol=1e-4, atol=1e-5
    )
    found = along_axes(tensor, {0: first, 2: last}, back=True)
    np.testing.assert_allclose(found, np.einsum("abc,xa,zc->xbz", tensor, first, last), rtol=1e-4, atol=1e-5)


def test_a_covariance_is_that_of_the_unfolded_tensor():
    tensor = normal(2, 3, 4)
    for axis in range(3):
        unfolded = np.moveaxis(tensor, axis, 0).reshape(tensor.shape[axis], -1)
        np.testing.assert_allclose(covariance(tensor, axis), unfolded @ unfolded.T, rtol=1e-5)
        np.testing.assert_allclose(covariance(tensor, axis, diagonal=True), (unfolded**2).sum(1), rtol=1e-5)


@pytest.mark.parametrize("exponent", [-0.5, -0.25, -1 / 6])
def test_a_power_is_that_of_scipy(exponent):
    matrix = positive(5, 8)
    wanted = scipy.linalg.fractional_matrix_power(matrix.astype("float64") + 1e-3 * np.eye(5), exponent)
    np.testing.assert_allclose(power(matrix, exponent, 1e-3), wanted, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("scale", [0.0, 1e-36, 1.0, 1e30])
def test_powers_of_singular_matrices_are_finite(scale):
    found = np.asarray(power(np.float32(scale) * positive(6, 2), -0.5, 1e-4))
    assert np.isfinite(found).all()
    assert np.linalg.norm(found, 2) == pytest.approx(100.0, rel=1e-2)  # the root of epsilon, where nothing else is


@pytest.mark.long_but_first
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_iterations_end_at_the_eigenvectors(scale):
    matrix = positive(5, 8)
    _, wanted = scipy.linalg.eigh(matrix.astype("float64"))
    basis, _ = scipy.linalg.qr(normal(5, 5, seed=3))
    for _ in range(300):
        basis, _ = power_iteration(np.float32(scale) * matrix, basis)
    for vectors in (np.asarray(basis), np.asarray(eigenvectors(np.float32(scale) * matrix))):
        np.testing.assert_allclose(np.abs(vectors.T @ wanted[:, ::-1]), np.eye(5), atol=1e-3)


def test_an_iteration_sorts_the_directions():
    basis, order = power_iteration(np.diag([1.0, 3.0, 2.0]).astype("float32"), np.eye(3, dtype="float32"))
    assert np.asarray(order).tolist() == [1, 2, 0]
    np.testing.assert_allclose(np.abs(basis), np.eye(3)[:, [1, 2, 0]], atol=1e-6)


def test_a_matrix_of_zeros_leaves_a_basis_as_it_is():
    basis, _ = power_iteration(np.zeros((3, 3), "float32"), np.eye(3, dtype="float32"))
    np.testing.assert_array_equal(np.asarray(basis).T @ np.asarray(basis), np.eye(3))
