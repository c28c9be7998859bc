"""The bi-tempered loss: its limits and bounds, the tempered softmax, and that a softmax may come before it."""

import keras
import numpy as np
import pytest
from gradients import gradient
from scipy.optimize import brentq

from kzoo_plugins.losses.bi_tempered import BiTempered, bi_tempered, log_tempered_softmax

RNG = np.random.default_rng(7)
LOGITS = (RNG.normal(size=(6, 5)) * 4).astype("float32")
LABELS = np.array([0, 3, 1, 1, 2, 4])


def test_with_both_temperatures_1_it_is_the_crossentropy():
    expected = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)(LABELS, LOGITS)
    np.testing.assert_allclose(bi_tempered(LABELS, LOGITS, t1=1, t2=1, from_logits=True), expected, rtol=1e-5)
    near = bi_tempered(LABELS, LOGITS.astype("float64"), t1=1, t2=1 + 1e-9, from_logits=True)
    np.testing.assert_allclose(near, expected, rtol=1e-5)


@pytest.mark.parametrize("t2", [1.05, 1.2, 1.5])
@pytest.mark.parametrize("classes", [2, 10, 1000])
def test_the_tempered_softmax_sums_to_1_after_5_iterations(t2, classes):
    logits = (np.random.default_rng(classes).normal(size=(20, classes)) * 3).astype("float32")
    p = np.exp(np.asarray(log_tempered_softmax(logits, t2=t2), "float64"))
    np.testing.assert_allclose(p.sum(-1), 1, rtol=2e-5 if classes == 1000 else 3e-6)


def test_the_tempered_softmax_is_that_of_a_root_finder():
    row, t2 = LOGITS[0].astype("float64"), 1.4

    def tempered(c):
        return (1 + (t2 - 1) * (c - row)) ** (-1 / (t2 - 1))

    c = brentq(lambda c: tempered(c).sum() - 1, row.max(), row.max() + 100, xtol=1e-14)
    np.testing.assert_allclose(np.exp(log_tempered_softmax(LOGITS[:1], t2=t2)[0]), tempered(c), rtol=1e-5)


@pytest.mark.parametrize("t2", [1.0, 1.2, 2.0])
def test_from_the_probabilities_of_a_softmax_it_is_the_loss_of_the_logits(t2):
    p = np.asarray(keras.ops.softmax(LOGITS))
    expected = bi_tempered(LABELS, LOGITS, t2=t2, iterations=9, from_logits=True)
    np.testing.assert_allclose(bi_tempered(LABELS, p, t2=t2, iterations=9), expected, rtol=1e-5)

    def through_softmax(z):
        return bi_tempered(LABELS, keras.ops.softmax(z), t2=t2)

    found = gradient(through_softmax, LOGITS)
    direct = gradient(lambda z: bi_tempered(LABELS, z, t2=t2, from_logits=True), LOGITS)
    np.testing.assert_allclose(found, direct, atol=1e-5 * np.abs(direct).max())


@pytest.mark.parametrize("t1", [0.0, 0.5, 0.8])
def test_no_sample_costs_more_than_the_bound(t1):
    found = float(BiTempered(t1=t1, t2=1, from_logits=True)([0], [[-1e4, 1e4, 0.0]]))
    assert found == pytest.approx(1 / (1 - t1), rel=1e-5)


def test_the_least_is_at_the_label_and_an_outlier_pulls_no_more():
    label = np.array([[0.6, 0.3, 0.1]], "float32")
    logs = (label ** (1 - 1.2) - 1) / (1 - 1.2)  # the logits whose tempered softmax is the label, with c = 0
    assert float(BiTempered(from_logits=True)(label, logs)) == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(gradient(lambda z: bi_tempered(label, z, from_logits=True), logs), 0, atol=1e-6)
    near, far = (gradient(lambda z: bi_tempered([0], z, from_logits=True), [[-z, z]]) for z in (1.0, 50.0))
    assert np.abs(far).max() < np.abs(near).max() / 5


@pytest.mark.parametrize("size", [1.0, 1e4])
@pytest.mark.parametrize("t2", [1.0, 1.01, 1.2, 4.0])
def test_value_and_gradient_are_finite_for_large_and_equal_logits(size, t2):
    logits = size * np.array([[1, -1, 0], [-1, 1, 0], [0, 0, 0]], "float32")
    for labels in ([0, 0, 0], np.full((3, 3), 1 / 3, "float32")):
        assert np.isfinite(bi_tempered(labels, logits, t2=t2, from_logits=True)).all()
        assert np.isfinite(gradient(lambda z, y=labels: bi_tempered(y, z, t2=t2, from_logits=True), logits)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"t1": -0.1}, "`t1` must be between 0 and 1, not -0.1"),
        ({"t1": 1.2}, "`t1` must be between 0 and 1"),
        ({"t2": 0.9}, "`t2` must be a finite number of at least 1, not 0.9"),
        ({"t2": float("inf")}, "`t2` must be"),
        ({"iterations": 0}, "`iterations` must be a whole number of at least 1, not 0"),
        ({"iterations": 2.5}, "`iterations` must be"),
    ],
)
def test_arguments_without_meaning_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        BiTempered(**arguments)
    with pytest.raises(ValueError, match=message):
        bi_tempered(LABELS, LOGITS, **arguments)
