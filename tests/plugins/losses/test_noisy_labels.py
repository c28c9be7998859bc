"""Generalized and symmetric crossentropy: their limits, their bounds, and what Keras's loss of the name gets wrong."""

import keras
import numpy as np
import pytest
from gradients import gradient

from kzoo_plugins.losses.noisy_labels import (
    GeneralizedCrossentropy,
    SymmetricCrossentropy,
    generalized_crossentropy,
    symmetric_crossentropy,
)

RNG = np.random.default_rng(6)
PRED = RNG.dirichlet(np.ones(4), 6).astype("float32")
LABELS = np.array([0, 3, 1, 1, 2, 0])
HOT = np.eye(4, dtype="float32")[LABELS]
OWN = PRED[np.arange(6), LABELS].astype("float64")


def test_towards_0_it_is_the_crossentropy_and_at_1_half_the_absolute_error():
    np.testing.assert_allclose(generalized_crossentropy(LABELS, PRED, q=1e-6), -np.log(OWN), rtol=1e-5)
    half = np.abs(HOT - PRED).sum(-1) / 2
    np.testing.assert_allclose(generalized_crossentropy(LABELS, PRED, q=1), half, rtol=1e-5)


def test_keras_agrees_inside_and_its_two_faults_are_not_here():
    keras_own = keras.losses.CategoricalGeneralizedCrossEntropy(q=0.7, reduction=None)
    np.testing.assert_allclose(generalized_crossentropy(LABELS, PRED), keras_own(LABELS, PRED), rtol=1e-5)
    wrong = np.array([[0.0, 1.0]], "float32")
    assert not np.isfinite(gradient(lambda y: keras_own(np.array([0]), y), wrong)).all()
    assert np.isfinite(gradient(lambda y: generalized_crossentropy([0], y), wrong)).all()
    assert keras_own(LABELS[:, None], PRED).shape == (6, 6)
    column = generalized_crossentropy(LABELS[:, None], PRED)
    np.testing.assert_array_equal(column, generalized_crossentropy(LABELS, PRED))


def test_no_sample_costs_more_than_the_bound():
    wrong = [[-1000.0, 1000.0]]
    assert float(GeneralizedCrossentropy(q=0.7, from_logits=True)([0], wrong)) == pytest.approx(1 / 0.7)


def test_a_wrong_label_pulls_less_than_with_the_crossentropy():
    logits = np.array([[-5.0, 5.0]], "float32")
    crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain = gradient(lambda z: crossentropy(np.array([0]), z), logits)
    pull = gradient(lambda z: GeneralizedCrossentropy(from_logits=True)([0], z), logits)
    np.testing.assert_allclose(pull, plain * (1 / (1 + np.exp(10))) ** 0.7, rtol=1e-4)


def test_the_reverse_of_a_one_hot_label_is_the_absolute_error_times_the_logarithm_of_0():
    found = symmetric_crossentropy(LABELS, PRED, alpha=0, beta=0.5, log_zero=-6)
    np.testing.assert_allclose(found, 0.5 * 6 * (1 - OWN), rtol=1e-5)
    np.testing.assert_allclose(symmetric_crossentropy(LABELS, PRED, alpha=2, beta=0), -2 * np.log(OWN), rtol=1e-5)


def test_small_labels_count_as_0():
    soft = np.array([[0.5, 0.5 - 1e-3, 1e-3]], "float32")
    reverse = -(PRED[:1, :3] * [np.log(0.5), np.log(0.5 - 1e-3), -4]).sum()
    found = symmetric_crossentropy(soft, PRED[:1, :3], alpha=0)
    assert float(found[0]) == pytest.approx(reverse, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "function", "arguments", "message"),
    [
        (GeneralizedCrossentropy, generalized_crossentropy, {"q": 0}, "`q` must be above 0 and at most 1, not 0"),
        (GeneralizedCrossentropy, generalized_crossentropy, {"q": float("nan")}, "`q` must be above 0"),
        (SymmetricCrossentropy, symmetric_crossentropy, {"alpha": -1}, "`alpha` must be a finite number"),
        (SymmetricCrossentropy, symmetric_crossentropy, {"beta": float("inf")}, "`beta` must be a finite number"),
        (SymmetricCrossentropy, symmetric_crossentropy, {"log_zero": 4}, "`log_zero` must be a finite number below 0"),
    ],
)
def test_arguments_without_meaning_are_refused(make, function, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)
    with pytest.raises(ValueError, match=message):
        function(LABELS, PRED, **arguments)
