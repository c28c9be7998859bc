"""Errors of predicted quantiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from kzoo.component import MeanMetric
from kzoo_plugins.losses.quantiles import align_quantiles, check_quantiles, pinball

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
        tau: A quantile from 0 to 1, or a list with one for each column of the predictions. Defaults to 0.5.
        name: Defaults to "mean_pinball".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, 1) or (N,).
        y_pred: Predicted quantiles of shape (N, Q); for a single tau also (N,).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: A quantile is below 0 or above 1, or the shapes do not belong together.

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
        check_quantiles(tau)
        self.tau = tau

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets (N, 1) and predictions (N, Q), or both (N, D) for a single quantile."""
        return align_quantiles(y_true, y_pred, self.tau, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, averaged over the quantiles."""
        return pinball(y_true, y_pred, tau=self.tau)
