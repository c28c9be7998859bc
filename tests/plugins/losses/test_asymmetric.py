"""The asymmetric loss: what it is without its parts, the free noes below `clip`, arguments."""

import keras
import numpy as np
import pytest
from gradients import with_gradient

from kzoo_plugins.losses.asymmetric import Asymmetric, asymmetric
from kzoo_plugins.losses.focal import sigmoid_focal

RNG = np.random.default_rng(10)
LABELS = RNG.integers(0, 2, (6, 4)).astype("float32")
LOGITS = (RNG.normal(size=(6, 4)) * 3).astype("float32")


def test_without_its_parts_it_is_the_binary_crossentropy():
    expected = keras.losses.BinaryCrossentropy(from_logits=True)(LABELS, LOGITS)
    found = Asymmetric(gamma_neg=0, gamma_pos=0, clip=0, from_logits=True)(LABELS, LOGITS)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


def test_with_equal_powers_and_no_clip_it_is_the_focal_loss():
    expected = sigmoid_focal(LABELS, LOGITS, alpha=None, gamma=2, from_logits=True)
    found = asymmetric(LABELS, LOGITS, gamma_neg=2, gamma_pos=2, clip=0, from_logits=True)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("gamma_neg", [0.0, 0.5, 4.0])
def test_a_no_below_clip_costs_nothing_and_pulls_at_nothing(gamma_neg):
    y_pred = np.array([[0.0, 0.01, 0.0499, 0.06]], "float32")
    value, slope = with_gradient(lambda y: asymmetric([[0.0, 0.0, 0.0, 0.0]], y, gamma_neg=gamma_neg))(y_pred)
    np.testing.assert_array_equal(value[0, :3], 0)
    np.testing.assert_array_equal(slope[0, :3], 0)
    assert value[0, 3] > 0
    assert slope[0, 3] > 0


def test_a_certain_and_wrong_no_costs_the_logarithm_of_clip():
    assert float(asymmetric([0.0], [1.0])[0]) == pytest.approx(0.95**4 * -np.log(0.05), rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"gamma_neg": -1}, "`gamma_neg` must be a finite number of at least 0, not -1"),
        ({"gamma_pos": float("inf")}, "`gamma_pos` must be"),
        ({"clip": -0.1}, "`clip` must be between 0 and 1"),
        ({"clip": 1}, "`clip` must be below 1"),
    ],
)
def test_arguments_without_meaning_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Asymmetric(**arguments)
    with pytest.raises(ValueError, match=message):
        asymmetric(LABELS, LOGITS, **arguments)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="`asymmetric` got y_true of shape"):
        asymmetric(LABELS[:, :1], LOGITS)
