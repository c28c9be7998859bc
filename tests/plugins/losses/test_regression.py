"""The scaled squared error against scikit-learn."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from gradients import with_gradient
from sklearn.metrics import mean_squared_error

from kzoo_plugins.losses.regression import ScaledMSE, scaled_mse

RNG = np.random.default_rng(5)
TRUE = (RNG.normal(size=(6, 3)) * 20).astype("float32")
PRED = (RNG.normal(size=(6, 3)) * 20).astype("float32")


@pytest.mark.parametrize("scale", [10, 1, 0.5])
@pytest.mark.parametrize("weight", [None, [1.0, 0.0, 2.0, 3.0, 0.5, 1.0]])
def test_values_are_scikit_learns(scale, weight):
    each = [mean_squared_error(t / scale, p / scale) for t, p in zip(TRUE, PRED, strict=True)]
    np.testing.assert_allclose(scaled_mse(TRUE, PRED, scale=scale), each, rtol=1e-5)
    expected = np.mean(np.multiply(each, 1 if weight is None else weight))
    assert float(ScaledMSE(scale=scale)(TRUE, PRED, sample_weight=weight)) == pytest.approx(expected, rel=1e-5)


def test_the_default_scale_is_10():
    assert float(ScaledMSE()([0.0], [10.0])) == 1.0


@pytest.mark.parametrize(("true_shape", "pred_shape"), [((6,), (6, 1)), ((6, 1), (6,)), ((6,), (6,)), ((6, 1), (6, 1))])
def test_one_number_for_each_sample(true_shape, pred_shape):
    y_true, y_pred = TRUE[:, 0].reshape(true_shape), PRED[:, 0].reshape(pred_shape)
    values = ScaledMSE(reduction=None)(y_true, y_pred)
    np.testing.assert_allclose(values, ((TRUE[:, 0] - PRED[:, 0]) / 10) ** 2, rtol=1e-5)


def test_all_axes_after_the_first_are_averaged():
    y_true, y_pred = TRUE.reshape(2, 3, 3), PRED.reshape(2, 3, 3)
    expected = (((TRUE - PRED) / 10) ** 2).reshape(2, -1).mean(-1)
    np.testing.assert_allclose(scaled_mse(y_true, y_pred), expected, rtol=1e-5)


def test_the_gradient():
    _, slope = with_gradient(ScaledMSE(scale=4))(TRUE, PRED)
    np.testing.assert_allclose(slope, 2 * (PRED - TRUE) / 16 / PRED.size, rtol=1e-4)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_a_scale_that_measures_nothing_is_refused(scale):
    with pytest.raises(ValueError, match="`scale` must be a finite number above 0"):
        ScaledMSE(scale=scale)
    with pytest.raises(ValueError, match="`scale` must be"):
        scaled_mse(TRUE, PRED, scale=scale)


def test_targets_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="`scaled_mse` got y_true of shape"):
        ScaledMSE()(TRUE[:, :2], PRED)


def test_half_precision_is_computed_in_float32():
    # 300 squared is above the largest float16.
    assert float(ScaledMSE(scale=1, dtype="float16")([[300.0]], keras.ops.zeros((1, 1), "float16"))) == 90000.0


@pytest.mark.long
@pytest.mark.parametrize("jit", [False, True])
def test_graph_and_xla_agree_with_eager(jit):
    loss = ScaledMSE()
    compiled = tf.function(loss, jit_compile=jit)
    assert float(compiled(TRUE, PRED)) == pytest.approx(float(loss(TRUE, PRED)), rel=1e-5)


def test_round_trip():
    loss = ScaledMSE(scale=3, reduction="sum", name="x", dtype="float64")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
