"""Labels that are classes: as distributions over the classes, with an ignored one and with a weight for each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from keras import ops

from kzoo.component.numbers import widen
from kzoo.component.shapes import may_be_equal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ClassLabels", "OverClasses", "as_class_labels", "class_probabilities", "refuse_one_output"]


@dataclass(frozen=True)
class ClassLabels:
    """A batch of labels and predictions over K classes, which lie on the last axis of both.

    Attributes:
        y_true: Class distributions of shape ``(..., K)``; a row of NaN where the label is no class. Where a position is
            ignored, its label is class 0.
        y_pred: Scores of shape ``(..., K)``. Where a position is ignored, they are all equal: whatever the network
            said there has no part in value or gradient.
        kept: Which positions count, shape ``(...)``, or None where all do.
        weight: The weight of each position's class, shape ``(...)``, or None where all classes weigh the same.
    """

    y_true: Any
    y_pred: Any
    kept: Any = None
    weight: Any = None

    def weigh(self, values: Any) -> Any:
        """Return values of the positions times the weights of their classes; 0 where a position is ignored."""
        if self.weight is not None:
            values = values * ops.cast(self.weight, values.dtype)
        return values if self.kept is None else ops.where(self.kept, values, ops.zeros_like(values))

    def weights(self, dtype: Any) -> Any:
        """Return what each position counts for its label, shape ``(...)``, or None where all count the same."""
        weight = None if self.weight is None else ops.cast(self.weight, dtype)
        if self.kept is None:
            return weight
        one = ops.cast(self.kept, dtype)
        return one if weight is None else ops.where(self.kept, weight, ops.zeros_like(one))


class OverClasses:
    """What losses and metrics over classes have in common: which class to ignore, what each one weighs, and where.

    A subclass's constructor takes ``axis``, ``ignore_class`` and ``class_weight`` and hands them to `set_classes`.

    Attributes:
        axis: The axis of the predictions, and of one-hot labels, that holds the classes.
        ignore_class: A class index whose positions do not count, as if they were not there; None for none. With one-hot
            labels such a position is a row whose largest entry is that class, or, where it lies outside of
            ``0 .. K - 1``, a row of zeros, which is what one-hot encoding makes of it.
        class_weight: A number of at least 0 for each class: a position counts as if that were its sample weight, for
            soft labels the mean of the weights by its label. None where all classes weigh the same.
        instead: What fits a network with one output, for the error that refuses one.
    """

    instead: ClassVar[str] = "binary_crossentropy"

    name: str
    axis: int = -1
    ignore_class: int | None = None
    class_weight: Sequence[float] | None = None

    def set_classes(
        self, *, axis: int = -1, ignore_class: int | None = None, class_weight: Sequence[float] | None = None
    ) -> None:
        """Keep the three arguments; raise ``ValueError`` where one can have no meaning."""
        for name, value in (("axis", axis), ("ignore_class", ignore_class)):
            if name == "ignore_class" and value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or int(value) != value:
                message = f"`{name}` must be a whole number{', or None' * (name != 'axis')}, not {value!r}."
                raise ValueError(message)
        if class_weight is not None:
            _check_class_weight(class_weight)
        self.axis = int(axis)
        self.ignore_class = None if ignore_class is None else int(ignore_class)
        self.class_weight = class_weight

    def read_labels(self, y_true: Any, y_pred: Any) -> ClassLabels:
        """Return labels and predictions with the classes on the last axis, and what each position counts.

        Args:
            y_true: One-hot or soft labels of the shape of ``y_pred``, or class indices of its shape without the axis of
                the classes, or with an axis of 1 there.
            y_pred: Scores; the number of classes must be known.

        Raises:
            ValueError: The shapes do not belong together; there is one output where classes are asked for;
                ``class_weight`` is for another number of classes.
        """
        y_true, y_pred = self.classes_last(y_true, y_pred)
        refuse_one_output(y_pred, self.name, self.instead)
        y_true, kept = self.without_ignored(y_true, y_pred)
        if kept is not None:
            y_pred = ops.where(ops.expand_dims(kept, -1), y_pred, ops.cast(1 / y_pred.shape[-1], y_pred.dtype))
        labels = as_class_labels(y_true, y_pred, self.name)
        return ClassLabels(labels, y_pred, kept, self.weights_of(labels))

    def classes_last(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions with the axis of the classes moved to the end."""
        rank = len(y_pred.shape)
        if self.axis in (-1, rank - 1):
            return y_true, y_pred
        if not -rank <= self.axis < rank:
            message = f"`{self.name}` has axis={self.axis}, and y_pred has the shape {tuple(y_pred.shape)}."
            raise ValueError(message)
        moved = ops.moveaxis(y_pred, self.axis, -1)
        if len(y_true.shape) != rank:
            return y_true, moved
        known, positions = tuple(y_true.shape), tuple(moved.shape)[:-1]
        if known[-1] == 1 and known[self.axis] != 1 and may_be_equal(known[:-1], positions):
            return y_true, moved  # class indices with their axis of 1 at the end, as labels of images are read
        return ops.moveaxis(y_true, self.axis, -1), moved

    def without_ignored(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels in which class 0 stands for the ignored one, and which positions are kept (None for all)."""
        if self.ignore_class is None:
            return y_true, None
        classes, rank = y_pred.shape[-1], len(y_pred.shape)
        if len(y_true.shape) == rank and y_true.shape[-1] == classes != 1:
            inside = 0 <= self.ignore_class < classes
            kept = ops.argmax(y_true, axis=-1) != self.ignore_class if inside else ops.any(y_true != 0, axis=-1)
            first = ops.one_hot(ops.zeros_like(kept, dtype="int32"), classes, dtype=y_true.dtype)
            return ops.where(ops.expand_dims(kept, -1), y_true, first), kept
        kept = y_true != ops.cast(self.ignore_class, y_true.dtype)
        if len(y_true.shape) == rank and y_true.shape[-1] != 1:
            return y_true, None  # neither form of labels, which is said where they are read
        y_true = ops.where(kept, y_true, ops.zeros_like(y_true))
        return y_true, ops.squeeze(kept, -1) if len(y_true.shape) == rank else kept

    def weights_of(self, labels: Any) -> Any:
        """Return the weight of each position of labels ``(..., K)`` by its class, or None where all weigh the same."""
        if self.class_weight is None:
            return None
        if len(self.class_weight) != labels.shape[-1]:
            message = (
                f"`{self.name}` has a `class_weight` of {len(self.class_weight)} numbers, and y_pred has "
                f"{labels.shape[-1]} classes."
            )
            raise ValueError(message)
        weights = ops.convert_to_tensor([float(one) for one in self.class_weight], dtype=labels.dtype)
        return ops.sum(labels * weights, axis=-1)


def as_class_labels(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return labels as a distribution over the classes of ``y_pred``, whose last axis holds the K classes.

    A class index outside ``0 .. K - 1``, or one that is no whole number, becomes a row of NaN: a loss that shows it is
    better than one that trains on a row of zeros.

    Args:
        y_true: Class distributions of shape ``(..., K)``, or class indices of shape ``(...)`` or ``(..., 1)``.
        y_pred: Scores of shape ``(..., K)``; K must be known.
        what: The component's name, for the error.

    Raises:
        ValueError: The shapes fit neither form.
    """
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    classes = pred_shape[-1] if pred_shape else None
    if classes is None:
        message = f"`{what}` needs y_pred of shape (..., classes) with a known number of classes, not {pred_shape}."
        raise ValueError(message)
    if true_shape and true_shape[-1] == classes and may_be_equal(true_shape, pred_shape):
        return ops.cast(y_true, y_pred.dtype)
    indices = y_true
    if len(true_shape) == len(pred_shape) and true_shape[-1] == 1:
        indices = ops.squeeze(y_true, -1)
    if not may_be_equal(tuple(indices.shape), pred_shape[:-1]):
        message = (
            f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}. It takes one-hot labels of "
            f"the same shape, or class indices of shape {pred_shape[:-1]}."
        )
        raise ValueError(message)
    given, indices = widen(indices), ops.cast(indices, "int32")
    whole = ops.equal(ops.cast(indices, given.dtype), given)
    known = ops.expand_dims(ops.logical_and(whole, ops.logical_and(indices >= 0, indices < classes)), -1)
    return ops.where(known, ops.one_hot(indices, classes, dtype=y_pred.dtype), float("nan"))


