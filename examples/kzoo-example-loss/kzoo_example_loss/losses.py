"""The loss."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops
from kzoo import component

__all__ = ["ExampleLoss"]


@keras.saving.register_keras_serializable(package="kzoo_example_loss")
class ExampleLoss(component.Loss):
    """Squared error that forgives small mistakes.

    Formula, for one sample, over all axes after the first:

    ```
    loss = mean(max(0, |y_true - y_pred| - tolerance)^2)
    ```

    Args:
        tolerance: Differences up to this size cost nothing, in the unit of the targets; at least 0. Defaults to 0.1.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "example".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, ...), or one-hot labels of shape (N, K); (N,) goes with predictions of (N, 1).
        y_pred: Predictions of the same shape; probabilities where the labels are one-hot.

    Raises:
        ValueError: `tolerance` is not a finite number of at least 0; the shapes of targets and predictions differ.

    Example:
        >>> float(ExampleLoss(tolerance=1.0)([[0.0, 0.0]], [[1.0, 3.0]]))
        2.0

    References:
        - The square of the epsilon-insensitive loss of Vapnik, The Nature of Statistical Learning Theory, 1995
    """

    def __init__(
        self,
        tolerance: float = 0.1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "example",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        if not (math.isfinite(tolerance) and tolerance >= 0):
            message = f"`tolerance` must be a finite number of at least 0, not {tolerance}."
            raise ValueError(message)
        self.tolerance = tolerance

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``; kzoo has checked that both shapes are equal."""
        values = ops.square(ops.relu(ops.abs(y_true - y_pred) - self.tolerance))
        axes = tuple(range(1, len(values.shape)))
        return ops.mean(values, axis=axes) if axes else values
