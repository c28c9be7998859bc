"""Losses and metrics of masks in which pixels without a class count nothing, whatever the loss or metric is.

Labels reach them one-hot, shape (N, H, W, K), with a row of zeros for a pixel without a class; of one mask they are 0
and 1 of shape (N, H, W, 1), and `NOTHING` for such a pixel.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component.classes import OverClasses
from kzoo.wrappers.around_loss import AroundLoss
from kzoo.wrappers.around_metric import AroundMetric

__all__ = ["NOTHING", "OfPixels", "PixelMetric", "ignoring"]

NOTHING = 255
"""The label of a pixel without a class."""

_SMALLEST = 1e-7
_MEANS = ("mean", "sum_over_batch_size")
_NOTHING_FOR_ZEROS = (keras.losses.CategoricalCrossentropy,)
"""Keras's losses that are 0 where the labels are all 0, with a gradient of 0 once such values are left out of the mean.

They find the logits behind a softmax, which makes them three times as fast, unless its output is touched before.
"""


def ignoring(component: Any) -> Any:
    """Return a loss or metric over classes built again to ignore `NOTHING`; None where it has no ``ignore_class``.

    Raises:
        ValueError: It ignores another class already.
    """
    if not isinstance(component, OverClasses):
        return None
    config = component.get_config()  # type: ignore[attr-defined] # they are Keras's losses and metrics
    if "ignore_class" not in config:
        return None
    if config["ignore_class"] not in (None, NOTHING):
        message = f"`ignore_class` is {config['ignore_class']}"
        raise ValueError(message)
    return type(component).from_config({**config, "ignore_class": NOTHING})  # type: ignore[attr-defined]


@keras.saving.register_keras_serializable(package="kzoo")
class OfPixels(AroundLoss):
    """Lets a loss see a network's masks as it wants them: without the pixels that have no class, as logits.

    A loss with ``ignore_class`` ignores such pixels by itself. One with a value for each pixel has their values left
    out of the mean. Any other, such as one number for a batch, is shown a pixel that is in no mask and is predicted to
    be in none, which adds nothing to any sum of overlaps.

    Formula, of the logits, for probabilities p, where the loss takes them (its attribute ``takes_logits`` is true):

    ```
    logit = log(p) - log(1 - p)
    ```

    Args:
        loss: The loss.
        name: By default that of ``loss``.
    """

    def __init__(self, loss: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(loss, name, **kwargs)
        self.by_itself = getattr(self.loss, "ignore_class", None) == NOTHING
        self.logits = bool(getattr(self.loss, "takes_logits", False))

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of masks, ``y_pred`` of shape (N, H, W, K)."""
        if self.by_itself:
            return self.loss(y_true, self._scores(y_pred), sample_weight=sample_weight)
        kept = _kept(y_true)
        values = self._values(y_true, y_pred, kept)
        if len(values.shape) != len(kept.shape):  # such pixels are in no sum already
            weights = sample_weight
        else:
            weights = counts = ops.cast(kept, values.dtype)
            if self.loss.reduction in _MEANS:  # over the pixels that have a class
                weights = counts * ops.divide_no_nan(ops.sum(ops.ones_like(counts)), ops.sum(counts))
            if sample_weight is not None:
                weights = weights * _beside(ops.cast(ops.convert_to_tensor(sample_weight), values.dtype), weights)
        reduced = _Reduced(reduction=self.loss.reduction, dtype=values.dtype, name="reduced")
        return reduced(values, values, sample_weight=weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return what the inner loss returns before it is reduced."""
        if self.by_itself:
            return self.loss.call(y_true, self._scores(y_pred))
        return self._values(y_true, y_pred, _kept(y_true))

    def kept(self, y_true: Any, y_pred: Any) -> Any:
        """Return which of the inner loss's values count, or None where all do."""
        if self.by_itself:
            return self.loss.kept(y_true, self._scores(y_pred))
        kept = _kept(y_true)
        values = self._values(y_true, y_pred, kept)
        return kept if len(values.shape) == len(kept.shape) else None

    def _values(self, y_true: Any, y_pred: Any, kept: Any) -> Any:
        """Return the values of a loss that ignores nothing, shown pixels that cost nothing where there is no class."""
        if type(self.loss) in _NOTHING_FOR_ZEROS and y_pred.shape[-1] > 1:
            values = self.loss.call(y_true, y_pred)
            return ops.where(kept, values, ops.zeros_like(values))
        here = ops.expand_dims(kept, -1)
        y_pred = ops.convert_to_tensor(y_pred)
        y_true = ops.cast(ops.convert_to_tensor(y_true), y_pred.dtype)
        nothing = ops.where(here, y_true, ops.zeros_like(y_true))
        even = ops.where(here, y_pred, ops.cast(1 / max(2, y_pred.shape[-1]), y_pred.dtype))
        values = self.loss.call(nothing, self._scores(even))
        if len(values.shape) == len(kept.shape):
            return values
        return self.loss.call(nothing, self._scores(ops.where(here, y_pred, ops.zeros_like(y_pred))))

    def _scores(self, y_pred: Any) -> Any:
        if not self.logits:
            return y_pred
        p = ops.clip(ops.cast(ops.convert_to_tensor(y_pred), "float32"), _SMALLEST, 1 - _SMALLEST)
        return ops.log(p) - ops.log1p(-p)


@keras.saving.register_keras_serializable(package="kzoo")
class PixelMetric(AroundMetric):
    """Shows a metric the pixels that have a class alone.

    Args:
        metric: The metric; one with ``ignore_class`` ignores them by itself, any other gets weights of 0 and 1.
        sparse: Whether it takes class indices, not one-hot labels.
        name: By default that of ``metric``.
    """

    def __init__(self, metric: Any, sparse: bool = False, name: str | None = None) -> None:  # noqa: FBT001, FBT002
        super().__init__(metric, name)
        self.sparse = sparse
        self.by_itself = getattr(self.metric, "ignore_class", None) == NOTHING

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Add one batch of masks, ``y_pred`` of shape (N, H, W, K)."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        if self.by_itself:
            return self.metric.update_state(y_true, y_pred, sample_weight=sample_weight)
        kept = _kept(y_true)
        y_true = ops.where(ops.expand_dims(kept, -1), y_true, ops.zeros_like(y_true))
        if y_pred.shape[-1] == 1:  # one mask: no or yes
            y_true, y_pred = (ops.concatenate([1 - one, one], axis=-1) for one in (y_true, y_pred))
        weights = ops.cast(kept, self.metric.dtype)  # those of counts are whole numbers
        if sample_weight is not None:
            weights = weights * _beside(ops.cast(ops.convert_to_tensor(sample_weight), weights.dtype), weights)
        if self.sparse:
            y_true = ops.argmax(y_true, axis=-1)
        return self.metric.update_state(y_true, y_pred, sample_weight=weights)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "sparse": self.sparse}


class _Reduced(keras.losses.Loss):  # type: ignore[misc]
    """Applies Keras's weighting and reduction to values that are computed already."""

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the values, which come in the place of the labels."""
        del y_pred
        return y_true


def _kept(y_true: Any) -> Any:
    """Return which pixels have a class, booleans of shape (N, H, W)."""
    y_true = ops.convert_to_tensor(y_true)
    if y_true.shape[-1] == 1:
        return ops.squeeze(y_true, -1) != ops.cast(NOTHING, y_true.dtype)
    return ops.any(y_true != 0, axis=-1)


def _beside(weight: Any, values: Any) -> Any:
    """Return weights of samples in the rank of values of positions."""
    while len(weight.shape) < len(values.shape):
        weight = ops.expand_dims(weight, -1)
    return weight
