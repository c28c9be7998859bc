"""The loss that belongs to the sparsemax, a softmax whose small probabilities are exactly 0."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, as_class_labels, widen
from kzoo_plugins.losses.logs import logits_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Sparsemax", "sparsemax", "sparsemax_loss"]

_OUTSIDE = -2.0
"""A logit, less the largest, at which the sparsemax is 0."""


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Sparsemax(ClassLoss):
    """Sparsemax loss: it is 0, and no longer pulls, once the true class leads all others by 1.

    Formula, for one sample with K classes and the logits z:

    ```
    p = the distribution nearest to z, in squares
    sparsemax = sum_k (p_k - y_true_k) z_k + (y_true_k^2 - p_k^2) / 2
    ```

    Its gradient by the logits is p - y_true, as that of the crossentropy is softmax - y_true. p is not changed by a
    number added to all logits, and the logarithm of a softmax is its logits but for such a number: from the
    probabilities of a softmax the loss is that of its logits. It is not that of those probabilities: the network's
    answer is the sparsemax, which has the same order of classes, with ties at 0.

    A logit of -inf is a class that is ruled out: its p is 0, and the loss is infinite where it is the true one. Where
    all logits of a sample are -inf, or one is inf, there is no nearest distribution and the loss is NaN.

    Args:
        from_logits: Whether `y_pred` holds logits; otherwise it holds their softmax. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "sparsemax".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1). The several
            classes of a sample with more than one share its label: they sum to 1.
        y_pred: The probabilities of a softmax, or logits, of shape (..., K).

    Raises:
        ValueError: The shapes of labels and predictions do not belong together.

    Example:
        >>> loss = Sparsemax(from_logits=True)
        >>> float(loss([0], [[1.0, 0.0, -3.0]])), float(loss([1], [[1.0, 0.0, -3.0]]))
        (0.0, 1.0)

    References:
        - [Martins, Astudillo, 2016](https://arxiv.org/abs/1602.02068), From Softmax to Sparsemax: A Sparse Model of
          Attention and Multi-Label Classification
    """

    def __init__(
        self,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "sparsemax",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return sparsemax_loss(y_true, y_pred, from_logits=self.from_logits)


def sparsemax_loss(y_true: Any, y_pred: Any, *, from_logits: bool = False) -> Any:
    """Return the sparsemax loss of each sample; see `Sparsemax`.

    Example:
        >>> [float(value) for value in sparsemax_loss([0, 1], [[2.0, 0.0], [0.0, 0.0]], from_logits=True)]
        [0.0, 0.25]
    """
    y_pred = widen(y_pred)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "sparsemax")
    logits = logits_of(y_pred, from_logits=from_logits)
    ruled_out = logits == -math.inf
    # Only differences count; without the shift large logits would cost the digits of small ones.
    logits = logits - ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
    p = sparsemax(logits)
    # What is ruled out has no part in the sum, where 0 times -inf would be NaN, unless it is the true class.
    lost = ops.any(ops.logical_and(ruled_out, y_true > 0), axis=-1)
    logits = ops.where(ruled_out, _OUTSIDE, logits)
    loss = ops.sum((p - y_true) * logits + (ops.square(y_true) - ops.square(p)) / 2, axis=-1)
    return ops.where(lost, loss + math.inf, loss)  # the sum of NaN stays NaN


def sparsemax(logits: Any) -> Any:
    """Return the distribution over the last axis that is nearest to ``logits`` in squares.

    Example:
        >>> [float(p) for p in sparsemax(keras.ops.convert_to_tensor([0.5, 0.0, -3.0]))]
        [0.75, 0.25, 0.0]
    """
    logits = logits - ops.stop_gradient(ops.max(logits, axis=-1, keepdims=True))
    # Whatever lies 1 below the largest has no part in it, however far below it is: cut, it costs no digits of the sums.
    logits = ops.maximum(logits, _OUTSIDE)
    ranked = -ops.sort(ops.minimum(ops.stop_gradient(-logits), 1.0), axis=-1)
    rank = ops.arange(1, logits.shape[-1] + 1, dtype=logits.dtype)
    inside = 1 + rank * ranked > ops.cumsum(ranked, axis=-1)
    least = ops.min(ops.where(inside, ranked, 0.0), axis=-1, keepdims=True)
    # Which are inside has no slope; what is left to differentiate is a mean of those.
    chosen = ops.cast(logits >= least, logits.dtype)
    total, size = (ops.sum(part, axis=-1, keepdims=True) for part in (chosen * logits, chosen))
    return ops.relu(logits - (total - 1) / size)
