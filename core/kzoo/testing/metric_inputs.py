"""Checks of what a metric makes of unusual inputs: NaN, labels that are no class, whole numbers, no samples."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing.loss_labels import MEASURED, rounded_labels
from kzoo.testing.loss_shapes import REFUSALS
from kzoo.testing.metric_state import measured, result, updated
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import CLASSES, sample
from kzoo.testing.tools import close, differ, numbers, raised_by_tensorflow, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kzoo.testing.subject import Subject

__all__ = [
    "class_predictions",
    "empty_batch",
    "form_of",
    "integer_predictions",
    "labels_not_rounded",
    "many_classes",
    "nan",
    "nan_left_out",
    "wrong_labels",
]

_MANY = 300
"""More classes than a byte can count, and more than bfloat16 can tell apart."""


def nan(subject: Subject) -> None:
    """A NaN in one prediction, or in one label that is a number, makes the result NaN: a diverged run must show."""
    for note, y_true, y_pred in _with_nan(subject):
        saw = measured(subject, (y_true, y_pred))
        if not np.isnan(saw).any():
            message = f"{note}: saw {shown(saw)}, expected NaN; y_true = {shown(y_true)}, y_pred = {shown(y_pred)}"
            raise CheckFailure(message)


def nan_left_out(subject: Subject) -> None:
    """A sample with a weight of 0 is left out even if its prediction is NaN, as what stands in padding may be."""
    y_true, y_pred = sample(subject, 4)
    expected = measured(subject, (np.delete(y_true, 1, 0), np.delete(y_pred, 1, 0)))
    broken = y_pred.copy()
    broken[1] = np.nan
    saw = measured(subject, (y_true, broken), weight=np.array([1, 0, 1, 1], "float32"))
    close(saw, expected, "a weight of 0 for a prediction of NaN, against the sample left out", y_pred=broken)


def _with_nan(subject: Subject) -> Iterator[tuple[str, Any, Any]]:
    """Yield inputs with a NaN in the second of four samples: in its first and last number, and in its label."""
    y_true, y_pred = sample(subject, 4)
    for at in (0, -1):
        broken = y_pred.copy()
        broken[1:2].reshape(-1)[at] = np.nan
        yield f"a NaN in the {'last' if at else 'first'} number of a prediction", y_true, broken
    if np.issubdtype(y_true.dtype, np.floating):
        broken = y_true.copy()
        broken[1:2].reshape(-1)[0] = np.nan
        yield "a NaN in a label", broken, y_pred


def wrong_labels(subject: Subject) -> None:
    """A label that is no class, as -1, K and 255 are, and 2 for a yes or no, is refused or makes the result NaN."""
    classes = subject.inputs in ("classes", "masks") and "sparse" in subject.forms
    if not classes and subject.inputs not in ("binary", "multilabel"):
        message = "its labels are no class indices and no zeros and ones"
        raise Skip(message)
    y_true, y_pred = sample(subject, 5, form="sparse") if classes else sample(subject, 5)
    more: dict[str, Any] = form_of(subject, dense=False) if classes else {}
    if classes and subject.takes("num_classes"):
        more["num_classes"] = CLASSES
    found = []
    for wrong in (-1, CLASSES, 255) if classes else (2, -1):
        broken = y_true.copy()
        broken[1:2].reshape(-1)[0] = wrong
        try:
            saw = measured(subject, (broken, y_pred), **more)
        except REFUSALS:
            continue
        if not np.isnan(saw).any():
            found.append(f"a label of {wrong}: saw {shown(saw)}, expected NaN or an error")
    if found:
        message = f"{'; '.join(found)}; labels of shape {y_true.shape}, predictions of shape {y_pred.shape}"
        raise CheckFailure(message)


def labels_not_rounded(subject: Subject) -> None:
    """Labels that are measured count as they are: 0.5 is neither cut to 0 nor rounded."""
    if subject.inputs not in MEASURED:
        message = "its labels are whole numbers"
        raise Skip(message)
    rounded_labels(subject, lambda y_true, y_pred: measured(subject, (y_true, y_pred)))


def integer_predictions(subject: Subject) -> None:
    """Predictions of whole numbers and of yes and no give what the same numbers as floats give, or are refused."""
    size = 1 if subject.inputs == "large_images" else 6
    y_true, y_pred = sample(subject, size)
    if subject.inputs in ("classes", "masks"):
        y_pred = np.eye(y_pred.shape[-1], dtype="float32")[y_pred.argmax(-1)]
    elif subject.inputs in ("binary", "multilabel"):
        y_pred = np.round(y_pred)
    else:
        y_pred = np.round(y_pred * 3)
    same_sort = subject.inputs not in ("classes", "masks", "signs") and np.issubdtype(y_true.dtype, np.floating)
    if same_sort and subject.inputs not in ("binary", "multilabel"):
        y_true = np.round(y_true * 3)
    expected = measured(subject, (y_true, y_pred))
    for dtype in ("int32", "int64", "uint8", "bool"):
        pred = y_pred.astype(dtype)
        if not np.array_equal(pred.astype("float32"), y_pred):
            continue
        true = y_true.astype(dtype)
        # A difference of two bytes wraps around, so labels are bytes too where they hold the same sort of numbers.
        both = same_sort and np.array_equal(true.astype("float32"), y_true)
        for labels in (y_true, true) if both else (y_true,):
            try:
                saw = measured(subject, (labels, pred))
            except (ValueError, TypeError) as error:
                if raised_by_tensorflow(error):
                    raise
                continue
            what = f"predictions as {dtype} with labels as {labels.dtype}, against float32"
            close(saw, expected, what, y_true=labels, y_pred=pred)


def class_predictions(subject: Subject) -> None:
    """Class indices as predictions, (N,) or (N, 1), count as those classes, or are refused with a `ValueError`."""
    if subject.inputs != "classes" or not subject.forms:
        message = "its predictions are not classes"
        raise Skip(message)
    # As many samples as classes, so that what is broadcast along the wrong axis goes through.
    indices, predicted = np.array([0, 1, 2, 3], "int32"), np.array([0, 2, 2, 1], "int32")
    hot = np.eye(CLASSES, dtype="float32")
    found = []
    for form in subject.forms:
        y_true = hot[indices] if form == "dense" else indices
        arguments = form_of(subject, dense=form == "dense")
        expected = measured(subject, (y_true, hot[predicted]), **arguments)
        for y_pred in (predicted, predicted[:, None]):
            what = f"predictions of shape {y_pred.shape} and labels of shape {y_true.shape}"
            try:
                saw = measured(subject, (y_true, y_pred), **arguments)
            except ValueError:
                continue
            except Exception as error:
                found.append(f"{what}: saw {type(error).__name__}, expected a result or a ValueError")
                continue
            if np.isnan(saw).all():  # no refusal, and yet nobody takes it for a result
                continue
            try:
                close(saw, expected, f"{what}, against one-hot predictions")
            except CheckFailure as failure:
                found.append(str(failure))
    if found:
        raise CheckFailure("; ".join(found))


def empty_batch(subject: Subject) -> None:
    """A batch of no samples, outside of a graph, raises nothing and changes nothing."""
    y_true, y_pred = sample(subject, 3)
    nothing = y_true[:0], y_pred[:0]
    expected = measured(subject, (y_true, y_pred))
    metric = updated(subject.make(), (y_true, y_pred))
    before = [numbers(variable) for variable in metric.variables]
    updated(metric, nothing)
    for variable, value in zip(metric.variables, before, strict=True):
        close(numbers(variable), value, f"{variable.path} after a batch of no samples", 0.0)
    close(result(metric), expected, "the result after a batch of no samples", 0.0)
    metric = updated(subject.make(), nothing, (y_true, y_pred))
    close(result(metric), expected, "the result where the first batch has no samples", 1e-6)


def many_classes(subject: Subject) -> None:
    """Labels of 300 classes count in every type that holds them: as bytes, whole numbers and one-hot rows."""
    if subject.inputs not in ("classes", "masks") or not subject.forms:
        message = "its predictions are not classes"
        raise Skip(message)
    positions = (6,) if subject.inputs == "classes" else (1, 2, 3)
    more = {"num_classes": _MANY} if subject.takes("num_classes") else {}
    scores = np.random.default_rng(0).uniform(0, 0.5, (6, _MANY))
    for row, predicted in enumerate((2, 130, 266, 257, 256, 101)):
        scores[row, predicted] += 20
    y_pred = (scores / scores.sum(-1, keepdims=True)).astype("float32").reshape(*positions, _MANY)
    # 10 and 266 are equal in a byte, 256 and 257 after rounding to bfloat16.
    for labels, dtypes in (
        ([2, 130, 10, 257, 257, 100], ("int16", "int64", "float32")),
        ([2, 130, 10, 250, 1, 100], ("uint8", "int64")),
        ([2, 120, 10, 0, 1, 100], ("int8", "int64")),
    ):
        indices = np.array(labels).reshape(positions)
        dense = "dense" in subject.forms
        form = form_of(subject, dense=dense)
        y_true = np.eye(_MANY, dtype="float32")[indices] if dense else indices.astype("int32")
        expected = measured(subject, (y_true, y_pred), **form, **more)
        given = f"{'one-hot labels' if dense else 'int32'}; labels {labels} of {_MANY} classes"
        if "sparse" in subject.forms:
            form = form_of(subject, dense=False)
            for dtype in dtypes:
                saw = measured(subject, (indices.astype(dtype), y_pred), **form, **more)
                close(saw, expected, f"class indices as {dtype}, against {given}")
        if max(labels) == labels[3] > 256:  # noqa: PLR2004 - the first whole number that bfloat16 lacks is 257
            narrow = tf.cast(y_pred, "bfloat16")
            form = form_of(subject, dense=dense)
            wide = measured(subject, (y_true, np.asarray(tf.cast(narrow, "float32"))), **form, **more)
            with contextlib.suppress(tf.errors.InvalidArgumentError):  # `half_precision` says so
                saw = measured(subject, (y_true, narrow), **form, **more)
                close(saw, wide, f"predictions in bfloat16, against float32, with {given}", 2e-2)
    # Where labels and predictions are both cut to a byte, all of the above agree, and 10 is 266.
    for dense in (form == "dense" for form in ("dense", "sparse") if form in subject.forms):
        found = {}
        for label in (266, 10, 11):
            indices = np.array([2, 130, label, 257, 256, 101]).reshape(positions)
            y_true = np.eye(_MANY, dtype="float32")[indices] if dense else indices.astype("int32")
            found[label] = measured(subject, (y_true, y_pred), **form_of(subject, dense=dense), **more)
        if differ(found[266], found[11], 0.0) and not differ(found[266], found[10], 0.0):
            message = (
                f"class 266 of {_MANY} is predicted: saw {shown(found[10])} for the label 10 as for 266, expected that "
                "a wrong prediction differs from a right one; classes are counted in a byte"
            )
            raise CheckFailure(message)


def form_of(subject: Subject, *, dense: bool) -> dict[str, str]:
    """Return the argument that makes a component for one-hot labels or for class indices, where it is needed."""
    form = "dense" if dense else "sparse"
    return {} if form == subject.form else {"label_form": form}
