"""The metric against SciPy, over batches, labels and weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import wasserstein_distance

from kzoo_plugins.metrics.emd import MeanEMD

RNG = np.random.default_rng(11)
K = 5
TRUE = RNG.dirichlet(np.ones(K), size=6).astype("float32")
PRED = RNG.dirichlet(np.ones(K), size=6).astype("float32")
INDICES = np.array([0, 4, 2, 3, 2, 1])
BINS = np.arange(K)
EACH = np.array([wasserstein_distance(BINS, BINS, q, r) for q, r in zip(TRUE, PRED, strict=True)])


def result(metric, *batches):
    for batch in batches:
        metric.update_state(*batch)
    return float(metric.result())


def test_the_default_is_scipys_wasserstein_distance():
    assert result(MeanEMD(), (TRUE, PRED)) == pytest.approx(EACH.mean(), rel=1e-5)


def test_batches_of_unequal_size_add_up():
    assert result(MeanEMD(), (TRUE[:1], PRED[:1]), (TRUE[1:], PRED[1:])) == pytest.approx(EACH.mean(), rel=1e-5)


def test_nimas_report_divides_by_the_number_of_classes():
    assert result(MeanEMD(normalize=True), (TRUE, PRED)) == pytest.approx(EACH.mean() / K, rel=1e-5)


def test_the_root_is_taken_for_each_sample_whatever_the_batches():
    whole = result(MeanEMD(p=2), (TRUE, PRED))
    assert result(MeanEMD(p=2), *((TRUE[i : i + 1], PRED[i : i + 1]) for i in range(6))) == pytest.approx(whole)


@pytest.mark.parametrize("labels", [INDICES, INDICES[:, None], np.eye(K)[INDICES]], ids=["(N,)", "(N, 1)", "one-hot"])
def test_labels_in_every_form(labels):
    expected = (PRED * np.abs(BINS - INDICES[:, None])).sum(-1).mean()
    assert result(MeanEMD(), (labels, PRED)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("column", [False, True])
def test_sample_weights(column):
    weight = np.arange(6.0)
    form = weight[:, None] if column else weight
    assert result(MeanEMD(), (TRUE, PRED, form)) == pytest.approx(np.average(EACH, weights=weight), rel=1e-5)


def test_logits():
    logits = np.log(PRED)
    assert result(MeanEMD(from_logits=True), (TRUE, logits)) == pytest.approx(EACH.mean(), rel=1e-4)


def test_half_precision_predictions_and_state():
    metric = MeanEMD(dtype="bfloat16")
    assert metric.dtype == "float32"
    y_pred = keras.ops.cast(np.eye(300)[[257]], "bfloat16")
    assert result(metric, (np.array([257]), y_pred)) == 0.0


@pytest.mark.long_but_first
@pytest.mark.parametrize("jit", [False, True])
def test_in_a_graph(jit):
    metric = MeanEMD()
    update = tf.function(metric.update_state, jit_compile=jit)
    update(tf.constant(TRUE), tf.constant(PRED))
    assert float(metric.result()) == pytest.approx(EACH.mean(), rel=1e-5)


def test_reset_state_forgets():
    metric = MeanEMD()
    metric.update_state(TRUE[:2], PRED[:2])
    metric.reset_state()
    assert float(metric.result()) == 0.0
    assert result(metric, (TRUE, PRED)) == pytest.approx(EACH.mean(), rel=1e-5)


def test_round_trip():
    metric = MeanEMD(p=2, normalize=True, ground_distance=None, name="x")
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    assert again.get_config() == metric.get_config()
    assert type(again) is MeanEMD


def test_what_the_loss_refuses_is_refused():
    with pytest.raises(ValueError, match="`p` must be"):
        MeanEMD(p=0.5)
    with pytest.raises(ValueError, match="`emd` got y_true"):
        MeanEMD().update_state(INDICES[:3], PRED)
