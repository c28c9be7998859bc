"""The base of losses of independent yes-or-no answers, whose labels are 0 and 1."""

from __future__ import annotations

from typing import Any

from keras import ops

from kzoo.component import ClassLabels, ClassLoss, align_shapes

__all__ = ["YesNoLoss"]


class YesNoLoss(ClassLoss):
    """A loss with a value for each answer: labels are 0 and 1, or between them; any other one gives NaN.

    `ignore_class` is a label that counts nothing in value, gradient and mean; `class_weight` are two numbers, for no
    and yes, which count as sample weights do.
    """

    def read_labels(self, y_true: Any, y_pred: Any) -> ClassLabels:
        """Return labels and predictions of equal shape, and what each answer counts."""
        y_true, y_pred = align_shapes(y_true, y_pred, self.name)
        kept = None
        if self.ignore_class is not None:
            kept = y_true != ops.cast(self.ignore_class, y_true.dtype)
            y_true = ops.where(kept, y_true, ops.zeros_like(y_true))
            y_pred = ops.where(kept, y_pred, ops.cast(0.5, y_pred.dtype))
        y_true = ops.where(ops.logical_and(y_true >= 0, y_true <= 1), y_true, float("nan"))
        weight = None
        if self.class_weight is not None:
            weight = self.weights_of(ops.stack([1 - y_true, y_true], axis=-1))
        return ClassLabels(y_true, y_pred, kept, weight)
