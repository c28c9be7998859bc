"""Checks of what reductions, sample weights and masks make of a loss's values and gradients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing.loss_shapes import GRID, REFUSALS, STEPS
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.samples import positions, sample
from kzoo.testing.tools import array, close, per_sample, smallest, unreduced, value_and_gradient

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = ["mask", "reductions", "sample_weight"]


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
    """Weights multiply values and gradients sample by sample, and position by position where each has a value."""

    def test(y_true: Any, y_pred: Any) -> None:
        weights = np.linspace(0.0, 2.0, len(y_pred)).astype("float32") if len(y_pred) > 1 else np.full(1, 0.5, "f4")
        values = per_sample(subject, y_true, y_pred)
        if values.ndim == 0:
            values = _each_alone(subject, y_true, y_pred)
        spread = weights.reshape(-1, *[1] * (values.ndim - 1))
        expected = (values * spread).sum() / values.size
        given = {"y_true": y_true, "y_pred": y_pred, "sample_weight": weights}
        close(subject.make()(y_true, y_pred, sample_weight=weights), expected, "the weighted loss", **given)
        column = subject.make()(y_true, y_pred, sample_weight=weights[:, None])
        close(column, expected, "the weighted loss, weights of shape (N, 1)", **given)
        slopes = _slope_of_values(subject, y_true, y_pred, np.broadcast_to(spread, values.shape))
        close(_slope(subject, y_true, y_pred, weights), slopes, "the gradient of the weighted loss", 1e-4, **given)

    smallest(test, *sample(subject, 4))
    for shape in (STEPS, GRID):
        _weights_of_positions(subject, shape)


def _weights_of_positions(subject: Subject, shape: tuple[int, ...]) -> None:
    """Hold a loss to weights of samples and of positions, where each sample has several positions."""
    try:
        y_true, y_pred = positions(subject, shape) if subject.inputs != "masks" else sample(subject, 2)
        values = per_sample(subject, y_true, y_pred)
    except (*REFUSALS, Skip):
        return  # it takes no positions
    if values.shape[:1] != (2,):
        return  # other checks say so
    whole = np.linspace(0.5, 2.0, values.size).reshape(values.shape)
    columns = np.array([0.5, 2.0]).reshape(2, *[1] * (values.ndim - 1))
    for weights, spread in ((whole, whole), (columns, columns), (columns.reshape(2), columns)):
        weights, given = weights.astype("float32"), f"predictions of shape {y_pred.shape}"  # noqa: PLW2901
        try:
            saw = array(subject.make()(y_true, y_pred, sample_weight=weights))
        except REFUSALS as error:
            # Keras's own base class can only refuse weights that have another rank than the values.
            if weights.ndim != values.ndim:
                continue
            message = f"weights of shape {weights.shape} for {given}: saw {error}, expected them to be taken"
            raise CheckFailure(message) from error
        what = f"with weights of shape {weights.shape} for values of shape {values.shape} and {given}"
        expected = (values * spread).sum() / values.size
        close(saw, expected, f"the loss {what}", sample_weight=weights)
        if spread is not whole:
            continue
        slopes = _slope_of_values(subject, y_true, y_pred, np.broadcast_to(spread, values.shape))
        close(_slope(subject, y_true, y_pred, weights), slopes, f"the gradient {what}", 1e-4, sample_weight=weights)


def _slope(subject: Subject, y_true: Any, y_pred: Any, weights: Any) -> Any:
    """Return the gradient of the weighted loss."""
    loss = subject.make()
    return value_and_gradient(lambda true, pred: loss(true, pred, sample_weight=weights), y_true, y_pred)[1]


def _slope_of_values(subject: Subject, y_true: Any, y_pred: Any, weights: Any) -> Any:
    """Return the gradient of the mean of the weighted values."""
    function = unreduced(subject)
    if np.ndim(array(function(tf.constant(y_true), tf.constant(y_pred)))):
        return value_and_gradient(function, y_true, y_pred, weights=weights / weights.size)[1]
    found = [value_and_gradient(function, y_true[[at]], y_pred[[at]])[1] for at in range(len(y_pred))]
    return np.concatenate([one * weight / len(found) for one, weight in zip(found, weights, strict=True)])


def _each_alone(subject: Subject, y_true: Any, y_pred: Any) -> Any:
    """Return the values of a loss that has one for the whole batch, each sample given alone."""
    return np.stack([per_sample(subject, y_true[at : at + 1], y_pred[at : at + 1]) for at in range(len(y_pred))])


def mask(subject: Subject) -> None:
    """A mask leaves positions out of value and gradient, or is refused with an error where they have no own value."""
    if subject.inputs not in ("values", "binary", "classes"):
        message = "its predictions have no steps"
        raise Skip(message)
    # As many steps as samples, so that a mask that is broadcast along the wrong axis goes through.
    taken = [_masked(subject, shape) for shape in ((3, 3), (3, 3, 2))]
    if not any(taken):
        message = "it takes no steps"
        raise Skip(message)


def _masked(subject: Subject, shape: tuple[int, ...]) -> bool:
    """Hold a loss to a mask of this shape; return whether it takes predictions that have such positions."""
    y_true, y_pred = positions(subject, shape)
    keep = np.array([[True, True, False], [True, False, False], [True, True, True]])
    if len(shape) > 2:  # noqa: PLR2004
        keep = np.stack([keep, keep[::-1]], -1)
    function, loss = unreduced(subject), subject.make()
    try:
        values = array(function(tf.constant(y_true), tf.constant(y_pred)))
    except REFUSALS:
        return False

    def masked(true: Any, pred: Any) -> Any:
        pred = tf.identity(pred)
        pred._keras_mask = tf.constant(keep)  # noqa: SLF001 - how Keras layers hand a mask on
        return loss(true, pred)

    try:
        saw, slope = value_and_gradient(masked, y_true, y_pred)
    except ValueError as error:
        if values.shape == keep.shape:
            message = f"saw {error}, expected the mask of shape {keep.shape} to leave steps out"
            raise CheckFailure(message) from error
        return True
    if values.shape != keep.shape:
        message = (
            f"saw {saw}, expected an error: values of shape {values.shape} cannot be masked with a mask of shape "
            f"{keep.shape}, whose second axis is steps"
        )
        raise CheckFailure(message)
    close(saw, values[keep].mean(), "the loss with a mask", mask=keep)
    slopes = value_and_gradient(function, y_true, y_pred, weights=keep / keep.sum())[1]
    close(slope, slopes, "the gradient with a mask", 1e-4, mask=keep)
    return True
