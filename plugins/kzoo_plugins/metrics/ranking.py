"""Metrics of order among all samples: rank correlations, and neighbours that belong together."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import align_shapes
from kzoo_plugins.metrics.reservoir import ReservoirMetric
from kzoo_plugins.metrics.sums import check_choice

__all__ = ["KendallTau", "RecallAtK", "SpearmanCorrelation"]


class _RankCorrelation(ReservoirMetric):
    """A rank correlation for each output, averaged over outputs."""

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return targets and predictions of shape ``(N, D)``."""
        y_true, y_pred = align_shapes(y_true, y_pred, self.name)
        if len(y_true.shape) < 2:  # noqa: PLR2004 - one output
            y_true, y_pred = ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
        if len(y_true.shape) > 2:  # noqa: PLR2004
            message = f"`{self.name}` takes numbers of shape (N,) or (N, D), not {tuple(y_true.shape)}."
            raise ValueError(message)
        return y_true, y_pred

    def score(self, true: Any, pred: Any, weight: Any) -> Any:
        """Return the mean correlation of the outputs."""
        each = [self.correlation(true[:, at], pred[:, at], weight) for at in range(true.shape[-1])]
        return ops.mean(ops.stack(each))

    def correlation(self, true: Any, pred: Any, weight: Any) -> Any:
        """Return the correlation of one output; all of shape ``(capacity,)``."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SpearmanCorrelation(_RankCorrelation):
    """Spearman's rank correlation of targets and predictions: whether they rise and fall together.

    Formula, for each output, then averaged over outputs; equal numbers share the mean of their ranks:

    ```
    rho = cov(rank(y_true), rank(y_pred)) / sqrt(var(rank(y_true)) var(rank(y_pred)))
    ```

    Ranks need all samples at once, so they are kept: all of them up to `capacity`, beyond that a sample of them that
    is spread evenly over what was seen. The result is then an estimate, with a standard error of about
    1 / sqrt(capacity). Where targets or predictions are all equal it is 0.

    Args:
        capacity: How many samples are kept at most, at least 2. Defaults to 4096.
        name: Defaults to "spearman".
        dtype: The type of the numbers kept, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, D), (N, 1) or (N,).
        y_pred: Predictions of the same shape.
        sample_weight: Weights of shape (N,), or one number. A weight of 2 counts as two equal samples.

    Raises:
        ValueError: `capacity` is too small, or the shapes do not belong together.

    Example:
        >>> metric = SpearmanCorrelation()
        >>> metric.update_state([1.0, 2.0, 3.0, 4.0], [0.1, 0.3, 0.2, 9.0])
        >>> round(float(metric.result()), 4)
        0.8

    References:
        - [Spearman, 1904](https://doi.org/10.2307/1412159), The proof and measurement of association between two things
    """

    def __init__(self, capacity: int = 4096, name: str = "spearman", dtype: Any = None) -> None:
        super().__init__(capacity=capacity, name=name, dtype=dtype)

    def correlation(self, true: Any, pred: Any, weight: Any) -> Any:
        """Return the linear correlation of the ranks."""
        share = ops.divide_no_nan(weight, ops.sum(weight))
        one, other = (_centred_ranks(values, share) for values in (true, pred))
        together = ops.sum(share * one * other)
        spread = ops.sqrt(ops.sum(share * one**2)) * ops.sqrt(ops.sum(share * other**2))
        # The ranks of equal numbers differ by rounding alone.
        level = 1e-6
        return ops.where(spread > level, together / ops.maximum(spread, level), ops.zeros_like(spread))


def _centred_ranks(values: Any, share: Any) -> Any:
    """Return weighted mean ranks between -1/2 and 1/2, less their mean; ``share`` adds up to 1, or is 0 everywhere."""
    order = ops.argsort(values)
    ordered = ops.take(values, order)
    below = ops.concatenate([ops.zeros((1,), share.dtype), ops.cumsum(ops.take(share, order))])
    first, last = (ops.take(below, ops.searchsorted(ordered, values, side=side)) for side in ("left", "right"))
    ranks = (first + last) / 2
    return ranks - ops.sum(share * ranks)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class KendallTau(_RankCorrelation):
    """Kendall's tau of targets and predictions: how many pairs of samples are in the same order, less how many are not.

    Formula, for each output, then averaged over outputs; P pairs in the same order, Q in the opposite one, and n
    samples:

    ```
    tau_b = (P - Q) / sqrt((pairs not tied in y_true) (pairs not tied in y_pred))      variant="b"
    tau_c = 2 (P - Q) / (n^2 (m - 1) / m)                                              variant="c"
    ```

    Tau c is for tables of few values, m of which the side with fewer values has. Pairs need all samples at once, so
    they are kept: all of them up to `capacity`, beyond that a sample of them that is spread evenly over what was seen.
    The result is then an estimate, with a standard error of about 0.7 / sqrt(capacity). Time and memory grow with the
    square of `capacity`. Where targets or predictions are all equal it is 0.

    Args:
        variant: "b" or "c". Defaults to "b".
        capacity: How many samples are kept at most, at least 2. Defaults to 1024.
        name: Defaults to "kendall".
        dtype: The type of the numbers kept, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Targets of shape (N, D), (N, 1) or (N,).
        y_pred: Predictions of the same shape.
        sample_weight: Weights of shape (N,), or one number. A weight of 2 counts as two equal samples.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = KendallTau()
        >>> metric.update_state([1.0, 2.0, 3.0, 4.0], [0.1, 0.3, 0.2, 9.0])
        >>> round(float(metric.result()), 4)
        0.6667

    References:
        - [Kendall, 1945](https://doi.org/10.1093/biomet/33.3.239), The treatment of ties in ranking problems
        - [Stuart, 1953](https://doi.org/10.1093/biomet/40.1-2.105), The estimation and comparison of strengths of
          association in contingency tables
    """

    def __init__(self, variant: str = "b", capacity: int = 1024, name: str = "kendall", dtype: Any = None) -> None:
        super().__init__(capacity=capacity, name=name, dtype=dtype)
        check_choice("variant", variant, ("b", "c"))
        self.variant = variant

    def correlation(self, true: Any, pred: Any, weight: Any) -> Any:
        """Return tau from all pairs, each seen twice."""
        share = ops.divide_no_nan(weight, ops.sum(weight))
        pairs = ops.expand_dims(share, 1) * share
        orders = [ops.sign(ops.expand_dims(values, 1) - values) for values in (true, pred)]
        apart = ops.sum(pairs * orders[0] * orders[1])
        if self.variant == "b":
            untied = [ops.sqrt(ops.sum(pairs * ops.abs(order))) for order in orders]
            return ops.divide_no_nan(apart, untied[0] * untied[1])
        fewer = ops.minimum(*(_distinct(order, share) for order in orders))
        return ops.divide_no_nan(apart * fewer, fewer - 1)


def _distinct(order: Any, share: Any) -> Any:
    """Return how many different values there are, from the signs of all differences."""
    places = ops.arange(share.shape[0])
    earlier = (ops.expand_dims(places, 1) > places) & (share > 0)
    repeated = ops.any((order == 0) & earlier, axis=1)
    return ops.sum(ops.cast((share > 0) & ~repeated, share.dtype))


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class RecallAtK(ReservoirMetric):
    """Recall at k of embeddings: the share of samples with one of their own class among their k nearest neighbours.

    Formula, over the samples n whose class has another sample:

    ```
    recall = mean_n [y_m = y_n for some m among the k nearest to n, n itself left out]
    ```

    Neighbours are sought among all samples seen since the last reset. These are kept: all of them up to `capacity`,
    beyond that a sample of them that is spread evenly over what was seen. Among fewer samples it is easier to find one
    of the same class, so compare results with one `capacity` only. Time grows with its square.

    Args:
        k: How many neighbours are looked at, at least 1. Defaults to 1.
        distance: "cosine" or "euclidean". Defaults to "cosine".
        capacity: How many samples are kept at most, at least 2. Defaults to 1024.
        ignore_class: A label whose samples count nothing, and are nobody's neighbours. Defaults to None.
        name: Defaults to "recall_at_k".
        dtype: The type of the numbers kept, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Class indices of shape (N,) or (N, 1), any whole numbers: they are compared with one another only.
        y_pred: Embeddings of shape (N, D).
        sample_weight: Weights of shape (N,), or one number. A sample with a weight of 0 is nobody's neighbour.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = RecallAtK()
        >>> metric.update_state([0, 0, 1, 1], [[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [1.0, 0.2]])
        >>> float(metric.result())
        0.5

    References:
        - [Jegou et al., 2011](https://doi.org/10.1109/TPAMI.2010.57), Product quantization for nearest neighbor search
        - [Song et al., 2016](https://arxiv.org/abs/1511.06452), Deep metric learning via lifted structured feature
          embedding
    """

    def __init__(
        self,
        k: int = 1,
        distance: str = "cosine",
        capacity: int = 1024,
        ignore_class: int | None = None,
        name: str = "recall_at_k",
        dtype: Any = None,
    ) -> None:
        super().__init__(capacity=capacity, name=name, dtype=dtype)
        if int(k) != k or not 1 <= k < capacity:
            message = f"`k` must be a whole number of at least 1 and below `capacity`, not {k}."
            raise ValueError(message)
        check_choice("distance", distance, ("cosine", "euclidean"))
        self.k = k
        self.distance = distance
        self.ignore_class = ignore_class

    def read(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """Return labels and embeddings, and 0 for samples of the ignored class."""
        labels, vectors = self.align(y_true, y_pred)
        return (
            labels,
            vectors,
            None if self.ignore_class is None else ops.cast(labels[:, 0] != self.ignore_class, self.dtype),
        )

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return labels of shape ``(N, 1)`` and embeddings of shape ``(N, D)``."""
        if len(y_pred.shape) != 2:  # noqa: PLR2004
            message = f"`{self.name}` takes embeddings of shape (N, D), not {tuple(y_pred.shape)}."
            raise ValueError(message)
        labels, _ = align_shapes(y_true, y_pred[:, 0], self.name)
        if self.distance == "cosine":
            # Scaled first, so that squares of small numbers do not vanish.
            y_pred = ops.divide_no_nan(y_pred, ops.max(ops.abs(y_pred), axis=-1, keepdims=True))
            y_pred = ops.divide_no_nan(y_pred, ops.sqrt(ops.sum(y_pred**2, axis=-1, keepdims=True)))
        whole = labels == ops.floor(labels)
        labels = ops.where(whole, labels, ops.full_like(labels, float("nan")))
        return ops.expand_dims(labels, -1), y_pred

    def score(self, true: Any, pred: Any, weight: Any) -> Any:
        """Return the share of samples with a neighbour of their own class."""
        size = true.shape[0]
        # Distances come from a matrix product, whose rounding grows with how far the vectors are from 0.
        pred = pred - ops.divide_no_nan(ops.sum(pred * weight[:, None], axis=0), ops.sum(weight))
        squares = ops.sum(pred**2, axis=-1)
        near = 2 * ops.matmul(pred, ops.transpose(pred)) - ops.expand_dims(squares, 1) - squares
        others = (weight > 0) & ~ops.cast(ops.eye(size), "bool")
        near = ops.where(others, near, float("-inf"))
        same = (true == ops.transpose(true)) & others
        values, nearest = ops.top_k(near, self.k)
        hit = ops.take_along_axis(same, nearest, axis=1) & (values > float("-inf"))
        asks = ops.where(ops.any(same, axis=1), weight, ops.zeros_like(weight))
        found = ops.where(ops.any(hit, axis=1), asks, ops.zeros_like(asks))
        return ops.divide_no_nan(ops.sum(found), ops.sum(asks))
