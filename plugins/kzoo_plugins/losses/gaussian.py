"""The losses of predicted normal distributions: likelihood, and the continuous ranked probability score."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import keras
from keras import ops

from kzoo.component import Loss, align_shapes, widen

__all__ = ["CRPS", "GaussianNLL", "align_gaussians", "check_eps", "crps", "gaussian_nll"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_ROOT_OF_PI = math.sqrt(math.pi)
_ROOT_OF_TWO = math.sqrt(2)
_COLUMNS = 2


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class GaussianNLL(Loss):
    """Negative log-likelihood of the targets under a normal distribution whose mean and variance are predicted.

    Formula, for one target, the mean mu and the variance s^2:

    ```
    gaussian_nll = (ln s^2 + (y_true - mu)^2 / s^2) / 2                 full=False
    gaussian_nll = (ln s^2 + (y_true - mu)^2 / s^2 + ln(2 pi)) / 2      full=True
    ```

    So the network says how sure it is, sample by sample. A variance below `eps`, a negative one among them, counts as
    `eps`; its gradient is the one there, so that training can lead out again. A last layer with softplus or exp keeps
    variances positive.

    Args:
        full: Whether to add the constant ln(2 pi) / 2, which no gradient sees. Defaults to False.
        eps: The smallest variance, in squared units of the targets; a finite number of at least 1e-30. Defaults to
            1e-6.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "gaussian_nll".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (...) or (..., 1).
        y_pred: Mean and variance of each target, shape (..., 2).

    Raises:
        ValueError: `eps` is not a finite number of at least 1e-30; the last axis of `y_pred` is not mean and variance;
            the shapes of targets and predictions do not belong together.

    Example:
        >>> loss = GaussianNLL()
        >>> float(loss([[3.0]], [[1.0, 1.0]])), round(float(loss([[3.0]], [[1.0, 4.0]])), 4)
        (2.0, 1.1931)

    References:
        - [Nix, Weigend, 1994](https://doi.org/10.1109/ICNN.1994.374138), Estimating the mean and variance of the target
          probability distribution
        - `torch.nn.GaussianNLLLoss`
    """

    def __init__(
        self,
        full: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `gaussian_nll:full=true`
        eps: float = 1e-6,
        reduction: str | None = "sum_over_batch_size",
        name: str = "gaussian_nll",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        check_eps(eps)
        self.full = full
        self.eps = eps

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets of shape ``(...)``, and mean and variance of shape ``(..., 2)``."""
        return align_gaussians(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the negative log-likelihood of each target, shape ``(...)``."""
        return gaussian_nll(y_true, y_pred, full=self.full, eps=self.eps)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class CRPS(Loss):
    """Continuous ranked probability score of the normal distribution whose mean and variance are predicted.

    Formula, for one target, the mean mu and the variance s^2, with z = (y_true - mu) / s and the density phi and the
    distribution function Phi of the standard normal:

    ```
    crps = s (z (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))
    ```

    That is the area between the predicted distribution function F and the step at the target, squared: the integral
    of (F(x) - [x >= y_true])^2. It is in units of the target, and for a variance of 0 it is the absolute error. Like
    the likelihood it is smallest for the true mean and variance; an outlier costs its distance and not the square of
    it, so that no single target rules the training. A variance below `eps`, a negative one among them, counts as
    `eps`; its gradient is the one there, so that training can lead out again.

    Args:
        eps: The smallest variance, in squared units of the targets; a finite number of at least 1e-30. Defaults to
            1e-6.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "crps".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (...) or (..., 1).
        y_pred: Mean and variance of each target, shape (..., 2).

    Raises:
        ValueError: `eps` is not a finite number of at least 1e-30; the last axis of `y_pred` is not mean and variance;
            the shapes of targets and predictions do not belong together.

    Example:
        >>> loss = CRPS()
        >>> round(float(loss([[1.0]], [[1.0, 4.0]])), 6)  # 2 (sqrt(2) - 1) / sqrt(pi)
        0.46739
        >>> round(float(loss([[5.0]], [[1.0, 1e-6]])), 2)  # sure, and wrong by 4
        4.0

    References:
        - [Gneiting, Raftery, 2007](https://doi.org/10.1198/016214506000001437), Strictly Proper Scoring Rules,
          Prediction, and Estimation
        - [Gneiting et al., 2005](https://doi.org/10.1175/MWR2904.1), Calibrated Probabilistic Forecasting Using
          Ensemble Model Output Statistics and Minimum CRPS Estimation
    """

    def __init__(
        self,
        eps: float = 1e-6,
        reduction: str | None = "sum_over_batch_size",
        name: str = "crps",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        check_eps(eps)
        self.eps = eps

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets of shape ``(...)``, and mean and variance of shape ``(..., 2)``."""
        return align_gaussians(y_true, y_pred, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the score of each target, shape ``(...)``."""
        return crps(y_true, y_pred, eps=self.eps)


def gaussian_nll(y_true: Any, y_pred: Any, *, full: bool = False, eps: float = 1e-6) -> Any:
    """Return the negative log-likelihood of each target; see `GaussianNLL` for the formula and the shapes.

    Example:
        >>> [float(value) for value in gaussian_nll([0.0, 2.0], [[0.0, 1.0], [0.0, 1.0]])]
        [0.0, 2.0]
    """
    check_eps(eps)
    y_true, y_pred = align_gaussians(widen(y_true), widen(y_pred), "gaussian_nll")
    mean, variance = y_pred[..., 0], y_pred[..., 1]
    variance = _at_least(variance, eps)
    values = 0.5 * (ops.log(variance) + ops.square(y_true - mean) / variance)
    return values + _HALF_LOG_TWO_PI if full else values


def crps(y_true: Any, y_pred: Any, *, eps: float = 1e-6) -> Any:
    """Return the score of each target; see `CRPS` for the formula and the shapes.

    Example:
        >>> [round(float(value), 6) for value in crps([0.0, 2.0], [[0.0, 1.0], [0.0, 1.0]])]
        [0.233695, 1.452792]
    """
    check_eps(eps)
    y_true, y_pred = align_gaussians(widen(y_true), widen(y_pred), "crps")
    error, deviation = y_true - y_pred[..., 0], ops.sqrt(_at_least(y_pred[..., 1], eps))
    z = error / (deviation * _ROOT_OF_TWO)
    # s z (2 Phi(z) - 1) is the error times erf: exact where z is large, and 0 where it is small.
    spread = (_ROOT_OF_TWO * ops.exp(-ops.square(z)) - 1.0) / _ROOT_OF_PI
    return error * ops.erf(z) + deviation * spread


def _at_least(variance: Any, eps: float) -> Any:
    """Return variances, those below ``eps`` as ``eps`` with the gradient there: the bracket is 0, its slope 1."""
    return ops.where(variance < eps, eps + (variance - ops.stop_gradient(variance)), variance)


def align_gaussians(y_true: Any, y_pred: Any, what: str) -> tuple[Any, Any]:
    """Return targets ``(...)`` and means and variances ``(..., 2)``; raise ``ValueError`` where they do not fit."""
    shape = tuple(y_pred.shape)
    if not shape or shape[-1] != _COLUMNS:
        message = f"`{what}` got y_pred of shape {shape}. It takes a mean and a variance for each target: (..., 2)."
        raise ValueError(message)
    y_true, mean = align_shapes(y_true, y_pred[..., 0], what)
    squeezed = len(mean.shape) < len(shape) - 1  # targets (N,) and predictions (N, 1, 2)
    return y_true, ops.squeeze(y_pred, -2) if squeezed else y_pred


def check_eps(eps: float) -> None:
    """Raise ``ValueError`` where the smallest variance is none."""
    if not (isinstance(eps, Real) and math.isfinite(eps) and eps >= 1e-30):  # noqa: PLR2004 - above 0 in float32
        message = f"`eps` must be a finite number of at least 1e-30, not {eps!r}."
        raise ValueError(message)
