"""A NaN is shown, whatever a formula makes of it; an empty batch is 0."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.component import Loss, MeanMetric, propagate_nan

NAN = float("nan")


class Hides(Loss):
    """A constant: the worst that a formula can make of a NaN. One value for each sample, of predictions of any rank."""

    def per_sample(self, y_true, y_pred):
        return keras.ops.zeros_like(y_pred)[(..., *[0] * (len(y_pred.shape) - 1))]


class OneNumber(Hides):
    def per_sample(self, y_true, y_pred):
        return keras.ops.sum(y_pred) * 0.0


class HidingMetric(MeanMetric):
    def per_sample(self, y_true, y_pred):
        return keras.ops.zeros_like(y_pred)[..., 0]


def value_and_gradient(loss, y_true, y_pred, *, jit=None):
    def both(y_true, y_pred):
        with tf.GradientTape() as tape:
            tape.watch(y_pred)
            value = loss(y_true, y_pred)
            total = tf.reduce_sum(value)
        return value, tape.gradient(total, y_pred)

    call = both if jit is None else tf.function(both, jit_compile=jit)
    return tuple(np.asarray(one) for one in call(tf.constant(y_true), tf.constant(y_pred)))


@pytest.mark.parametrize("where", ["label", "prediction"])
@pytest.mark.parametrize("shape", [(3, 2), (3, 2, 2, 2)])
@pytest.mark.parametrize("jit", [None, False, True])
def test_a_nan_reaches_the_value_and_gradient_of_its_sample_alone(where, shape, jit):
    y_true, y_pred = np.ones(shape, "float32"), np.ones(shape, "float32")
    (y_true if where == "label" else y_pred)[1].flat[1] = NAN
    value, gradient = value_and_gradient(Hides(reduction=None), y_true, y_pred, jit=jit)
    assert np.isnan(value).tolist() == [False, True, False]
    assert np.isnan(gradient[1]).any()
    assert not gradient[[0, 2]].any()
    assert np.isnan(Hides()(y_true, y_pred))


def test_infinite_predictions_are_no_nan():
    y_pred = np.array([[np.inf, 1.0], [-np.inf, 1.0]], "float32")
    value, gradient = value_and_gradient(Hides(reduction=None), np.ones_like(y_pred), y_pred)
    assert not value.any()
    assert not gradient.any()


def test_one_value_of_a_batch_shows_a_nan_anywhere():
    y_pred = np.array([[1.0], [NAN]], "float32")
    assert np.isnan(OneNumber()(np.ones_like(y_pred), y_pred))


def test_values_of_another_rank_than_the_labels():
    values = tf.zeros((2, 3))
    saw = propagate_nan(values, tf.constant([1.0, NAN]), tf.ones((2, 3, 4)))
    np.testing.assert_array_equal(np.isnan(saw), [[False] * 3, [True] * 3])


def test_a_metric_shows_it_unless_the_sample_weighs_nothing():
    y_pred = np.array([[1.0, NAN], [1.0, 1.0]], "float32")
    for weight, shown in ((None, True), ([1, 1], True), ([0, 1], False)):
        metric = HidingMetric()
        metric.update_state(np.ones_like(y_pred), y_pred, sample_weight=weight)
        assert bool(np.isnan(metric.result())) is shown


def test_an_empty_batch_is_0_with_a_gradient_as_keras_has_it():
    empty = np.zeros((0, 2), "float32")
    value, gradient = value_and_gradient(Hides(), empty, empty)
    assert value.shape == ()
    assert value == 0
    assert gradient.shape == (0, 2)
    metric = HidingMetric()
    metric.update_state(empty, empty)
    assert float(metric.result()) == 0
    metric.update_state([[1.0, 1.0]], [[1.0, 1.0]])
    metric.update_state(empty, empty)
    assert float(metric.result()) == 0
