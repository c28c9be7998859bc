"""The sparsemax and its loss: the nearest distribution, the margin of 1, the gradient, ties, large logits."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import gradient
from scipy.optimize import brentq

from kzoo_plugins.losses.sparsemax import Sparsemax, sparsemax, sparsemax_loss

RNG = np.random.default_rng(9)
LOGITS = (RNG.normal(size=(6, 5)) * 1.5).astype("float32")
LABELS = np.array([0, 3, 1, 1, 2, 4])


def nearest(row):
    """Return the nearest distribution by a root finder: max(z - t, 0) with the t for which it sums to 1."""
    row = np.asarray(row, "float64")
    threshold = brentq(lambda t: np.maximum(row - t, 0).sum() - 1, row.max() - 1, row.max(), xtol=1e-14)
    return np.maximum(row - threshold, 0)


@pytest.mark.parametrize("shift", [0.0, 1e4])
def test_it_is_the_nearest_distribution(shift):
    logits = LOGITS + np.float32(shift)
    np.testing.assert_allclose(sparsemax(logits), [nearest(row) for row in logits], atol=1e-6)
    np.testing.assert_allclose(sparsemax(LOGITS[None]), sparsemax(LOGITS)[None])


def test_far_logits_cost_no_digits():
    row = np.array([[0.3, 0.0, -1e7, -1e7, -1e30]], "float32")
    np.testing.assert_allclose(sparsemax(row)[0], [0.65, 0.35, 0, 0, 0], atol=1e-6)


INF = np.inf
# TensorFlow Addons 0.23 has these four rows of logits and their losses in its own tests.
RULED_OUT = np.array([[0, -INF, 0], [0, -INF, -INF], [-INF, -INF, 0], [-INF, -INF, -INF]], "float32")
LAST = np.array([2, 2, 2, 2])


@pytest.mark.parametrize("jit", [None, False, True])
def test_what_is_ruled_out_has_no_part_in_it(jit):
    call = lambda z: sparsemax_loss(LAST, z, from_logits=True)  # noqa: E731
    call = call if jit is None else tf.function(call, jit_compile=jit)
    np.testing.assert_allclose(call(tf.constant(RULED_OUT)), [0.25, INF, 0, np.nan], atol=1e-6)
    np.testing.assert_allclose(sparsemax(RULED_OUT[:3]), [[0.5, 0, 0.5], [1, 0, 0], [0, 0, 1]])


def test_rows_do_not_harm_each_other():
    rows = np.concatenate([RULED_OUT, LOGITS[:, :3], [[0.4, -INF, 0.1], [0, INF, 0], [0.4, 0.1, -30]]]).astype(
        "float32"
    )
    labels = np.array([*LAST, 0, 1, 2, 0, 1, 2, 2, 0, 1])
    found = np.asarray(sparsemax_loss(labels, rows, from_logits=True))
    alone = [float(sparsemax_loss(labels[[i]], rows[[i]], from_logits=True)[0]) for i in range(len(rows))]
    np.testing.assert_array_equal(found, alone)
    kept = [0, 2, *range(4, 11), 12]
    slopes = gradient(lambda z: sparsemax_loss(labels, z, from_logits=True), rows)
    for i in kept:
        row = rows[i].astype("float64")
        p = np.zeros(3)
        p[np.isfinite(row)] = nearest(row[np.isfinite(row)])
        z, y = np.where(np.isfinite(row), row, 0), np.eye(3)[labels[i]]
        assert found[i] == pytest.approx(((p - y) * z + (y**2 - p**2) / 2).sum(), abs=1e-5)
        np.testing.assert_allclose(slopes[i], p - y, atol=1e-6)
    assert np.isnan(found[[3, 11]]).all()


@pytest.mark.parametrize("row", [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0.5, 0, -0.5]])
def test_ties_and_borders_of_the_support(row):
    row = np.array(row, "float32")
    found = np.asarray(sparsemax(row))
    np.testing.assert_allclose(found, nearest(row), atol=1e-6)
    assert found.sum() == pytest.approx(1)


def test_it_is_0_once_the_true_class_leads_by_1_and_not_before():
    for lead, expected in ((1.0, 0.0), (3.0, 0.0), (0.0, 0.25), (-1.0, 1.0), (-3.0, 3.0)):
        found = float(Sparsemax(from_logits=True)([0], [[lead, 0.0]]))
        assert found == pytest.approx(expected, abs=1e-6)  # of two classes it is a Huber hinge


def test_its_gradient_is_the_sparsemax_less_the_label():
    expected = np.stack([nearest(row) for row in LOGITS]) - np.eye(5)[LABELS]
    found = gradient(lambda z: sparsemax_loss(LABELS, z, from_logits=True), LOGITS)
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_its_second_derivative_is_that_of_a_mean_over_the_support():
    at = tf.constant([[0.3, 0.0, -2.0]])
    with tf.GradientTape() as outer:
        outer.watch(at)
        with tf.GradientTape() as inner:
            inner.watch(at)
            value = sparsemax_loss([0], at, from_logits=True)
        slope = inner.gradient(value, at)
    expected = [[0.5, -0.5, 0], [-0.5, 0.5, 0], [0, 0, 0]]
    np.testing.assert_allclose(outer.jacobian(slope, at)[0, :, 0], expected, atol=1e-6)


def test_from_the_probabilities_of_a_softmax_it_is_the_loss_of_the_logits():
    p = np.asarray(keras.ops.softmax(LOGITS))
    expected = sparsemax_loss(LABELS, LOGITS, from_logits=True)
    np.testing.assert_allclose(sparsemax_loss(LABELS, p), expected, atol=1e-6)
    found = gradient(lambda z: sparsemax_loss(LABELS, keras.ops.softmax(z)), LOGITS)
    direct = gradient(lambda z: sparsemax_loss(LABELS, z, from_logits=True), LOGITS)
    np.testing.assert_allclose(found, direct, atol=1e-5)


def test_several_classes_share_the_label():
    both = np.array([[0.5, 0.5, 0.0]], "float32")
    assert float(Sparsemax(from_logits=True)(both, [[5.0, 5.0, 4.0]])) == pytest.approx(0, abs=1e-6)
