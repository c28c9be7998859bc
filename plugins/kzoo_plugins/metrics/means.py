"""Means that are not arithmetic: of absolute errors, or of values."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import align_shapes
from kzoo_plugins.metrics.sums import SumMetric, is_empty, weights_for, without_faults

__all__ = ["GeometricMean", "HarmonicMean"]


class _Mean(SumMetric):
    """A mean of the absolute errors of predictions, or of values given alone."""

    def update_state(self, y_true: Any, y_pred: Any = None, sample_weight: Any = None) -> None:
        """Add one batch of targets and predictions, or of values: ``update_state(values, sample_weight=...)``."""
        if y_pred is not None:
            super().update_state(y_true, y_pred, sample_weight)
            return
        values = self.tensor(y_true)
        if is_empty(values):
            return
        weight = weights_for([sample_weight], values, self.dtype, self.name)
        (values,), weight, faults = without_faults([values], weight)
        self.add_faults(faults)
        self.add(**self.parts(values, weight))

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets and predictions of equal shape."""
        return align_shapes(y_true, y_pred, self.name)

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the sums of a batch of absolute errors."""
        return self.parts(ops.abs(y_true - y_pred), weight)

    def parts(self, values: Any, weight: Any) -> dict[str, Any]:
        """Return the weights, those of values of 0, and the transformed values that are summed."""
        zero = values == 0
        # Both branches of `where` are calculated, so the zeros are replaced before the transformation.
        transformed = self.transform(ops.where(zero, ops.ones_like(values), values))
        return {
            "weight": ops.sum(weight),
            "zeros": ops.sum(ops.where(zero, weight, ops.zeros_like(weight))),
            "values": ops.sum(weight * transformed),
        }

    def transform(self, values: Any) -> Any:
        """Return what is averaged."""
        raise NotImplementedError

    def back(self, mean: Any) -> Any:
        """Return the value whose transform is ``mean``."""
        raise NotImplementedError

    def score(self, weight: Any, zeros: Any, values: Any) -> Any:
        """Return the mean; a value of 0 makes it 0."""
        mean = self.back(ops.divide_no_nan(values, weight))
        return ops.where((zeros > 0) | (weight == 0), ops.zeros_like(mean), mean)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class GeometricMean(_Mean):
    """Geometric mean of the absolute errors, which counts a small error as much as a large one; or of values.

    Formula, over everything seen, with weights w:

    ```
    e = |y_true - y_pred|, or the values given alone
    mean = exp(sum w log(e) / sum w)        0 where an e is 0
    ```

    In regression on unbalanced data it is reported beside the mean absolute error, since it shows whether rare targets
    are predicted as well as frequent ones. `update_state(values)` with nothing else averages values as they are; they
    must not be negative.

    Args:
        name: Defaults to "geometric_mean".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of any shape (N, ...), or values.
        y_pred: Predictions of the same shape; None for values.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: The shapes do not belong together.

    Example:
        >>> metric = GeometricMean()
        >>> metric.update_state([1.0, 2.0], [3.0, 10.0])
        >>> round(float(metric.result()), 4)
        4.0

    References:
        - [Yang et al., 2021](https://arxiv.org/abs/2102.09554), Delving into deep imbalanced regression
    """

    def __init__(self, name: str = "geometric_mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def transform(self, values: Any) -> Any:
        """Return the logarithms."""
        return ops.log(values)

    def back(self, mean: Any) -> Any:
        """Return the exponential."""
        return ops.exp(mean)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class HarmonicMean(_Mean):
    """Harmonic mean of the absolute errors, which the smallest errors rule; or of values, such as rates.

    Formula, over everything seen, with weights w:

    ```
    e = |y_true - y_pred|, or the values given alone
    mean = sum w / sum (w / e)        0 where an e is 0
    ```

    `update_state(values)` with nothing else averages values as they are: that is how rates and speeds are averaged.

    Args:
        name: Defaults to "harmonic_mean".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of any shape (N, ...), or values.
        y_pred: Predictions of the same shape; None for values.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: The shapes do not belong together.

    Example:
        >>> metric = HarmonicMean()
        >>> metric.update_state([40.0, 60.0])
        >>> round(float(metric.result()), 3)
        48.0

    References:
        - [Ferger, 1931](https://doi.org/10.1080/01621459.1931.10503148), The nature and use of the harmonic mean
    """

    def __init__(self, name: str = "harmonic_mean", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)

    def transform(self, values: Any) -> Any:
        """Return the reciprocals."""
        return 1 / values

    def back(self, mean: Any) -> Any:
        """Return the reciprocal."""
        return ops.divide_no_nan(ops.ones_like(mean), mean)
