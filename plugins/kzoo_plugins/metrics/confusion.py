"""The confusion matrix of all samples, and the base of the metrics that follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo_plugins.metrics.labels import PredictedClasses
from kzoo_plugins.metrics.sums import check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ConfusionMatrix",
    "ConfusionMetric",
    "MultilabelConfusionMatrix",
]


class ConfusionMetric(PredictedClasses):
    """The base of metrics that follow from the confusion matrix of all samples, true classes in rows.

    Labels and predictions are read as `PredictedClasses` says, which has the arguments, too.
    """

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the weighted counts of a batch, shape (K, K)."""
        k = self.classes
        cell = ops.reshape(ops.cast(y_true, "int32") * k + ops.cast(y_pred, "int32"), (-1,))
        # A sum by cell and no product of one-hot matrices, which accelerators would round to fewer digits.
        counts = ops.segment_sum(ops.reshape(weight, (-1,)), cell, num_segments=k * k)
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
        num_classes: The number of classes K, at least 2. Defaults to None: as many as the predictions have columns;
            for a single column as many as one-hot labels have, or 2.
        threshold: The probability above which a single column, or a label's own probability, is a yes. Defaults to
            0.5.
        normalize: What to divide by: "rows" for the sum of each row, which makes the diagonal the recalls, "columns"
            for the sum of each column, "all" for the sum of everything; a sum of 0 leaves zeros. Defaults to None:
            counts.
        cell: Row and column of one entry, which is then the result: `[4, 9]` is how many of class 4 were taken for
            class 9. With `multilabel` the label comes first. Defaults to None: the matrix.
        multilabel: Whether every column is a yes-or-no question of its own. The result is then (L, 2, 2): for each of
            L labels `[[true negatives, false positives], [false negatives, true positives]]`. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class, with `multilabel` an answer, whose positions count nothing. Defaults to None.
        class_weight: A number of at least 0 for each class, with `multilabel` for no and for yes, which counts as a
            sample weight of its positions does. Defaults to None.
        name: Defaults to "confusion_matrix".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot labels of shape (..., K) or class indices of shape (...) or (..., 1); with `multilabel`, 0 or 1
            of shape (..., L).
        y_pred: Scores of shape (..., K), probabilities of class 1 of shape (...) or (..., 1), or class indices of these
            shapes: a column is one of indices where it is of integers or booleans, or where there are more than two
            classes. A label or index that is no class makes the result NaN, unless its weight is 0.
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
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "confusion_matrix",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_classes,
            threshold,
            name,
            dtype,
            multilabel=multilabel,
            axis=axis,
            ignore_class=ignore_class,
            class_weight=class_weight,
        )
        check_choice("normalize", normalize, (None, "rows", "columns", "all"))
        places = 3 if multilabel else 2
        if cell is not None and (len(cell) != places or any(int(at) != at or at < 0 for at in cell)):
            message = f"`cell` must be {places} whole numbers of at least 0, or None, not {cell}."
            raise ValueError(message)
        self.normalize = normalize
        self.cell = cell

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
        axis: The axis of `y_pred` and `y_true` that holds the questions. Defaults to -1.
        ignore_class: An answer that counts nothing. Defaults to None.
        class_weight: Two numbers of at least 0, for no and for yes, which count as sample weights do. Defaults to None.
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
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "confusion_matrix",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            threshold=threshold,
            normalize=normalize,
            cell=cell,
            multilabel=True,
            axis=axis,
            ignore_class=ignore_class,
            class_weight=class_weight,
            name=name,
            dtype=dtype,
        )
