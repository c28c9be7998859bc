"""Labels as classes: class indices that are NaN where a label is none, and the base of metrics that sum over them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from keras import backend, ops

from kzoo.component import OverClasses, align_shapes, widen
from kzoo_plugins.metrics.sums import SumMetric

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ClassSums",
    "PredictedClasses",
    "answers",
    "class_indices",
    "known_indices",
    "largest",
    "true_answers",
]

_TWO = 2
_HALF = 0.5


class ClassSums(OverClasses, SumMetric):
    """A metric of sums whose labels are classes, with an ignored class and a weight for each.

    Args:
        axis: The axis of ``y_pred``, and of one-hot labels, that holds the classes.
        ignore_class: A class whose positions do not count; see `kzoo.component.OverClasses`.
        class_weight: A number for each class; None where all weigh the same.
        name: As in `SumMetric`.
        dtype: As in `SumMetric`.
    """

    def __init__(
        self,
        name: str,
        dtype: Any = None,
        *,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.set_classes(axis=axis, ignore_class=ignore_class, class_weight=class_weight)

    def weighs_positions(self) -> bool:
        """Return whether ``class_weight`` acts as a sample weight does, and not as a class's weight in a mean."""
        return True

    def class_weights(self, classes: int, dtype: Any) -> Any:
        """Return the weight of each class, shape ``(K,)``; raise ``ValueError`` for another number of classes."""
        if self.class_weight is None:
            return ops.ones((classes,), dtype)
        if len(self.class_weight) != classes:
            message = (
                f"`{self.name}` has a `class_weight` of {len(self.class_weight)} numbers, and there are {classes} "
                "classes."
            )
            raise ValueError(message)
        return ops.convert_to_tensor([float(one) for one in self.class_weight], dtype=dtype)

    def counts(self, true: Any, kept: Any, classes: int) -> Any:
        """Return what each position counts for its class ``true``; None where all count the same."""
        weight, weights = None, self.class_weights(classes, self.dtype)
        if self.class_weight is not None and self.weighs_positions():
            known = ops.cast(ops.where(ops.isnan(true), ops.zeros_like(true), true), "int32")
            weight = ops.take(weights, known)
        if kept is None:
            return weight
        kept = ops.cast(kept, self.dtype)
        return kept if weight is None else kept * weight

    def read_indices(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return the class of each position, NaN where its label is none, and what it counts.

        Args:
            y_true: One-hot labels or class indices.
            y_pred: Scores of shape ``(..., K)``, K at least 2.
        """
        y_true, kept = self.without_ignored(y_true, y_pred)
        true = class_indices(y_true, y_pred, self.name)
        return true, self.counts(true, kept, y_pred.shape[-1])

    def read_answers(self, y_true: Any) -> tuple[Any, Any]:
        """Return labels that are yes or no as 1 and 0, NaN where one is neither, and what each counts."""
        kept = None
        if self.ignore_class is not None:
            kept = y_true != ops.cast(self.ignore_class, y_true.dtype)
        true = answers(true_answers(y_true), _HALF)
        return true, self.counts(true, kept, _TWO)


class PredictedClasses(ClassSums):
    """A metric of sums that compares true with predicted classes, whatever the probabilities were.

    Predictions of shape ``(..., K)`` are scores: the largest is the predicted class. Predictions with a last axis of 1,
    or with one axis only, are probabilities of class 1 of two, compared with a threshold; they are class indices where
    they are whole numbers or booleans by their type, and where there are more than two classes by ``num_classes`` or by
    one-hot labels.

    Args:
        num_classes: The number of classes K, at least 2; None for as many as predictions or one-hot labels have
            columns.
        threshold: The probability above which an answer is yes.
        multilabel: Whether every column is a yes-or-no question of its own.
        name: As in `SumMetric`.
        dtype: As in `SumMetric`.
        axis: As in `ClassSums`.
        ignore_class: As in `ClassSums`.
        class_weight: As in `ClassSums`; for yes-or-no questions two numbers, of no and of yes.
    """

    def __init__(
        self,
        num_classes: int | None,
        threshold: float,
        name: str,
        dtype: Any = None,
        *,
        multilabel: bool = False,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
    ) -> None:
        super().__init__(name, dtype, axis=axis, ignore_class=ignore_class, class_weight=class_weight)
        if num_classes is not None and (int(num_classes) != num_classes or num_classes < _TWO):
            message = f"`num_classes` must be a whole number of at least 2, or None, not {num_classes}."
            raise ValueError(message)
        if not math.isfinite(threshold):
            message = f"`threshold` must be a finite number, not {threshold}."
            raise ValueError(message)
        self.num_classes = num_classes
        self.threshold = threshold
        self.multilabel = multilabel
        self.single = False
        self.classes = num_classes or 0

    def tensor(self, value: Any) -> Any:
        """Return labels or predictions as they are: their type says whether they are indices."""
        return ops.convert_to_tensor(value)

    def read(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """Return true and predicted classes, NaN where there is none, and what each position counts."""
        indices = backend.standardize_dtype(y_pred.dtype).startswith(("int", "uint", "bool"))
        y_true, y_pred = self.classes_last(ops.cast(y_true, self.dtype), widen(y_pred))
        shape = tuple(y_pred.shape)
        self.single = not self.multilabel and (len(shape) == 1 or shape[-1] == 1)
        if self.multilabel:
            self.classes = _TWO
            y_true, y_pred = align_shapes(y_true, y_pred, self.name)
            true, counts = self.read_answers(y_true)
            pred = answers(y_pred, self.threshold)
        elif self.single:
            true, pred, counts = self._read_column(y_true, y_pred, indices=indices)
        else:
            self.classes = self._classes(shape[-1], "y_pred")
            true, counts = self.read_indices(y_true, y_pred)
            pred = largest(y_pred)
        return true, ops.cast(pred, true.dtype), counts

    def _read_column(self, y_true: Any, y_pred: Any, *, indices: bool) -> tuple[Any, Any, Any]:
        """Return the same for predictions in one column: probabilities of class 1, or class indices."""
        pred = ops.squeeze(y_pred, -1) if len(y_pred.shape) > 1 else y_pred
        if len(y_true.shape) == len(pred.shape) + 1 and y_true.shape[-1] not in (1, None):
            self.classes = self._classes(y_true.shape[-1], "y_true")
            true, counts = self.read_indices(y_true, y_true)
            align_shapes(true, pred, self.name)
        else:
            self.classes = self.num_classes or _TWO
            y_true, pred = align_shapes(y_true, pred, self.name)
            if self.classes == _TWO:
                true, counts = self.read_answers(y_true)
            else:
                y_true, kept = self.without_ignored(y_true, ops.expand_dims(pred, -1))
                true = known_indices(y_true, self.classes)
                counts = self.counts(true, kept, self.classes)
        if self.classes == _TWO and not indices:
            return true, answers(pred, self.threshold), counts
        return true, known_indices(pred, self.classes), counts

    def _classes(self, columns: int | None, what: str) -> int:
        """Return the number of columns; raise ``ValueError`` where it is unknown or another one was given."""
        if columns is None:
            message = f"`{self.name}` needs `{what}` of shape (..., classes) with a known number of classes."
            raise ValueError(message)
        if self.num_classes not in (None, columns):
            message = f"`{self.name}` is for {self.num_classes} classes, and `{what}` has {columns} columns."
            raise ValueError(message)
        return columns


def class_indices(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return labels as class indices of shape ``(...)`` for scores of shape ``(..., K)``; NaN where one is no class.

    Args:
        y_true: One-hot or soft labels of shape ``(..., K)``, of which the largest entry counts, or class indices of
            shape ``(...)`` or ``(..., 1)``; floats.
        y_pred: Scores of shape ``(..., K)``; K must be known.
        what: The component's name, for the error.

    Raises:
        ValueError: The shapes fit neither form.
    """
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    if not pred_shape or pred_shape[-1] is None:
        message = f"`{what}` needs y_pred of shape (..., classes) with a known number of classes, not {pred_shape}."
        raise ValueError(message)
    if _fit(true_shape, pred_shape):
        found = largest(y_true)  # a row of zeros is what one-hot encoding makes of a label that is no class
        return ops.where(ops.max(y_true, axis=-1) > 0, found, ops.full_like(found, float("nan")))
    indices = ops.squeeze(y_true, -1) if len(true_shape) == len(pred_shape) and true_shape[-1] == 1 else y_true
    if not _fit(tuple(indices.shape), pred_shape[:-1]):
        message = (
            f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}. It takes one-hot labels of "
            f"the same shape, or class indices of shape {pred_shape[:-1]}."
        )
        raise ValueError(message)
    return known_indices(indices, pred_shape[-1])


