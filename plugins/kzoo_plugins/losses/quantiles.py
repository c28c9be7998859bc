"""The loss of predicted quantiles."""

from __future__ import annotations

from collections.abc import Sized
from numbers import Real
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import Loss, align_shapes, widen

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Pinball", "align_quantiles", "check_quantiles", "pinball"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Pinball(Loss):
    """Pinball loss: the constant that makes it smallest is the quantile `tau` of the targets.

    Formula, for one sample and the quantile tau, then averaged over the quantiles:

    ```
    d = y_true - y_pred
    pinball = max(tau d, (tau - 1) d)
    ```

    With tau = 0.9, a prediction that is too low costs nine times what one that is too high by as much costs. For
    tau = 0.5 it is half of the absolute error. At an exact match the gradient is 0. Nothing keeps predicted quantiles
    in order: that of 0.1 can come out above that of 0.9.

    Args:
        tau: A quantile from 0 to 1, or a list with one for each column of the predictions. Defaults to 0.5. At 0 and 1
            it is a bound: what is below, or above, costs nothing.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "pinball".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (..., 1) or (...). For a single tau also (..., D), one for each prediction.
        y_pred: A prediction for each of the Q quantiles, shape (..., Q). For a single tau also (...) or (..., D).

    Raises:
        ValueError: A quantile is below 0 or above 1; the shapes of targets and predictions do not belong together.

    Example:
        >>> loss = Pinball(tau=[0.1, 0.9])
        >>> round(float(loss([[2.0], [4.0]], [[1.0, 3.0], [3.0, 5.0]])), 4)
        0.1

    References:
        - [Koenker, Bassett, 1978](https://doi.org/10.2307/1913643), Regression quantiles
        - `sklearn.metrics.mean_pinball_loss`
    """

    def __init__(
        self,
        tau: float | Sequence[float] = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str = "pinball",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        check_quantiles(tau)
        self.tau = tau

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets and predictions whose last axis is the quantiles."""
        return align_quantiles(y_true, y_pred, self.tau, self.name)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, averaged over the quantiles, shape ``(...)``."""
        return _pinball(y_true, y_pred, self.tau)


def pinball(y_true: Any, y_pred: Any, *, tau: float | Sequence[float] = 0.5) -> Any:
    """Return the pinball loss of each sample; see `Pinball` for the formula and the shapes.

    Example:
        >>> [round(float(value), 4) for value in pinball([1.0, 1.0, 1.0], [0.0, 1.0, 2.0], tau=0.9)]
        [0.9, 0.0, 0.1]
    """
    check_quantiles(tau)
    return _pinball(*align_quantiles(widen(y_true), widen(y_pred), tau, "pinball"), tau)


def check_quantiles(tau: float | Sequence[float]) -> None:
    """Raise ``ValueError`` where ``tau`` is neither a number from 0 to 1 nor a list of such numbers."""
    listed = [tau] if isinstance(tau, Real) or not hasattr(tau, "__iter__") else list(tau)
    if not listed or not all(isinstance(one, Real) and 0 <= one <= 1 for one in listed):  # type: ignore[operator] # its stub has no `>`
        message = f"`tau` must be a number from 0 to 1, or a list of such numbers, not {tau!r}."
        raise ValueError(message)


def align_quantiles(y_true: Any, y_pred: Any, tau: float | Sequence[float], what: str) -> tuple[Any, Any]:
    """Return targets of shape ``(..., 1)`` and predictions ``(..., Q)``, or both ``(..., D)`` for a single quantile.

    Raises:
        ValueError: The shapes do not belong together, or there is not one column for each quantile.
    """
    several = len(tau) if isinstance(tau, Sized) else 0
    if several > 1:
        shape = tuple(y_pred.shape)
        if not shape or shape[-1] != several:
            message = (
                f"`{what}` has {several} quantiles and got y_pred of shape {shape}. It takes one column for each "
                f"quantile: (..., {several})."
            )
            raise ValueError(message)
        y_true, _ = align_shapes(y_true, y_pred[..., 0], what)
        return ops.expand_dims(y_true, -1), y_pred
    y_true, y_pred = align_shapes(y_true, y_pred, what)
    if len(y_pred.shape) > 1:
        return y_true, y_pred
    return ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)


def _pinball(y_true: Any, y_pred: Any, tau: float | Sequence[float]) -> Any:
    difference, levels = y_true - y_pred, ops.convert_to_tensor(tau, dtype=y_pred.dtype)
    # The same as max(tau d, (tau - 1) d), with a gradient of 0 rather than of one side's at an exact match.
    return ops.mean(levels * ops.relu(difference) + (1 - levels) * ops.relu(-difference), axis=-1)
