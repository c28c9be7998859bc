"""The scores of a predicted normal distribution: their optima, variances that are none, and their refusals."""

import numpy as np
import pytest
from gradients import with_gradient
from scipy import integrate, stats

from kzoo_plugins.losses.gaussian import CRPS, GaussianNLL, crps, gaussian_nll

RNG = np.random.default_rng(3)
TRUE = RNG.normal(size=(6, 1)).astype("float32") * 3
PRED = np.concatenate([RNG.normal(size=(6, 1)), RNG.uniform(0.5, 2, (6, 1))], -1).astype("float32")


def slope_of(y_true, y_pred, **arguments):
    _, slope = with_gradient(GaussianNLL(reduction="sum", **arguments))(y_true, y_pred)
    return slope


def test_the_best_constant_is_the_mean_and_the_variance():
    best = np.broadcast_to([TRUE.mean(), TRUE.var()], (6, 2)).astype("float32")
    np.testing.assert_allclose(slope_of(TRUE, best).sum(0), 0, atol=1e-6)
    for change in ([0.1, 0], [-0.1, 0], [0, 0.1], [0, -0.1]):
        assert gaussian_nll(TRUE, best + np.float32(change)).numpy().sum() > gaussian_nll(TRUE, best).numpy().sum()


@pytest.mark.parametrize("variance", [0.0, -3.0, 1e-9])
def test_a_variance_that_is_none_counts_as_eps_and_can_grow(variance):
    at_eps, below = np.array([[0.0, 1e-2]], "float32"), np.array([[0.0, variance]], "float32")
    one = np.ones((1, 1), "float32")
    assert float(gaussian_nll(one, below, eps=1e-2)[0]) == float(gaussian_nll(one, at_eps, eps=1e-2)[0])
    np.testing.assert_allclose(slope_of(one, below, eps=1e-2), slope_of(one, at_eps, eps=1e-2))
    assert slope_of(one, below, eps=1e-2)[0, 1] < 0


@pytest.mark.parametrize(("true_shape", "pred_shape"), [((6,), (6, 2)), ((6,), (6, 1, 2)), ((6, 1), (6, 1, 2))])
def test_targets_of_every_fitting_shape(true_shape, pred_shape):
    values = gaussian_nll(TRUE.reshape(true_shape), PRED.reshape(pred_shape))
    np.testing.assert_array_equal(np.reshape(values, 6), gaussian_nll(TRUE, PRED))
    given = GaussianNLL(reduction=None)(TRUE.reshape(true_shape), PRED.reshape(pred_shape))
    np.testing.assert_array_equal(given, values)


@pytest.mark.parametrize("shape", [(6, 1), (6, 3), (6,)])
def test_predictions_without_a_variance_are_refused(shape):
    with pytest.raises(ValueError, match="It takes a mean and a variance for each target"):
        GaussianNLL()(TRUE, np.ones(shape, "float32"))


def test_targets_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="`gaussian_nll` got y_true of shape"):
        GaussianNLL()(np.ones((6, 2), "float32"), PRED)


@pytest.mark.parametrize("eps", [0, -1e-6, 1e-50, float("nan"), float("inf"), "small"])
def test_an_eps_that_bounds_nothing_is_refused(eps):
    with pytest.raises(ValueError, match="`eps` must be a finite number of at least 1e-30"):
        GaussianNLL(eps=eps)
    with pytest.raises(ValueError, match="`eps` must be"):
        gaussian_nll(TRUE, PRED, eps=eps)


@pytest.mark.parametrize(("target", "mean", "variance"), [(0.5, 0.5, 1.0), (3.0, -1.0, 0.25), (-2.0, 4.0, 9.0)])
def test_crps_is_the_area_between_the_distribution_and_the_step(target, mean, variance):
    normal = stats.norm(mean, np.sqrt(variance))
    below = integrate.quad(lambda x: normal.cdf(x) ** 2, -np.inf, target)[0]
    above = integrate.quad(lambda x: normal.sf(x) ** 2, target, np.inf)[0]
    found = crps(np.array([target], "float32"), np.array([[mean, variance]], "float32"))
    np.testing.assert_allclose(found, [below + above], rtol=1e-5)


def test_of_all_variances_the_true_one_has_the_best_crps():
    levels = np.linspace(0.0005, 0.9995, 1000)  # the quantiles of the true distribution stand for a large sample
    targets = stats.norm(1.0, 2.0).ppf(levels).astype("float32")
    variances = [1.0, 3.0, 4.0, 5.0, 16.0]
    means = [float(np.mean(crps(targets, np.tile(np.array([[1.0, v]], "float32"), (1000, 1))))) for v in variances]
    assert variances[int(np.argmin(means))] == 4.0


def test_an_outlier_costs_crps_its_distance():
    one = np.ones((1, 1), "float32")
    _, slope = with_gradient(CRPS())(one * 1e6, np.array([[0.0, 1.0]], "float32"))
    np.testing.assert_allclose(slope, [[-1.0, -1 / (2 * np.sqrt(np.pi))]], rtol=1e-5)


@pytest.mark.parametrize("variance", [0.0, -3.0, 1e-9])
def test_a_variance_that_is_none_counts_as_eps_in_crps_too(variance):
    one, loss = np.ones((1, 1), "float32"), with_gradient(CRPS(eps=1e-2))
    (value, slope), (expected, wanted) = (loss(one, np.array([[0.0, v]], "float32")) for v in (variance, 1e-2))
    assert float(value) == float(expected)
    np.testing.assert_allclose(slope, wanted)
    assert slope[0, 1] < 0