def known_indices(indices: Any, classes: int) -> Any:
    """Return class indices, NaN for those that are no whole number or not of the ``classes`` that there are."""
    known = (indices >= 0) & (indices < classes) & (indices == ops.floor(indices))
    return ops.where(known, indices, ops.full_like(indices, float("nan")))


def largest(scores: Any) -> Any:
    """Return the place of the largest of the scores ``(..., K)`` as a float, NaN where one of them is NaN."""
    found = ops.cast(ops.argmax(scores, axis=-1), scores.dtype)
    return ops.where(ops.any(ops.isnan(scores), axis=-1), ops.full_like(found, float("nan")), found)


def answers(probabilities: Any, threshold: float) -> Any:
    """Return 1 where a probability is above the threshold, 0 where it is not, and NaN for NaN."""
    yes = ops.cast(probabilities > threshold, probabilities.dtype)
    return ops.where(ops.isnan(probabilities), probabilities, yes)


def true_answers(y_true: Any) -> Any:
    """Return labels between 0, no, and 1, yes, as they are; NaN for any other one."""
    return ops.where(ops.logical_and(y_true >= 0, y_true <= 1), y_true, ops.full_like(y_true, float("nan")))


def _fit(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Return whether two shapes are equal as far as they are known."""
    return len(one) == len(other) and all(a is None or b is None or a == b for a, b in zip(one, other, strict=True))
