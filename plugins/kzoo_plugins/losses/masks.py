"""What the losses between masks share: labels as masks, sums over positions, ratios without 0/0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar

from keras import ops

from kzoo.component import ClassLabels, ClassLoss, align_shapes, as_class_labels, propagate_nan, widen

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "MaskLoss",
    "as_masks",
    "check_at_least_0",
    "mask_probabilities",
    "mean_over_classes",
    "over_positions",
    "ratio",
    "sizes_and_presence",
    "weights_of_classes",
]

_SMALLEST_RANK = 3


class MaskLoss(ClassLoss):
    """A loss between masks: labels become one mask for each class of ``y_pred``, which becomes probabilities.

    A position of the ignored class is in no mask and predicted to be in none, so that it is in no sum of a sample; a
    sample that has no other position has no part in the mean.

    Args:
        axis: The axis of ``y_pred``, and of masks by class, that holds the classes.
        ignore_class: A class whose positions do not count; None for none.
        class_weight: The weight of each class in the mean over the classes; None where all weigh the same.
        reduction: As in `kzoo.component.Loss`.
        name: As in `kzoo.component.Loss`.
        dtype: As in `kzoo.component.Loss`.
    """

    alone = False
    outside: ClassVar[float] = 0.0
    """The prediction that a position is not in a mask."""

    from_logits: bool = False

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the value of each sample, shape ``(N,)``; 0 where all its positions are ignored."""
        labels = self.read_labels(y_true, y_pred)
        values = propagate_nan(self.values_of(labels), labels.y_true, labels.y_pred)
        return values if labels.kept is None else ops.where(_any_position(labels.kept), values, ops.zeros_like(values))

    def values_of(self, labels: ClassLabels) -> Any:
        """Return the value of each sample of masks and probabilities; where neighbours count, `kept` says which."""
        return self.per_sample(labels.y_true, labels.y_pred)

    def kept(self, y_true: Any, y_pred: Any) -> Any:
        """Return which samples have a position that counts, or None where no class is ignored."""
        kept = None if self.ignore_class is None else self.read_labels(y_true, y_pred).kept
        return None if kept is None else _any_position(kept)

    def read_labels(self, y_true: Any, y_pred: Any) -> ClassLabels:
        """Return masks and probabilities with the classes on the last axis, and which positions count."""
        y_true, y_pred = self.classes_last(y_true, y_pred)
        if y_pred.shape[-1] == 1 and len(y_true.shape) == len(y_pred.shape) - 1:
            y_true = ops.expand_dims(y_true, -1)
        y_true, kept = self.without_ignored(y_true, y_pred)
        if kept is not None:
            # Before the softmax, too: through it a NaN would reach the gradient of a position that does not count.
            y_pred = ops.where(ops.expand_dims(kept, -1), y_pred, ops.zeros_like(y_pred))
        if self.from_logits:
            y_pred = mask_probabilities(y_pred, from_logits=True)
        y_true = as_masks(y_true, y_pred, self.name)
        if kept is not None:
            counts = ops.expand_dims(kept, -1)
            y_true = ops.where(counts, y_true, ops.zeros_like(y_true))
            y_pred = ops.where(counts, y_pred, ops.cast(self.outside, y_pred.dtype))
        return ClassLabels(y_true, y_pred, kept)


def _any_position(kept: Any) -> Any:
    return ops.any(kept, axis=tuple(range(1, len(kept.shape))))


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


def mean_over_classes(
    values: Any, y_true: Any, *, count_absent: bool, class_weight: Sequence[float] | None = None
) -> Any:
    """Return the mean of ``values`` (N, K) over all classes, or over those that ``y_true`` has in the sample.

    Args:
        values: One for each class, of shape ``(N, K)``.
        y_true: Masks of shape ``(N, ..., K)``.
        count_absent: Whether classes count that the sample has none of.
        class_weight: What each class weighs in the mean; None where all weigh the same.

    Raises:
        ValueError: ``class_weight`` is for another number of classes.
    """
    if count_absent and class_weight is None:
        return ops.mean(values, axis=-1)
    weights = ops.ones_like(values) * weights_of_classes(class_weight, values)
    if not count_absent:
        _, present = sizes_and_presence(y_true)
        weights = ops.where(present, weights, ops.zeros_like(weights))
    # A class without weight has no part, whatever its value is.
    total = ops.sum(ops.where(weights > 0, weights * values, ops.zeros_like(values)), axis=-1)
    return ratio(total, ops.sum(weights, axis=-1))


def weights_of_classes(class_weight: Sequence[float] | None, values: Any) -> Any:
    """Return the weight of each class, shape ``(K,)``; raise ``ValueError`` for another number of classes."""
    classes = values.shape[-1]
    if class_weight is not None and len(class_weight) != classes:
        message = f"`class_weight` has {len(class_weight)} numbers, and `y_pred` has {classes} classes."
        raise ValueError(message)
    return ops.convert_to_tensor(list(class_weight or [1.0] * classes), dtype=values.dtype)


def check_at_least_0(**arguments: float) -> None:
    """Raise ``ValueError`` where an argument is not a finite number of at least 0."""
    for name, value in arguments.items():
        if not (math.isfinite(value) and value >= 0):
            message = f"`{name}` must be a finite number of at least 0, not {value}."
            raise ValueError(message)
