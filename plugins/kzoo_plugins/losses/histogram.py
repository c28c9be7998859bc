"""Losses between histograms: distributions over bins that stand for numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, as_class_labels, class_probabilities, widen

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["HistogramMAE", "histogram_mae"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class HistogramMAE(ClassLoss):
    """Absolute difference between the means of two histograms.

    Formula, for one sample with K bins:

    ```
    histogram_mae = |sum_i bins_i y_true_i - sum_i bins_i y_pred_i|
    ```

    Only the means are compared: a prediction spread over all bins can have the right one.

    Args:
        bins: The number that each of the K bins stands for, in the unit of the result. Defaults to 0, 1, ..., K - 1.
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "histogram_mae".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Histograms or one-hot labels of shape (..., K), or bin indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K).

    Raises:
        ValueError: `bins` is empty, holds something that is not a finite number, or is not of the size of `y_pred`;
            the shapes of labels and predictions do not belong together.

    Example:
        >>> y_true, y_pred = [[0.0, 0.0, 1.0]], [[0.5, 0.0, 0.5]]
        >>> float(HistogramMAE()(y_true, y_pred)), float(HistogramMAE(bins=[10, 20, 30])(y_true, y_pred))
        (1.0, 10.0)

    References:
        - [Talebi, Milanfar, 2018](https://arxiv.org/abs/1709.05424), where an image's score is the mean of a
          histogram of ratings
    """

    def __init__(
        self,
        bins: Sequence[float] | None = None,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "histogram_mae",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_bins(bins)
        self.bins = bins
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the difference of the means of each sample, shape ``(...)``."""
        return histogram_mae(y_true, y_pred, bins=self.bins, from_logits=self.from_logits)


def histogram_mae(y_true: Any, y_pred: Any, *, bins: Sequence[float] | None = None, from_logits: bool = False) -> Any:
    """Return the absolute difference of the histograms' means for each sample; see `HistogramMAE`.

    Example:
        >>> [float(value) for value in histogram_mae([[1.0, 0.0, 0.0]], [[0.0, 0.5, 0.5]])]
        [1.5]
    """
    _check_bins(bins)
    y_pred = class_probabilities(widen(y_pred), from_logits=from_logits)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "histogram_mae")
    count = y_pred.shape[-1]
    if bins is not None and len(bins) != count:
        message = f"`bins` holds {len(bins)} numbers, and `y_pred` has {count} bins."
        raise ValueError(message)
    values = ops.convert_to_tensor(list(range(count) if bins is None else bins), dtype=y_pred.dtype)
    return ops.abs(ops.sum((y_true - y_pred) * values, axis=-1))


def _check_bins(bins: Sequence[float] | None) -> None:
    if bins is not None and not (len(bins) and all(math.isfinite(value) for value in bins)):
        message = f"`bins` must hold a finite number for each bin, not {bins!r}."
        raise ValueError(message)
