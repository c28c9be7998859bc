"""The base classes of losses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import keras
from keras import ops

from kzoo.component.classes import OverClasses
from kzoo.component.configuration import ConfigFromSignature
from kzoo.component.numbers import at_least_float32, propagate_nan
from kzoo.component.shapes import align_shapes, check_mask, fit_weight, mask_of, may_be_equal

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ClassLoss", "Loss", "snake_case"]


class Loss(ConfigFromSignature, keras.losses.Loss):  # type: ignore[misc]
    """A loss made from `per_sample`, which returns one value for each sample.

    Labels and predictions reach `per_sample` as tensors whose shapes were checked: ``(N,)`` against ``(N, 1)`` is
    squeezed, any other mismatch is refused, nothing is broadcast. Both arrive in at least float32: Keras casts labels
    to the loss's type, which in bfloat16 would turn class 257 into 256. Sample weights of shape ``()``, ``(N,)`` or
    ``(N, 1)`` weigh samples, whatever the rank of the values. A NaN in a sample makes its value and gradient NaN,
    whatever `per_sample` makes of it.

    A subclass's constructor takes its own parameters, then ``reduction``, ``name`` and ``dtype``, and hands the last
    three on.

    Args:
        reduction: As in `keras.losses.Loss`.
        name: As in `keras.losses.Loss`; by default the class's name in snake case.
        dtype: The floating type of the computation; half precision is raised to float32.
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = None, dtype: Any = None
    ) -> None:
        super().__init__(
            name=name or snake_case(type(self).__name__), reduction=reduction, dtype=at_least_float32(dtype)
        )

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the reduced loss; weights, masks and reductions mean what they mean in Keras."""
        labels, scores = self._tensor(y_true), self._tensor(y_pred)
        if self.of_nothing(scores):
            return ops.sum(scores)
        with keras.name_scope(self.name):
            values, kept = self.call(labels, scores), self.kept(labels, scores)
        more = () if kept is None else (kept,)
        return self.reduce(values, y_pred, sample_weight, *more)

    def reduce(self, values: Any, y_pred: Any, sample_weight: Any, kept: Any = None) -> Any:
        """Return values per sample weighed, masked by what Keras layers left on ``y_pred`` and by ``kept``, reduced."""
        mask = mask_of(y_pred)
        check_mask(mask, values, self.name)
        weight = fit_weight(sample_weight, values, self.name)
        if kept is not None:
            mask = kept if mask is None else ops.logical_and(mask, kept)
        if mask is not None:
            share = _mask_weight(mask, values.dtype, self.reduction)
            weight = share if weight is None else share * ops.cast(weight, values.dtype)
        return _Reduce(reduction=self.reduction, name=self.name, dtype=self.dtype)(values, values, sample_weight=weight)

    def of_nothing(self, y_pred: Any) -> bool:
        """Return whether the loss is one number and the batch is known to be empty: then it is 0, as a sum is."""
        return tuple(y_pred.shape)[:1] == (0,) and self.reduction not in (None, "none")

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values per sample, after the shapes were checked."""
        y_true, y_pred = self.align(y_true, y_pred)
        return propagate_nan(self.per_sample(y_true, y_pred), y_true, y_pred)

    def kept(self, y_true: Any, y_pred: Any) -> Any:
        """Return which of the values that `call` returns count, or None where all do."""
        del y_true, y_pred

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions of equal shape; raise ``ValueError`` where they do not belong together."""
        return align_shapes(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value for each sample: shape ``(N,)``, or ``(N, ...)`` where every position is a sample."""
        raise NotImplementedError

    def _tensor(self, value: Any) -> Any:
        return ops.cast(ops.convert_to_tensor(value), self.dtype)


class ClassLoss(OverClasses, Loss):
    """A loss over classes: `per_sample` gets labels as distributions over the last axis of ``y_pred``.

    Labels come as one-hot rows or as class indices. One that is no class, such as -1 or K, makes the value and gradient
    of its position NaN. A network with one output is refused: there a class loss would be a constant.

    Args:
        axis: The axis of ``y_pred``, and of one-hot labels, that holds the classes.
        ignore_class: A class whose positions count nothing in value, gradient and mean; see `OverClasses`.
        class_weight: A number for each class, which counts as a sample weight does; see `OverClasses`.
        reduction: As in `Loss`.
        name: As in `Loss`.
        dtype: As in `Loss`.
    """

    alone: ClassVar[bool] = True
    """Whether a position's value depends on no other position, so that what weighs nothing can be left out first."""

    def __init__(
        self,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.set_classes(axis=axis, ignore_class=ignore_class, class_weight=class_weight)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the reduced loss; where a position is masked or weighs 0, its label may be no class."""
        labels = ops.convert_to_tensor(y_true)
        rank = len(tuple(y_pred.shape)) if hasattr(y_pred, "shape") else 0
        if self.alone and (len(labels.shape) < rank or tuple(labels.shape)[-1:] == (1,)):  # one-hot rows are classes
            for counts in (mask_of(y_pred), sample_weight):
                labels = self._without_nothing(labels, counts)
        return super().__call__(labels, y_pred, sample_weight=sample_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the value of each position, shape ``(...)``; 0 where its class is the ignored one."""
        labels = self.read_labels(y_true, y_pred)
        values = self.per_sample(labels.y_true, labels.y_pred)
        return labels.weigh(propagate_nan(values, labels.y_true, labels.y_pred))

    def kept(self, y_true: Any, y_pred: Any) -> Any:
        """Return which positions are of another class than the ignored one, or None where none is ignored."""
        return None if self.ignore_class is None else self.read_labels(y_true, y_pred).kept

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return the labels as distributions over the classes, and the predictions, classes on the last axis."""
        labels = self.read_labels(y_true, y_pred)
        return labels.y_true, labels.y_pred

    def _without_nothing(self, labels: Any, counts: Any) -> Any:
        """Return labels with 0 where ``counts``, a mask or weights of the leading axes, leaves a position out."""
        if counts is None:
            return labels
        counts = ops.convert_to_tensor(counts)
        while len(counts.shape) > 1 and counts.shape[-1] == 1 and len(counts.shape) > len(labels.shape) - 1:
            counts = ops.squeeze(counts, -1)
        rank = len(counts.shape)
        if not 0 < rank <= len(labels.shape) or not may_be_equal(tuple(labels.shape)[:rank], tuple(counts.shape)):
            return labels  # one number for all, or what is refused when the values are weighed
        spread = ops.reshape(ops.cast(counts, "bool"), (*ops.shape(counts), *[1] * (len(labels.shape) - rank)))
        if self.ignore_class is not None:  # what is ignored stays so, and out of the mean
            spread = ops.logical_or(spread, ops.equal(labels, ops.cast(self.ignore_class, labels.dtype)))
        return ops.where(spread, labels, ops.zeros_like(labels))


class _Reduce(keras.losses.Loss):  # type: ignore[misc]
    """Applies Keras's own weighting and reduction to values that are computed already."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values, which come in the place of the labels."""
        del y_pred
        return y_true


def _mask_weight(mask: Any, dtype: Any, reduction: str | None) -> Any:
    """Return what a mask multiplies values with: Keras's mean of a masked batch is over what the mask keeps."""
    kept = ops.cast(mask, dtype)
    if reduction not in ("mean", "sum_over_batch_size"):
        return kept
    count = ops.sum(ops.ones_like(kept))
    return ops.where(ops.cast(mask, "bool"), ops.divide_no_nan(count, ops.sum(kept)), 0.0)


def snake_case(name: str) -> str:
    """Return the name of a class as a component's: ``SquaredEMD`` is ``squared_emd``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
