"""The Tversky losses: which weight is whose; test_masks.py has what all losses between masks share."""

import keras
import numpy as np
import pytest
from gradients import with_gradient

from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo_plugins.losses.overlap import jaccard, soft_dice
from kzoo_plugins.losses.tversky import FocalTversky, Tversky, focal_tversky, tversky

RNG = np.random.default_rng(5)
LABELS = RNG.integers(0, 3, (2, 4, 5))
PRED = RNG.dirichlet(np.ones(3), (2, 4, 5)).astype("float32")
SMALL, LARGE = np.array([[[1.0], [0.0]]], "float32"), np.array([[[1.0], [1.0]]], "float32")


@pytest.mark.parametrize("made", [Tversky, lambda **weights: FocalTversky(**weights, gamma=1)])
def test_alpha_weighs_false_positives_and_beta_false_negatives(made):
    assert float(made(alpha=0.9, beta=0.1)(SMALL, LARGE)) == pytest.approx(0.9 / 1.9)
    assert float(made(alpha=0.9, beta=0.1)(LARGE, SMALL)) == pytest.approx(0.1 / 1.1)
    assert float(made(alpha=0, beta=1)(SMALL, LARGE)) == 0
    assert float(made(alpha=1, beta=0)(LARGE, SMALL)) == 0


def test_keras_has_the_two_the_other_way_round():
    keras_own = keras.losses.Tversky(alpha=0.7, beta=0.3)
    y_true, y_pred = (LABELS == 1)[:1, ..., None].astype("float32"), PRED[:1, ..., 1:2]
    assert float(Tversky(alpha=0.3, beta=0.7)(y_true, y_pred)) == pytest.approx(float(keras_own(y_true, y_pred)), 1e-6)


def test_the_name_is_that_of_the_right_one():
    for name, cls in (("tversky", Tversky), ("keras_tversky", keras.losses.Tversky)):
        assert load_target(get_registry().get("loss", name)) is cls


def test_equal_weights_are_dice_and_jaccard():
    np.testing.assert_allclose(tversky(LABELS, PRED), soft_dice(LABELS, PRED), rtol=1e-6)
    np.testing.assert_allclose(tversky(LABELS, PRED, smooth=1), soft_dice(LABELS, PRED, smooth=2), rtol=1e-6)
    np.testing.assert_allclose(tversky(LABELS, PRED, alpha=1, beta=1), jaccard(LABELS, PRED), rtol=1e-6)


def test_the_power_is_that_of_each_class():
    masks = np.eye(3, dtype="float32")[LABELS]
    each = [np.asarray(tversky(masks[..., c : c + 1], PRED[..., c : c + 1]), "float64") for c in range(3)]
    np.testing.assert_allclose(focal_tversky(LABELS, PRED), np.mean(np.power(each, 0.75), 0), rtol=1e-6)
    np.testing.assert_allclose(focal_tversky(LABELS, PRED, gamma=1), tversky(LABELS, PRED), rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.1, 0.75, 3])
def test_an_exact_match_has_gradient_0_and_spoils_no_other(gamma):
    y_true = np.concatenate([SMALL, LARGE])
    y_pred = np.stack([SMALL[0], [[0.5], [0.5]]]).astype("float32")
    _, found = with_gradient(FocalTversky(gamma=gamma, reduction="sum"))(y_true, y_pred)
    np.testing.assert_array_equal(found[0], np.zeros((2, 1)))
    # 1 - TI = 1 - 1 / 1.5, and its slope by either prediction is -4/9.
    np.testing.assert_allclose(found[1], np.full((2, 1), gamma * (1 / 3) ** (gamma - 1) * -4 / 9), rtol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"alpha": -0.1}, "`alpha` must be a finite number of at least 0, not -0.1"),
        ({"beta": float("inf")}, "`beta` must be"),
        ({"smooth": float("nan")}, "`smooth` must be"),
        ({"alpha": 0, "beta": 0}, "must not both be 0"),
    ],
)
def test_weights_without_meaning_are_refused(arguments, message):
    for make in (Tversky, FocalTversky):
        with pytest.raises(ValueError, match=message):
            make(**arguments)
    for function in (tversky, focal_tversky):
        with pytest.raises(ValueError, match=message):
            function(LABELS, PRED, **arguments)


@pytest.mark.parametrize("gamma", [0, -1, float("nan"), float("inf")])
def test_a_power_of_0_or_less_is_refused(gamma):
    with pytest.raises(ValueError, match="`gamma` must be a finite number above 0, not"):
        FocalTversky(gamma=gamma)
