"""Losses of the distances of pairs, in a network that gives a vector for each picture."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import widen
from kzoo.wrappers.around_loss import AroundLoss

__all__ = ["OfPairs"]


@keras.saving.register_keras_serializable(package="kzoo")
class OfPairs(AroundLoss):
    """Gives a loss of pairs the Euclidean distances of all pairs of a batch of vectors.

    In a batch there are many more pairs of two kinds than of one, so each of the two sorts counts half:

    ```
    loss = (mean over the pairs of one kind + mean over the pairs of two kinds) / 2
    ```

    Where a batch has no pair of one sort, the other counts whole; where it has no pair at all, the loss is 0.

    Args:
        loss: The loss, which takes 1 for a pair that belongs together and 0 for any other, shape (P,), and distances.
        name: By default that of ``loss``.
    """

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Any:
        """Return the loss of vectors of shape (N, D) whose kinds are ``y_true``, of shape (N,) or (N, 1).

        The weight of a pair is the product of those of its samples.
        """
        same, distances, weights = pairs_in(y_true, y_pred)
        if sample_weight is not None:
            given = ops.reshape(ops.cast(sample_weight, weights.dtype), (-1,))
            first, second = _places(ops.shape(y_pred)[0])
            weights = weights * ops.take(given, first) * ops.take(given, second)
        return self.loss(same, distances, sample_weight=weights)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the value of each pair before it is reduced, weighed by its sort."""
        same, distances, weights = pairs_in(y_true, y_pred)
        return self.loss.call(same, distances) * weights


def pairs_in(labels: Any, vectors: Any) -> tuple[Any, Any, Any]:
    """Return of each pair of a batch whether it is of one kind (1 or 0), its distance and what it counts, each (P,).

    A NaN in a vector is one in the distances of its pairs.

    Example:
        >>> same, distances, weights = pairs_in([0, 0, 1], [[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
        >>> [[float(number) for number in part] for part in (same, distances, weights)]
        [[1.0, 0.0, 0.0], [5.0, 0.0, 5.0], [1.5, 0.75, 0.75]]
    """
    vectors = widen(vectors)
    labels = ops.reshape(ops.convert_to_tensor(labels), (-1,))
    first, second = _places(ops.shape(vectors)[0])
    same = ops.cast(ops.equal(ops.take(labels, first), ops.take(labels, second)), vectors.dtype)
    squared = ops.sum(ops.square(ops.take(vectors, first, axis=0) - ops.take(vectors, second, axis=0)), axis=-1)
    apart = ops.logical_not(ops.equal(squared, 0))
    # The slope of the root is infinite at 0: the inner `where` keeps it out of the gradient.
    distances = ops.where(apart, ops.sqrt(ops.where(apart, squared, ops.ones_like(squared))), ops.zeros_like(squared))
    total, alike = ops.cast(ops.shape(same)[0], vectors.dtype), ops.sum(same)
    sorts = ops.cast(alike > 0, vectors.dtype) + ops.cast(total > alike, vectors.dtype)
    each = total / ops.maximum(sorts, 1.0)
    weights = ops.where(same > 0, each / ops.maximum(alike, 1.0), each / ops.maximum(total - alike, 1.0))
    return same, distances, weights


def _places(count: Any) -> tuple[Any, Any]:
    """Return the numbers of the first and of the second sample of each pair."""
    numbers = ops.arange(count)
    upper = ops.reshape(ops.expand_dims(numbers, 1) < numbers, (-1,))
    flat = ops.nonzero(upper)[0]
    return flat // count, flat % count
