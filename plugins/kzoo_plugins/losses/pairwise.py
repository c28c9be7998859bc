"""What the losses between embeddings share: who belongs to whom, how far apart, sums over some of the others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from keras import backend, ops

from kzoo.component import Loss, finite_or_nan, propagate_nan, widen

__all__ = [
    "DISTANCES",
    "EmbeddingLoss",
    "Groups",
    "both_kept",
    "check_distance",
    "check_number",
    "common_classes",
    "groups_of",
    "kept_samples",
    "mean_over_pairs",
    "pairwise_distances",
    "similarities",
    "some_logsumexp",
    "unit_length",
]

DISTANCES = ("squared_l2", "l2", "angular")
"""The distances: squared Euclidean, Euclidean, and one minus the cosine of the angle."""

_ELSEWHERE = {"L_2": "squared_l2", "L2": "squared_l2", "L_1": "l2", "L1": "l2", "cosine": "angular"}
_MATRIX = 2


class EmbeddingLoss(Loss):
    """A loss between the embeddings of one batch: labels say which of them belong together.

    Any whole number is a class. A label that is none, such as 1.5 or NaN, makes its sample's value and gradient NaN,
    and so does an entry of a one-hot or multi-hot row that is not between 0 and 1.

    Args:
        ignore_class: A class whose samples are no anchors, positives nor negatives and have no part in the mean, as if
            the batch were without them; None for none. With one-hot labels such a sample is a row whose largest entry
            is that class, or, where it lies outside of ``0 .. K - 1``, a row of zeros.
        reduction: As in `kzoo.component.Loss`.
        name: As in `kzoo.component.Loss`.
        dtype: As in `kzoo.component.Loss`.
    """

    def __init__(
        self,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        _check_ignore_class(ignore_class)
        self.ignore_class = ignore_class

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and embeddings as they are; raise ``ValueError`` where their shapes do not belong together."""
        return _labels_of(y_true, y_pred, self.name), y_pred

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the value of each sample, shape ``(N,)``; 0 where its class is the ignored one."""
        y_true, y_pred = self.align(y_true, y_pred)
        kept = self.kept(y_true, y_pred)
        # An infinite embedding has neither a direction nor a distance: it shows as NaN.
        y_pred = finite_or_nan(y_pred if kept is None else self.seen(y_pred, kept))
        values = self.per_sample(y_true, y_pred)
        if kept is None:
            return propagate_nan(values, _without_wrong(y_true), y_pred)
        y_true = _blank(_without_wrong(y_true), kept)
        return propagate_nan(ops.where(kept, values, ops.zeros_like(values)), y_true, y_pred)

    def kept(self, y_true: Any, y_pred: Any) -> Any:
        """Return which samples are of another class than the ignored one, or None where none is ignored."""
        return kept_samples(y_true, y_pred, self.name, self.ignore_class)

    def seen(self, y_pred: Any, kept: Any) -> Any:
        """Return what the loss looks at where only some samples are kept; zeros in the place of the rest."""
        return _blank(y_pred, kept)

    def _tensor(self, value: Any) -> Any:
        # Class indices stay integers: among floats, those above 2**24 would fall together.
        tensor = ops.convert_to_tensor(value)
        return tensor if backend.is_int_dtype(tensor.dtype) else ops.cast(tensor, self.dtype)


@dataclass(frozen=True)
class Groups:
    """A batch of embeddings, and which of them belong together.

    Attributes:
        embeddings: Shape ``(N, D)``; zeros where a sample is ignored.
        positives: Which other samples belong with each one, shape ``(N, N)``.
        negatives: Which do not, shape ``(N, N)``. An ignored sample is neither, and has neither.
        kept: Which samples count, shape ``(N,)``, or None where all do.
    """

    embeddings: Any
    positives: Any
    negatives: Any
    kept: Any = None


def groups_of(y_true: Any, y_pred: Any, what: str, ignore_class: int | None = None) -> Groups:
    """Return who belongs to whom in a batch.

    Args:
        y_true: Class indices of shape ``(N,)`` or ``(N, 1)``, or one-hot or multi-hot labels of shape ``(N, K)``: two
            samples that share a class belong together.
        y_pred: Embeddings of shape ``(N, D)``.
        what: The component's name, for the error.
        ignore_class: A class whose samples do not count; None for none.

    Raises:
        ValueError: The shapes do not belong together.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), widen(y_pred)
    together = common_classes(y_true, y_pred, what) > 0
    number = ops.arange(ops.shape(y_pred)[0])
    others = ops.not_equal(ops.expand_dims(number, 1), ops.expand_dims(number, 0))
    kept = kept_samples(y_true, y_pred, what, ignore_class)
    if kept is not None:
        y_pred, others = _blank(y_pred, kept), ops.logical_and(others, both_kept(kept))
    positives, negatives = ops.logical_and(together, others), ops.logical_and(ops.logical_not(together), others)
    return Groups(y_pred, positives, negatives, kept)


