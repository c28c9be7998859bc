"""What gradient descent on a regularizer ends at is what the theory of it says."""

import keras
import numpy as np
import pytest
import scipy
import tensorflow as tf

from kzoo_plugins.regularizers.activity import decov, entropy
from kzoo_plugins.regularizers.bounds import LogBarrier, MaxNormPenalty
from kzoo_plugins.regularizers.groups import GroupLasso, SparseGroupLasso
from kzoo_plugins.regularizers.hoyer import hoyer_square
from kzoo_plugins.regularizers.orthogonality import SRIP, SoftOrthogonal
from kzoo_plugins.regularizers.spectrum import Nuclear, Spectral

TARGET = np.random.default_rng(3).normal(size=(6, 4))
SCALED = TARGET * [2.0, 0.1, 1.0, 0.2]  # two columns that count and two that hardly do


def descend(function, start, steps, rate):
    """Return where gradient descent ends; ``rate`` gives the step size at each step, from 0."""

    @tf.function
    def run(at):
        for step in tf.range(steps):
            with tf.GradientTape() as tape:
                tape.watch(at)
                value = function(at)
            at -= tf.cast(rate(tf.cast(step, "float64")), "float64") * tape.gradient(value, at)
        return at

    return run(tf.constant(start, "float64")).numpy()


def nearest(regularizer, target, steps=5000):
    """Return the minimum of half the squared distance from ``target`` plus the penalty: its proximal point.

    The step sizes 1 / (n + 1) bring the subgradient method to the minimum of a sum as convex as this one.
    """
    return descend(
        lambda w: tf.reduce_sum((w - target) ** 2) / 2 + regularizer(w), target, steps, lambda n: 1 / (n + 1)
    )


def shrunk(target, by):
    """Return the columns shortened by a length, or 0 where they are shorter."""
    lengths = np.linalg.norm(target, axis=0)
    return target * np.maximum(1 - by / lengths, 0)


def with_singular_values(target, change):
    left, values, right = np.linalg.svd(target, full_matrices=False)
    return left * change(values) @ right


def test_group_lasso_shortens_each_group_and_removes_short_ones():
    expected = shrunk(SCALED, 0.4 * np.sqrt(6))
    assert [bool(column.any()) for column in expected.T] == [True, False, True, False]
    assert nearest(GroupLasso(factor=0.4), SCALED) == pytest.approx(expected, abs=2e-3)


def test_group_lasso_of_inputs_is_that_of_the_turned_matrix():
    expected = shrunk(SCALED, 0.4 * np.sqrt(6)).T
    assert nearest(GroupLasso(factor=0.4, axis=-2), SCALED.T) == pytest.approx(expected, abs=2e-3)


def test_sparse_group_lasso_thresholds_weights_and_then_groups():
    thresholded = np.sign(SCALED) * np.maximum(np.abs(SCALED) - 0.6 * 0.5, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.nan_to_num(shrunk(thresholded, 0.6 * 0.5 * np.sqrt(6)))
    assert [bool(column.any()) for column in expected.T] == [True, False, True, False]
    assert (expected[:, 2] == 0).any()  # single weights in a group that stays
    assert nearest(SparseGroupLasso(factor=0.6, alpha=0.5), SCALED) == pytest.approx(expected, abs=2e-3)


def test_nuclear_lowers_every_singular_value():
    expected = with_singular_values(TARGET, lambda s: np.maximum(s - 1.5, 0))
    assert 0 < np.linalg.matrix_rank(expected) < 4
    assert nearest(Nuclear(factor=1.5), TARGET) == pytest.approx(expected, abs=2e-3)


@pytest.mark.long
def test_spectral_cuts_the_largest_singular_values_at_one_level():
    """The level at which what is cut off, summed, is twice the factor times the level."""
    factor, values = 1.0, np.linalg.svd(TARGET, compute_uv=False)
    level = scipy.optimize.brentq(lambda t: np.maximum(values - t, 0).sum() - 2 * factor * t, 0, values[0])
    assert (values > level).sum() > 1
    expected = with_singular_values(TARGET, lambda s: np.minimum(s, level))
    assert nearest(Spectral(factor=factor), TARGET) == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 3, 2, 5)])
def test_soft_orthogonality_ends_at_the_polar_factor(shape):
    """Gradient descent keeps the singular vectors and draws all singular values to 1."""
    start = np.random.default_rng(4).normal(size=shape) / 3
    found = descend(SoftOrthogonal(factor=0.01), start, 3000, lambda _: 1.0)
    expected, _ = scipy.linalg.polar(start.reshape(-1, shape[-1]))
    assert found.reshape(expected.shape) == pytest.approx(expected, abs=1e-6)


