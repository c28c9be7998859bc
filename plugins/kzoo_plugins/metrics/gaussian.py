"""Scores of predicted normal distributions."""

from __future__ import annotations

from typing import Any

import keras

from kzoo.component import MeanMetric
from kzoo_plugins.losses.gaussian import align_gaussians, check_eps, crps

__all__ = ["MeanCRPS"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MeanCRPS(MeanMetric):
    """Mean continuous ranked probability score of normal distributions whose mean and variance are predicted.

    Formula, for one target, the mean mu and the variance s^2, with z = (y_true - mu) / s and the density phi and the
    distribution function Phi of the standard normal, then averaged over targets and samples:

    ```
    crps = s (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))
    ```

    It is in units of the target, and for a variance of 0 it is the absolute error: so a network that says how sure it
    is can be compared with one that does not, whose mean absolute error is its score.

    Args:
        eps: The smallest variance: one below it counts as `eps`. A finite number of at least 1e-30. Defaults to 1e-6.
        name: Defaults to "crps".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, ...) or (N, ..., 1).
        y_pred: Mean and variance of each target, shape (N, ..., 2).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: `eps` is not a finite number of at least 1e-30; the last axis of `y_pred` is not mean and variance;
            the shapes do not belong together.

    Example:
        >>> metric = MeanCRPS()
        >>> metric.update_state([[1.0], [3.0]], [[1.0, 4.0], [1.0, 4.0]])
        >>> round(float(metric.result()), 6)
        0.836136

    References:
        - [Gneiting, Raftery, 2007](https://doi.org/10.1198/016214506000001437), Strictly Proper Scoring Rules,
          Prediction, and Estimation
    """

    def __init__(self, eps: float = 1e-6, name: str = "crps", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        check_eps(eps)
        self.eps = eps

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets of shape ``(...)``, and mean and variance of shape ``(..., 2)``."""
        return align_gaussians(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the score of each target, shape ``(...)``."""
        return crps(y_true, y_pred, eps=self.eps)
