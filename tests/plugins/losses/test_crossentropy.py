"""Smoothed and Poly-1 crossentropy: Keras's crossentropy as the case between, label forms, arguments."""

import keras
import numpy as np
import pytest

from kzoo_plugins.losses.crossentropy import Poly1, SmoothedCrossentropy, poly1, smoothed_crossentropy

RNG = np.random.default_rng(4)
LOGITS = (RNG.normal(size=(6, 4)) * 3).astype("float32")
LABELS = np.array([0, 3, 1, 1, 2, 0])
HOT = np.eye(4, dtype="float32")[LABELS]


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 1.0])
def test_class_indices_are_smoothed_as_keras_smooths_one_hot_labels(smoothing):
    keras_own = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing)
    ours = SmoothedCrossentropy(label_smoothing=smoothing, from_logits=True)
    assert float(ours(LABELS, LOGITS)) == pytest.approx(float(keras_own(HOT, LOGITS)), rel=1e-5)


def test_the_least_smoothed_loss_is_at_the_smoothed_label():
    labels = np.full((1, 4), 0.025)
    labels[0, 0] += 0.9
    at_best = float(SmoothedCrossentropy(0.1)([0], labels))
    assert at_best == pytest.approx(-(labels * np.log(labels)).sum(), rel=1e-5)
    assert at_best < float(SmoothedCrossentropy(0.1)([0], [[1 - 3e-4, 1e-4, 1e-4, 1e-4]]))


def test_without_epsilon_it_is_the_crossentropy_and_with_it_linear():
    keras_own = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
    plain = np.asarray(keras_own(LABELS, LOGITS))
    np.testing.assert_allclose(poly1(LABELS, LOGITS, epsilon=0, from_logits=True), plain, rtol=1e-5)
    for epsilon in (-1, 2):
        more = np.asarray(poly1(LABELS, LOGITS, epsilon=epsilon, from_logits=True)) - plain
        np.testing.assert_allclose(more, epsilon * -np.expm1(-plain), rtol=1e-4, atol=1e-6)


def test_the_series_of_the_paper_has_its_first_coefficient_changed():
    p = 0.7
    series = sum((1 - p) ** j / j for j in range(1, 80)) + 2 * (1 - p)
    assert float(Poly1(epsilon=2)([0], [[p, 0.3]])) == pytest.approx(series, rel=1e-5)


@pytest.mark.parametrize(
    ("make", "function", "arguments", "message"),
    [
        (
            SmoothedCrossentropy,
            smoothed_crossentropy,
            {"label_smoothing": 1.1},
            "`label_smoothing` must be between 0 and 1",
        ),
        (Poly1, poly1, {"epsilon": -1.5}, "`epsilon` must be a finite number of at least -1, not -1.5"),
        (Poly1, poly1, {"epsilon": float("inf")}, "`epsilon` must be"),
    ],
)
def test_arguments_without_meaning_are_refused(make, function, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)
    with pytest.raises(ValueError, match=message):
        function(LABELS, LOGITS, **arguments)
