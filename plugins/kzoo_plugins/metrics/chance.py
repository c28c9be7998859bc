"""Agreement of true and predicted classes beyond what chance would give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo_plugins.metrics.confusion import ConfusionMetric
from kzoo_plugins.metrics.sums import check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CohenKappa", "MatthewsCorrelation"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MatthewsCorrelation(ConfusionMetric):
    """Matthews correlation coefficient: the correlation of true and predicted classes, fair where classes are rare.

    Formula, for class k with t_k true and p_k predicted samples of s in all, C_kk of them right:

    ```
    mcc = sum_k (C_kk s - p_k t_k) / sqrt(sum_k p_k (s - p_k)) / sqrt(sum_k t_k (s - t_k))
    ```

    For two classes that is (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)). It is 1 for right
    predictions, 0 for what chance would do, and negative where predictions contradict the labels. Where labels or
    predictions are all of one class, it is 0.

    Args:
        num_classes: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        threshold: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to 0.5.
        axis: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to -1.
        ignore_class: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        class_weight: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        name: Defaults to "mcc".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        y_pred: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = MatthewsCorrelation()
        >>> metric.update_state([1, 1, 0, 0], [[0.9], [0.8], [0.7], [0.1]])
        >>> round(float(metric.result()), 4)
        0.5774

    References:
        - [Matthews, 1975](https://doi.org/10.1016/0005-2795(75)90109-9), Comparison of the predicted and observed
          secondary structure of T4 phage lysozyme
        - [Gorodkin, 2004](https://doi.org/10.1016/j.compbiolchem.2004.09.006), Comparing two K-category assignments by
          a K-category correlation coefficient
    """

    def __init__(
        self,
        num_classes: int | None = None,
        threshold: float = 0.5,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "mcc",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_classes, threshold, name, dtype, axis=axis, ignore_class=ignore_class, class_weight=class_weight
        )

    def score(self, confusion: Any) -> Any:
        """Return the correlation."""
        right, total = ops.diagonal(confusion), ops.sum(confusion)
        true, pred = ops.sum(confusion, axis=1), ops.sum(confusion, axis=0)

        def share(part: Any) -> Any:
            return ops.divide_no_nan(part, total)

        # C_kk s - p_k t_k is TP TN - FP FN of class k. Differences are taken of counts, where they are exact.
        together = share(right) * share(total - true - (pred - right)) - share(pred - right) * share(true - right)
        spreads = [ops.sqrt(ops.sum(share(one) * share(total - one))) for one in (true, pred)]
        return ops.divide_no_nan(ops.sum(together), spreads[0] * spreads[1])


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class CohenKappa(ConfusionMetric):
    """Cohen's kappa: agreement of true and predicted classes beyond what chance would give.

    Formula, with O the share of samples in each cell of the confusion matrix and E that expected by chance:

    ```
    kappa = 1 - sum_ij W_ij O_ij / sum_ij W_ij E_ij        E_ij = sum_b O_ib sum_a O_aj
    W_ij = [i != j]        weights=None
    W_ij = |i - j|         weights="linear"
    W_ij = (i - j)^2       weights="quadratic", for ordered classes
    ```

    It is 1 for right predictions and 0 for what chance would do. Where labels and predictions are all of one and the
    same class, chance would do as well, and it is 0.

    Args:
        weights: What a mistake counts: None, "linear" or "quadratic". Defaults to None.
        num_classes: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        threshold: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to 0.5.
        axis: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to -1.
        ignore_class: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        class_weight: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        name: Defaults to "cohen_kappa".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        y_pred: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = CohenKappa(weights="quadratic")
        >>> metric.update_state([0, 1, 2], [[0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])
        >>> round(float(metric.result()), 4)
        0.6667

    References:
        - [Cohen, 1960](https://doi.org/10.1177/001316446002000104), A coefficient of agreement for nominal scales
        - [Cohen, 1968](https://doi.org/10.1037/h0026256), Weighted kappa
    """

    def __init__(
        self,
        weights: str | None = None,
        num_classes: int | None = None,
        threshold: float = 0.5,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "cohen_kappa",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_classes, threshold, name, dtype, axis=axis, ignore_class=ignore_class, class_weight=class_weight
        )
        check_choice("weights", weights, (None, "linear", "quadratic"))
        self.weights = weights

    def score(self, confusion: Any) -> Any:
        """Return kappa."""
        places = ops.arange(confusion.shape[0], dtype=confusion.dtype)
        apart = ops.abs(ops.expand_dims(places, 1) - places)
        power = {"linear": 1, "quadratic": 2}.get(self.weights or "")
        cost = apart**power if power else ops.cast(apart > 0, confusion.dtype)
        total = ops.sum(confusion)
        chance = ops.sum(confusion, axis=1, keepdims=True) * ops.sum(confusion, axis=0, keepdims=True)
        # sum W (E - O) / sum W E, both times s^2: differences are taken of products of counts, which are exact.
        return ops.divide_no_nan(ops.sum(cost * (chance - total * confusion)), ops.sum(cost * chance))
