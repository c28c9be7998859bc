"""The base classes of metrics that are means over samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component.classes import OverClasses
from kzoo.component.configuration import ConfigFromSignature
from kzoo.component.losses import snake_case
from kzoo.component.numbers import at_least_float32, has_nan
from kzoo.component.shapes import align_shapes, check_mask, fit_weight, mask_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.component.classes import ClassLabels

__all__ = ["ClassMetric", "MeanMetric"]


class MeanMetric(ConfigFromSignature, keras.metrics.Mean):  # type: ignore[misc]
    """A metric that is the weighted mean of `per_sample` over everything seen since the last reset.

    A NaN in a sample makes the mean NaN, whatever `per_sample` makes of it, unless the sample's weight is 0.

    Args:
        name: The metric's name in logs and tables; by default the class's name in snake case.
        dtype: The type of the running sums; half precision is raised to float32.
    """

    def __init__(self, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name or snake_case(type(self).__name__), dtype=at_least_float32(dtype))

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add one batch: ``sample_weight`` has one entry for each sample, or is one number; masked steps count 0."""
        mask = mask_of(y_pred)
        y_true, y_pred = (ops.cast(ops.convert_to_tensor(y), self.dtype) for y in (y_true, y_pred))
        if tuple(y_pred.shape)[:1] == (0,):
            return
        values, weight = self.values(y_true, y_pred), self.label_weight(y_true, y_pred)
        check_mask(mask, values, self.name)
        for more in (fit_weight(sample_weight, values, self.name), mask):
            if more is not None:
                given = ops.cast(more, self.dtype)
                # A label that is no class has the weight NaN, and no part in anything where the sample weighs 0.
                weight = given if weight is None else ops.where(given == 0, ops.zeros_like(given), weight * given)
        if weight is not None:
            values = ops.where(weight == 0, ops.zeros_like(values), values)
        super().update_state(values, sample_weight=weight)

    def values(self, y_true: Any, y_pred: Any) -> Any:
        """Return the value of each sample, after the shapes were checked."""
        y_true, y_pred = self.align(y_true, y_pred)
        values = self.per_sample(y_true, y_pred)
        return ops.where(has_nan(values, y_true, y_pred), ops.cast(float("nan"), values.dtype), values)

    def label_weight(self, y_true: Any, y_pred: Any) -> Any:
        """Return what each value counts for its label, or None where all count the same."""
        del y_true, y_pred

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and predictions of equal shape; raise ``ValueError`` where they do not belong together."""
        return align_shapes(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return one value for each sample: shape ``(N,)``, or ``(N, ...)`` where every position is a sample."""
        raise NotImplementedError


class ClassMetric(OverClasses, MeanMetric):
    """A mean over positions whose labels are classes: `per_sample` gets them as distributions over the last axis.

    Args:
        axis: The axis of ``y_pred``, and of one-hot labels, that holds the classes.
        ignore_class: A class whose positions do not count; see `OverClasses`.
        class_weight: A number for each class, which counts as a sample weight does; see `OverClasses`.
        name: As in `MeanMetric`.
        dtype: As in `MeanMetric`.
    """

    instead = ""

    def __init__(
        self,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.set_classes(axis=axis, ignore_class=ignore_class, class_weight=class_weight)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return the labels as distributions over the classes, and the predictions, classes on the last axis."""
        labels = self.read_labels(y_true, y_pred)
        return labels.y_true, labels.y_pred

    def read_labels(self, y_true: Any, y_pred: Any) -> ClassLabels:
        """Return labels and predictions; see `OverClasses`. One number for each sample is refused as one output is."""
        if len(y_pred.shape) == 1:
            message = (
                f"`{self.name}` got y_pred of shape {tuple(y_pred.shape)}, which is one number for each sample, and it "
                "compares classes, with a column each."
            )
            raise ValueError(message)
        return super().read_labels(y_true, y_pred)

    def label_weight(self, y_true: Any, y_pred: Any) -> Any:
        """Return the weight of each position's class, 0 for the ignored one; None where all count the same."""
        if self.ignore_class is None and self.class_weight is None:
            return None
        return self.read_labels(y_true, y_pred).weights(self.dtype)
