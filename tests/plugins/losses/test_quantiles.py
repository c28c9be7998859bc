"""The pinball loss: what it is smallest at, its shapes and its refusals."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import mean_pinball_loss

from kzoo_plugins.losses.quantiles import Pinball, pinball
from kzoo_plugins.metrics.quantiles import MeanPinball

RNG = np.random.default_rng(3)
TRUE = RNG.normal(size=(6, 1)).astype("float32")
PRED = RNG.normal(size=(6, 3)).astype("float32")


@pytest.mark.parametrize("tau", [0.1, 0.5, 0.8])
def test_the_best_constant_is_the_quantile(tau):
    targets = np.random.default_rng(0).exponential(size=(1001, 1)).astype("float32")
    constants = np.linspace(0, 4, 801, dtype="float32")
    values = pinball(np.broadcast_to(targets, (1001, 801)).T, np.broadcast_to(constants, (1001, 801)).T, tau=tau)
    assert constants[np.argmin(values)] == pytest.approx(np.quantile(targets, tau), abs=0.006)


@pytest.mark.parametrize("weight", [None, [1.0, 0.0, 2.0, 3.0, 0.5, 1.0]])
def test_it_is_the_metric_mean_pinball(weight):
    tau = [0.1, 0.5, 0.9]
    metric = MeanPinball(tau=tau)
    metric.update_state(TRUE, PRED, sample_weight=weight)
    loss = float(Pinball(tau=tau, reduction="sum")(TRUE, PRED, sample_weight=weight))
    assert float(metric.result()) == pytest.approx(loss / np.sum(np.ones(6) if weight is None else weight), rel=1e-5)


@pytest.mark.parametrize("jit", [False, True])
def test_an_exact_match_has_no_slope(jit):
    @tf.function(jit_compile=jit)
    def slope(y_pred):
        return tf.gradients(Pinball(tau=0.9)(TRUE, y_pred), y_pred)[0]

    assert not np.any(slope(tf.constant(TRUE)))


def test_one_quantile_in_a_list_is_that_quantile():
    np.testing.assert_array_equal(pinball(TRUE, PRED[:, :1], tau=[0.9]), pinball(TRUE, PRED[:, :1], tau=0.9))


@pytest.mark.parametrize("tau", [0, 0.0, 1, 1.0])
def test_the_outermost_quantiles_are_bounds(tau):
    expected = mean_pinball_loss(TRUE, PRED[:, :1], alpha=float(tau))
    assert float(Pinball(tau=tau)(TRUE, PRED[:, :1])) == pytest.approx(expected, rel=1e-6)
    metric = MeanPinball(tau=[tau])
    metric.update_state(TRUE, PRED[:, :1])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)
    inside = TRUE - 1 if tau == 0 else TRUE + 1
    assert float(Pinball(tau=tau)(TRUE, inside)) == 0


@pytest.mark.parametrize("tau", [-0.5, 1.5, float("nan"), [], [0.5, 1.5], "half", None, [[0.5]]])
def test_what_is_no_quantile_is_refused(tau):
    with pytest.raises(ValueError, match="`tau` must be a number from 0 to 1, or a list of such numbers"):
        Pinball(tau=tau)
    with pytest.raises(ValueError, match="`tau` must be"):
        pinball(TRUE, PRED, tau=tau)


def test_every_quantile_needs_a_column():
    with pytest.raises(ValueError, match=r"`pinball` has 2 quantiles and got y_pred of shape \(6, 3\)"):
        Pinball(tau=[0.1, 0.9])(TRUE, PRED)
    with pytest.raises(ValueError, match="`pinball` got y_true of shape"):
        Pinball(tau=0.5)(TRUE, PRED)


def test_a_mask_leaves_steps_out():
    steps = tf.constant(PRED.reshape(2, 3, 3))
    steps._keras_mask = tf.constant([[True, False, True], [True, True, False]])
    loss = Pinball(tau=[0.1, 0.5, 0.9])
    kept = np.array([0, 2, 3, 4])
    expected = float(loss(TRUE[kept], PRED[kept]))
    assert float(loss(TRUE.reshape(2, 3, 1), steps)) == pytest.approx(expected, rel=1e-6)


def test_a_list_comes_back_from_the_configuration():
    loss = Pinball(tau=np.array([0.25, 0.75]))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert again.get_config() == loss.get_config()
    assert again.tau == [0.25, 0.75]
