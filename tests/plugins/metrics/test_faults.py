"""No metric of kzoo's own hides a NaN or a label that is no class; what counts nothing changes nothing.

Every metric in the registry is held, in every form that its labels can have.
"""

import numpy as np
import pytest
import tensorflow as tf

from kzoo.errors import UsageError
from kzoo.plugins.registry import get_registry
from kzoo.testing.metric_state import result
from kzoo.testing.samples import CLASSES, sample
from kzoo.testing.subject import subject_of

NAN = float("nan")


def _subjects():
    """Return the own metrics, each with every sort of labels and predictions that it is for."""
    found = []
    for entry in get_registry().entries("metric"):
        if not entry.first_party or entry.spec.target.startswith(("keras.", "kzoo_plugins.keras_")):
            continue
        found.append((entry.name, None))
        found += [(entry.name, "binary")] if "binary" in entry.spec.tasks else []
        found += [(f"{entry.name}:multilabel=true", "multilabel")] if "multilabel" in entry.spec.tasks else []
    return [pytest.param(subject_of("metric", *one), id=f"{one[0]}-{one[1] or 'as published'}") for one in found]


_EVERY = pytest.mark.parametrize("subject", _subjects())


def every_metric(test):
    """Try the first few in the quick battery: the conformance kit holds all of them to the same rules there."""
    return pytest.mark.long_but_first(6)(_EVERY(test))


def of(subject, y_true, y_pred, weight=None, **arguments):
    metric = subject.make(**arguments)
    metric.update_state(y_true, y_pred, sample_weight=weight)
    return result(metric)


def pair(subject, size=4, form=None):
    y_true, y_pred = sample(subject, size, form=form)
    return np.array(y_true), np.array(y_pred)


def labels_and_predictions(subject):
    """Yield pairs in every label form, with float labels, so that they can hold a NaN."""
    for form in subject.forms or (None,):
        y_true, y_pred = pair(subject, form=form)
        yield y_true.astype("float32"), y_pred


def weight_without(at, size=4):
    return (np.arange(size) != at).astype("float32")


def shown(subject, y_true, y_pred, at, right):
    """Hold that a fault in sample ``at`` makes all of the result NaN, later batches too, unless it weighs 0."""
    metric = subject.make()
    metric.update_state(y_true, y_pred)
    assert np.isnan(result(metric)).all(), "the result hides the fault"
    metric.update_state(*right)
    assert np.isnan(result(metric)).all(), "a later batch hides the fault"
    metric.reset_state()
    metric.update_state(*right)
    assert np.isfinite(result(metric)).all(), "the fault outlives a reset"
    weight = weight_without(at, len(y_true))
    np.testing.assert_allclose(of(subject, y_true, y_pred, weight), of(subject, *right, weight), rtol=1e-5)


@every_metric
def test_a_nan_in_one_prediction_is_shown(subject):
    for y_true, y_pred in labels_and_predictions(subject):
        broken = y_pred.copy()
        broken[1].flat[-1] = NAN
        shown(subject, y_true, broken, 1, (y_true, y_pred))


@every_metric
def test_a_nan_in_one_label_is_shown(subject):
    for y_true, y_pred in labels_and_predictions(subject):
        broken = y_true.copy()
        broken.reshape(len(broken), -1)[2, -1] = NAN
        shown(subject, broken, y_pred, 2, (y_true, y_pred))


@every_metric
@pytest.mark.long_but_first
def test_a_nan_is_shown_by_a_graph(subject):
    for y_true, y_pred in labels_and_predictions(subject):
        metric = subject.make()
        metric.update_state(y_true, y_pred)  # makes the variables
        metric.reset_state()
        broken = y_pred.copy()
        broken[1].flat[-1] = NAN
        specs = [tf.TensorSpec((None, *one.shape[1:]), "float32") for one in (y_true, y_pred)]
        update = tf.function(lambda true, pred, m=metric: m.update_state(true, pred), input_signature=specs)
        update(tf.constant(y_true), tf.constant(y_pred))
        assert np.isfinite(result(metric)).all()
        update(tf.constant(y_true[:0]), tf.constant(y_pred[:0]))
        assert np.isfinite(result(metric)).all(), "an empty batch in a graph"
        update(tf.constant(y_true), tf.constant(broken))
        assert np.isnan(result(metric)).all()


def _wrong_labels(subject):
    """Return values that are no class, for labels of this sort."""
    if subject.inputs in ("classes", "masks"):
        return (-1, CLASSES, 255, 0.5)
    return (-1, 2, 255) if subject.inputs in ("binary", "multilabel") else ()