@pytest.mark.long_but_first
@pytest.mark.parametrize("shape", [(6, 4), (4, 6)])
def test_srip_ends_near_an_orthonormal_matrix(shape):
    start = np.random.default_rng(5).normal(size=shape)
    found = descend(SRIP(factor=1.0), start, 3000, lambda n: 0.2 / (1 + n / 10))
    assert np.linalg.svd(found, compute_uv=False) == pytest.approx(np.ones(4), abs=2e-3)


def test_hoyer_square_leaves_one_weight():
    found = descend(hoyer_square, [3.0, -2.0, 1.0, 0.5], 20000, lambda n: 0.5 / (1 + n / 100))
    assert found[0] > 3  # it grows while the others vanish
    assert found[1:] == pytest.approx(np.zeros(3), abs=1e-2)


def test_max_norm_penalty_draws_long_groups_back_and_leaves_short_ones():
    """The length r that is left of a length a is the minimum of (r - a)^2 / 2 + factor (r - limit)^2."""
    lengths = np.linalg.norm(SCALED, axis=0)
    left = np.where(lengths > 1.5, (lengths + 2 * 0.7 * 1.5) / (1 + 2 * 0.7), lengths)
    assert (left < lengths).sum() == 2
    found = descend(
        lambda w: tf.reduce_sum((w - SCALED) ** 2) / 2 + MaxNormPenalty(0.7, 1.5)(w), SCALED, 300, lambda _: 0.4
    )
    assert found == pytest.approx(SCALED * left / lengths, abs=1e-9)


@pytest.mark.long_but_first
@pytest.mark.parametrize("t", [5.0, 10.0])
def test_log_barrier_ends_within_the_bound_and_near_its_best(t):
    """It is at the root of the pure barrier, and costs at most the number of constraints over t."""
    target = np.array([-3.0, 0.2, 0.9, 5.0])
    barrier = LogBarrier(factor=1.0, bound=1.0, t=t)
    # The barrier's curvature at the bound is t^3: the step must be below twice its inverse.
    found = descend(
        lambda w: tf.reduce_sum((w - target) ** 2) / 2 + barrier(w), target, int(20 * t**3), lambda _: 1 / t**3
    )
    roots = [scipy.optimize.brentq(_slope_with_pure_barrier, -1 + 1e-12, 1 - 1e-12, (a, t)) for a in target]
    assert np.abs(roots).max() < 1 - 1 / t**2
    assert found == pytest.approx(np.array(roots), abs=1e-6)
    loss, least = (((w - target) ** 2).sum() / 2 for w in (found, np.clip(target, -1, 1)))
    assert loss - least <= 2 * 4 / t


def _slope_with_pure_barrier(w, target, t):
    return w - target + 2 * w / (1 - w**2) / t


def test_the_confidence_penalty_softens_to_a_softmax_with_its_factor_as_temperature():
    """-<s, p> - beta H(p) is least at p = softmax(s / beta)."""
    scores, beta = np.array([[1.0, -0.5, 2.0, 0.0]]), 0.7

    def function(logits):
        expected_score = tf.reduce_sum(scores * tf.nn.softmax(logits))
        return -expected_score - beta * tf.reduce_sum(entropy(logits, from_logits=True))

    found = descend(function, np.zeros_like(scores), 3000, lambda _: 0.5)
    assert scipy.special.softmax(found) == pytest.approx(scipy.special.softmax(scores / beta), abs=1e-6)


def test_decov_takes_the_covariance_and_leaves_the_variance():
    rng = np.random.default_rng(6)
    start = rng.normal(size=(50, 3)) @ np.array([[1.0, 0.8, 0.0], [0.0, 0.6, 0.7], [0.0, 0.0, 0.7]])
    found = descend(decov, start, 3000, lambda _: 10.0)
    covariance = np.cov(found, rowvar=False, bias=True)
    assert covariance - np.diag(np.diag(covariance)) == pytest.approx(np.zeros((3, 3)), abs=1e-6)
    assert (np.diag(covariance) > 0.3).all()


def test_keras_calls_them_once_for_a_kernel():
    layer = keras.layers.Conv2D(4, 3, kernel_regularizer=GroupLasso(factor=0.5))
    layer(np.zeros((1, 5, 5, 2), "float32"))
    kernel = keras.ops.convert_to_numpy(layer.kernel).reshape(18, 4)
    expected = 0.5 * np.sqrt(18) * np.linalg.norm(kernel, axis=0).sum()
    assert [float(loss) for loss in layer.losses] == [pytest.approx(expected, rel=1e-6)]
