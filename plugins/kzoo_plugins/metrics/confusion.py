"""Metrics of one confusion matrix, summed over all batches: the matrix, and how far it is from chance."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo.component import align_shapes
from kzoo_plugins.metrics.sums import SumMetric, check_choice, class_indices

__all__ = [
    "CohenKappa",
    "ConfusionMatrix",
    "ConfusionMetric",
    "MatthewsCorrelation",
    "multilabel_confusion_matrix",
]


class ConfusionMetric(SumMetric):
    """The base of metrics that follow from the confusion matrix of all samples, true classes in rows.

    Predictions of shape (..., K) are scores: the largest is the predicted class. Predictions with a last axis of 1, or
    with one axis only, are probabilities of class 1 of two, compared with a threshold; where `num_classes` is larger
    than 2 they are class indices.

    Args:
        num_classes: The number of classes K, at least 2. Defaults to None: as many as the predictions have columns.
        threshold: The probability above which a single column is a yes. Defaults to 0.5.
        name: The metric's name.
        dtype: The type of the sums, at least float32.
    """

    def __init__(self, num_classes: int | None, threshold: float, name: str, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        if num_classes is not None and (int(num_classes) != num_classes or num_classes < 2):  # noqa: PLR2004
            message = f"`num_classes` must be a whole number of at least 2, or None, not {num_classes}."
            raise ValueError(message)
        if not math.isfinite(threshold):
            message = f"`threshold` must be a finite number, not {threshold}."
            raise ValueError(message)
        self.num_classes = num_classes
        self.threshold = threshold
        self.single = False
        self.classes = num_classes or 0

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return true and predicted classes as indices of equal shapes."""
        shape = tuple(y_pred.shape)
        self.single = len(shape) == 1 or shape[-1] == 1
        if not self.single:
            if self.num_classes not in (None, shape[-1]):
                message = f"`{self.name}` is for {self.num_classes} classes, and `y_pred` has {shape[-1]} columns."
                raise ValueError(message)
            self.classes = shape[-1]
            true = class_indices(y_true, y_pred, self.name)
            return true, ops.cast(ops.argmax(y_pred, axis=-1), "int32")
        self.classes = self.num_classes or 2
        y_true, y_pred = align_shapes(y_true, y_pred, self.name)
        if self.classes == 2:  # noqa: PLR2004
            y_pred = y_pred > self.threshold
        return ops.cast(y_true, "int32"), ops.cast(y_pred, "int32")

    def tensor(self, value: Any) -> Any:
        """Return labels or predictions as they are: indices need all their digits."""
        return ops.convert_to_tensor(value)

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the weighted counts of a batch, shape (K, K); NaN where an index is no class and its weight not 0."""
        k = self.classes
        cell, weight = ops.reshape(y_true * k + y_pred, (-1,)), ops.reshape(weight, (-1,))
        known = (y_true >= 0) & (y_true < k) & (y_pred >= 0) & (y_pred < k)
        known = ops.reshape(known, (-1,)) | (weight == 0)
        weight = ops.where(known, weight, float("nan"))
        # A sum by cell and no product of one-hot matrices, which accelerators would round to fewer digits.
        counts = ops.segment_sum(weight, ops.clip(cell, 0, k * k - 1), num_segments=k * k)
        return {"confusion": ops.reshape(counts, (k, k))}

    def score(self, confusion: Any) -> Any:
        """Return the result for a matrix of counts, shape (K, K)."""
        raise NotImplementedError


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class ConfusionMatrix(ConfusionMetric):
    """Confusion matrix of all samples: how many of each true class, by row, were taken for each class, by column.

    Formula:

    ```
    C_ij = sum_n w_n [y_true_n = i] [y_pred_n = j]
    ```

    The result is a (K, K) tensor and not a number. Keras and kzoo keep it in logs as nested lists, which the line of
    progress leaves out, and no callback can monitor it.

    Args:
        num_classes: The number of classes K, at least 2. Defaults to None: as many as the predictions have columns,
            or 2 for a single column.
        threshold: The probability above which a single column, or a label's own probability, is a yes. Defaults to
            0.5.
        normalize: What to divide by: "rows" for the sum of each row, which makes the diagonal the recalls, "columns"
            for the sum of each column, "all" for the sum of everything; a sum of 0 leaves zeros. Defaults to None:
            counts.
        multilabel: Whether every column is a yes-or-no question of its own. The result is then (L, 2, 2): for each of
            L labels `[[true negatives, false positives], [false negatives, true positives]]`. Defaults to False.
        name: Defaults to "confusion_matrix".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot labels of shape (..., K) or class indices of shape (...) or (..., 1); with `multilabel`, 0 or 1
            of shape (..., L).
        y_pred: Scores of shape (..., K), probabilities of class 1 of shape (..., 1), or with `num_classes` above 2
            class indices of shape (..., 1). A label or index that is no class makes the result NaN, unless its weight
            is 0.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = ConfusionMatrix()
        >>> metric.update_state([0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        >>> metric.result().numpy().tolist()
        [[1.0, 0.0], [1.0, 1.0]]

    References:
        - [Kohavi, Provost, 1998](https://doi.org/10.1023/A:1017181826899), Glossary of terms
    """

    def __init__(
        self,
        num_classes: int | None = None,
        threshold: float = 0.5,
        normalize: str | None = None,
        multilabel: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        name: str = "confusion_matrix",
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes, threshold, name, dtype)
        check_choice("normalize", normalize, (None, "rows", "columns", "all"))
        self.normalize = normalize
        self.multilabel = multilabel

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return true and predicted classes, or answers, as indices of equal shapes."""
        if not self.multilabel:
            return super().align(y_true, y_pred)
        y_true, y_pred = align_shapes(y_true, y_pred, self.name)
        return ops.cast(y_true, "int32"), ops.cast(y_pred > self.threshold, "int32")

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the weighted counts of a batch, shape (K, K) or (L, 2, 2)."""
        if not self.multilabel:
            return super().sums(y_true, y_pred, weight)
        pairs = [(true, pred) for true in (0, 1) for pred in (0, 1)]
        axes = tuple(range(len(y_true.shape) - 1))
        cells = [
            ops.sum(ops.where((y_true == true) & (y_pred == pred), weight, 0.0), axis=axes) for true, pred in pairs
        ]
        return {"confusion": ops.reshape(ops.stack(cells, axis=-1), (-1, 2, 2))}

    def score(self, confusion: Any) -> Any:
        """Return the matrix, divided by what `normalize` says."""
        axis = {"rows": -1, "columns": -2, "all": (-2, -1)}.get(self.normalize or "")
        if axis is None:
            return confusion
        return ops.divide_no_nan(confusion, ops.sum(confusion, axis=axis, keepdims=True))


def multilabel_confusion_matrix(
    threshold: float = 0.5, normalize: str | None = None, name: str = "confusion_matrix", dtype: Any = None
) -> ConfusionMatrix:
    """Return a `ConfusionMatrix` of yes-or-no questions, for tasks with several labels a sample."""
    return ConfusionMatrix(threshold=threshold, normalize=normalize, multilabel=True, name=name, dtype=dtype)


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
        num_classes: As in `ConfusionMatrix`. Defaults to None.
        threshold: As in `ConfusionMatrix`. Defaults to 0.5.
        name: Defaults to "mcc".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: As in `ConfusionMatrix`.
        y_pred: As in `ConfusionMatrix`.
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
        self, num_classes: int | None = None, threshold: float = 0.5, name: str = "mcc", dtype: Any = None
    ) -> None:
        super().__init__(num_classes, threshold, name, dtype)

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
        num_classes: As in `ConfusionMatrix`. Defaults to None.
        threshold: As in `ConfusionMatrix`. Defaults to 0.5.
        name: Defaults to "cohen_kappa".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: As in `ConfusionMatrix`.
        y_pred: As in `ConfusionMatrix`.
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
        name: str = "cohen_kappa",
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes, threshold, name, dtype)
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
