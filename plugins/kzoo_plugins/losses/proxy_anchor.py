"""Proxy anchor loss: the directions of the classes are the anchors, and the whole batch is compared with each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, as_class_labels, propagate_nan, widen
from kzoo_plugins.losses.pairwise import check_number, some_logsumexp

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ProxyAnchor", "proxy_anchor"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class ProxyAnchor(ClassLoss):
    """Proxy anchor loss: each class's direction draws its samples in and pushes the others away, hard ones the most.

    Formula, for the cosine c(x, p) between the embedding of sample x and the direction (proxy) p of a class, X_p the
    samples of the batch that are of that class, X_-p the others, P all proxies and P+ those that have samples:

    ```
    loss =   mean over p in P+ of log(1 + sum over x in X_p  of exp(-alpha (c(x, p) - margin)))
           + mean over p in P  of log(1 + sum over x in X_-p of exp( alpha (c(x, p) + margin)))
    ```

    It is a loss of the batch: each proxy's term is divided equally among the samples that are in it. The value of a
    sample is the sum of its parts times the number of samples, so that the mean over the batch is the loss. It owns no
    weights: the network ends in cosines, the products of embeddings of length 1 with class directions of length 1,
    which are the proxies. A NaN, or a label that is no class, anywhere in the batch makes all its values NaN.

    Args:
        margin: What the cosines of a class's own samples shall exceed, and those of others stay below with a minus
            before it (delta in the paper); at least 0. Defaults to 0.1.
        alpha: How much the hard samples stand out, above 0. Defaults to 32.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose samples are left out of every sum and of the mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which the values of its samples are multiplied by. Defaults
            to None: all the same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "proxy_anchor".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (...) or (..., 1), or one-hot or multi-hot labels of shape (..., K).
        y_pred: Cosines between -1 and 1, shape (..., K), such as (N, K); every position is a sample.

    Raises:
        ValueError: An argument is out of its range; the shapes of labels and cosines do not belong together.

    Example:
        >>> loss = ProxyAnchor(margin=0.0, alpha=1.0)
        >>> round(float(loss([0, 1], [[0.0, 0.0], [0.0, 0.0]])), 6)  # 2 log 2
        1.386294

    References:
        - [Kim et al., 2020](https://arxiv.org/abs/2003.13911), Proxy Anchor Loss for Deep Metric Learning
    """

    alone = False  # a sample of weight 0 is in the sums of the others all the same

    def __init__(
        self,
        margin: float = 0.1,
        alpha: float = 32.0,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "proxy_anchor",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        check_number("margin", margin, at_least=0)
        check_number("alpha", alpha, above=0)
        self.margin = margin
        self.alpha = alpha

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of each sample in the loss times the number of samples that count, shape ``(...)``."""
        labels = self.read_labels(y_true, y_pred)
        values = proxy_anchor(labels.y_true, labels.y_pred, margin=self.margin, alpha=self.alpha, kept=labels.kept)
        return labels.weigh(values)


def proxy_anchor(y_true: Any, y_pred: Any, *, margin: float = 0.1, alpha: float = 32.0, kept: Any = None) -> Any:
    """Return the share of each sample in the loss times the number of samples; see `ProxyAnchor` for the formula.

    Args:
        y_true: Class indices of shape (...) or (..., 1), or one-hot or multi-hot labels of shape (..., K).
        y_pred: Cosines of shape (..., K).
        margin: As in `ProxyAnchor`.
        alpha: As in `ProxyAnchor`.
        kept: Which samples count, shape (...), or None where all do.

    Example:
        >>> [round(float(value), 6) for value in proxy_anchor([0, 1], [[0.0, 0.0], [0.0, 0.0]], margin=0.0, alpha=2.0)]
        [1.386294, 1.386294]
    """
    cosines = widen(y_pred)
    labels = as_class_labels(ops.convert_to_tensor(y_true), cosines, "proxy_anchor")
    shape, classes = ops.shape(cosines)[:-1], cosines.shape[-1]
    cosines, labels = ops.reshape(cosines, (-1, classes)), ops.reshape(labels, (-1, classes))
    of_class = ops.transpose(labels > 0)
    own, others = of_class, ops.logical_not(of_class)
    counted = ops.cast(ops.shape(cosines)[0], cosines.dtype)
    if kept is not None:
        kept = ops.reshape(kept, (-1,))
        own, others = ops.logical_and(own, kept), ops.logical_and(others, kept)
        counted = ops.sum(ops.cast(kept, cosines.dtype))
    likeness = ops.transpose(cosines)
    occurring = ops.sum(ops.cast(ops.any(own, axis=-1), cosines.dtype))
    pull = _shares(alpha * (margin - likeness), own) / ops.maximum(occurring, 1.0)
    push = _shares(alpha * (likeness + margin), others) / classes
    values = propagate_nan(counted * (pull + push), labels, cosines)
    return ops.reshape(values + propagate_nan(ops.zeros((), values.dtype), labels, cosines), shape)


def _shares(exponents: Any, mask: Any) -> Any:
    """Return what each sample has of the sum over the proxies of ``log(1 + sum exp(exponents))`` over the mask.

    Args:
        exponents: Shape (K, N).
        mask: The samples in each proxy's sum, shape (K, N).
    """
    total, some = some_logsumexp(exponents, mask)
    terms = ops.where(some, ops.softplus(total), ops.zeros_like(total))
    members = ops.sum(ops.cast(mask, terms.dtype), axis=-1, keepdims=True)
    return ops.sum(ops.where(mask, terms / ops.maximum(members, 1.0), ops.zeros_like(exponents)), axis=0)
