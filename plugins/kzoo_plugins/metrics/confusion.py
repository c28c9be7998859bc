"""The confusion matrix of all samples, and the base of the metrics that follow from it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import align_shapes
from kzoo_plugins.metrics.sums import SumMetric, check_choice, class_indices

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ConfusionMatrix",
    "ConfusionMetric",
    "MultilabelConfusionMatrix",
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

    The result is a (K, K) tensor and not a number. It is kept in the records of a run as nested lists; the line of
    progress leaves it out, and no callback can monitor it. `cell` makes it a number.

    Args:
        num_classes: The number of classes K, at least 2. Defaults to None: as many as the predictions have columns,
            or 2 for a single column.
        threshold: The probability above which a single column, or a label's own probability, is a yes. Defaults to
            0.5.
        normalize: What to divide by: "rows" for the sum of each row, which makes the diagonal the recalls, "columns"
            for the sum of each column, "all" for the sum of everything; a sum of 0 leaves zeros. Defaults to None:
            counts.
        cell: Row and column of one entry, which is then the result: `[4, 9]` is how many of class 4 were taken for
            class 9. With `multilabel` the label comes first. Defaults to None: the matrix.
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
        cell: Sequence[int] | None = None,
        multilabel: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        name: str = "confusion_matrix",
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes, threshold, name, dtype)
        check_choice("normalize", normalize, (None, "rows", "columns", "all"))
        places = 3 if multilabel else 2
        if cell is not None and (len(cell) != places or any(int(at) != at or at < 0 for at in cell)):
            message = f"`cell` must be {places} whole numbers of at least 0, or None, not {cell}."
            raise ValueError(message)
        self.normalize = normalize
        self.cell = cell
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
        """Return the matrix, divided by what `normalize` says, or the entry that `cell` names."""
        axis = {"rows": -1, "columns": -2, "all": (-2, -1)}.get(self.normalize or "")
        if axis is not None:
            confusion = ops.divide_no_nan(confusion, ops.sum(confusion, axis=axis, keepdims=True))
        if self.cell is None:
            return confusion
        shape = tuple(confusion.shape)
        if any(at >= size for at, size in zip(self.cell, shape, strict=True)):
            message = f"`{self.name}` has the shape {shape}, which has no entry {list(self.cell)}."
            raise ValueError(message)
        return confusion[tuple(int(at) for at in self.cell)]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MultilabelConfusionMatrix(ConfusionMatrix):
    """Confusion matrix of each of several yes-or-no questions: `ConfusionMatrix` with `multilabel`.

    Args:
        threshold: The probability above which a label's own is a yes. Defaults to 0.5.
        normalize: As in `ConfusionMatrix`. Defaults to None.
        cell: As in `ConfusionMatrix`. Defaults to None.
        name: Defaults to "confusion_matrix".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: 0 or 1 of shape (..., L).
        y_pred: Probabilities of shape (..., L).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = MultilabelConfusionMatrix()
        >>> metric.update_state([[1, 0], [1, 1]], [[0.9, 0.8], [0.2, 0.7]])
        >>> metric.result().numpy().tolist()
        [[[0.0, 0.0], [1.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]]

    References:
        - [Kohavi, Provost, 1998](https://doi.org/10.1023/A:1017181826899), Glossary of terms
    """

    def __init__(
        self,
        threshold: float = 0.5,
        normalize: str | None = None,
        cell: Sequence[int] | None = None,
        name: str = "confusion_matrix",
        dtype: Any = None,
    ) -> None:
        super().__init__(threshold=threshold, normalize=normalize, cell=cell, multilabel=True, name=name, dtype=dtype)
