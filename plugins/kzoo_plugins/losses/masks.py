"""What the losses between masks share: labels as masks, sums over positions, ratios without 0/0."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from kzoo.component import Loss, align_shapes, as_class_labels, widen

__all__ = [
    "MaskLoss",
    "as_masks",
    "check_at_least_0",
    "mask_probabilities",
    "mean_over_classes",
    "over_positions",
    "ratio",
    "sizes_and_presence",
]

_SMALLEST_RANK = 3


class MaskLoss(Loss):
    """A loss between masks: labels become one mask for each class of ``y_pred``."""

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return the labels as masks of the shape of ``y_pred``."""
        return as_masks(y_true, y_pred, self.name), y_pred


def as_masks(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return labels as one mask for each class, of the shape of ``y_pred``.

    A class index outside ``0 .. K - 1`` becomes NaN at its position, for K = 1 a label outside ``[0, 1]``: a loss that
    shows it is better than one that trains on it.

    Args:
        y_true: One mask for each class, shape ``(N, ..., K)``, or class indices of shape ``(N, ...)`` or
            ``(N, ..., 1)``. For K = 1 the labels are 0 and 1: what is not in the one class, and what is.
        y_pred: Scores of shape ``(N, ..., K)`` with at least one axis of positions; K must be known.
        what: The component's name, for the error.

    Raises:
        ValueError: The shapes fit neither form.
    """
    shape = tuple(y_pred.shape)
    if len(shape) < _SMALLEST_RANK:
        message = f"`{what}` needs y_pred of shape (samples, positions ..., classes), not {shape}."
        raise ValueError(message)
    if shape[-1] != 1:
        return as_class_labels(y_true, y_pred, what)
    if len(y_true.shape) == len(shape) - 1:
        y_true = ops.expand_dims(y_true, -1)
    y_true, _ = align_shapes(ops.cast(y_true, y_pred.dtype), y_pred, what)
    return ops.where(ops.logical_and(y_true >= 0, y_true <= 1), y_true, float("nan"))


def mask_probabilities(y_pred: Any, *, from_logits: bool) -> Any:
    """Return probabilities in at least float32; of logits the softmax over the classes, of a single one the sigmoid."""
    y_pred = widen(y_pred)
    if not from_logits:
        return y_pred
    return ops.sigmoid(y_pred) if y_pred.shape[-1] == 1 else ops.softmax(y_pred, axis=-1)


def over_positions(value: Any) -> Any:
    """Return the sum over all axes but the first, the samples, and the last, the classes."""
    # TensorFlow adds up the innermost axes in pairs and others one after the other, which over a million positions
    # loses up to half of float32's digits.
    return ops.sum(ops.moveaxis(value, -1, 1), axis=tuple(range(2, len(value.shape))))


def sizes_and_presence(y_true: Any) -> tuple[Any, Any]:
    """Return how many positions each class has in each sample, and whether it has any; NaN counts as present."""
    sizes = over_positions(y_true)
    return sizes, ops.logical_not(sizes <= 0)


def ratio(part: Any, whole: Any) -> Any:
    """Return ``part / whole``, and 0 with gradient 0 where ``whole`` is 0, as then ``part`` is."""
    # The inner `where` keeps 0/0 out of the gradient, which the outer one would multiply by 0 and make NaN.
    empty = ops.equal(whole, 0)
    return ops.where(empty, ops.zeros_like(part), part / ops.where(empty, ops.ones_like(whole), whole))


def mean_over_classes(values: Any, y_true: Any, *, count_absent: bool) -> Any:
    """Return the mean of ``values`` (N, K) over all classes, or over those that ``y_true`` has in the sample."""
    if count_absent:
        return ops.mean(values, axis=-1)
    _, present = sizes_and_presence(y_true)
    total = ops.sum(ops.where(present, values, ops.zeros_like(values)), axis=-1)
    return ratio(total, ops.sum(ops.cast(present, values.dtype), axis=-1))


def check_at_least_0(**arguments: float) -> None:
    """Raise ``ValueError`` where an argument is not a finite number of at least 0."""
    for name, value in arguments.items():
        if not (math.isfinite(value) and value >= 0):
            message = f"`{name}` must be a finite number of at least 0, not {value}."
            raise ValueError(message)
