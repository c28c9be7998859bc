"""The N-pairs loss: each anchor against the partners of all classes."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import widen
from kzoo_plugins.losses.pairwise import (
    EmbeddingLoss,
    both_kept,
    check_number,
    common_classes,
    groups_of,
    kept_samples,
    mean_over_pairs,
    similarities,
    some_logsumexp,
)

__all__ = ["NPairs", "npairs"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class NPairs(EmbeddingLoss):
    """N-pairs loss: each anchor shall find its partner among the partners of all classes.

    Formula, for one pair of each class, anchor a_i and partner p_i, s being their product:

    ```
    loss(i) = log(1 + sum over j != i of exp(s(a_i, p_j) - s(a_i, p_i)))
    loss = mean of loss(i) over all pairs + l2 * mean of |y_pred|^2 over all embeddings
    ```

    Of each class in the batch the first sample is the anchor and the second the partner. Others are left out, and so
    are classes with a single sample. An anchor's value is its loss times N / (number of pairs), all others have 0; so
    the mean over the batch is the loss above.

    With `from_similarities=True` the network computes the similarities of N anchors with N partners itself, as for
    TensorFlow Addons: `y_pred` has shape (N, N). The target of row i is then spread evenly over all partners of its
    class, or with multi-hot labels over all in proportion to the classes that they share with it, which is TensorFlow
    Addons' `NpairsMultilabelLoss`. The mean is over all rows; a row that shares nothing, not even with itself, has 0.

    Args:
        l2: The weight of the embeddings' mean squared length, at least 0; the paper suggests to keep lengths small
            rather than to normalize. Defaults to 0.
        normalize: Whether to scale the embeddings to length 1 first, so that s is a cosine: not in the paper, but the
            default of pytorch-metric-learning. Defaults to False.
        from_similarities: Whether `y_pred` holds similarities. Defaults to False.
        ignore_class: A class whose samples are no anchors, positives nor negatives and have no part in the mean.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "npairs".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (N,) or (N, 1), or one-hot labels of shape (N, K); with
            `from_similarities=True` also multi-hot ones.
        y_pred: Embeddings of shape (N, D), or similarities of shape (N, N).

    Raises:
        ValueError: `l2` is below 0; `l2` or `normalize` is given with `from_similarities=True`; the shapes of labels
            and embeddings do not belong together.

    Example:
        >>> loss = NPairs()
        >>> round(float(loss([0, 0, 1, 1], [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])), 6)  # log(1 + 1 / e)
        0.313262

    References:
        - [Sohn, 2016](https://proceedings.neurips.cc/paper/2016/hash/6b180037abbebea991d8b1232f8a8ca9-Abstract.html),
          Improved Deep Metric Learning with Multi-class N-pair Loss Objective
    """

    def __init__(
        self,
        l2: float = 0.0,
        normalize: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `npairs:normalize=true`
        from_similarities: bool = False,  # noqa: FBT001, FBT002 - named as in `npairs:from_similarities=true`
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "npairs",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        _check_npairs(l2, normalize=normalize, from_similarities=from_similarities)
        self.l2 = l2
        self.normalize = normalize
        self.from_similarities = from_similarities

    def seen(self, y_pred: Any, kept: Any) -> Any:
        """Return what the loss looks at where only some samples are kept; of similarities, those of two that are."""
        if not self.from_similarities:
            return super().seen(y_pred, kept)
        return ops.where(both_kept(kept), y_pred, ops.zeros_like(y_pred))

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of each sample in the loss times N, shape ``(N,)``."""
        return npairs(
            y_true,
            y_pred,
            l2=self.l2,
            normalize=self.normalize,
            from_similarities=self.from_similarities,
            ignore_class=self.ignore_class,
        )


def npairs(
    y_true: Any,
    y_pred: Any,
    *,
    l2: float = 0.0,
    normalize: bool = False,
    from_similarities: bool = False,
    ignore_class: int | None = None,
) -> Any:
    """Return the share of each sample in the loss times N; see `NPairs` for the formula and the arguments.

    Example:
        >>> values = npairs([0, 1], [[2.0, 1.0], [0.0, 1.0]], from_similarities=True)
        >>> [round(float(value), 6) for value in values]  # log(1 + 1 / e)
        [0.313262, 0.313262]
    """
    _check_npairs(l2, normalize=normalize, from_similarities=from_similarities)
    y_pred = widen(y_pred)
    if from_similarities:
        return _crossentropy_of_shared_classes(y_true, y_pred, ignore_class)
    groups = groups_of(y_true, y_pred, "npairs", ignore_class)
    positives, y_pred = groups.positives, groups.embeddings
    scores = similarities(y_pred, normalize=normalize)
    number = ops.arange(ops.shape(y_pred)[0])
    earlier = ops.expand_dims(number, 0) < ops.expand_dims(number, 1)
    place = ops.sum(ops.cast(ops.logical_and(positives, earlier), "int32"), axis=-1)  # in its class, from 0
    partners = ops.expand_dims(ops.equal(place, 1), 0)
    pairs = ops.logical_and(ops.logical_and(positives, partners), ops.expand_dims(ops.equal(place, 0), 1))
    total, _ = some_logsumexp(scores, ops.broadcast_to(partners, ops.shape(scores)))
    values = mean_over_pairs(total - scores, pairs, groups.kept)
    return values + l2 * ops.sum(ops.square(y_pred), axis=-1) if l2 else values


def _crossentropy_of_shared_classes(y_true: Any, scores: Any, ignore_class: int | None) -> Any:
    """Return the crossentropy of each row of similarities, the target being the share of common classes."""
    rows, columns = scores.shape
    if None not in (rows, columns) and rows != columns:
        message = f"`npairs` takes similarities of shape (N, N), not {(rows, columns)}."
        raise ValueError(message)
    common = ops.cast(common_classes(y_true, scores, "npairs"), scores.dtype)
    kept = kept_samples(y_true, scores, "npairs", ignore_class)
    if kept is None:
        everything = ops.logsumexp(scores, axis=-1, keepdims=True)
    else:
        counted = both_kept(kept)
        scores, common = (ops.where(counted, value, ops.zeros_like(value)) for value in (scores, common))
        everything, _ = some_logsumexp(scores, counted)
    total = ops.sum(common, axis=-1)
    losses = ops.sum(common * (everything - scores), axis=-1)
    return losses / ops.where(total > 0, total, ops.ones_like(total))  # where nothing is shared, the sum is 0


def _check_npairs(l2: float, *, normalize: bool, from_similarities: bool) -> None:
    check_number("l2", l2, at_least=0)
    if from_similarities and (l2 or normalize):
        message = f"`{'l2' if l2 else 'normalize'}` is for embeddings; with `from_similarities=True` there are none."
        raise ValueError(message)
