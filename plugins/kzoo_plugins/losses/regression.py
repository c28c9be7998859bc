"""Losses between numbers."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo.component import Loss, align_shapes, widen

__all__ = ["ScaledMSE", "scaled_mse"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class ScaledMSE(Loss):
    """Mean squared error in units of ``scale``: targets far from 1 train with the learning rates made for 1.

    Formula, for one sample, over all axes after the first:

    ```
    scaled_mse = mean(((y_true - y_pred) / scale)^2)
    ```

    Args:
        scale: The size of an error that counts 1, in the unit of the targets; a finite number above 0. Defaults to 10.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "scaled_mse".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, ...); (N,) goes with predictions of shape (N, 1).
        y_pred: Predictions of the same shape.

    Raises:
        ValueError: `scale` is not a finite number above 0; the shapes of targets and predictions differ.

    Example:
        >>> float(ScaledMSE()([10.0, 30.0], [[20.0], [30.0]]))
        0.5

    References:
        - `sklearn.metrics.mean_squared_error` of targets and predictions that were both divided by `scale`
    """

    def __init__(
        self,
        scale: float = 10,
        reduction: str | None = "sum_over_batch_size",
        name: str = "scaled_mse",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        _check_scale(scale)
        self.scale = scale

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the scaled mean squared error of each sample, shape ``(N,)``."""
        return scaled_mse(y_true, y_pred, scale=self.scale)


def scaled_mse(y_true: Any, y_pred: Any, *, scale: float = 10) -> Any:
    """Return the mean of ``((y_true - y_pred) / scale)^2`` for each sample, shape ``(N,)``.

    Example:
        >>> [float(value) for value in scaled_mse([[1.0, 2.0], [3.0, 4.0]], [[1.0, 4.0], [3.0, 4.0]], scale=2)]
        [0.5, 0.0]
    """
    _check_scale(scale)
    y_true, y_pred = align_shapes(widen(y_true), widen(y_pred), "scaled_mse")
    squares = ops.square((y_true - y_pred) / scale)
    return ops.mean(squares, axis=tuple(range(1, len(squares.shape)))) if len(squares.shape) > 1 else squares


def _check_scale(scale: float) -> None:
    if not (math.isfinite(scale) and scale > 0):
        message = f"`scale` must be a finite number above 0, not {scale}."
        raise ValueError(message)
