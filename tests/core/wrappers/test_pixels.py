"""Pixels without a class count in no loss and no metric, whichever it is."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kzoo.errors import UsageError
from kzoo.plugins.build import Context, build
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.tasks import task_named
from kzoo.wrappers.pixels import NOTHING, OfPixels

TASK = task_named("segmentation")
SHAPE, CLASSES = (2, 9, 8), 3
FITTING = sorted(entry.name for entry in get_registry().fitting("loss", "segmentation") if entry.first_party)
INPUTS = {name: get_registry().loss(name).spec.inputs or TASK.predicts for name in FITTING}
ALONE = [name for name in FITTING if INPUTS[name] == "classes" and name != "mixture"]  # a value for each pixel
MASKS = [name for name in FITTING if INPUTS[name] == "masks"]


def loss_of(text):
    reference = Reference.parse(text)
    entry = get_registry().loss(reference.name)
    if reference.name == "mixture" and not reference.kwargs:
        reference = Reference.parse("mixture:losses=[categorical_crossentropy,soft_dice(smooth=1)]")
    if reference.name == "ldam" and not reference.kwargs:
        reference = Reference("ldam", dict(entry.spec.example))
    context = Context("segmentation", "", fit_loss=lambda loss, whose: TASK.fit_loss(loss, whose.spec.inputs))
    return TASK.fit_loss(build("loss", reference, context=context), entry.spec.inputs)


def batch(outputs=CLASSES, seed=0):
    """Return labels as a pipeline encodes them, scores, and which pixels have a class."""
    rng = np.random.default_rng(seed)
    kept = rng.random(SHAPE) > 0.3
    classes = rng.integers(0, max(outputs, 2), SHAPE)
    if outputs == 1:
        y_true = np.where(kept, classes, NOTHING)[..., None].astype("float32")
        y_pred = rng.uniform(0.1, 0.9, (*SHAPE, 1)).astype("float32")
    else:
        y_true = np.eye(outputs, dtype="float32")[classes] * kept[..., None]
        y_pred = rng.dirichlet(np.ones(outputs), SHAPE).astype("float32")
    return y_true, y_pred, kept


def value_and_gradient(loss, y_true, y_pred):
    scores = tf.constant(y_pred)
    with tf.GradientTape() as tape:
        tape.watch(scores)
        value = loss(y_true, scores)
    return float(value), tape.gradient(value, scores).numpy()


def other_there(y_pred, kept):
    """Return scores that are others where there is no class."""
    rng = np.random.default_rng(7)
    strange = rng.dirichlet(np.ones(max(2, y_pred.shape[-1])), kept.shape)[..., : y_pred.shape[-1]]
    return np.where(kept[..., None], y_pred, strange).astype("float32")


@pytest.mark.parametrize("name", FITTING)
@pytest.mark.parametrize("outputs", [CLASSES, 1])
def test_what_is_said_there_changes_nothing(name, outputs):
    if outputs == 1 and name not in MASKS:
        pytest.skip("of one mask, losses of classes are given two columns")
    loss = loss_of(name)
    y_true, y_pred, kept = batch(outputs)
    value, gradient = value_and_gradient(loss, y_true, y_pred)
    again, _ = value_and_gradient(loss, y_true, other_there(y_pred, kept))
    assert np.isfinite(value)
    assert value == pytest.approx(again, rel=1e-6)
    assert np.abs(gradient[~kept]).max() == 0
    assert np.abs(gradient[kept]).max() > 0


@pytest.mark.parametrize("name", ALONE)
def test_a_loss_of_each_pixel_is_the_mean_over_the_others(name):
    y_true, y_pred, kept = batch()
    value, gradient = value_and_gradient(loss_of(name), y_true, y_pred)
    entry = get_registry().loss(name)
    plain = build(
        "loss", Reference(name, dict(entry.spec.example) if name == "ldam" else {}), context=Context("segmentation")
    )
    expected, theirs = value_and_gradient(plain, y_true[kept], y_pred[kept])
    assert value == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient[kept], theirs, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", [name for name in MASKS if name not in ("boundary", "hausdorff", "cldice")])
@pytest.mark.parametrize("outputs", [CLASSES, 1])
def test_a_loss_of_overlap_is_that_of_the_others(name, outputs):
    """Neighbours mean nothing to these, so that the pixels with a class can stand in a row of their own."""
    y_true, y_pred, kept = batch(outputs)
    y_true, y_pred, kept = y_true[:1], y_pred[:1], kept[:1]
    value = float(loss_of(name)(y_true, y_pred))
    row = [one[kept].reshape(1, 1, -1, outputs) for one in (y_true, y_pred)]
    assert value == pytest.approx(float(loss_of(name)(*row)), rel=1e-5)


@pytest.mark.long_but_first(3)
@pytest.mark.parametrize("name", FITTING)
def test_without_such_pixels_it_is_the_loss_itself(name):
    y_true, y_pred, _ = batch()
    y_true = np.eye(CLASSES, dtype="float32")[y_true.argmax(axis=-1)]
    fitted = loss_of(name)
    plain = fitted.loss if isinstance(fitted, OfPixels) else fitted
    scores = np.log(y_pred) - np.log1p(-y_pred) if getattr(plain, "takes_logits", False) else y_pred
    assert float(fitted(y_true, y_pred)) == pytest.approx(float(plain(y_true, scores)), rel=1e-5)


@pytest.mark.long_but_first(3)
@pytest.mark.parametrize("name", FITTING)
def test_where_no_pixel_has_a_class_there_is_nothing_to_learn(name):
    y_pred = batch()[1]
    value, gradient = value_and_gradient(loss_of(name), np.zeros_like(y_pred), y_pred)
    # Keras's own say 1 where neither truth nor prediction has anything, which their specs note.
    assert value == (1 if name in ("dice", "keras_tversky") else 0)
    assert np.abs(gradient).max() == 0


def test_sample_weights_still_weigh_pictures():
    y_true, y_pred, _ = batch()
    for name in ("categorical_crossentropy", "soft_dice:smooth=1"):
        loss = loss_of(name)
        one, other = (float(loss(y_true, y_pred, sample_weight=np.eye(2, dtype="float32")[at])) for at in (0, 1))
        assert one + other == pytest.approx(float(loss(y_true, y_pred)), rel=1e-5)
        assert one != pytest.approx(other)


@pytest.mark.parametrize("reduction", ["sum", "none"])
def test_other_reductions_are_kept(reduction):
    y_true, y_pred, kept = batch()
    loss = TASK.fit_loss(keras.losses.CategoricalCrossentropy(reduction=reduction), "classes")
    found = np.asarray(loss(y_true, y_pred))
    plain = np.asarray(keras.losses.CategoricalCrossentropy(reduction="none")(y_true[kept], y_pred[kept]))
    if reduction == "sum":
        np.testing.assert_allclose(found, plain.sum(), rtol=1e-5)
    else:
        np.testing.assert_allclose(found[kept], plain, rtol=1e-5)
        assert not found[~kept].any()


def test_a_class_of_ones_own_to_ignore_is_refused():
    for text in ("soft_dice:ignore_class=2", "focal:ignore_class=0"):
        with pytest.raises(UsageError, match=r"data\.ignore"):
            loss_of(text)
    with pytest.raises(UsageError, match=r"data\.ignore"):
        TASK.fit_metric(build("metric", "dice_score:ignore_class=1"), {"dense"}, "", CLASSES)


@pytest.mark.parametrize("name", ["categorical_crossentropy", "dice", "lovasz_hinge", "soft_dice", "mixture"])
def test_a_loss_is_saved_with_a_model(name, tmp_path):
    y_true, y_pred, _ = batch()
    loss = loss_of(name)
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    assert float(again(y_true, y_pred)) == float(loss(y_true, y_pred))


def fitted_metric(metric, targets=frozenset({"dense"})):
    return TASK.fit_metric(metric, targets, "", CLASSES)


def test_metrics_see_the_other_pixels_alone():
    y_true, y_pred, kept = batch()
    for metric, expected in (
        (fitted_metric(keras.metrics.CategoricalAccuracy()), keras.metrics.CategoricalAccuracy()),
        (fitted_metric(keras.metrics.OneHotMeanIoU(CLASSES)), keras.metrics.OneHotMeanIoU(CLASSES)),
    ):
        metric.update_state(y_true, y_pred)
        expected.update_state(y_true[kept], y_pred[kept])
        assert float(metric.result()) == pytest.approx(float(expected.result()), rel=1e-6)
        metric.reset_state()
        assert float(metric.result()) == 0
    sparse = fitted_metric(keras.metrics.SparseCategoricalAccuracy(), frozenset({"sparse"}))
    sparse.update_state(y_true, y_pred)
    right = (y_true.argmax(-1) == y_pred.argmax(-1))[kept].mean()
    assert float(sparse.result()) == pytest.approx(right)


@pytest.mark.parametrize("outputs", [CLASSES, 1])
def test_the_dice_score_ignores_them_by_itself(outputs):
    y_true, y_pred, kept = batch(outputs)
    metric = fitted_metric(build("metric", "dice_score"))
    metric.update_state(y_true, y_pred)
    value = float(metric.result())
    metric.reset_state()
    metric.update_state(y_true, other_there(y_pred, kept))
    assert float(metric.result()) == value
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(metric))
    again.update_state(y_true, y_pred)
    assert float(again.result()) == value


def test_one_mask_is_two_classes_to_metrics_of_classes():
    y_true, y_pred, kept = batch(1)
    metric = fitted_metric(keras.metrics.CategoricalAccuracy())
    metric.update_state(y_true, y_pred)
    right = ((y_pred[..., 0] > 0.5) == y_true[..., 0])[kept].mean()
    assert float(metric.result()) == pytest.approx(right)
