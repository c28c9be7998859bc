"""Losses between numbers that forgive outliers, or look closely at small errors."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import keras
from keras import ops

from kzoo.component import Loss, align_shapes, widen

__all__ = ["Barron", "Charbonnier", "Wing", "barron", "charbonnier", "wing"]

_SMALLEST = 1e-18  # its square is still above 0 in float32
_AT_TWO = 1e-12  # nearer to alpha = 2 than this, the squares divided by |alpha - 2| could overflow
_AT_ZERO = 1e-20  # nearer to alpha = 0 than this, alpha times a logarithm could vanish
_AT_INFINITY = -1e20  # below this, the squares divided by |alpha - 2| could vanish


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Charbonnier(Loss):
    """Charbonnier loss: the absolute error, made smooth around 0.

    Formula, for one sample, averaged over the last axis:

    ```
    charbonnier = sqrt((y_true - y_pred)^2 + epsilon^2)
    ```

    It is the usual loss of image restoration, where the squared error blurs. At an exact match its value is `epsilon`,
    not 0.

    Args:
        epsilon: The size of an error below which it acts as a squared error, in the unit of the targets; a finite
            number of at least 1e-18. Defaults to 1e-3.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "charbonnier".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (..., D) or (N,); (N,) goes with predictions of shape (N, 1).
        y_pred: Predictions of the same shape.

    Raises:
        ValueError: `epsilon` is not a finite number of at least 1e-18; the shapes of targets and predictions differ.

    Example:
        >>> float(Charbonnier(epsilon=3.0)([[0.0]], [[4.0]]))
        5.0

    References:
        - [Lai et al., 2017](https://arxiv.org/abs/1710.01992), Fast and Accurate Image Super-Resolution with Deep
          Laplacian Pyramid Networks
        - [Charbonnier et al., 1994](https://doi.org/10.1109/ICIP.1994.413553), Two deterministic half-quadratic
          regularization algorithms for computed imaging
    """

    def __init__(
        self,
        epsilon: float = 1e-3,
        reduction: str | None = "sum_over_batch_size",
        name: str = "charbonnier",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        _check_size("epsilon", epsilon)
        self.epsilon = epsilon

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, averaged over the last axis."""
        return charbonnier(y_true, y_pred, epsilon=self.epsilon)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Barron(Loss):
    """Barron's general robust loss: one family with the squared error, pseudo-Huber, Cauchy and Welsch losses in it.

    Formula, for one sample, averaged over the last axis:

    ```
    z = ((y_true - y_pred) / c)^2
    barron = |alpha - 2| / alpha ((z / |alpha - 2| + 1)^(alpha / 2) - 1)
    ```

    and its limits where that is undefined. The smaller `alpha`, the less an outlier counts:

    | alpha | value | known as |
    |---|---|---|
    | 2 | z / 2 | squared error |
    | 1 | sqrt(z + 1) - 1 | pseudo-Huber, Charbonnier |
    | 0 | ln(z / 2 + 1) | Cauchy |
    | -2 | 2 z / (z + 4) | Geman-McClure |
    | -inf | 1 - exp(-z / 2) | Welsch |

    Near these values of `alpha` it goes over into them smoothly. The paper also learns `alpha` and `c`; here they are
    given.

    Args:
        alpha: The shape: a finite number, or -inf (`barron:alpha=-Infinity`). Above 2, outliers count even more than in
            the squared error. Defaults to 1.
        c: The size of an error above which it counts as an outlier, in the unit of the targets; a finite number of at
            least 1e-18. Defaults to 1.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "barron".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (..., D) or (N,); (N,) goes with predictions of shape (N, 1).
        y_pred: Predictions of the same shape.

    Raises:
        ValueError: `alpha` is neither finite nor -inf; `c` is not a finite number of at least 1e-18; the shapes of
            targets and predictions differ.

    Example:
        >>> [round(float(Barron(alpha=alpha)([[0.0]], [[4.0]])), 4) for alpha in (2, 1, 0, -2, -float("inf"))]
        [8.0, 3.1231, 2.1972, 1.6, 0.9997]

    References:
        - [Barron, 2019](https://arxiv.org/abs/1701.03077), A General and Adaptive Robust Loss Function
    """

    def __init__(
        self,
        alpha: float = 1.0,
        c: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "barron",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        _check_alpha(alpha)
        _check_size("c", c)
        self.alpha = alpha
        self.c = c

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, averaged over the last axis."""
        return barron(y_true, y_pred, alpha=self.alpha, c=self.c)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Wing(Loss):
    """Wing loss: small errors count as their logarithm, so that landmarks are placed more exactly; large ones linearly.

    Formula, for one sample, averaged over the last axis:

    ```
    d = |y_true - y_pred|
    wing = w ln(1 + d / epsilon)              where d < w
    wing = d - w + w ln(1 + w / epsilon)      elsewhere
    ```

    Args:
        w: The size of an error above which it counts linearly, in the unit of the targets; a finite number of at least
            1e-18. Defaults to 10, for landmarks in pixels.
        epsilon: How sharply the loss bends near 0: its slope there is w / epsilon. A finite number of at least 1e-18.
            Defaults to 2.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "wing".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Coordinates of shape (..., D) or (N,); (N,) goes with predictions of shape (N, 1).
        y_pred: Predictions of the same shape.

    Raises:
        ValueError: `w` or `epsilon` is not a finite number of at least 1e-18; the shapes of targets and predictions
            differ.

    Example:
        >>> [round(float(Wing()([[0.0]], [[error]])), 4) for error in (0.0, 2.0, 10.0, 20.0)]
        [0.0, 6.9315, 17.9176, 27.9176]

    References:
        - [Feng et al., 2018](https://arxiv.org/abs/1711.06753), Wing Loss for Robust Facial Landmark Localisation with
          Convolutional Neural Networks
    """

    def __init__(
        self,
        w: float = 10.0,
        epsilon: float = 2.0,
        reduction: str | None = "sum_over_batch_size",
        name: str = "wing",
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        _check_size("w", w)
        _check_size("epsilon", epsilon)
        self.w = w
        self.epsilon = epsilon

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, averaged over the last axis."""
        return wing(y_true, y_pred, w=self.w, epsilon=self.epsilon)


def charbonnier(y_true: Any, y_pred: Any, *, epsilon: float = 1e-3) -> Any:
    """Return ``sqrt((y_true - y_pred)^2 + epsilon^2)`` for each sample; see `Charbonnier`.

    Example:
        >>> [float(value) for value in charbonnier([[0.0], [1.0]], [[4.0], [1.0]], epsilon=3.0)]
        [5.0, 3.0]
    """
    _check_size("epsilon", epsilon)
    errors = _errors(y_true, y_pred, "charbonnier")
    return _mean(ops.sqrt(ops.square(errors) + epsilon**2))


def barron(y_true: Any, y_pred: Any, *, alpha: float = 1.0, c: float = 1.0) -> Any:
    """Return Barron's general robust loss of each sample; see `Barron` for the formula.

    Example:
        >>> [float(value) for value in barron([[0.0], [1.0]], [[4.0], [1.0]], alpha=2)]
        [8.0, 0.0]
    """
    _check_alpha(alpha)
    _check_size("c", c)
    squares = ops.square(_errors(y_true, y_pred, "barron") / c)
    if abs(alpha - 2) < _AT_TWO:
        return _mean(squares / 2)
    if abs(alpha) < _AT_ZERO:
        return _mean(ops.log1p(squares / 2))
    if alpha < _AT_INFINITY:
        return _mean(-ops.expm1(squares / -2))
    distance = abs(alpha - 2)
    # A power minus 1 would lose the digits of small errors, and all of them near alpha = 0.
    return _mean(distance / alpha * ops.expm1(alpha / 2 * ops.log1p(squares / distance)))


def wing(y_true: Any, y_pred: Any, *, w: float = 10.0, epsilon: float = 2.0) -> Any:
    """Return the wing loss of each sample; see `Wing` for the formula.

    Example:
        >>> [round(float(value), 4) for value in wing([[0.0], [0.0]], [[2.0], [20.0]])]
        [6.9315, 27.9176]
    """
    _check_size("w", w)
    _check_size("epsilon", epsilon)
    errors = ops.abs(_errors(y_true, y_pred, "wing"))
    joint = w * math.log1p(w / epsilon)  # the logarithm's value where the line begins
    return _mean(ops.where(errors < w, w * ops.log1p(errors / epsilon), errors - w + joint))


def _errors(y_true: Any, y_pred: Any, what: str) -> Any:
    y_true, y_pred = align_shapes(widen(y_true), widen(y_pred), what)
    return y_true - y_pred


def _mean(values: Any) -> Any:
    """Return the mean over the last axis, as Keras's own losses do, so that steps of a sequence can be masked."""
    return ops.mean(values, axis=-1) if len(values.shape) > 1 else values


def _check_size(argument: str, value: float) -> None:
    if not (isinstance(value, Real) and math.isfinite(value) and value >= _SMALLEST):
        message = f"`{argument}` must be a finite number of at least {_SMALLEST}, not {value!r}."
        raise ValueError(message)


def _check_alpha(alpha: float) -> None:
    if not (isinstance(alpha, Real) and alpha < math.inf):
        message = f"`alpha` must be a finite number, or -inf (-Infinity on the command line), not {alpha!r}."
        raise ValueError(message)
