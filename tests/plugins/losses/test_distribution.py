"""The distribution focal loss: labels beyond the bins, shapes that do not belong together, what the least value is."""

import numpy as np
import pytest
from gradients import with_gradient

from kzoo_plugins.losses.distribution import DistributionFocal

RNG = np.random.default_rng(5)
Y_TRUE = RNG.uniform(0, 7, (3, 4)).astype("float32")
LOGITS = RNG.normal(size=(3, 32)).astype("float32")


@pytest.mark.parametrize("wrong", [-0.01, 7.01, np.nan, np.inf])
def test_a_number_beyond_the_bins_shows(wrong):
    y_true = Y_TRUE.copy()
    y_true[1, 2] = wrong
    values, gradient = with_gradient(DistributionFocal(reduction=None))(y_true, LOGITS)
    assert np.isnan(values).tolist() == [False, True, False]
    assert np.isnan(gradient).any(axis=1).tolist() == [False, True, False]


def test_the_first_and_the_last_bin_are_among_them():
    for end in (0.0, 7.0):
        value = float(DistributionFocal()(np.full((1, 1), end), np.zeros((1, 8), "float32")))
        assert value == pytest.approx(np.log(8))


def test_bins_that_are_ruled_out_have_no_part():
    sure = np.full((1, 8), -np.inf, "float32")
    sure[0, 3:5] = 0
    value, gradient = with_gradient(DistributionFocal())(np.array([[3.25]], "float32"), sure)
    assert value == pytest.approx(np.log(2))
    assert gradient[0, 3:5] == pytest.approx([0.5 - 0.75, 0.5 - 0.25])


@pytest.mark.parametrize(
    ("true_shape", "pred_shape"),
    [((3, 4), (3, 30)), ((3, 4), (2, 32)), ((3, 4), (3, 4)), ((3, 4), (3, 2, 8)), ((3, 4), (3, 4, 1)), ((), (3,))],
)
def test_shapes_that_do_not_belong_together_are_refused(true_shape, pred_shape):
    with pytest.raises(ValueError, match=r"It takes numbers of shape \(\.\.\., S\), and logits of shape"):
        DistributionFocal()(np.zeros(true_shape, "float32"), np.zeros(pred_shape, "float32"))
