"""Losses and metrics over classes: the ignored class, weights by class, the axis, and labels that are no class."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.metrics import log_loss

from kzoo.component import ClassLoss, ClassMetric, OverClasses, as_class_labels

NAN = float("nan")
INDICES = np.array([0, 2, 1, 2, 0], "int32")
HOT = np.eye(3, dtype="float32")[INDICES]
P = np.array(
    [[0.7, 0.2, 0.1], [0.2, 0.2, 0.6], [0.3, 0.4, 0.3], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1]],
    "float32",
)
EXACT = P.astype("float64") / P.astype("float64").sum(-1, keepdims=True)
WEIGHTS = [1.0, 0.5, 3.0]


class Crossentropy(ClassLoss):
    def per_sample(self, y_true, y_pred):
        return -keras.ops.sum(y_true * keras.ops.log(y_pred), axis=-1)


class HidesNaN(ClassLoss):
    """A maximum with 0 drops a NaN on some backends, a comparison on all."""

    def per_sample(self, y_true, y_pred):
        wrong = keras.ops.sum((1 - y_true) * y_pred, axis=-1)
        return keras.ops.where(wrong > 0, wrong, 0.0)


class MeanCrossentropy(ClassMetric):
    def per_sample(self, y_true, y_pred):
        return -keras.ops.sum(y_true * keras.ops.log(y_pred), axis=-1)


def value_and_gradient(loss, y_true, y_pred, **more):
    y_pred = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        value = loss(y_true, y_pred, **more)
        total = tf.reduce_sum(value)
    return np.asarray(value), np.asarray(tape.gradient(total, y_pred))


@pytest.mark.parametrize("labels", [INDICES, INDICES[:, None], HOT, INDICES.astype("float32")])
def test_an_ignored_class_counts_nothing_in_value_gradient_and_mean(labels):
    value, gradient = value_and_gradient(Crossentropy(ignore_class=2), labels, P)
    kept = INDICES != 2
    assert value == pytest.approx(log_loss(INDICES[kept], EXACT[kept], labels=[0, 1, 2]), rel=1e-6)
    assert not gradient[~kept].any()
    np.testing.assert_allclose(gradient[kept], -HOT[kept] / P[kept] / kept.sum(), rtol=1e-6)


def test_it_is_what_keras_makes_of_it():
    y_true = np.array([[0, 255, 1], [255, 2, 2]], "int32")
    y_pred = np.stack([P[:3], P[1:4]])
    theirs = keras.losses.SparseCategoricalCrossentropy(ignore_class=255)
    np.testing.assert_allclose(Crossentropy(ignore_class=255)(y_true, y_pred), theirs(y_true, y_pred), rtol=1e-6)
    weight = np.array([0.5, 2.0], "float32")
    saw = Crossentropy(ignore_class=255)(y_true, y_pred, sample_weight=weight)
    spread = np.broadcast_to(weight[:, None], y_true.shape)
    np.testing.assert_allclose(saw, theirs(y_true, y_pred, sample_weight=spread), rtol=1e-6)


def test_a_class_outside_is_a_row_of_zeros_in_one_hot_labels():
    labels = HOT.copy()
    labels[INDICES == 2] = 0
    assert float(Crossentropy(ignore_class=255)(labels, P)) == pytest.approx(
        float(Crossentropy(ignore_class=2)(INDICES, P))
    )


def test_what_the_network_says_of_an_ignored_position_has_no_part():
    y_pred = P.copy()
    y_pred[1] = NAN
    value, gradient = value_and_gradient(Crossentropy(ignore_class=2), INDICES, y_pred)
    assert np.isfinite(value)
    assert np.isfinite(gradient).all()


def test_a_batch_of_ignored_positions_alone_is_0():
    value, gradient = value_and_gradient(Crossentropy(ignore_class=2), np.full(5, 2), P)
    assert value == 0
    assert not gradient.any()


def test_masks_and_ignored_positions_both_leave_out():
    y_true, y_pred = np.array([[0, 2, 1]]), tf.constant(P[None, :3])
    y_pred._keras_mask = tf.constant([[True, True, False]])
    assert float(Crossentropy(ignore_class=2)(y_true, y_pred)) == pytest.approx(-np.log(0.7), rel=1e-6)


@pytest.mark.parametrize("wrong", [-1, 3, 255])
def test_what_is_masked_or_weighs_nothing_may_be_no_class(wrong):
    labels, keep = INDICES.copy(), np.array([True, True, True, True, False])
    labels[4] = wrong
    expected = value_and_gradient(Crossentropy(reduction="sum"), INDICES[:4], P[:4])
    weighed = value_and_gradient(Crossentropy(reduction="sum"), labels, P, sample_weight=keep.astype("float32"))
    y_pred = tf.Variable(P)
    with tf.GradientTape() as tape:
        masked = tf.identity(y_pred)
        masked._keras_mask = tf.constant(keep)
        value = Crossentropy(reduction="sum")(labels, masked)
    for saw, gradient in (weighed, (value, tape.gradient(value, y_pred))):
        np.testing.assert_allclose(saw, expected[0], rtol=1e-6)
        np.testing.assert_allclose(gradient[:4], expected[1], rtol=1e-6)
        assert not np.any(gradient[4])


@pytest.mark.parametrize("labels", [INDICES, HOT])
def test_class_weights_are_sample_weights_by_class(labels):
    by_sample = np.array(WEIGHTS)[INDICES]
    for reduction in ("sum_over_batch_size", "sum", None):
        saw = value_and_gradient(Crossentropy(class_weight=WEIGHTS, reduction=reduction), labels, P)
        expected = value_and_gradient(Crossentropy(reduction=reduction), labels, P, sample_weight=by_sample)
        for one, other in zip(saw, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)


def test_a_soft_label_weighs_the_mean_of_its_classes():
    labels = np.array([[0.25, 0.0, 0.75]], "float32")
    plain, weighed = (float(Crossentropy(class_weight=weight)(labels, P[:1])) for weight in (None, WEIGHTS))
    assert weighed == pytest.approx(plain * (0.25 * 1.0 + 0.75 * 3.0))


@pytest.mark.parametrize(
    "labels",
    [INDICES.reshape(1, 5), INDICES.reshape(1, 1, 5), INDICES.reshape(1, 5, 1), np.moveaxis(HOT, -1, 0)[None]],
)
def test_channels_first(labels):
    first = Crossentropy(axis=1, ignore_class=1, class_weight=WEIGHTS)(labels, np.moveaxis(P, -1, 0)[None])
    last = Crossentropy(ignore_class=1, class_weight=WEIGHTS)(INDICES.reshape(1, 5), P[None])
    assert float(first) == pytest.approx(float(last))


@pytest.mark.parametrize("wrong", [-1, 3, 255, 1.5, NAN])
def test_a_label_that_is_no_class_is_nan_in_value_and_gradient(wrong):
    labels = INDICES.astype("float32")
    labels[1] = wrong
    value, gradient = value_and_gradient(HidesNaN(reduction=None), labels, P)
    assert np.isnan(value).tolist() == [False, True, False, False, False]
    assert np.isnan(gradient[1]).any()
    assert np.isfinite(np.delete(gradient, 1, 0)).all()
    metric = MeanCrossentropy()
    metric.update_state(labels, P)
    assert np.isnan(metric.result())


def test_only_the_ignored_class_may_lie_outside():
    labels = INDICES.copy()
    labels[0], labels[1] = 255, -1
    value, _ = value_and_gradient(Crossentropy(ignore_class=255, reduction=None), labels, P)
    assert value[0] == 0
    assert np.isnan(value[1])


def test_a_metric_leaves_out_and_weighs_like_a_loss():
    metric = MeanCrossentropy(ignore_class=0, class_weight=WEIGHTS)
    metric.update_state(INDICES, P)
    kept = INDICES != 0
    expected = log_loss(INDICES[kept], EXACT[kept], labels=[0, 1, 2], sample_weight=np.array(WEIGHTS)[INDICES[kept]])
    assert float(metric.result()) == pytest.approx(expected, rel=1e-6)


def test_a_sample_of_weight_0_may_be_nan_in_a_metric():
    y_pred = P.copy()
    y_pred[4] = NAN
    metric = MeanCrossentropy()
    metric.update_state(INDICES, y_pred, sample_weight=[1, 1, 1, 1, 0])
    assert float(metric.result()) == pytest.approx(log_loss(INDICES[:4], EXACT[:4], labels=[0, 1, 2]))


@pytest.mark.parametrize("labels", [[0, 1], [[0], [1]], [[0.0], [1.0]]])
def test_one_output_is_refused_and_told_what_fits(labels):
    with pytest.raises(ValueError, match=r"`crossentropy` got y_pred of shape \(2, 1\).*take `binary_crossentropy`"):
        Crossentropy()(labels, [[0.2], [0.9]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ignore_class": 0.5}, "`ignore_class` must be a whole number, or None, not 0.5"),
        ({"ignore_class": True}, "`ignore_class` must be a whole number, or None, not True"),
        ({"axis": 0.5}, "`axis` must be a whole number, not 0.5"),
        ({"axis": None}, "`axis` must be a whole number, not None"),
        ({"class_weight": 2}, "`class_weight` must be a list"),
        ({"class_weight": [1.0, -1.0]}, "`class_weight` must be a list"),
        ({"class_weight": [0.0, 0.0]}, "`class_weight` must be a list"),
        ({"class_weight": [1.0, NAN]}, "`class_weight` must be a list"),
    ],
)
def test_arguments_without_meaning_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Crossentropy(**arguments)


def test_weights_and_axis_that_do_not_fit_the_predictions_are_refused():
    with pytest.raises(ValueError, match="a `class_weight` of 2 numbers, and y_pred has 3 classes"):
        Crossentropy(class_weight=[1, 2])(INDICES, P)
    with pytest.raises(ValueError, match=r"axis=3, and y_pred has the shape \(5, 3\)"):
        Crossentropy(axis=3)(INDICES, P)
    for ignored in (None, 1):
        with pytest.raises(ValueError, match=r"y_true of shape \(5, 2\) and y_pred of shape \(5, 3\)"):
            Crossentropy(ignore_class=ignored)(np.zeros((5, 2), int), P)


def test_class_weights_may_be_an_array_and_are_saved():
    loss = Crossentropy(class_weight=np.array(WEIGHTS))
    assert loss.get_config()["class_weight"] == WEIGHTS
    assert float(Crossentropy.from_config(loss.get_config())(INDICES, P)) == float(loss(INDICES, P))


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "int64", "bool"])
def test_labels_of_every_type(kind):
    labels = np.array([0, 1], kind)
    np.testing.assert_array_equal(as_class_labels(tf.constant(labels), tf.constant(P[:2]), "it"), np.eye(3)[[0, 1]])
    assert float(Crossentropy()(labels, P[:2])) == pytest.approx(-np.log(0.7 * 0.2) / 2, rel=1e-6)


def test_one_column_of_yes_and_no_is_no_one_hot_label():
    over = OverClasses()
    over.set_classes(ignore_class=255)
    y_true, kept = over.without_ignored(np.array([[[0.0], [1.0], [255.0]]]), np.zeros((1, 3, 1)))
    assert np.array(kept).tolist() == [[True, True, False]]
    assert np.array(y_true)[..., 0].tolist() == [[0.0, 1.0, 0.0]]


def test_a_label_that_is_no_class_weighs_nothing_where_its_sample_does():
    metric = MeanCrossentropy(class_weight=WEIGHTS)
    metric.update_state(np.array([0, 7, 1]), P[:3], sample_weight=[1.0, 0.0, 1.0])
    each = -np.log(P[[0, 2], [0, 1]])
    assert float(metric.result()) == pytest.approx(np.average(each, weights=[1.0, 0.5]), rel=1e-6)
    metric.update_state(np.array([7]), P[:1])
    assert np.isnan(float(metric.result()))


def test_an_empty_batch_changes_nothing_in_a_metric():
    metric = MeanCrossentropy()
    metric.update_state(INDICES[:0], P[:0])
    assert float(metric.result()) == 0.0
    metric.update_state(INDICES, P)
    expected = float(metric.result())
    metric.update_state(INDICES[:0], P[:0], sample_weight=np.zeros(0, "float32"))
    assert float(metric.result()) == expected


def test_one_number_for_each_sample_is_no_row_of_classes():
    with pytest.raises(ValueError, match="one number for each sample"):
        MeanCrossentropy().update_state(INDICES, P[:, 0])
