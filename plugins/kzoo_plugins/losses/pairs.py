"""Losses that weigh all pairs of a batch against each other: multi-similarity and lifted structure."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo_plugins.losses.pairwise import (
    EmbeddingLoss,
    check_number,
    groups_of,
    mean_over_pairs,
    pairwise_distances,
    similarities,
    some_logsumexp,
)

__all__ = ["LiftedStruct", "MultiSimilarity", "lifted_struct", "multi_similarity"]

_LOG_OF_NOTHING = -1e9
"""Stands for the log of 0, finite so that it can be added and have a gradient."""


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MultiSimilarity(EmbeddingLoss):
    """Multi-similarity loss: of its class the least alike, and of others the most alike, weigh the most.

    Formula, for an anchor a, samples p of its class and n of others, s being the cosine of the angle:

    ```
    loss(a) = log(1 + sum_p exp(-alpha (s(a, p) - base))) / alpha + log(1 + sum_n exp(beta (s(a, n) - base))) / beta
    ```

    A sample without positives has no first term, one without negatives no second. The mean is over all samples. The
    paper first picks pairs, which `epsilon` turns on: a negative counts if it is more alike than the least alike
    positive less `epsilon`, a positive if it is less alike than the most alike negative plus `epsilon`.

    Args:
        alpha: How sharply the least alike positives stand out, above 0. Defaults to 2.
        beta: How sharply the most alike negatives stand out, above 0. Defaults to 50.
        base: The cosine (lambda in the paper) that positives shall be above and negatives below. Defaults to 0.5.
        epsilon: The margin of the choice of pairs, at least 0; the paper takes 0.1. Defaults to None: all pairs count.
        normalize: Whether to scale the embeddings to length 1 first, so that s is a cosine. Defaults to True.
        ignore_class: A class whose samples are no anchors, positives nor negatives and have no part in the mean.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "multi_similarity".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (N,) or (N, 1), or one-hot or multi-hot labels of shape (N, K).
        y_pred: Embeddings of shape (N, D).

    Raises:
        ValueError: An argument is out of its range; the shapes of labels and embeddings do not belong together.

    Example:
        >>> loss = MultiSimilarity()
        >>> round(float(loss([0, 0, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])), 6)  # two thirds of log(1 + 1 / e) / 2
        0.104421

    References:
        - [Wang et al., 2019](https://arxiv.org/abs/1904.06627), Multi-Similarity Loss with General Pair Weighting for
          Deep Metric Learning
    """

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        epsilon: float | None = None,
        normalize: bool = True,  # noqa: FBT001, FBT002 - named as an argument in `multi_similarity:normalize=false`
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "multi_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        check_number("alpha", alpha, above=0)
        check_number("beta", beta, above=0)
        check_number("base", base)
        if epsilon is not None:
            check_number("epsilon", epsilon, at_least=0)
        self.alpha = alpha
        self.beta = beta
        self.base = base
        self.epsilon = epsilon
        self.normalize = normalize

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return multi_similarity(
            y_true,
            y_pred,
            alpha=self.alpha,
            beta=self.beta,
            base=self.base,
            epsilon=self.epsilon,
            normalize=self.normalize,
            ignore_class=self.ignore_class,
        )


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class LiftedStruct(EmbeddingLoss):
    """Lifted structure loss: each pair of a class against all negatives of both its samples.

    Formula, for two samples a and p of a class, d being the Euclidean distance:

    ```
    J(a, p) = d(a, p) + log(sum over n of exp(margin - d(a, n)) + sum over n of exp(margin - d(p, n)))
    loss = mean of max(0, J(a, p))^2 / 2 over all pairs (a, p) of the batch
    ```

    The value of a sample is the sum over its own ordered pairs times N / (number of ordered pairs), so that the mean
    over the batch is the loss above. A sample alone in its class has value 0, and so has every sample of a batch of a
    single class, for which TensorFlow Addons' `LiftedStructLoss` gave no number.

    Args:
        margin: The distance that negatives shall have, at least 0. Defaults to 1.
        normalize: Whether to scale the embeddings to length 1 first. Defaults to False, as in the paper.
        ignore_class: A class whose samples are no anchors, positives nor negatives and have no part in the mean.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "lifted_struct".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (N,) or (N, 1), or one-hot or multi-hot labels of shape (N, K).
        y_pred: Embeddings of shape (N, D).

    Raises:
        ValueError: `margin` is below 0; the shapes of labels and embeddings do not belong together.

    Example:
        >>> round(float(LiftedStruct()([0, 0, 1], [[0.0], [0.0], [1.0]])), 6)  # log(2)^2 / 2
        0.240227

    References:
        - [Song et al., 2016](https://arxiv.org/abs/1511.06452), Deep Metric Learning via Lifted Structured Feature
          Embedding
    """

    def __init__(
        self,
        margin: float = 1.0,
        normalize: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `lifted_struct:normalize=true`
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "lifted_struct",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        check_number("margin", margin, at_least=0)
        self.margin = margin
        self.normalize = normalize

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of each sample in the loss times N, shape ``(N,)``."""
        return lifted_struct(
            y_true, y_pred, margin=self.margin, normalize=self.normalize, ignore_class=self.ignore_class
        )


def multi_similarity(
    y_true: Any,
    y_pred: Any,
    *,
    alpha: float = 2.0,
    beta: float = 50.0,
    base: float = 0.5,
    epsilon: float | None = None,
    normalize: bool = True,
    ignore_class: int | None = None,
) -> Any:
    """Return the loss of each sample; see `MultiSimilarity` for the formula and the arguments.

    Example:
        >>> [round(float(value), 6) for value in multi_similarity([0, 0], [[1.0, 0.0], [2.0, 0.0]])]
        [0.156631, 0.156631]
    """
    groups = groups_of(y_true, y_pred, "multi_similarity", ignore_class)
    positives, negatives = groups.positives, groups.negatives
    likeness = similarities(groups.embeddings, normalize=normalize)
    if epsilon is not None:
        positives, negatives = _informative(ops.stop_gradient(likeness), positives, negatives, epsilon)
    pull = _log_one_plus(alpha * (base - likeness), positives) / alpha
    push = _log_one_plus(beta * (likeness - base), negatives) / beta
    return pull + push


def lifted_struct(
    y_true: Any, y_pred: Any, *, margin: float = 1.0, normalize: bool = False, ignore_class: int | None = None
) -> Any:
    """Return the share of each sample in the loss times N; see `LiftedStruct` for the formula and the arguments.

    Example:
        >>> [round(float(value), 6) for value in lifted_struct([0, 0, 1], [[0.0], [0.0], [1.0]])]
        [0.36034, 0.36034, 0.0]
    """
    groups = groups_of(y_true, y_pred, "lifted_struct", ignore_class)
    distances = pairwise_distances(groups.embeddings, "l2", normalize=normalize)
    away, some = some_logsumexp(margin - distances, groups.negatives)
    away = ops.where(some, away, ops.full_like(away, _LOG_OF_NOTHING))
    values = ops.square(ops.relu(distances + ops.logaddexp(away, ops.transpose(away)))) / 2.0
    return mean_over_pairs(values, groups.positives, groups.kept)


def _informative(likeness: Any, positives: Any, negatives: Any, epsilon: float) -> tuple[Any, Any]:
    """Return the pairs that the paper picks, as masks."""
    nothing = ops.full_like(likeness, math.inf)
    least = ops.min(ops.where(positives, likeness, nothing), axis=-1, keepdims=True)
    most = ops.max(ops.where(negatives, likeness, -nothing), axis=-1, keepdims=True)
    return (
        ops.logical_and(positives, likeness - epsilon < most),
        ops.logical_and(negatives, likeness + epsilon > least),
    )


def _log_one_plus(exponents: Any, mask: Any) -> Any:
    """Return ``log(1 + sum exp(exponents))`` over those in the mask, shape (N,)."""
    total, some = some_logsumexp(exponents, mask)
    return ops.squeeze(ops.where(some, ops.softplus(total), ops.zeros_like(total)), -1)
