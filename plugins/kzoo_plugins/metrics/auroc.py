"""The area under the ROC curve of each class against the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import OverClasses, align_shapes
from kzoo_plugins.metrics.sums import SumMetric, check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["AUROCPerClass", "MultilabelAUROC"]

_FARTHEST = 24.0
"""The log-odds beyond which bins end: a probability of 4e-11, or of 1 less that."""
_ROUNDING = 1e-3
_LEFT_OUT = -1.0


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class AUROCPerClass(OverClasses, SumMetric):
    """Area under the ROC curve of each class against the others: how often a sample of it has the higher score.

    Formula, for class k, with the weights w of samples i of the class and j of others, and their scores s:

    ```
    auroc_k = sum_ij w_i w_j ([s_ik > s_jk] + [s_ik = s_jk] / 2) / sum_ij w_i w_j
    ```

    Two scores count as equal where they lie in one of `n_bins` bins, which are of equal width in log-odds between -24
    and 24, so that probabilities near 0 and 1, where those of a trained network lie, are told apart. So the sums over
    batches and replicas add up, and the result is exact, up to rounding, where no sample of a class shares a bin with
    one of another class unless their scores are equal. Otherwise it is off by at most half of the share of such pairs;
    with the default, scores that differ by 1.2 % of p (1 - p) do not share a bin.

    The result is a tensor with a value for each class and not a number, unless `average` makes it one: it is kept in
    the records of a run, the line of progress leaves it out, and no callback can monitor it. Where a class has no
    samples, or there are no others, its area is not defined: it is NaN, and `average` leaves it out. Predictions in a
    single column give one number, the area of class 1.

    Args:
        average: "macro" for the mean over the classes, "weighted" for the mean weighted by how many samples are of
            each, None for one value for each class. Defaults to None.
        n_bins: The number of bins, at least 2. Defaults to 4096, which take 32 kB for each class.
        from_logits: Whether `y_pred` holds logits: of a softmax, or of a sigmoid where it is a single column or with
            `multilabel`. Defaults to False.
        multilabel: Whether every column is a yes-or-no question of its own. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class, or with `multilabel` an answer, whose positions do not count. Defaults to None.
        class_weight: A number of at least 0 for each class. With `average="macro"` it is the weight of the class in
            the mean; else it counts as a sample weight of its samples, also where they are the others. With
            `multilabel` it is the weight of each question in either mean; the area of a single column does not depend
            on it. Defaults to None: all the same.
        name: Defaults to "auroc_per_class".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K) or class indices of shape (...) or (..., 1); with `multilabel`,
            between 0 and 1 of shape (..., K). A soft label counts in part as one of the class and in part as another.
        y_pred: Probabilities or logits of shape (..., K), or of class 1 of shape (...) or (..., 1). A number outside of
            [0, 1] that is to be a probability makes the result NaN, and so does a label that is no class.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = AUROCPerClass()
        >>> metric.update_state([0, 1, 1], [[0.8, 0.2], [0.3, 0.7], [0.9, 0.1]])
        >>> metric.result().numpy().tolist()
        [0.5, 0.5]
        >>> metric = AUROCPerClass()
        >>> metric.update_state([0, 1, 1, 0], [[0.2], [0.7], [0.3], [0.4]])
        >>> float(metric.result())
        0.75

    References:
        - [Hanley, McNeil, 1982](https://doi.org/10.1148/radiology.143.1.7063747), The meaning and use of the area under
          a receiver operating characteristic (ROC) curve
        - `sklearn.metrics.roc_auc_score`
    """

    def __init__(
        self,
        average: str | None = None,
        n_bins: int = 4096,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        multilabel: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "auroc_per_class",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.set_classes(axis=axis, ignore_class=ignore_class, class_weight=class_weight)
        check_choice("average", average, ("macro", "weighted", None))
        if isinstance(n_bins, bool) or int(n_bins) != n_bins or n_bins < 2:  # noqa: PLR2004 - below there is no order
            message = f"`n_bins` must be a whole number of at least 2, not {n_bins}."
            raise ValueError(message)
        self.average = average
        self.n_bins = int(n_bins)
        self.from_logits = from_logits
        self.multilabel = multilabel
        self.single = False

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return for each class whether a position is of it, -1 where that does not count, and its log-odds."""
        shape = tuple(y_pred.shape)
        self.single = len(shape) == 1 or shape[-1] == 1
        if self.single or self.multilabel:
            y_true, y_pred = align_shapes(y_true, y_pred, self.name)
            if self.single and (len(y_pred.shape) == 1 or y_pred.shape[-1] != 1):
                y_true, y_pred = ops.expand_dims(y_true, -1), ops.expand_dims(y_pred, -1)
            if not self.single:
                y_true, y_pred = self.classes_last(y_true, y_pred)
            kept = None if self.ignore_class is None else y_true != self.ignore_class
            known = ops.logical_and(y_true >= 0, y_true <= 1)
            y_true = ops.where(known, y_true, ops.full_like(y_true, float("nan")))
            odds = y_pred if self.from_logits else _log_odds(y_pred)
        else:
            labels = self.read_labels(y_true, y_pred)
            kept = None if labels.kept is None else ops.expand_dims(labels.kept, -1)
            y_true, y_pred = labels.y_true, labels.y_pred
            odds = _log_odds_of_softmax(y_pred) if self.from_logits else _log_odds(y_pred)
        if kept is not None:
            y_true = ops.where(kept, y_true, ops.full_like(y_true, _LEFT_OUT))
            odds = ops.where(kept, odds, ops.zeros_like(odds))
        self._class_weights(2 if self.single else odds.shape[-1])  # refused now, also where they change nothing
        return y_true, odds

    def weighed(self, y_true: Any) -> Any:
        """Return a tensor with one entry for each position."""
        return y_true[..., 0]

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return the weights of the samples of each class and of the others in each bin, shape (K, bins)."""
        classes, bins = y_pred.shape[-1], self.n_bins
        wrong = ops.any(ops.isnan(y_true + y_pred), axis=-1)
        weight = ops.where(ops.logical_and(wrong, weight != 0), ops.full_like(weight, float("nan")), weight)
        share = (ops.clip(y_pred, -_FARTHEST, _FARTHEST) + _FARTHEST) / (2 * _FARTHEST)
        place = ops.cast(ops.floor(ops.where(ops.isnan(share), ops.zeros_like(share), share) * bins), "int32")
        cell = ops.clip(place, 0, bins - 1) + ops.arange(classes, dtype="int32") * bins
        if self.class_weight is not None and not (self.average == "macro" or self.multilabel or self.single):
            weight = weight * ops.sum(ops.where(y_true >= 0, y_true, 0.0) * self._class_weights(classes), axis=-1)
        weights = ops.where(y_true == _LEFT_OUT, ops.zeros_like(y_true), ops.expand_dims(weight, -1))

        def in_bins(part: Any) -> Any:
            # Where the weight is 0 the label may be NaN, and where it is NaN so shall be the sum.
            found = ops.where(weights == 0, ops.zeros_like(weights), weights * part)
            found = ops.segment_sum(ops.reshape(found, (-1,)), ops.reshape(cell, (-1,)), num_segments=classes * bins)
            return ops.reshape(found, (classes, bins))

        return {"positives": in_bins(y_true), "negatives": in_bins(1 - y_true)}

    def score(self, positives: Any, negatives: Any) -> Any:
        """Return the area of each class, or their mean."""
        own, others = ops.sum(positives, axis=-1), ops.sum(negatives, axis=-1)
        lower = ops.cumsum(negatives, axis=-1) - negatives / 2
        shares = ops.divide_no_nan(positives, ops.expand_dims(own, -1))
        area = ops.sum(shares * ops.divide_no_nan(lower, ops.expand_dims(others, -1)), axis=-1)
        defined = ops.logical_and(own != 0, others != 0)
        anything = ops.sum(own + others) != 0
        if self.average is not None and not self.single:
            weight = ops.ones_like(own) if self.average == "macro" else own
            if self.average == "macro" or self.multilabel:
                weight = weight * self._class_weights(own.shape[0])
            weight = ops.where(defined, weight, ops.zeros_like(own))
            defined = ops.sum(weight) != 0
            area = ops.divide_no_nan(ops.sum(weight * area), ops.sum(weight))
        area = ops.where(defined, area, ops.where(anything, ops.full_like(area, float("nan")), ops.zeros_like(area)))
        return area[0] if self.single else area

    def _class_weights(self, classes: int) -> Any:
        """Return the weight of each class, shape (K,)."""
        if self.class_weight is None:
            return ops.ones((classes,), self.dtype)
        count = len(self.class_weight)
        if count != classes:
            message = f"`{self.name}` has a `class_weight` of {count} numbers, and there are {classes} classes."
            raise ValueError(message)
        return ops.convert_to_tensor([float(one) for one in self.class_weight], dtype=self.dtype)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MultilabelAUROC(AUROCPerClass):
    """Area under the ROC curve of each of several yes-or-no questions: `AUROCPerClass` with `multilabel`.

    Args:
        average: As in `AUROCPerClass`. Defaults to None.
        n_bins: The number of bins, at least 2. Defaults to 4096.
        from_logits: Whether `y_pred` holds logits. Defaults to False.
        axis: The axis of the questions. Defaults to -1.
        ignore_class: An answer that does not count, such as -1 for one that is not known. Defaults to None.
        class_weight: The weight of each question in the mean. Defaults to None: all the same.
        name: Defaults to "auroc_per_class".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: 0 or 1 of shape (..., L).
        y_pred: Probabilities or logits of shape (..., L).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = MultilabelAUROC()
        >>> metric.update_state([[1, 0], [0, 1], [1, 1]], [[0.9, 0.8], [0.2, 0.7], [0.6, 0.9]])
        >>> metric.result().numpy().tolist()
        [1.0, 0.5]

    References:
        - [Hanley, McNeil, 1982](https://doi.org/10.1148/radiology.143.1.7063747), The meaning and use of the area under
          a receiver operating characteristic (ROC) curve
    """

    def __init__(
        self,
        average: str | None = None,
        n_bins: int = 4096,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "auroc_per_class",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            average=average,
            n_bins=n_bins,
            from_logits=from_logits,
            multilabel=True,
            axis=axis,
            ignore_class=ignore_class,
            class_weight=class_weight,
            name=name,
            dtype=dtype,
        )


def _log_odds(probabilities: Any) -> Any:
    """Return the log-odds of probabilities, infinite for 0 and 1, and NaN for what is none by more than rounding."""
    inside = ops.clip(probabilities, 0.0, 1.0)
    near = ops.abs(probabilities - inside) <= _ROUNDING
    return ops.where(near, ops.log(inside) - ops.log1p(-inside), ops.full_like(inside, float("nan")))


def _log_odds_of_softmax(logits: Any) -> Any:
    """Return the log-odds of each class, without the rounding of a probability near 1."""
    logs = ops.log_softmax(logits, axis=-1)
    return logs - ops.log(-ops.expm1(logs))
