"""The bi-tempered logistic loss: a crossentropy that is bounded, after a softmax with heavy tails."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, as_class_labels, widen
from kzoo_plugins.losses.logs import check_share, logits_of, safe_log

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BiTempered", "bi_tempered", "log_tempered_softmax"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class BiTempered(ClassLoss):
    """Bi-tempered logistic loss: it bears wrong labels, since neither an outlier nor a near miss can dominate it.

    Formula, for one sample with K classes and the logits a:

    ```
    log_t(u) = (u^(1 - t) - 1) / (1 - t)          log(u) for t = 1
    exp_t(u) = max(0, 1 + (1 - t) u)^(1 / (1 - t))        exp(u) for t = 1
    p_k = exp_t2(a_k - c), with the c for which sum_k p_k = 1
    bi_tempered = sum_k y_k (log_t1 y_k - log_t1 p_k) - (y_k^(2 - t1) - p_k^(2 - t1)) / (2 - t1)
    ```

    `t1` below 1 bounds the loss by 1 / (1 - t1), so that a far outlier weighs no more than that; `t2` above 1 gives the
    softmax a heavy tail, so that wrong labels near the boundary do not pull at it. `t1=1, t2=1` is the crossentropy.

    p is not changed by a number added to all logits, and the logarithm of a softmax is its logits but for such a
    number: from the probabilities of a softmax the loss is that of its logits. It is not that of those probabilities:
    the network's answer is the tempered softmax, which has the same order of classes and is less certain.

    Args:
        t1: The temperature of the logarithm, between 0 and 1. Defaults to 0.8.
        t2: The temperature of the softmax, at least 1. Defaults to 1.2.
        iterations: How often c is made better, by Newton's method. The default, 5, gives all digits of float32 for `t2`
            up to 1.5; the fixed-point iteration of other implementations needs far more for many classes.
        from_logits: Whether `y_pred` holds logits; otherwise it holds their softmax. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "bi_tempered".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: The probabilities of a softmax, or logits, of shape (..., K).

    Raises:
        ValueError: `t1` is not between 0 and 1, `t2` below 1 or not finite, or `iterations` no whole number of at least
            1; the shapes of labels and predictions do not belong together.

    Example:
        >>> loss = BiTempered(t1=0.5, t2=1, from_logits=True)
        >>> round(float(loss([0], [[0.0, 100.0]])), 4)  # the crossentropy is 100
        2.0

    References:
        - [Amid et al., 2019](https://arxiv.org/abs/1906.03361), Robust Bi-Tempered Logistic Loss Based on Bregman
          Divergences
    """

    def __init__(
        self,
        t1: float = 0.8,
        t2: float = 1.2,
        iterations: int = 5,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "bi_tempered",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_temperatures(t1, t2, iterations)
        self.t1 = t1
        self.t2 = t2
        self.iterations = iterations
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return bi_tempered(
            y_true, y_pred, t1=self.t1, t2=self.t2, iterations=self.iterations, from_logits=self.from_logits
        )


def bi_tempered(
    y_true: Any,
    y_pred: Any,
    *,
    t1: float = 0.8,
    t2: float = 1.2,
    iterations: int = 5,
    from_logits: bool = False,
) -> Any:
    """Return the bi-tempered logistic loss of each sample; see `BiTempered`.

    Example:
        >>> [round(float(value), 4) for value in bi_tempered([0, 0], [[0.9, 0.1], [0.1, 0.9]])]
        [0.0936, 1.5409]
    """
    _check_temperatures(t1, t2, iterations)
    y_pred = widen(y_pred)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "bi_tempered")
    logs = log_tempered_softmax(logits_of(y_pred, from_logits=from_logits), t2=t2, iterations=int(iterations))
    # All powers of p are taken of its logarithm, which stays finite where p rounds to 0.
    divergence = y_true * (_tempered(safe_log(y_true), t1) - _tempered(logs, t1))
    log_labels = ops.where(y_true > 0, ops.exp((2 - t1) * safe_log(y_true)), 0.0)
    return ops.sum(divergence - (log_labels - ops.exp((2 - t1) * logs)) / (2 - t1), axis=-1)


def log_tempered_softmax(logits: Any, *, t2: float, iterations: int = 5) -> Any:
    """Return the logarithm of the tempered softmax over the last axis; `BiTempered` has the formula.

    Example:
        >>> logs = log_tempered_softmax(keras.ops.convert_to_tensor([[0.0, 10.0]]), t2=2.0)
        >>> [round(float(p), 4) for p in keras.ops.exp(logs)[0]]
        [0.0901, 0.9099]
    """
    tail = t2 - 1
    if tail == 0:
        return ops.log_softmax(logits, axis=-1)
    fixed = ops.stop_gradient(logits)
    center = ops.max(fixed, axis=-1, keepdims=True)
    for _ in range(iterations - 1):
        center = _newton(fixed, center, tail)
    # At the solution, the derivative of one Newton step by the logits is that of the solution itself. So the gradient
    # goes through the last step alone.
    center = _newton(logits, ops.stop_gradient(center), tail)
    return -ops.log1p(tail * (center - logits)) / tail


def _newton(logits: Any, center: Any, tail: float) -> Any:
    """Return a better c: Newton's step for ``(sum p)^-tail = 1``, which is nearly straight in c, as the sum is not."""
    logs = -ops.log1p(tail * (center - logits)) / tail
    total = ops.sum(ops.exp(logs), axis=-1, keepdims=True)
    slope = ops.stop_gradient(ops.sum(ops.exp((1 + tail) * logs), axis=-1, keepdims=True))
    return center + total * ops.expm1(tail * ops.log(total)) / (tail * slope)


def _tempered(logs: Any, t: float) -> Any:
    """Return ``log_t(u)`` for the logarithm of u."""
    return logs if t == 1 else ops.expm1((1 - t) * logs) / (1 - t)


def _check_temperatures(t1: float, t2: float, iterations: int) -> None:
    check_share(t1=t1)
    if not (math.isfinite(t2) and t2 >= 1):
        message = f"`t2` must be a finite number of at least 1, not {t2}."
        raise ValueError(message)
    if not (iterations == int(iterations) and iterations >= 1):
        message = f"`iterations` must be a whole number of at least 1, not {iterations}."
        raise ValueError(message)
