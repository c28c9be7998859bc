"""The likelihood of a predicted normal distribution: its optimum, variances that are none, and its refusals."""

import numpy as np
import pytest
from gradients import with_gradient

from kzoo_plugins.losses.gaussian import GaussianNLL, gaussian_nll

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