def kept_samples(y_true: Any, y_pred: Any, what: str, ignore_class: int | None) -> Any:
    """Return which samples are of another class than the ignored one, shape ``(N,)``, or None where none is ignored."""
    y_true = _labels_of(ops.convert_to_tensor(y_true), y_pred, what)
    if ignore_class is None:
        return None
    if len(y_true.shape) < _MATRIX:
        wide = ops.cast(y_true, "int64") if backend.is_int_dtype(y_true.dtype) else y_true  # -1 is not 255
        return wide != ops.cast(ignore_class, wide.dtype)
    if 0 <= ignore_class < y_true.shape[-1]:
        return ops.argmax(y_true, axis=-1) != ignore_class
    return ops.any(y_true != 0, axis=-1)


def both_kept(kept: Any) -> Any:
    """Return for each two samples whether both are kept, shape ``(N, N)``."""
    return ops.logical_and(ops.expand_dims(kept, 1), ops.expand_dims(kept, 0))


def common_classes(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return how many classes each two samples share, shape (N, N); the arguments are those of `groups_of`.

    Example:
        >>> common_classes([3, 5, 3], ops.ones((3, 2)), "example").numpy().tolist()
        [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    y_true = _labels_of(ops.convert_to_tensor(y_true), y_pred, what)
    if len(y_true.shape) == _MATRIX:
        hot = ops.cast(y_true, "float32")
        return ops.matmul(hot, ops.transpose(hot))
    return ops.cast(ops.equal(ops.expand_dims(y_true, 1), ops.expand_dims(y_true, 0)), "float32")


def unit_length(vectors: Any) -> Any:
    """Return vectors scaled to length 1; a vector of zeros stays as it is, with gradient 0.

    Example:
        >>> [[round(float(x), 6) for x in row] for row in unit_length([[3.0, 4.0], [0.0, 0.0]])]
        [[0.6, 0.8], [0.0, 0.0]]
    """
    vectors = widen(vectors)
    # Squares of vectors relative to their largest entry neither overflow nor vanish. The direction does not depend on
    # the scale, so no gradient has to pass through it.
    largest = ops.stop_gradient(ops.max(ops.abs(vectors), axis=-1, keepdims=True))
    zero = ops.equal(largest, 0)
    scaled = vectors / ops.where(zero, ops.ones_like(largest), largest)
    squared = ops.sum(ops.square(scaled), axis=-1, keepdims=True)
    # Without the inner `where` the infinite slope of the root at 0 would make the gradient NaN.
    inverse = ops.rsqrt(ops.where(zero, ops.ones_like(squared), squared))
    return ops.where(zero, ops.zeros_like(scaled), scaled * inverse)


def similarities(embeddings: Any, *, normalize: bool) -> Any:
    """Return the cosines (N, N) between embeddings, or with ``normalize=False`` their products."""
    embeddings = unit_length(embeddings) if normalize else widen(embeddings)
    return ops.matmul(embeddings, ops.transpose(embeddings))


def pairwise_distances(embeddings: Any, metric: str = "l2", *, normalize: bool = False) -> Any:
    """Return the distances (N, N) between embeddings; the gradient of a distance of 0 is 0.

    Args:
        embeddings: Vectors of shape ``(N, D)``.
        metric: One of `DISTANCES`.
        normalize: Whether to scale the vectors to length 1 first; with ``"angular"`` it changes nothing.

    Example:
        >>> [[float(x) for x in row] for row in pairwise_distances([[0.0, 0.0], [3.0, 4.0]])]
        [[0.0, 5.0], [5.0, 0.0]]
    """
    check_distance(metric)
    if metric == "angular":
        return ops.relu(1.0 - similarities(embeddings, normalize=True))
    embeddings = unit_length(embeddings) if normalize else widen(embeddings)
    squared = _squared_distances(embeddings)
    if metric == "squared_l2":
        return squared
    # The root's slope is infinite at 0: without the inner `where` two equal vectors would make the gradient NaN.
    apart = squared > 0
    return ops.where(apart, ops.sqrt(ops.where(apart, squared, ops.ones_like(squared))), ops.zeros_like(squared))


def _squared_distances(embeddings: Any) -> Any:
    # Distances do not depend on the origin. With the mean there, fewer digits cancel in the sum below.
    centred = embeddings - ops.stop_gradient(ops.mean(embeddings, axis=0, keepdims=True))
    products = ops.matmul(centred, ops.transpose(centred))
    # Squared lengths come from the same product, so that its rounding, which is coarse on some accelerators, is the
    # same in all three terms: equal vectors are at distance 0.
    lengths = ops.diagonal(products)
    return ops.relu(ops.expand_dims(lengths, 1) + ops.expand_dims(lengths, 0) - 2.0 * products)


def some_logsumexp(values: Any, mask: Any) -> tuple[Any, Any]:
    """Return the log of the sum of exponentials of the values (N, N) in ``mask``, shape (N, 1), and where there is any.

    A row of which nothing is in the mask gives 0, with gradient 0.
    """
    some = ops.any(mask, axis=-1, keepdims=True)
    nowhere = ops.full_like(values, -math.inf)
    largest = ops.stop_gradient(ops.max(ops.where(mask, values, nowhere), axis=-1, keepdims=True))
    largest = ops.where(some, largest, ops.zeros_like(largest))
    # What is not in the mask gets a harmless exponent: an infinite one would make the gradient NaN.
    shifted = ops.where(mask, values - largest, ops.zeros_like(values))
    total = ops.sum(ops.where(mask, ops.exp(shifted), ops.zeros_like(values)), axis=-1, keepdims=True)
    return ops.log(ops.where(some, total, ops.ones_like(total))) + largest, some


def mean_over_pairs(values: Any, mask: Any, kept: Any = None) -> Any:
    """Return for each sample its share (N,) in the mean of the values (N, N) in ``mask``, times N.

    The mean over the samples is then the mean over all pairs in the mask; without any it is 0. Where ``kept`` says that
    only some of the samples count, N is their number.
    """
    total = ops.sum(ops.where(mask, values, ops.zeros_like(values)), axis=-1)
    pairs = ops.sum(ops.cast(mask, values.dtype))
    samples = ops.cast(ops.shape(values)[0], values.dtype) if kept is None else ops.sum(ops.cast(kept, values.dtype))
    return total * (samples / ops.maximum(pairs, 1.0))


def check_distance(metric: str) -> None:
    """Raise ``ValueError`` where ``metric`` is none of `DISTANCES`."""
    if metric not in DISTANCES:
        meant = f" {metric!r} of other libraries is {_ELSEWHERE[metric]!r} here." if metric in _ELSEWHERE else ""
        message = f"`distance_metric` must be one of {', '.join(map(repr, DISTANCES))}, not {metric!r}.{meant}"
        raise ValueError(message)


def check_number(name: str, value: float, *, above: float | None = None, at_least: float | None = None) -> None:
    """Raise ``ValueError`` where an argument is not a finite number, above or at least some other."""
    if (
        not math.isfinite(value)
        or (above is not None and value <= above)
        or (at_least is not None and value < at_least)
    ):
        bound = f"above {above}" if above is not None else f"of at least {at_least}" if at_least is not None else ""
        message = f"`{name}` must be a finite number {bound}".rstrip() + f", not {value}."
        raise ValueError(message)


def _labels_of(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return labels of shape (N,), or (N, K) where they are one-hot or multi-hot."""
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    if len(true_shape) == _MATRIX and true_shape[-1] == 1:
        y_true, true_shape = ops.squeeze(y_true, -1), true_shape[:1]
    ranks = len(true_shape) in (1, _MATRIX) and len(pred_shape) == _MATRIX
    if not ranks or (None not in (true_shape[0], pred_shape[0]) and true_shape[0] != pred_shape[0]):
        message = (
            f"`{what}` got y_true of shape {true_shape} and y_pred of shape {pred_shape}. It takes class indices of "
            "shape (N,), or one-hot or multi-hot labels of shape (N, K), and embeddings of shape (N, D)."
        )
        raise ValueError(message)
    return y_true


def _blank(values: Any, kept: Any) -> Any:
    """Return the values of the samples that are kept, and zeros for the others."""
    spread = ops.reshape(kept, (-1, *[1] * (len(values.shape) - 1)))
    return ops.where(spread, values, ops.zeros_like(values))


def _without_wrong(y_true: Any) -> Any:
    """Return labels with NaN in the place of what is no label."""
    if len(y_true.shape) == _MATRIX:
        hot = widen(y_true)
        return ops.where(ops.logical_and(hot >= 0, hot <= 1), hot, float("nan"))
    if backend.is_int_dtype(y_true.dtype):
        return ops.zeros_like(y_true)  # each of them is one
    return ops.where(ops.logical_and(ops.isfinite(y_true), ops.floor(y_true) == y_true), y_true, float("nan"))


def _check_ignore_class(ignore_class: Any) -> None:
    if ignore_class is not None and (isinstance(ignore_class, bool) or int(ignore_class) != ignore_class):
        message = f"`ignore_class` must be a whole number, or None, not {ignore_class!r}."
        raise ValueError(message)
