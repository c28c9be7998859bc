"""Errors of predicted quantiles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import MeanMetric, align_shapes

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MeanPinball"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MeanPinball(MeanMetric):
    """Mean pinball loss of predicted quantiles.

    Formula, for one sample and the quantile tau, then averaged over quantiles and samples:

    ```
    d = y_true - y_pred
    pinball = max(tau d, (tau - 1) d)
    ```

    For tau = 0.5 it is half of the absolute error.

    Args:
        tau: A quantile between 0 and 1, or a list with one for each column of the predictions. Defaults to 0.5.
        name: Defaults to "mean_pinball".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, 1) or (N,).
        y_pred: Predicted quantiles of shape (N, Q); for a single tau also (N,).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: A quantile is not between 0 and 1, or the shapes do not belong together.

    Example:
        >>> metric = MeanPinball(tau=[0.1, 0.9])
        >>> metric.update_state([[2.0], [4.0]], [[1.0, 3.0], [3.0, 5.0]])
        >>> round(float(metric.result()), 4)
        0.1

    References:
        - [Koenker, Bassett, 1978](https://doi.org/10.2307/1913643), Regression quantiles
    """

    def __init__(self, tau: float | Sequence[float] = 0.5, name: str = "mean_pinball", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        listed = tau if isinstance(tau, (list, tuple)) else [tau]
        if not listed or not all(math.isfinite(one) and 0 < one < 1 for one in listed):
            message = f"`tau` must be a number between 0 and 1, or a list of such numbers, not {tau}."
            raise ValueError(message)
        self.tau = tau

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets (N, 1), or (N, Q) where there is one for each quantile, and predictions (N, Q)."""
        several = len(self.tau) if isinstance(self.tau, (list, tuple)) else 0
        if several > 1:
            if tuple(y_pred.shape)[-1] != several:
                message = f"`{self.name}` has {several} quantiles, and `y_pred` the shape {tuple(y_pred.shape)}."
                raise ValueError(message)
            first = y_pred[..., 0]
            y_true, _ = align_shapes(y_true, first, self.name)
            return ops.expand_dims(y_true, -1), y_pred
        y_true, y_pred = align_shapes(y_true, y_pred, self.name)
        if len(y_true.shape) < 2:  # noqa: PLR2004 - one number for each sample
            y_true, y_pred = ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
        return y_true, y_pred

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, averaged over the quantiles."""
        difference, tau = y_true - y_pred, ops.convert_to_tensor(self.tau, dtype=y_pred.dtype)
        return ops.mean(ops.maximum(tau * difference, (tau - 1) * difference), axis=-1)
