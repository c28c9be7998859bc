"""The difference of histogram means against numpy."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import with_gradient

from kzoo_plugins.losses.histogram import HistogramMAE, histogram_mae

RNG = np.random.default_rng(3)
TRUE = RNG.dirichlet(np.ones(4), size=5).astype("float32")
PRED = RNG.dirichlet(np.ones(4), size=5).astype("float32")
INDICES = np.array([0, 3, 1, 2, 2])


@pytest.mark.parametrize("bins", [None, [1, 2, 3, 4], [-1.0, 0.0, 10.0, 0.5], (0, 1, 2, 3), np.arange(4.0)], ids=str)
def test_values(bins):
    numbers = np.arange(4) if bins is None else np.array(bins)
    expected = np.abs(TRUE.astype("float64") @ numbers - PRED.astype("float64") @ numbers)
    np.testing.assert_allclose(histogram_mae(TRUE, PRED, bins=bins), expected, rtol=1e-4)
    weight = np.array([1.0, 0.0, 2.0, 3.0, 0.5])
    loss = HistogramMAE(bins=bins)
    assert float(loss(TRUE, PRED, sample_weight=weight)) == pytest.approx(np.sum(expected * weight) / 5, rel=1e-4)


def test_bins_that_are_shifted_give_the_same_value():
    np.testing.assert_allclose(
        histogram_mae(TRUE, PRED), histogram_mae(TRUE, PRED, bins=[1, 2, 3, 4]), rtol=1e-4, atol=1e-6
    )


def test_a_bin_index_is_a_histogram_of_one_bin():
    expected = np.abs(INDICES - PRED.astype("float64") @ np.arange(4)).mean()
    for labels in (INDICES, INDICES[:, None], np.eye(4)[INDICES]):
        assert float(HistogramMAE()(labels, PRED)) == pytest.approx(expected, rel=1e-5)


def test_logits():
    assert float(HistogramMAE(from_logits=True)(TRUE, np.log(PRED))) == pytest.approx(
        float(HistogramMAE()(TRUE, PRED)), rel=1e-4
    )


def test_only_the_means_count():
    assert float(HistogramMAE()([[0.0, 1.0, 0.0]], [[0.5, 0.0, 0.5]])) == 0.0


def test_the_gradient():
    _, slope = with_gradient(HistogramMAE(reduction="sum"))(TRUE, PRED)
    sign = np.sign(PRED @ np.arange(4) - TRUE @ np.arange(4))
    np.testing.assert_allclose(slope, sign[:, None] * np.arange(4), rtol=1e-5)


def test_the_gradient_of_an_exact_match_is_0():
    value, slope = with_gradient(HistogramMAE())(TRUE, TRUE)
    assert value == 0.0
    np.testing.assert_array_equal(slope, np.zeros_like(TRUE))


@pytest.mark.parametrize("bins", [[], [1.0, float("inf"), 2.0]])
def test_bins_that_are_no_numbers_are_refused(bins):
    with pytest.raises(ValueError, match="finite number for each bin"):
        HistogramMAE(bins=bins)


def test_bins_for_another_histogram_are_refused():
    with pytest.raises(ValueError, match="holds 3 numbers, and `y_pred` has 4 bins"):
        HistogramMAE(bins=[1, 2, 3])(TRUE, PRED)


@pytest.mark.long
@pytest.mark.parametrize("jit", [False, True])
def test_graph_and_xla_agree_with_eager(jit):
    loss = HistogramMAE()
    compiled = tf.function(loss, jit_compile=jit)
    assert float(compiled(TRUE, PRED)) == pytest.approx(float(loss(TRUE, PRED)), rel=1e-5)


def test_round_trip():
    loss = HistogramMAE(bins=(1, 2, 3, 5), from_logits=True, reduction="sum", name="x")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    assert float(again(TRUE, PRED)) == float(loss(TRUE, PRED))
