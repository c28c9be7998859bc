"""The robust losses: published properties, joints, exact matches, and refusals."""

import json
import math

import keras
import numpy as np
import pytest
from gradients import with_gradient

from kzoo.plugins.build import build
from kzoo_plugins.losses.robust import Barron, Charbonnier, Wing, barron, charbonnier, wing

RNG = np.random.default_rng(5)
TRUE = (RNG.normal(size=(6, 3)) * 4).astype("float32")
PRED = (RNG.normal(size=(6, 3)) * 4).astype("float32")
LOSSES = [Charbonnier, Barron, Wing]


def value_and_slope(loss, error):
    y_pred = np.reshape(error, (-1, 1)).astype("float32")
    value, slope = with_gradient(loss)(np.zeros_like(y_pred), y_pred)
    return value, slope[:, 0]


def test_barron_at_one_is_charbonnier():
    # Barron 2019, equation 4: sqrt((x / c)^2 + 1) - 1.
    np.testing.assert_allclose(
        barron(TRUE, PRED, alpha=1, c=0.5) * 0.5 + 0.5, charbonnier(TRUE, PRED, epsilon=0.5), rtol=1e-6
    )


def test_barron_is_between_keras_losses():
    # Half the squared error at 2, and nearly the absolute error far from 0 at 1.
    np.testing.assert_allclose(barron(TRUE, PRED, alpha=2), keras.losses.mean_squared_error(TRUE, PRED) / 2, rtol=1e-6)
    absolute = keras.losses.mean_absolute_error(TRUE, PRED)
    np.testing.assert_allclose(barron(TRUE, PRED, alpha=1, c=1e-4) * 1e-4, absolute, rtol=1e-3)


@pytest.mark.parametrize("at", [2, 0])
def test_barron_has_no_jump_at_its_limits(at):
    errors = [1e-5, 0.3, 20.0]
    steps = [0, 1e-30, 1e-22, 1e-15, 1e-13, 1e-11, 1e-9]
    found = [value_and_slope(Barron(alpha=at + s * step, reduction=None), errors) for step in steps for s in (-1, 1)]
    for value, slope in found:
        np.testing.assert_allclose(value, found[0][0], rtol=3e-6)
        np.testing.assert_allclose(slope, found[0][1], rtol=3e-6)


def test_barron_grows_with_alpha_and_forgets_outliers_below_zero():
    # Barron 2019, appendix: the loss is monotonic in alpha, and at -2 and -inf the weight of an outlier goes to 0.
    values = [float(Barron(alpha=a)([[0.0]], [[3.0]])) for a in (-math.inf, -10, -2, -0.1, 0, 0.1, 1, 1.9, 2, 2.1, 4)]
    assert values == sorted(values)
    for alpha in (-2, -math.inf):
        assert value_and_slope(Barron(alpha=alpha), 3000.0)[1][0] < 1e-6


def test_minus_infinity_comes_through_text_and_json():
    loss = build("loss", "barron:alpha=-Infinity")
    assert loss.alpha == -math.inf
    text = json.dumps(keras.saving.serialize_keras_object(loss))
    assert keras.saving.deserialize_keras_object(json.loads(text)).alpha == -math.inf


@pytest.mark.parametrize("alpha", [math.inf, math.nan, "-inf", None])
def test_an_alpha_without_a_loss_is_refused(alpha):
    with pytest.raises(ValueError, match="`alpha` must be a finite number, or -inf"):
        Barron(alpha=alpha)
    with pytest.raises(ValueError, match="`alpha` must be"):
        barron(TRUE, PRED, alpha=alpha)


@pytest.mark.parametrize("value", [0, -1, 1e-25, math.nan, math.inf, "x"])
@pytest.mark.parametrize(
    ("made", "argument"), [(Charbonnier, "epsilon"), (Barron, "c"), (Wing, "w"), (Wing, "epsilon")]
)
def test_a_size_that_measures_nothing_is_refused(made, argument, value):
    with pytest.raises(ValueError, match=f"`{argument}` must be a finite number of at least 1e-18"):
        made(**{argument: value})


def test_wing_is_continuous_where_its_line_begins():
    (below, above), (slope_below, slope_above) = value_and_slope(Wing(w=10, epsilon=2, reduction=None), [9.9999, 10.0])
    assert above == pytest.approx(below, abs=1e-3)
    assert (slope_below, slope_above) == (pytest.approx(10 / 12, rel=1e-3), 1.0)


def test_wings_slope_near_zero_is_w_over_epsilon():
    # Feng et al. 2018, section 4.2: small errors are amplified.
    assert value_and_slope(Wing(w=10, epsilon=0.5), 1e-6)[1][0] == pytest.approx(20, rel=1e-4)


def test_charbonnier_of_the_smallest_epsilon_has_a_slope_at_an_exact_match():
    value, slope = value_and_slope(Charbonnier(epsilon=1e-18, reduction=None), [0.0, 2.0])
    np.testing.assert_allclose(value, [1e-18, 2])
    np.testing.assert_allclose(slope, [0, 1])


@pytest.mark.parametrize("made", LOSSES)
def test_targets_of_another_shape_are_refused(made):
    with pytest.raises(ValueError, match=f"`{made.__name__.lower()}` got y_true of shape"):
        made()(TRUE[:, :2], PRED)


@pytest.mark.parametrize("function", [charbonnier, barron, wing])
def test_one_number_for_each_sample(function):
    expected = function(TRUE[:, :1], PRED[:, :1])
    for true, pred in ((TRUE[:, 0], PRED[:, 0]), (TRUE[:, 0], PRED[:, :1]), (TRUE[:, :1], PRED[:, 0])):
        np.testing.assert_array_equal(function(true, pred), expected)
