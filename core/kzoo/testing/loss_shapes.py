"""Checks of what a loss makes of shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.errors import UsageError
from kzoo.testing.common import settings
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import positions as in_positions
from kzoo.testing.samples import sample
from kzoo.testing.tools import array, close, per_sample, smallest

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = [
    "batch_of_one",
    "batches_add_up",
    "flat_labels",
    "mismatch_refused",
    "one_value_per_sample",
    "positions",
]

COLUMNS = ("values", "binary", "signs", "positive", "quantiles")
"""The inputs that can be one column of labels against one column of predictions."""

STEPS, GRID = (2, 3), (2, 3, 4)
"""Positions as (samples, steps) and (samples, height, width), with a size of its own for each axis.

Where two axes are of one size, Keras's base class takes weights of samples for those of another axis.
"""

REFUSALS = (ValueError, TypeError, tf.errors.InvalidArgumentError)
"""How a loss or metric may refuse what it cannot take."""


def one_value_per_sample(subject: Subject) -> None:
    """Before its reduction a loss has a value for each sample, so that samples can be weighed."""

    def test(y_true: Any, y_pred: Any) -> None:
        values = per_sample(subject, y_true, y_pred)
        if values.ndim == 0 or values.shape[0] != len(y_pred):
            what = f"a value of shape {values.shape} for predictions of shape {np.shape(y_pred)}"
            message = f"saw {what}, expected one value for each of the {len(y_pred)} samples"
            raise CheckFailure(message)

    smallest(test, *sample(subject, 3))


def batches_add_up(subject: Subject) -> None:
    """The values of a batch are those of its parts: a sample's value depends on no other sample."""

    def test(y_true: Any, y_pred: Any) -> None:
        whole = per_sample(subject, y_true, y_pred)
        parts = [per_sample(subject, y_true[at], y_pred[at]) for at in (slice(0, 1), slice(1, None)) if len(y_pred[at])]
        if whole.ndim == 0:
            message = "it has one value for the whole batch"
            raise Skip(message)
        close(whole, np.concatenate(parts), "the values of one batch, against those of its parts", y_true=y_true)

    smallest(test, *sample(subject, 5))


def positions(subject: Subject) -> None:
    """Steps, or rows and columns, have the values that they have as samples, or their sample has one for all."""
    taken = False
    for form in subject.forms or ("",):
        known = {"label_form": form} if len(subject.forms) > 1 else {}
        for shape in STEPS, GRID:
            pair = in_positions(subject, shape, form=form)
            taken = _as_samples(subject, pair, shape, "", **known) or taken
            if form == "sparse":
                labels = pair[0][..., None]
                taken = _as_samples(subject, (labels, pair[1]), shape, "", **known) or taken
    if not taken:
        message = "it has no values for positions"
        raise Skip(message)
    pair = in_positions(subject, STEPS)
    for words, arguments in settings(subject):
        if words:
            _as_samples(subject, pair, STEPS, words, **arguments)


def _as_samples(subject: Subject, pair: tuple[Any, Any], shape: tuple[int, ...], words: str, **known: Any) -> bool:
    """Hold the values of positions to those of the same rows as samples; return whether each position has its own."""
    y_true, y_pred = pair
    try:
        values = per_sample(subject, y_true, y_pred, **known)
    except (*REFUSALS, UsageError):
        return False
    what = f"labels of shape {np.shape(y_true)}, predictions of shape {y_pred.shape}{words}"
    if values.ndim < len(shape) and values.shape == shape[: values.ndim]:
        return False  # what the positions of a sample, or of a row, have together is for the loss to say
    if values.shape[: len(shape)] != shape:  # they were added up along the wrong axis
        message = f"{what}: saw values of shape {values.shape}, expected {shape}, or {shape[:1]} for samples"
        raise CheckFailure(message)
    rows = [np.reshape(one, (-1, *np.shape(one)[len(shape) :])) for one in pair]
    expected = per_sample(subject, *rows, **known)
    close(values.reshape(expected.shape), expected, f"{what}: the values, against those of rows as samples")
    return True


def batch_of_one(subject: Subject) -> None:
    """A batch of one sample works, and its value is finite: the last batch of an epoch can be that small."""
    y_true, y_pred = sample(subject, 1)
    value = array(subject.make()(y_true, y_pred))
    if value.ndim or not np.isfinite(value):
        message = f"saw {value}, expected a finite number for y_true = {y_true}, y_pred = {y_pred}"
        raise CheckFailure(message)


def flat_labels(subject: Subject) -> None:
    """Labels (N,) against predictions (N, 1), and the reverse, are taken as equal or refused, not made (N, N)."""
    y_true, y_pred = _columns(subject)
    loss = subject.make()
    expected = array(loss(tf.constant(y_true), tf.constant(y_pred)))
    for what, true, pred in (
        ("labels (N,) against predictions (N, 1)", y_true[:, 0], y_pred),
        ("labels (N, 1) against predictions (N,)", y_true, y_pred[:, 0]),
    ):
        try:
            value = array(loss(tf.constant(true), tf.constant(pred)))
        except REFUSALS:
            continue
        close(value, expected, f"{what}: the loss", y_true=true, y_pred=pred)


def _columns(subject: Subject) -> tuple[Any, Any]:
    """Return labels and predictions of shape (N, 1)."""
    if subject.inputs not in COLUMNS:
        message = "its predictions are not one column"
        raise Skip(message)
    y_true, y_pred = sample(subject, 3)
    return y_true[:, :1], y_pred[:, :1]


def mismatch_refused(subject: Subject) -> None:
    """Labels and predictions whose shapes do not belong together are refused, not broadcast."""
    y_true, y_pred = sample(subject, 3)
    loss = subject.make()
    wrong = [("one label for three predictions", y_true[:1], y_pred)]
    if np.ndim(y_true) == np.ndim(y_pred) and np.shape(y_true)[-1] == np.shape(y_pred)[-1] > 1:
        # A single class is a fine prediction for class indices, so the labels lose positions instead.
        wrong.append(("labels with a position less", y_true[..., :-1], y_pred))
        if subject.inputs == "values":
            wrong.append(("one label for each row of predictions", y_true[..., :1], y_pred))
    for what, true, pred in wrong:
        try:
            value = array(loss(tf.constant(true), tf.constant(pred)))
        except REFUSALS:
            continue
        shapes = f"y_true of shape {np.shape(true)} and y_pred of shape {np.shape(pred)}"
        message = f"{what}: saw {value}, expected an error for {shapes}"
        raise CheckFailure(message)
