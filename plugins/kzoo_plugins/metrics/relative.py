"""Errors relative to the size of the numbers."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import MeanMetric, align_shapes
from kzoo_plugins.metrics.sums import SumMetric

__all__ = ["SymmetricMAPE", "WeightedMAPE"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SymmetricMAPE(MeanMetric):
    """Symmetric mean absolute percentage error, as a fraction: errors relative to target and prediction together.

    Formula, for one number, then averaged over outputs and samples:

    ```
    smape = 2 |y_true - y_pred| / (|y_true| + |y_pred|)        0 where both are 0
    ```

    It lies between 0 and 2; times 100 it is in percent.

    Args:
        name: Defaults to "smape".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, D), (N, 1) or (N,).
        y_pred: Predictions of the same shape.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: The shapes do not belong together.

    Example:
        >>> metric = SymmetricMAPE()
        >>> metric.update_state([1.0, 2.0], [3.0, 2.0])
        >>> float(metric.result())
        0.5

    References:
        - [Makridakis, 1993](https://doi.org/10.1016/0169-2070(93)90079-3), Accuracy measures: theoretical and practical
          concerns
    """

    def __init__(self, name: str = "smape", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the error of each number, averaged over the outputs."""
        error = ops.divide_no_nan(2 * ops.abs(y_true - y_pred), ops.abs(y_true) + ops.abs(y_pred))
        return ops.mean(error, axis=-1) if len(error.shape) > 1 else error


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class WeightedMAPE(SumMetric):
    """Weighted mean absolute percentage error, as a fraction: all errors together relative to all targets together.

    Formula, over all samples and outputs:

    ```
    wmape = sum |y_true - y_pred| / sum |y_true|
    ```

    Unlike a mean of percentages it is not ruled by targets near 0. Where every target is 0 the sum below counts as
    1e-7. Times 100 it is in percent.

    Args:
        name: Defaults to "wmape".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, D), (N, 1) or (N,).
        y_pred: Predictions of the same shape.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: The shapes do not belong together.

    Example:
        >>> metric = WeightedMAPE()
        >>> metric.update_state([1.0, 3.0], [2.0, 3.0])
        >>> float(metric.result())
        0.25

    References:
        - [Kolassa, Schuetz, 2007](https://ideas.repec.org/a/for/ijafaa/y2007i6p40-43.html), Advantages of the MAD/mean
          ratio over the MAPE
    """

    def __init__(self, name: str = "wmape", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets and predictions of equal shape."""
        return align_shapes(y_true, y_pred, self.name)

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the sums of errors and targets of a batch."""
        errors = ops.sum(weight * ops.abs(y_true - y_pred))
        return {"errors": errors, "targets": ops.sum(weight * ops.abs(y_true))}

    def score(self, errors: Any, targets: Any) -> Any:
        """Return the ratio."""
        return errors / ops.maximum(targets, keras.config.epsilon())
