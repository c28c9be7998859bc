"""Checks of what a loss makes of shapes, weights and label forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import sample
from kzoo.testing.tools import array, close, per_sample, smallest, unreduced

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = [
    "batch_of_one",
    "batches_add_up",
    "flat_labels",
    "label_forms",
    "mask",
    "mismatch_refused",
    "one_value_per_sample",
    "reductions",
    "sample_weight",
]

COLUMNS = ("values", "binary", "signs", "positive", "quantiles")
"""The inputs that can be one column of labels against one column of predictions."""

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


def reductions(subject: Subject) -> None:
    """The reductions `sum`, `mean` and `sum_over_batch_size` are those of the values themselves."""
    subject.need("reduction")
    y_true, y_pred = sample(subject)
    values = per_sample(subject, y_true, y_pred)
    for name, expected in (
        ("sum", values.sum()),
        ("mean", values.mean()),
        ("sum_over_batch_size", values.mean()),
    ):
        close(subject.make(reduction=name)(y_true, y_pred), expected, f"reduction={name!r}")


def sample_weight(subject: Subject) -> None:
    """Sample weights multiply the values sample by sample, given as (N,) and as (N, 1)."""

    def test(y_true: Any, y_pred: Any) -> None:
        weights = np.linspace(0.0, 2.0, len(y_pred)).astype("float32") if len(y_pred) > 1 else np.full(1, 0.5, "f4")
        values = per_sample(subject, y_true, y_pred)
        if values.ndim == 0:
            values = per_sample_alone(subject, y_true, y_pred)
        spread = weights.reshape(-1, *[1] * (values.ndim - 1))
        expected = (values * spread).sum() / values.size
        given = {"y_true": y_true, "y_pred": y_pred, "sample_weight": weights}
        close(subject.make()(y_true, y_pred, sample_weight=weights), expected, "the weighted loss", **given)
        column = subject.make()(y_true, y_pred, sample_weight=weights[:, None])
        close(column, expected, "the weighted loss, weights of shape (N, 1)", **given)

    smallest(test, *sample(subject, 4))


def per_sample_alone(subject: Subject, y_true: Any, y_pred: Any) -> Any:
    """Return the values of a loss that has one for the whole batch, each sample given alone."""
    return np.stack([per_sample(subject, y_true[at : at + 1], y_pred[at : at + 1]) for at in range(len(y_pred))])


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


def label_forms(subject: Subject) -> None:
    """One-hot labels and class indices, (N,) or (N, 1), give equal values."""
    if set(subject.forms) != {"dense", "sparse"}:
        message = f"it takes {' and '.join(subject.forms) or 'no class'} labels"
        raise Skip(message)
    dense, y_pred = sample(subject, form="dense")
    sparse, _ = sample(subject, form="sparse")
    expected = per_sample(subject, dense, y_pred, label_form="dense")

    def test(indices: Any, hot: Any, pred: Any) -> None:
        wanted = per_sample(subject, hot, pred, label_form="dense")
        for true in (indices, indices[..., None]):
            saw = per_sample(subject, true, pred, label_form="sparse")
            close(saw, wanted, f"class indices of shape {true.shape}, against one-hot labels", y_true=true, y_pred=pred)

    smallest(test, sparse, dense, y_pred)
    if not np.isfinite(expected).all():
        message = f"saw {expected}, expected finite values"
        raise CheckFailure(message)


def mask(subject: Subject) -> None:
    """A mask of steps leaves masked steps out, or is refused with a clear error where steps have no own value."""
    if subject.inputs not in ("values", "binary", "classes"):
        message = "its predictions have no steps"
        raise Skip(message)
    true, pred = sample(subject, 3)
    # As many steps as samples, so that a mask that is broadcast along the wrong axis goes through.
    y_true, y_pred = np.stack([true, true[::-1], true], 1), np.stack([pred, pred, pred[::-1]], 1)
    keep = np.array([[True, True, False], [True, False, False], [True, True, True]])
    try:
        values = array(unreduced(subject)(tf.constant(y_true), tf.constant(y_pred)))
    except REFUSALS:
        message = "it takes no steps"
        raise Skip(message) from None
    masked = tf.constant(y_pred)
    masked._keras_mask = tf.constant(keep)  # noqa: SLF001 - how Keras layers hand a mask on
    try:
        saw = array(subject.make()(tf.constant(y_true), masked))
    except ValueError as error:
        if values.shape == keep.shape:
            message = f"saw {error}, expected the mask of shape {keep.shape} to leave steps out"
            raise CheckFailure(message) from error
        return
    if values.shape != keep.shape:
        message = (
            f"saw {saw}, expected an error: values of shape {values.shape} cannot be masked with a mask of shape "
            f"{keep.shape}, whose second axis is steps"
        )
        raise CheckFailure(message)
    close(saw, values[keep].mean(), "the loss with a mask", mask=keep)