def refuse_one_output(y_pred: Any, what: str, instead: str = "") -> None:
    """Raise ``ValueError`` where predictions have one column, and a column for each class is needed.

    Args:
        y_pred: Scores of shape ``(..., K)``.
        what: The component's name.
        instead: The component that fits one output; empty where there is none.
    """
    shape = tuple(y_pred.shape)
    if not shape or shape[-1] != 1:
        return
    other = f"For one output that says yes or no, Dense(1, activation='sigmoid'), take `{instead}`. " if instead else ""
    message = (
        f"`{what}` got y_pred of shape {shape}, which is one output, and it compares classes, with a column each. "
        f"{other}For `{what}` let the network end in Dense(classes, activation='softmax'), with 2 classes or more."
    )
    raise ValueError(message)


def class_probabilities(y_pred: Any, *, from_logits: bool) -> Any:
    """Return probabilities over the last axis: the softmax of logits, or probabilities as they are."""
    return ops.softmax(y_pred, axis=-1) if from_logits else y_pred


def _check_class_weight(class_weight: Any) -> None:
    plain = class_weight.tolist() if hasattr(class_weight, "tolist") else class_weight
    fits = isinstance(plain, (list, tuple)) and all(
        isinstance(one, (int, float)) and not isinstance(one, bool) and math.isfinite(one) and one >= 0 for one in plain
    )
    if not (fits and any(plain)):
        message = (
            "`class_weight` must be a list with a finite number of at least 0 for each class, not all of them 0, or "
            f"None, not {class_weight!r}."
        )
        raise ValueError(message)
