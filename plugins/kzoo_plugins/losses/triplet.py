"""Triplet losses: an embedding shall be closer to those of its own class than to any other, by a margin."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo_plugins.losses.pairwise import (
    EmbeddingLoss,
    check_distance,
    check_number,
    groups_of,
    mean_over_pairs,
    pairwise_distances,
)

__all__ = ["TripletHard", "TripletSemiHard", "triplet_hard", "triplet_semihard"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class TripletSemiHard(EmbeddingLoss):
    """Triplet loss over all pairs of a class, each against the nearest other class's sample that is farther away.

    Formula, for an anchor a and another sample p of its class, n being samples of other classes:

    ```
    D(a, p) = min {d(a, n) : d(a, n) > d(a, p)}      the semi-hard negative; where there is none, max d(a, n)
    loss(a, p) = max(0, d(a, p) - D(a, p) + margin)
    loss = mean of loss(a, p) over all ordered pairs (a, p) of the batch
    ```

    The value of a sample is the sum over its own pairs times N / (number of pairs), so that the mean over the batch is
    the loss above. A sample alone in its class has value 0, and so has every sample of a batch of a single class.

    With the default arguments it has the values of TensorFlow Addons' `TripletSemiHardLoss`, which named the squared
    distance "L_2" and the plain one "L_1". That gave NaN for a batch without pairs, and the margin plus a distance for
    a batch of a single class; here both are 0.

    Args:
        margin: How much farther the negative must be, in units of the distance; at least 0. Defaults to 1.
        distance_metric: "squared_l2", the squared Euclidean distance of the paper; "l2", the Euclidean distance; or
            "angular", one minus the cosine of the angle. Defaults to "squared_l2".
        normalize: Whether to scale the embeddings to length 1 first, which the paper asks for. Defaults to False: the
            network does it, for example with `keras.layers.UnitNormalization`.
        ignore_class: A class whose samples are no anchors, positives nor negatives and have no part in the mean.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "triplet_semihard".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (N,) or (N, 1), or one-hot or multi-hot labels of shape (N, K).
        y_pred: Embeddings of shape (N, D).

    Raises:
        ValueError: An argument is out of its range; the shapes of labels and embeddings do not belong together.

    Example:
        >>> loss = TripletSemiHard(margin=1.0, distance_metric="l2")
        >>> float(loss([0, 0, 1], [[0.0], [1.0], [1.5]]))
        1.0

    References:
        - [Schroff et al., 2015](https://arxiv.org/abs/1503.03832), FaceNet: A Unified Embedding for Face Recognition
    """

    def __init__(
        self,
        margin: float = 1.0,
        distance_metric: str = "squared_l2",
        normalize: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `triplet_semihard:normalize=true`
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "triplet_semihard",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        check_number("margin", margin, at_least=0)
        check_distance(distance_metric)
        self.margin = margin
        self.distance_metric = distance_metric
        self.normalize = normalize

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the share of each sample in the loss times N, shape ``(N,)``."""
        return triplet_semihard(
            y_true,
            y_pred,
            margin=self.margin,
            distance_metric=self.distance_metric,
            normalize=self.normalize,
            ignore_class=self.ignore_class,
        )


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class TripletHard(EmbeddingLoss):
    """Triplet loss of each sample with the farthest of its class and the nearest of another class.

    Formula, for an anchor a:

    ```
    D+ = max {d(a, p) : p of the class of a}      0 where a is alone in its class
    D- = min {d(a, n) : n of another class}
    loss(a) = max(0, D+ - D- + margin)            soft=False
    loss(a) = log(1 + exp(D+ - D-))               soft=True
    ```

    A sample alone in its class is its own positive: it is pushed away from other classes up to the margin. All samples
    of a batch of a single class have value 0. The mean is over all samples.

    With the default arguments it has the values of TensorFlow Addons' `TripletHardLoss`, which named the squared
    distance "L_2" and the plain one "L_1", and gave the margin, a constant, for a batch of a single class. The paper
    takes the plain distance, `distance_metric="l2"`: with the squared one its authors saw embeddings collapse to a
    point more easily.

    Args:
        margin: How much farther the negative must be, in units of the distance; at least 0. It has no part in the soft
            form. Defaults to 1.
        soft: Whether to use the soft form, which goes on pulling at triplets that satisfy any margin. Defaults to
            False.
        distance_metric: "squared_l2", the squared Euclidean distance; "l2", the Euclidean distance; or "angular", one
            minus the cosine of the angle. Defaults to "squared_l2".
        normalize: Whether to scale the embeddings to length 1 first. Defaults to False.
        ignore_class: A class whose samples are no anchors, positives nor negatives and have no part in the mean.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "triplet_hard".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (N,) or (N, 1), or one-hot or multi-hot labels of shape (N, K).
        y_pred: Embeddings of shape (N, D).

    Raises:
        ValueError: An argument is out of its range; the shapes of labels and embeddings do not belong together.

    Example:
        >>> loss = TripletHard(margin=1.0, distance_metric="l2", reduction=None)
        >>> [float(value) for value in loss([0, 0, 1], [[0.0], [1.0], [1.5]])]
        [0.5, 1.5, 0.5]

    References:
        - [Hermans et al., 2017](https://arxiv.org/abs/1703.07737), In Defense of the Triplet Loss
    """

    def __init__(
        self,
        margin: float = 1.0,
        soft: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `triplet_hard:soft=true`
        distance_metric: str = "squared_l2",
        normalize: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `triplet_hard:normalize=true`
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "triplet_hard",
        dtype: Any = None,
    ) -> None:
        super().__init__(ignore_class=ignore_class, reduction=reduction, name=name, dtype=dtype)
        check_number("margin", margin, at_least=0)
        check_distance(distance_metric)
        self.margin = margin
        self.soft = soft
        self.distance_metric = distance_metric
        self.normalize = normalize

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return triplet_hard(
            y_true,
            y_pred,
            margin=self.margin,
            soft=self.soft,
            distance_metric=self.distance_metric,
            normalize=self.normalize,
            ignore_class=self.ignore_class,
        )


def triplet_semihard(
    y_true: Any,
    y_pred: Any,
    *,
    margin: float = 1.0,
    distance_metric: str = "squared_l2",
    normalize: bool = False,
    ignore_class: int | None = None,
) -> Any:
    """Return the share of each sample in the loss times N; see `TripletSemiHard` for the formula and the arguments.

    Example:
        >>> [float(value) for value in triplet_semihard([0, 0, 1], [[0.0], [1.0], [1.5]], distance_metric="l2")]
        [0.75, 2.25, 0.0]
    """
    groups = groups_of(y_true, y_pred, "triplet_semihard", ignore_class)
    distances = pairwise_distances(groups.embeddings, distance_metric, normalize=normalize)
    nearest = _semi_hard_negatives(ops.stop_gradient(distances), groups.negatives)
    values = ops.relu(distances - ops.take_along_axis(distances, nearest, axis=1) + margin)
    against = ops.logical_and(groups.positives, ops.any(groups.negatives, axis=-1, keepdims=True))
    return mean_over_pairs(values, against, groups.kept)


def triplet_hard(
    y_true: Any,
    y_pred: Any,
    *,
    margin: float = 1.0,
    soft: bool = False,
    distance_metric: str = "squared_l2",
    normalize: bool = False,
    ignore_class: int | None = None,
) -> Any:
    """Return the loss of each sample; see `TripletHard` for the formula and the arguments.

    Example:
        >>> [float(value) for value in triplet_hard([0, 0, 1], [[0.0], [1.0], [1.5]], distance_metric="l2")]
        [0.5, 1.5, 0.5]
    """
    groups = groups_of(y_true, y_pred, "triplet_hard", ignore_class)
    positives, negatives = groups.positives, groups.negatives
    distances = pairwise_distances(groups.embeddings, distance_metric, normalize=normalize)
    farthest = ops.max(ops.where(positives, distances, ops.zeros_like(distances)), axis=-1)
    nearest = ops.min(ops.where(negatives, distances, ops.full_like(distances, math.inf)), axis=-1)
    some = ops.any(negatives, axis=-1)
    nearest = ops.where(some, nearest, ops.zeros_like(nearest))  # nothing infinite enters the gradient
    values = ops.softplus(farthest - nearest) if soft else ops.relu(farthest - nearest + margin)
    return ops.where(some, values, ops.zeros_like(values))


def _semi_hard_negatives(distances: Any, negatives: Any) -> Any:
    """Return for each pair (a, b) the nearest of a's negatives that is farther from a than b is, else the farthest one.

    Comparing every pair with every negative would take N^3 numbers. Sorted by distance from a, the one looked for is
    the one after as many negatives as are not farther than b.
    """
    by_distance = ops.argsort(ops.where(negatives, distances, ops.full_like(distances, math.inf)), axis=-1)
    nearer = _count_not_farther(distances, negatives)
    count = ops.sum(ops.cast(negatives, "int32"), axis=-1, keepdims=True)
    return ops.take_along_axis(by_distance, ops.minimum(nearer, ops.maximum(count - 1, 0)), axis=1)


def _count_not_farther(distances: Any, negatives: Any) -> Any:
    """Return for each pair (a, b) how many of a's negatives are not farther from a than b is."""
    # Negatives come first among equal distances, since the sort by distance keeps the order in which it finds them.
    first = ops.argsort(ops.cast(ops.logical_not(negatives), "int32"), axis=-1)
    second = ops.argsort(ops.take_along_axis(distances, first, axis=1), axis=-1)
    order = ops.take_along_axis(first, second, axis=1)
    counts = ops.cumsum(ops.take_along_axis(ops.cast(negatives, "int32"), order, axis=1), axis=1)
    return ops.take_along_axis(counts, ops.argsort(order, axis=-1), axis=1)
