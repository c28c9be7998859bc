"""Errors against the spread of the targets, which takes sums over all samples."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import align_shapes
from kzoo_plugins.metrics.sums import SumMetric, check_choice

__all__ = ["AdjustedR2", "NormalizedRMSE"]

_ROUNDING = 1e-14  # of the sum of squares: a spread below it is rounding in float64


class _Moments(SumMetric):
    """Sums of weights, targets, squared targets and squared errors, for each output.

    They are kept in float64 where the backend has it: a variance that is the difference of two sums loses as many
    digits as its targets are far from 0, and sums about a common center would not add up over replicas.
    """

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets and predictions of equal shape, with an axis of outputs."""
        y_true, y_pred = align_shapes(y_true, y_pred, self.name)
        if len(y_true.shape) < 2:  # noqa: PLR2004 - one output
            y_true, y_pred = ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
        return y_true, y_pred

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the sums of a batch, each of shape ``(D,)``."""
        true, pred, weight = (ops.cast(one, "float64") for one in (y_true, y_pred, weight))
        axes = tuple(range(len(true.shape) - 1))

        def total(values: Any) -> Any:
            return ops.sum(weight * values, axis=axes)

        return {
            "weight": ops.sum(weight, axis=axes),
            "targets": total(true),
            "squares": total(true**2),
            "errors": total((true - pred) ** 2),
        }


def _spread(weight: Any, targets: Any, squares: Any) -> Any:
    """Return the sum of squared distances of the targets from their mean, 0 where only rounding is left."""
    spread = squares - ops.divide_no_nan(targets**2, weight)
    return ops.where(spread > _ROUNDING * squares, spread, ops.zeros_like(spread))


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class AdjustedR2(_Moments):
    """R2, the share of the targets' variance that predictions explain; adjusted for the number of regressors.

    Formula, over n samples (the sum of their weights) and for a model with p regressors:

    ```
    r2 = 1 - sum_n (y_true - y_pred)^2 / sum_n (y_true - mean)^2
    adjusted = 1 - (1 - r2) (n - 1) / (n - p - 1)
    ```

    Every output has its own mean, and every sample counts once however many outputs it has. An output whose targets
    are all equal has 1 where the predictions are exact, else 0. With n - p - 1 samples or fewer left nothing can be
    adjusted, and the result is r2 itself.

    Args:
        num_regressors: The number of regressors p, at least 0. Defaults to 0: plain R2.
        multioutput: How to put several outputs together: "uniform_average", "variance_weighted" or "raw_values" for
            one value for each. Defaults to "uniform_average".
        name: Defaults to "adjusted_r2".
        dtype: The type of inputs and result, at least float32; sums are in float64 where the backend has it (JAX only
            with `jax_enable_x64`). Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, D), (N, 1) or (N,).
        y_pred: Predictions of the same shape.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = AdjustedR2(num_regressors=1)
        >>> metric.update_state([1.0, 2.0, 3.0, 4.0], [1.1, 2.1, 2.9, 3.9])
        >>> round(float(metric.result()), 3)
        0.988

    References:
        - [Theil, 1961](https://doi.org/10.2307/2228632), Economic forecasts and policy
    """

    def __init__(
        self,
        num_regressors: int = 0,
        multioutput: str = "uniform_average",
        name: str = "adjusted_r2",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if int(num_regressors) != num_regressors or num_regressors < 0:
            message = f"`num_regressors` must be a whole number of at least 0, not {num_regressors}."
            raise ValueError(message)
        check_choice("multioutput", multioutput, ("uniform_average", "variance_weighted", "raw_values"))
        self.num_regressors = num_regressors
        self.multioutput = multioutput

    def score(self, weight: Any, targets: Any, squares: Any, errors: Any) -> Any:
        """Return the adjusted R2."""
        spread = _spread(weight, targets, squares)
        constant = ops.cast(errors == 0, errors.dtype) * ops.cast(weight > 0, errors.dtype)
        r2 = ops.where(spread > 0, 1 - ops.divide_no_nan(errors, spread), constant)
        if self.multioutput == "variance_weighted":
            weighed = ops.divide_no_nan(ops.sum(spread * r2), ops.sum(spread))
            r2 = ops.where(ops.sum(spread) > 0, weighed, ops.mean(r2))
        elif self.multioutput == "uniform_average":
            r2 = ops.mean(r2)
        if self.num_regressors:
            count = ops.max(weight)
            free = count - self.num_regressors - 1
            adjusted = 1 - (1 - r2) * ops.divide_no_nan(count - 1, free)
            r2 = ops.where(free > 0, adjusted, r2)
        return ops.cast(r2, self.dtype)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class NormalizedRMSE(_Moments):
    """Root mean squared error in units of the targets' own size, so that outputs of different units compare.

    Formula, for each output, then averaged over outputs:

    ```
    nrmse = sqrt(mean_n (y_true - y_pred)^2) / s
    s = |mean y_true|              normalization="mean"
    s = sqrt(var y_true)           normalization="std": then nrmse^2 = 1 - r2
    s = sqrt(mean y_true^2)        normalization="rms"
    ```

    The range of the targets is not offered: a largest value does not add up over replicas. A size s below 1e-7 counts
    as 1e-7.

    Args:
        normalization: "mean", "std" or "rms". Defaults to "mean".
        name: Defaults to "nrmse".
        dtype: As in `AdjustedR2`.

    Call arguments:
        y_true: Targets of shape (N, D), (N, 1) or (N,).
        y_pred: Predictions of the same shape.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: `normalization` is none of these, or the shapes do not belong together.

    Example:
        >>> metric = NormalizedRMSE()
        >>> metric.update_state([0.0, 1.0, 2.0, 2.0], [0.0, 1.0, 2.0, 3.0])
        >>> round(float(metric.result()), 3)
        0.4

    References:
        - [Shcherbakov et al., 2013](https://doi.org/10.5829/idosi.wasj.2013.24.itmies.80032), A survey of forecast
          error measures
    """

    def __init__(self, normalization: str = "mean", name: str = "nrmse", dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        check_choice("normalization", normalization, ("mean", "std", "rms"))
        self.normalization = normalization

    def score(self, weight: Any, targets: Any, squares: Any, errors: Any) -> Any:
        """Return the error in units of the targets' size."""
        if self.normalization == "mean":
            size = ops.abs(ops.divide_no_nan(targets, weight))
        else:
            part = squares if self.normalization == "rms" else _spread(weight, targets, squares)
            size = ops.sqrt(ops.divide_no_nan(part, weight))
        error = ops.sqrt(ops.divide_no_nan(errors, weight))
        return ops.cast(ops.mean(error / ops.maximum(size, keras.config.epsilon())), self.dtype)
