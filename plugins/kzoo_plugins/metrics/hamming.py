"""The share of wrong answers."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo.component import MeanMetric, align_shapes
from kzoo_plugins.metrics.sums import class_indices

__all__ = ["HammingLoss", "MultilabelHammingLoss"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class HammingLoss(MeanMetric):
    """Hamming loss: the share of wrong answers.

    Formula, for one sample, then averaged over samples by their weights:

    ```
    [argmax_k y_pred_k != y_true]                         classes: 1 - accuracy
    (1/L) sum_l [(y_pred_l > threshold) != y_true_l]      multilabel=True, over L labels
    ```

    Args:
        multilabel: Whether every column is a yes-or-no question of its own. Defaults to False: columns are classes, of
            which one is true.
        threshold: The probability above which a label's own, or a single column, is a yes. Defaults to 0.5.
        name: Defaults to "hamming_loss".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot labels of shape (..., K) or class indices of shape (...) or (..., 1); with `multilabel`, 0 or 1
            of shape (..., L).
        y_pred: Scores of shape (..., K), probabilities of class 1 of shape (..., 1), or with `multilabel`
            probabilities of shape (..., L).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: `threshold` is not finite, or the shapes do not belong together.

    Example:
        >>> metric = HammingLoss(multilabel=True)
        >>> metric.update_state([[1, 0, 0, 1]], [[0.9, 0.8, 0.1, 0.7]])
        >>> float(metric.result())
        0.25

    References:
        - [Hamming, 1950](https://doi.org/10.1002/j.1538-7305.1950.tb00463.x), Error detecting and error correcting
          codes
        - [Schapire, Singer, 2000](https://doi.org/10.1023/A:1007649029923), BoosTexter
    """

    def __init__(
        self,
        multilabel: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        threshold: float = 0.5,
        name: str = "hamming_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not math.isfinite(threshold):
            message = f"`threshold` must be a finite number, not {threshold}."
            raise ValueError(message)
        self.multilabel = multilabel
        self.threshold = threshold

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return true and given answers as integers of equal shapes, with an axis of labels."""
        shape = tuple(y_pred.shape)
        if not self.multilabel and len(shape) > 1 and shape[-1] != 1:
            true = class_indices(y_true, y_pred, self.name)
            return ops.expand_dims(true, -1), ops.expand_dims(ops.cast(ops.argmax(y_pred, axis=-1), "int32"), -1)
        y_true, y_pred = align_shapes(y_true, y_pred, self.name)
        y_true, y_pred = ops.cast(y_true, "int32"), ops.cast(y_pred > self.threshold, "int32")
        if len(shape) == 1 or len(y_pred.shape) < len(shape):  # a column was squeezed
            y_true, y_pred = ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
        return y_true, y_pred

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of wrong answers of each sample, shape ``(...)``."""
        return ops.mean(ops.cast(y_true != y_pred, self.dtype), axis=-1)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MultilabelHammingLoss(HammingLoss):
    """Hamming loss of several yes-or-no questions a sample: `HammingLoss` with `multilabel`.

    Args:
        threshold: The probability above which a label's own is a yes. Defaults to 0.5.
        name: Defaults to "hamming_loss".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: 0 or 1 of shape (..., L).
        y_pred: Probabilities of shape (..., L).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: `threshold` is not finite, or the shapes do not belong together.

    Example:
        >>> metric = MultilabelHammingLoss()
        >>> metric.update_state([[1, 0, 0, 1]], [[0.9, 0.8, 0.1, 0.7]])
        >>> float(metric.result())
        0.25

    References:
        - [Schapire, Singer, 2000](https://doi.org/10.1023/A:1007649029923), BoosTexter
    """

    def __init__(self, threshold: float = 0.5, name: str = "hamming_loss", dtype: Any = None) -> None:
        super().__init__(multilabel=True, threshold=threshold, name=name, dtype=dtype)
