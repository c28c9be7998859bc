"""Labels reach loss and metrics in one form per run; a metric that takes the other form is wrapped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import as_class_labels, widen
from kzoo.wrappers.around_metric import AroundMetric

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["MeanOutput", "OtherLabelForm", "fit_metric"]


def fit_metric(metric: Any, targets: Collection[str], label_form: str, num_classes: int) -> Any:
    """Return the metric, wrapped where it does not take labels of ``label_form``."""
    if label_form in ("", "column") or not targets or label_form in targets:
        return metric
    return OtherLabelForm(metric, label_form="sparse" if label_form == "dense" else "dense", num_classes=num_classes)


@keras.saving.register_keras_serializable(package="kzoo")
class OtherLabelForm(AroundMetric):
    """Converts labels before a metric sees them: one-hot to class indices, or back.

    Args:
        metric: The metric that takes ``label_form``.
        label_form: The form that it takes, ``dense`` or ``sparse``.
        num_classes: The number of classes K.
        name: By default that of ``metric``.
    """

    def __init__(self, metric: Any, label_form: str, num_classes: int, name: str | None = None) -> None:
        super().__init__(metric, name)
        self.label_form = label_form
        self.num_classes = num_classes

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add one batch with labels in the run's form; one that is no class stays none."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if self.label_form == "sparse":
            known = ops.all(ops.equal(y_true, y_true), axis=-1)  # a row of NaN has no largest entry
            y_true = ops.where(known, ops.argmax(y_true, axis=-1), -1)
        else:
            y_true = as_class_labels(y_true, widen(y_pred), self.name)
        return self.metric.update_state(y_true, y_pred, sample_weight=sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "label_form": self.label_form, "num_classes": self.num_classes}


@keras.saving.register_keras_serializable(package="kzoo")
class MeanOutput(AroundMetric):
    """Shows a metric of numbers the predicted means alone, where a network predicts mean and variance.

    Args:
        metric: The metric.
        name: By default that of ``metric``.
    """

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add one batch, ``y_pred`` of shape ``(N, 2)``."""
        return self.metric.update_state(y_true, y_pred[..., :1], sample_weight=sample_weight)
