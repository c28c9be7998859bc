"""What the losses between embeddings share: who belongs to whom, how far apart, sums over some of the others."""

from __future__ import annotations

import math
from typing import Any

from keras import backend, ops

from kzoo.component import Loss, widen

__all__ = [
    "DISTANCES",
    "EmbeddingLoss",
    "check_distance",
    "check_number",
    "common_classes",
    "mean_over_pairs",
    "pairs_of_classes",
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
    """A loss between the embeddings of one batch: labels say which of them belong together."""

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels and embeddings as they are; raise ``ValueError`` where their shapes do not belong together."""
        return _labels_of(y_true, y_pred, self.name), y_pred

    def _tensor(self, value: Any) -> Any:
        # Class indices stay integers: among floats, those above 2**24 would fall together.
        tensor = ops.convert_to_tensor(value)
        return tensor if backend.is_int_dtype(tensor.dtype) else ops.cast(tensor, self.dtype)


def pairs_of_classes(y_true: Any, y_pred: Any, what: str) -> tuple[Any, Any]:
    """Return two masks (N, N): the other samples that belong with each sample, and those that do not.

    Args:
        y_true: Class indices of shape ``(N,)`` or ``(N, 1)``, or one-hot or multi-hot labels of shape ``(N, K)``: two
            samples that share a class belong together.
        y_pred: Embeddings of shape ``(N, D)``.
        what: The component's name, for the error.

    Raises:
        ValueError: The shapes do not belong together.
    """
    together = common_classes(y_true, y_pred, what) > 0
    number = ops.arange(ops.shape(y_pred)[0])
    others = ops.not_equal(ops.expand_dims(number, 1), ops.expand_dims(number, 0))
    return ops.logical_and(together, others), ops.logical_and(ops.logical_not(together), others)


def common_classes(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return how many classes each two samples share, shape (N, N); the arguments are those of `pairs_of_classes`.

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


def mean_over_pairs(values: Any, mask: Any) -> Any:
    """Return for each sample its share (N,) in the mean of the values (N, N) in ``mask``, times N.

    The mean over the samples is then the mean over all pairs in the mask; without any it is 0.
    """
    total = ops.sum(ops.where(mask, values, ops.zeros_like(values)), axis=-1)
    pairs = ops.sum(ops.cast(mask, values.dtype))
    samples = ops.cast(ops.shape(values)[0], values.dtype)
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