@every_metric
def test_a_label_that_is_no_class_is_shown(subject):
    for wrong in _wrong_labels(subject):
        y_true, y_pred = pair(subject, form="sparse" if subject.forms else None)
        broken = y_true.astype("float32")
        broken.reshape(len(broken), -1)[2, -1] = wrong
        shown(subject, broken, y_pred, 2, (y_true, y_pred))


@every_metric
def test_an_integer_label_that_is_no_class_is_shown(subject):
    for wrong, kind in ((-1, "int32"), (-1, "int64"), (255, "uint8")):
        if _wrong_labels(subject):
            y_true, y_pred = pair(subject, form="sparse" if subject.forms else None)
            broken = y_true.astype(kind)
            broken.reshape(len(broken), -1)[2, -1] = wrong
            shown(subject, broken, y_pred, 2, (y_true, y_pred))


@every_metric
def test_a_row_of_zeros_is_a_label_that_is_no_class(subject):
    if subject.inputs != "classes" or subject.name in ("brier", "emd", "auroc_per_class"):
        pytest.skip("to it a label is a distribution, or a mask")
    y_true, y_pred = pair(subject, form="dense")
    broken = y_true.copy()
    broken[2] = 0
    shown(subject, broken, y_pred, 2, (y_true, y_pred))


@every_metric
def test_an_empty_batch_changes_nothing(subject):
    for y_true, y_pred in labels_and_predictions(subject):
        metric = subject.make()
        metric.update_state(y_true[:0], y_pred[:0])
        metric.update_state(y_true, y_pred)
        metric.update_state(y_true[:0], y_pred[:0], sample_weight=np.zeros(0, "float32"))
        np.testing.assert_array_equal(result(metric), of(subject, y_true, y_pred))


@every_metric
def test_predictions_of_whole_numbers_are_taken(subject):
    largest = 1 if subject.inputs == "binary" else 3
    for y_true, y_pred in labels_and_predictions(subject):
        whole = np.round(np.clip(y_pred * largest, 0, None))
        expected = of(subject, y_true, whole)
        for kind in ("int32", "int64", "uint8"):
            np.testing.assert_array_equal(of(subject, y_true, whole.astype(kind)), expected)
        whole = whole > 0
        np.testing.assert_array_equal(of(subject, y_true, whole), of(subject, y_true, whole.astype("float32")))


@every_metric
def test_the_ignored_class_is_as_if_it_were_not_there(subject):
    if not subject.takes("ignore_class") or subject.inputs == "masks":
        pytest.skip("it takes no `ignore_class`, or other tests hold it")
    for ignored in (1, -1, 255):
        for form in subject.forms or (None,):
            y_true, y_pred = pair(subject, 7, form)
            hot = subject.forms and form == "dense"
            if ignored != 1:
                y_true[[2, 5]] = 0 if hot else ignored  # what one-hot encoding makes of a label outside
            hidden = y_true.argmax(-1) == ignored if hot and ignored == 1 else y_true == ignored
            hidden = (y_true == 0).all(-1) if hot and ignored != 1 else hidden
            broken = np.where(hidden.reshape(*hidden.shape, *[1] * (y_pred.ndim - hidden.ndim)), NAN, y_pred)
            if hidden.ndim > 1 and hidden.shape[1] > 1:  # answers to be left out one by one
                continue
            hidden = hidden.reshape(-1)
            expected = of(subject, y_true[~hidden], y_pred[~hidden])
            assert hidden.any()
            saw = of(subject, y_true, broken, ignore_class=ignored)
            np.testing.assert_allclose(saw, expected, rtol=1e-5, err_msg=f"{ignored} {form}")


@every_metric
def test_class_weights_are_refused_where_they_can_have_no_meaning(subject):
    if not subject.takes("class_weight"):
        pytest.skip("it takes no `class_weight`")
    for wrong in ([], [0, 0], [1, -1], "balanced", 2):
        with pytest.raises(UsageError, match="`class_weight` must be"):
            subject.make(class_weight=wrong)
    with pytest.raises(UsageError, match=r"^`class_weight` of the metric .* must hold finite numbers, not nan\.$"):
        subject.make(class_weight=[1, NAN])
    y_true, y_pred = pair(subject)
    with pytest.raises(ValueError, match="numbers, and"):
        of(subject, y_true, y_pred, class_weight=[1.0] * 7)
