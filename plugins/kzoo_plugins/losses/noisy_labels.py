"""Crossentropies that a wrong label cannot dominate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, as_class_labels, widen
from kzoo_plugins.losses.logs import check_at_least_0, log_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GeneralizedCrossentropy", "SymmetricCrossentropy", "generalized_crossentropy", "symmetric_crossentropy"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class GeneralizedCrossentropy(ClassLoss):
    """Generalized crossentropy: between the crossentropy, which learns fast, and the error, which bears wrong labels.

    Formula, for one sample with K classes:

    ```
    generalized_crossentropy = sum_k y_true_k (1 - y_pred_k^q) / q
    ```

    For a one-hot label it is (1 - p_y^q) / q: at most 1 / q, so that no sample outweighs the others. `q=1` is half the
    absolute error between label and prediction; towards 0 it becomes the crossentropy. Keras's
    `categorical_generalized_cross_entropy` takes class indices of shape (N,) only (a column (N, 1) it multiplies with
    all samples), takes no logits, and its gradient is not finite where the true class has probability 0.

    Args:
        q: Above 0 and at most 1. Defaults to 0.7.
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "generalized_crossentropy".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K).

    Raises:
        ValueError: `q` is not above 0 and at most 1; the shapes of labels and predictions do not belong together.

    Example:
        >>> loss = GeneralizedCrossentropy(q=0.5)
        >>> float(loss([0], [[0.25, 0.75]])), float(loss([0], [[0.0, 1.0]]))
        (1.0, 2.0)

    References:
        - [Zhang, Sabuncu, 2018](https://arxiv.org/abs/1805.07836), Generalized Cross Entropy Loss for Training Deep
          Neural Networks with Noisy Labels
    """

    def __init__(
        self,
        q: float = 0.7,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "generalized_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_q(q)
        self.q = q
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return generalized_crossentropy(y_true, y_pred, q=self.q, from_logits=self.from_logits)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SymmetricCrossentropy(ClassLoss):
    """Symmetric crossentropy: the crossentropy, and the one with label and prediction exchanged.

    Formula, for one sample with K classes:

    ```
    crossentropy = -sum_k y_true_k log y_pred_k
    reverse = -sum_k y_pred_k max(log y_true_k, log_zero)
    symmetric_crossentropy = alpha crossentropy + beta reverse
    ```

    For a one-hot label the reverse is -log_zero (1 - p_y), an absolute error: it bears wrong labels, and the
    crossentropy keeps the network learning.

    Args:
        alpha: The weight of the crossentropy, at least 0. Defaults to 0.1.
        beta: The weight of the reverse, at least 0. Defaults to 1.
        log_zero: What counts as the logarithm of 0, and of every label whose logarithm is less: below 0. The paper's A.
            Defaults to -4.
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "symmetric_crossentropy".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K).

    Raises:
        ValueError: `alpha` or `beta` is below 0 or not finite, or `log_zero` not a finite number below 0; the shapes of
            labels and predictions do not belong together.

    Example:
        >>> loss = SymmetricCrossentropy(alpha=0, beta=1, log_zero=-4)
        >>> float(loss([0], [[0.75, 0.25]]))
        1.0

    References:
        - [Wang et al., 2019](https://arxiv.org/abs/1908.06112), Symmetric Cross Entropy for Robust Learning with Noisy
          Labels
    """

    def __init__(
        self,
        alpha: float = 0.1,
        beta: float = 1.0,
        log_zero: float = -4.0,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "symmetric_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_weights(alpha, beta, log_zero)
        self.alpha = alpha
        self.beta = beta
        self.log_zero = log_zero
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return symmetric_crossentropy(
            y_true,
            y_pred,
            alpha=self.alpha,
            beta=self.beta,
            log_zero=self.log_zero,
            from_logits=self.from_logits,
        )


def generalized_crossentropy(y_true: Any, y_pred: Any, *, q: float = 0.7, from_logits: bool = False) -> Any:
    """Return the generalized crossentropy of each sample; see `GeneralizedCrossentropy`.

    Example:
        >>> [round(float(value), 4) for value in generalized_crossentropy([0, 1], [[0.5, 0.5], [0.5, 0.5]], q=1)]
        [0.5, 0.5]
    """
    _check_q(q)
    y_pred = widen(y_pred)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "generalized_crossentropy")
    logs = log_probabilities(y_pred, from_logits=from_logits)
    # Through the logarithm, 1 - p^q keeps its digits for a small q, and has a finite slope at p = 0.
    return ops.sum(y_true * -ops.expm1(q * logs), axis=-1) / q


def symmetric_crossentropy(
    y_true: Any,
    y_pred: Any,
    *,
    alpha: float = 0.1,
    beta: float = 1.0,
    log_zero: float = -4.0,
    from_logits: bool = False,
) -> Any:
    """Return the symmetric crossentropy of each sample; see `SymmetricCrossentropy`.

    Example:
        >>> [round(float(value), 4) for value in symmetric_crossentropy([0, 1], [[0.5, 0.5], [0.9, 0.1]])]
        [2.0693, 3.8303]
    """
    _check_weights(alpha, beta, log_zero)
    y_pred = widen(y_pred)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "symmetric_crossentropy")
    logs = log_probabilities(y_pred, from_logits=from_logits)
    probabilities = ops.exp(logs) if from_logits else y_pred
    log_labels = ops.log(ops.maximum(y_true, math.exp(log_zero)))
    return -ops.sum(alpha * y_true * logs + beta * probabilities * log_labels, axis=-1)


def _check_q(q: float) -> None:
    if not 0 < q <= 1:
        message = f"`q` must be above 0 and at most 1, not {q}."
        raise ValueError(message)


def _check_weights(alpha: float, beta: float, log_zero: float) -> None:
    check_at_least_0(alpha=alpha, beta=beta)
    if not (math.isfinite(log_zero) and log_zero < 0):
        message = f"`log_zero` must be a finite number below 0, not {log_zero}."
        raise ValueError(message)
