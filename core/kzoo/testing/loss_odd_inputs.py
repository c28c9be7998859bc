"""Checks of what a loss makes of what should not be there: NaN, labels of no class, whole numbers, nothing at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing.loss_labels import MEASURED
from kzoo.testing.loss_shapes import REFUSALS
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import CLASSES, INDEXED, in_form, sample, whole_numbers
from kzoo.testing.tools import array, close, per_sample, shown, unreduced, value_and_gradient

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = ["empty_batch", "integer_predictions", "nan", "wrong_labels"]

_YES_OR_NO = ("binary", "multilabel", "distances")
"""The inputs whose labels are 0 or 1."""


def nan(subject: Subject) -> None:
    """One NaN in a sample's predictions, or in labels that are measured, is NaN in its value and its gradient."""
    y_true, y_pred = sample(subject, 3)
    if not np.issubdtype(np.asarray(y_pred).dtype, np.floating):
        message = "its predictions are whole numbers"
        raise Skip(message)
    width = np.asarray(y_pred[0]).size
    # What each number means is not known where an author gives the inputs: none of them is one that must count.
    places = [slice(None)] if callable(subject.inputs) else sorted({0, width // 2, width - 1})
    tried = [(1, place) for place in places]
    if subject.inputs == "embeddings":
        tried.append((2, 0))  # the only one of its group
    for at, place in tried:
        broken = np.array(y_pred, order="C")
        broken.reshape(3, -1)[at, place] = np.nan
        _is_nan(subject, y_true, broken, at, "a NaN in the predictions of a sample")
    if subject.inputs in MEASURED:
        broken = np.array(y_true, "float32", order="C")
        broken.reshape(3, -1)[1, -1] = np.nan
        _is_nan(subject, broken, y_pred, 1, "a NaN in the labels of a sample")


def wrong_labels(subject: Subject) -> None:
    """A label that is none of the classes, or neither 0 nor 1, is NaN in value and gradient, or an error."""
    y_true, y_pred = sample(subject, 3)
    if subject.inputs in _YES_OR_NO:
        wrong, forms = [2.0, -1.0, np.nan], [("", np.asarray(y_true, "float32"))]
    elif subject.inputs in INDEXED:
        wrong = [-1, CLASSES, 255, np.nan]
        indices = sample(subject, 3, form="sparse")[0]
        forms = [(form, in_form(indices, form)) for form in subject.forms or ("",)]
    else:
        message = "any number, or any whole number, is a label of it"
        raise Skip(message)
    for form, labels in forms:
        known = {"label_form": form} if len(subject.forms) > 1 else {}
        for label in wrong:
            if form == "dense" and not np.isnan(label):
                continue  # a row that is one-hot names a class
            broken = np.array(labels, "float32" if np.isnan(label) else labels.dtype, order="C")
            broken.reshape(3, -1)[1, 0] = label
            try:
                _is_nan(subject, broken, y_pred, 1, f"a label of {label:g}", **known)
            except REFUSALS:
                continue


def _is_nan(subject: Subject, y_true: Any, y_pred: Any, at: int, what: str, **arguments: Any) -> None:
    """Raise unless value and gradient of the sample, and the loss of the batch, are NaN."""
    values = per_sample(subject, y_true, y_pred, **arguments)
    own = values if values.ndim == 0 or len(values) != len(y_pred) else values[at]
    # As a training step has them: both from one call, after the reduction.
    loss, slope = value_and_gradient(subject.make(**arguments), y_true, y_pred)
    for name, found in (("value", own), ("loss of the batch", loss), ("gradient", slope[at])):
        if not np.isnan(found).any():
            given = f"y_true = {shown(np.asarray(y_true)[at])}, y_pred = {shown(y_pred[at])}"
            message = f"{what}: saw the {name} {shown(found)}, expected NaN; {given}"
            raise CheckFailure(message)


def integer_predictions(subject: Subject) -> None:
    """Predictions in whole numbers or as booleans give what the same numbers give as floats, or are refused."""
    if callable(subject.inputs):
        message = "what whole numbers would mean as predictions is not known"
        raise Skip(message)
    y_true, whole = whole_numbers(subject)
    for name in ("int32", "uint8", "bool"):
        limited = np.abs(whole) if name == "uint8" else np.asarray(whole > 0, "f4") if name == "bool" else whole
        expected = per_sample(subject, y_true, limited.astype("float32"))
        try:
            saw = array(unreduced(subject)(tf.constant(y_true), tf.constant(limited.astype(name))))
        except (ValueError, TypeError):
            continue
        what = f"predictions in {name}, against the same numbers in float32"
        close(saw, expected, what, y_true=y_true, y_pred=limited.astype(name))


def empty_batch(subject: Subject) -> None:
    """A batch of no samples gives a finite number, or no values, and no error: a filter may leave none."""
    y_true, y_pred = sample(subject, 1)
    try:
        value = array(subject.make()(tf.constant(y_true[:0]), tf.constant(y_pred[:0])))
    except Exception as error:
        message = f"saw {type(error).__name__}, expected a finite number for y_true of shape {np.shape(y_true[:0])}"
        raise CheckFailure(message) from error
    # Keras's own reduction returns what it was given, which is no number at all.
    if not np.isfinite(value).all() or value.size > 1:
        message = f"saw {shown(value)}, expected a finite number for y_true of shape {np.shape(y_true[:0])}"
        raise CheckFailure(message)
