"""Earth mover's distances between class distributions whose classes have an order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, as_class_labels, class_probabilities, widen

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["EMD", "SquaredEMD", "check_emd_arguments", "emd", "squared_emd"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class EMD(ClassLoss):
    """Earth mover's distance: how much probability has to move how far along the ordered classes.

    Formula, for one sample with K classes:

    ```
    d_i = sum_{j <= i} (y_pred_j - y_true_j)
    emd = (mean_i |d_i|^p)^(1/p)      normalize=True, the mean over the K classes
    emd = (sum_i  |d_i|^p)^(1/p)      normalize=False
    ```

    The defaults are the loss that NIMA trains with; NIMA reports `p=1`. `p=1, normalize=False` is the Wasserstein-1
    distance in classes, `scipy.stats.wasserstein_distance(arange(K), arange(K), y_true, y_pred)`; divide it by K - 1
    for classes that lie on [0, 1]. Against a one-hot target it is the expected number of classes that the prediction is
    off by. The value depends on the order of the classes: between unordered ones it has no meaning of its own.

    Args:
        p: The exponent, a finite number of at least 1. Defaults to 2.
        normalize: Whether to average over the classes before the root rather than to sum. Defaults to True.
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        ground_distance: A K x K matrix (nested lists) whose entry [k][i] is what moving all probability from class i
            to class k costs. With it the loss is `sum_k y_true_k sum_i y_pred_i ground_distance[k][i]`, and `p` and
            `normalize` have no part in it. For one-hot targets that is the exact transport cost for any matrix; for
            soft targets it is an upper bound, the cost of the plan that pairs the two distributions independently.
            Defaults to None: the distance above.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "emd".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K).

    Raises:
        ValueError: `p` is below 1 or not finite; `ground_distance` is not a square matrix of finite numbers of at
            least 0, or not of the size of `y_pred`; the shapes of labels and predictions do not belong together.

    Example:
        >>> near, far = [[0.0, 1.0, 0.0, 0.0]], [[0.0, 0.0, 0.0, 1.0]]
        >>> loss = EMD(p=1, normalize=False)
        >>> float(loss([0], near)), float(loss([0], far))
        (1.0, 3.0)

    References:
        - [Talebi, Milanfar, 2018](https://arxiv.org/abs/1709.05424), NIMA: Neural Image Assessment
        - [Hou et al., 2016](https://arxiv.org/abs/1611.05916), Squared Earth Mover's Distance-based Loss
    """

    def __init__(
        self,
        p: float = 2,
        normalize: bool = True,  # noqa: FBT001, FBT002 - named as an argument in `emd:normalize=false`
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        ground_distance: Sequence[Sequence[float]] | None = None,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "emd",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        check_emd_arguments(p, ground_distance)
        self.p = p
        self.normalize = normalize
        self.from_logits = from_logits
        self.ground_distance = ground_distance

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the distance of each sample, shape ``(...)``."""
        return emd(
            y_true,
            y_pred,
            p=self.p,
            normalize=self.normalize,
            from_logits=self.from_logits,
            ground_distance=self.ground_distance,
        )


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SquaredEMD(ClassLoss):
    """Squared earth mover's distance: the sum of the squared differences of the cumulative distributions.

    Formula, for one sample with K classes:

    ```
    d_i = sum_{j <= i} (y_pred_j - y_true_j)
    squared_emd = sum_i d_i^2
    ```

    Also known as the ranked probability score. It equals `scipy.stats.energy_distance(...)**2 / 2`; it is not the
    squared Wasserstein-2 distance. Smooth everywhere, unlike the root of it that `EMD(p=2)` takes.

    Args:
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "squared_emd".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K).

    Raises:
        ValueError: The shapes of labels and predictions do not belong together.

    Example:
        >>> float(SquaredEMD()([0, 0], [[0.5, 0.5, 0.0], [0.5, 0.0, 0.5]]))
        0.375

    References:
        - [Hou et al., 2016](https://arxiv.org/abs/1611.05916), Squared Earth Mover's Distance-based Loss
        - [Epstein, 1969](https://doi.org/10.1175/1520-0450(1969)008%3C0985:ASSFPF%3E2.0.CO;2), A Scoring System for
          Probability Forecasts of Ranked Categories
    """

    def __init__(
        self,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "squared_emd",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the squared distance of each sample, shape ``(...)``."""
        return squared_emd(y_true, y_pred, from_logits=self.from_logits)


def emd(
    y_true: Any,
    y_pred: Any,
    *,
    p: float = 2,
    normalize: bool = True,
    from_logits: bool = False,
    ground_distance: Sequence[Sequence[float]] | None = None,
) -> Any:
    """Return the earth mover's distance of each sample; see `EMD` for the formula and the arguments.

    Example:
        >>> [float(value) for value in emd([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0]], p=1)]
        [0.6666666865348816, 0.0]
    """
    check_emd_arguments(p, ground_distance)
    y_pred = class_probabilities(widen(y_pred), from_logits=from_logits)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "emd")
    if ground_distance is not None:
        return _transport_cost(y_true, y_pred, ground_distance)
    distances = ops.abs(_cumulative_difference(y_true, y_pred))
    return _power_mean(distances, p) if normalize else _power_sum(distances, p)


def squared_emd(y_true: Any, y_pred: Any, *, from_logits: bool = False) -> Any:
    """Return the squared earth mover's distance of each sample; see `SquaredEMD` for the formula.

    Example:
        >>> [float(value) for value in squared_emd([[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]])]
        [2.0]
    """
    y_pred = class_probabilities(widen(y_pred), from_logits=from_logits)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "squared_emd")
    return ops.sum(ops.square(_cumulative_difference(y_true, y_pred)), axis=-1)


def check_emd_arguments(p: float, ground_distance: Sequence[Sequence[float]] | None) -> None:
    """Raise ``ValueError`` where an argument of the earth mover's distance can have no meaning."""
    if not (math.isfinite(p) and p >= 1):
        message = f"`p` must be a finite number of at least 1, not {p}: below 1 the formula is no distance."
        raise ValueError(message)
    if ground_distance is None:
        return
    rows = [list(row) for row in ground_distance]
    if not rows or any(len(row) != len(rows) for row in rows):
        sizes = sorted({len(row) for row in rows})
        message = f"`ground_distance` must be a square matrix, not {len(rows)} rows of length {sizes}."
        raise ValueError(message)
    if not all(math.isfinite(cost) and cost >= 0 for row in rows for cost in row):
        message = "`ground_distance` must hold finite numbers of at least 0."
        raise ValueError(message)


def _cumulative_difference(y_true: Any, y_pred: Any) -> Any:
    # The cumulative sum of the difference keeps the rounding of one small sum; two sums near 1 would lose digits.
    return ops.cumsum(y_pred - y_true, axis=-1)


def _power_sum(distances: Any, p: float) -> Any:
    """Return ``(sum distances^p)^(1/p)`` over the last axis."""
    return _rooted(distances, p, ops.sum)


def _power_mean(distances: Any, p: float) -> Any:
    """Return ``(mean distances^p)^(1/p)`` over the last axis."""
    return _rooted(distances, p, ops.mean)


def _rooted(distances: Any, p: float, reduce: Any) -> Any:
    if p == 1:
        return reduce(distances, axis=-1)
    # Distances relative to the largest neither overflow nor vanish under the exponent. The value does not depend on
    # the scale, so no gradient has to pass through it.
    largest = ops.stop_gradient(ops.max(distances, axis=-1, keepdims=True))
    differs = largest > 0
    scale = ops.where(differs, largest, 1.0)
    total = reduce(ops.power(distances / scale, p), axis=-1, keepdims=True)
    # The root's slope is infinite at 0: without the inner `where` an exact match would make the gradient NaN.
    root = scale * ops.power(ops.where(differs, total, 1.0), 1.0 / p)
    return ops.squeeze(ops.where(differs, root, 0.0), -1)


def _transport_cost(y_true: Any, y_pred: Any, ground_distance: Sequence[Sequence[float]]) -> Any:
    classes = y_pred.shape[-1]
    if len(ground_distance) != classes:
        message = f"`ground_distance` is for {len(ground_distance)} classes, and `y_pred` has {classes}."
        raise ValueError(message)
    costs = ops.convert_to_tensor(ground_distance, dtype=y_pred.dtype)
    return ops.sum(ops.matmul(y_true, costs) * y_pred, axis=-1)
