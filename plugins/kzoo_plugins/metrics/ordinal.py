"""Errors in ranks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassMetric
from kzoo_plugins.metrics.labels import class_indices

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OrdinalMAE"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class OrdinalMAE(ClassMetric):
    """Mean absolute error in ranks: how many ordered classes the predicted one is away from the true one.

    Formula, for one sample with K classes in order, then averaged over samples by their weights:

    ```
    |argmax_k y_pred_k - y_true|
    |sum_k k y_pred_k - y_true|        expected_rank=True
    ```

    Args:
        expected_rank: Whether to take the mean of the predicted distribution as the prediction, rather than its most
            probable class. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        name: Defaults to "ordinal_mae".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot labels of shape (..., K) or class indices of shape (...) or (..., 1).
        y_pred: Probabilities of shape (..., K).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: The shapes do not belong together.

    Example:
        >>> metric = OrdinalMAE()
        >>> metric.update_state([0, 2], [[0.2, 0.2, 0.6], [0.1, 0.2, 0.7]])
        >>> float(metric.result())
        1.0

    References:
        - [Gaudette, Japkowicz, 2009](https://doi.org/10.1007/978-3-642-01818-3_25), Evaluation methods for ordinal
          classification
    """

    def __init__(
        self,
        expected_rank: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "ordinal_mae",
        dtype: Any = None,
    ) -> None:
        super().__init__(axis=axis, ignore_class=ignore_class, class_weight=class_weight, name=name, dtype=dtype)
        self.expected_rank = expected_rank

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the error of each sample, shape ``(...)``."""
        if self.expected_rank:
            rank = ops.sum(ops.arange(y_pred.shape[-1], dtype=self.dtype) * y_pred, axis=-1)
        else:
            rank = ops.cast(ops.argmax(y_pred, axis=-1), self.dtype)
        return ops.abs(rank - class_indices(y_true, y_pred, self.name))
