"""The example loss."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import Loss

__all__ = ["ExampleLoss"]


@keras.saving.register_keras_serializable(package="kzoo_example_loss")
class ExampleLoss(Loss):
    """Squared error that forgives small mistakes.

    Formula: the mean over the last axis of `max(0, |y_true - y_pred| - tolerance)^2`.

    Args:
        tolerance: Differences up to this size cost nothing. Defaults to 0.1.
        reduction: As in `keras.losses.Loss`.
        name: Defaults to "example".
        dtype: The floating type of the computation, at least float32.

    Raises:
        ValueError: `tolerance` is negative.

    Example:
        >>> float(ExampleLoss(tolerance=1.0)([[0.0, 0.0]], [[1.0, 3.0]]))
        2.0
    """

    def __init__(
        self,
        tolerance: float = 0.1,
        reduction: str | None = "sum_over_batch_size",
        name: str = "example",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        if tolerance < 0:
            message = f"`tolerance` must be at least 0, not {tolerance}."
            raise ValueError(message)
        self.tolerance = tolerance

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        excess = ops.relu(ops.abs(y_true - y_pred) - self.tolerance)
        return ops.mean(ops.square(excess), axis=-1)
