"""Dice, generalized Dice and Jaccard: what they say of masks; test_masks.py has what all losses between masks share."""

import keras
import numpy as np
import pytest
from gradients import with_gradient

from kzoo_plugins.losses.overlap import GeneralizedDice, Jaccard, SoftDice, generalized_dice, jaccard, soft_dice

RNG = np.random.default_rng(3)
MASK = (RNG.uniform(size=(3, 4, 5, 1)) < 0.4).astype("float32")
PRED = RNG.uniform(size=(3, 4, 5, 1)).astype("float32")
EMPTY = np.zeros_like(MASK)


def test_dice_is_keras_dice_of_each_sample_alone():
    expected = [float(keras.losses.Dice(dtype="float64")(MASK[i : i + 1], PRED[i : i + 1])) for i in range(3)]
    np.testing.assert_allclose(soft_dice(MASK, PRED), expected, rtol=1e-6)
    assert float(SoftDice()(MASK, PRED)) == pytest.approx(np.mean(expected), rel=1e-6)
    assert float(SoftDice()(MASK, PRED)) != pytest.approx(float(keras.losses.Dice()(MASK, PRED)), rel=1e-4)


def test_jaccard_follows_from_dice():
    dice = 1 - np.asarray(soft_dice(MASK, PRED), "float64")
    np.testing.assert_allclose(jaccard(MASK, PRED), 1 - dice / (2 - dice), rtol=1e-6)


def test_the_mean_is_over_the_classes():
    two = np.concatenate([MASK, 1 - MASK], -1), np.concatenate([PRED, 1 - PRED], -1)
    for function in (soft_dice, jaccard):
        expected = (np.asarray(function(MASK, PRED)) + np.asarray(function(1 - MASK, 1 - PRED))) / 2
        np.testing.assert_allclose(function(*two), expected, rtol=1e-6)


@pytest.mark.parametrize("function", [soft_dice, jaccard, generalized_dice])
def test_a_prediction_that_is_nearly_right_keeps_its_digits(function):
    # One minus the overlap would be a multiple of 6e-8 here.
    y_true = np.ones((1, 100, 1), "float32")
    y_pred = y_true.copy()
    y_pred[0, 0] = 0.9999
    missing = 1 - float(y_pred[0, 0, 0])
    expected = missing / (100 if function is jaccard else 200 - missing)
    assert float(function(y_true, y_pred)[0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("made", [SoftDice, Jaccard])
def test_an_empty_mask(made):
    assert float(made()(EMPTY, EMPTY)) == 0
    assert float(made()(EMPTY, PRED)) == 1
    _, slope = with_gradient(made())(EMPTY, PRED)
    np.testing.assert_array_equal(slope, np.zeros_like(PRED))
    assert float(made(count_absent=False)(EMPTY, PRED)) == 0
    assert 0 < float(made(smooth=1)(EMPTY, PRED)) < 1
    _, slope = with_gradient(made(smooth=1))(EMPTY, PRED)
    assert (slope > 0).all()


def test_absent_classes_are_left_out_when_asked():
    y_true = np.zeros((1, 6), "int64")
    y_pred = np.full((1, 6, 3), 1 / 3, "float32")
    present = 1 - 2 * 2 / (2 + 6)
    assert float(soft_dice(y_true, y_pred)[0]) == pytest.approx((present + 1 + 1) / 3)
    assert float(soft_dice(y_true, y_pred, count_absent=False)[0]) == pytest.approx(present)


def test_generalized_dice_weighs_a_class_by_the_square_of_its_size():
    y_true = np.array([[0] * 8 + [1] * 2])
    y_pred = RNG.dirichlet(np.ones(2), (1, 10)).astype("float32")
    both, first, second = (y_pred[0, :, c].astype("float64") for c in (slice(None), 0, 1))
    weights = np.array([1 / 64, 1 / 4])
    right = np.array([first[:8].sum(), second[8:].sum()])
    expected = 1 - 2 * (weights * right).sum() / (weights * (both.sum(0) + np.array([8, 2]))).sum()
    assert float(generalized_dice(y_true, y_pred)[0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("function", [soft_dice, jaccard, generalized_dice])
def test_a_million_positions_keep_their_digits(function):
    y_true = RNG.integers(0, 3, (1, 50))
    y_pred = RNG.dirichlet(np.ones(3), (1, 50)).astype("float32")
    large = np.tile(y_true, (1, 20000)), np.tile(y_pred, (1, 20000, 1))
    assert float(function(*large)[0]) == pytest.approx(float(function(y_true, y_pred)[0]), rel=1e-5)


@pytest.mark.parametrize("loss", [SoftDice(), Jaccard(), GeneralizedDice()], ids=lambda loss: loss.name)
def test_other_samples_change_nothing(loss):
    loss.reduction = None
    alone = [float(loss(MASK[i : i + 1], PRED[i : i + 1])[0]) for i in range(3)]
    np.testing.assert_allclose(loss(MASK, PRED), alone, rtol=1e-6)


@pytest.mark.parametrize("smooth", [-1, float("nan"), float("inf")])
@pytest.mark.parametrize("make", [SoftDice, Jaccard, lambda smooth: soft_dice(MASK, PRED, smooth=smooth)])
def test_a_smooth_that_is_no_number_of_at_least_0_is_refused(make, smooth):
    with pytest.raises(ValueError, match="`smooth` must be a finite number of at least 0, not"):
        make(smooth=smooth)
