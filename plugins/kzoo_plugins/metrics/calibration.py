"""Metrics of probabilities: whether they can be believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLabels, ClassMetric, align_shapes, class_probabilities
from kzoo_plugins.metrics.labels import ClassSums, true_answers
from kzoo_plugins.metrics.sums import check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BrierScore", "CalibrationError"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class CalibrationError(ClassSums):
    """Expected calibration error: how far the confidence of predictions is from how often they are right.

    Formula, over M bins of equal width of the confidence, the largest probability of a sample. Bin b holds the samples
    with a confidence in (b/M, (b+1)/M]; c_b is their mean confidence, a_b their accuracy and f_b their share:

    ```
    sum_b f_b |a_b - c_b|               norm="l1"
    sqrt(sum_b f_b (a_b - c_b)^2)       norm="l2"
    max_b |a_b - c_b|                   norm="max"
    ```

    A single column is taken for the two classes 1 - p and p, so that it gives what a softmax of two columns gives.

    Args:
        n_bins: The number of bins M, at least 1. Defaults to 15.
        norm: "l1" for the expected, "l2" for the root mean square and "max" for the maximum calibration error.
            Defaults to "l1".
        from_logits: Whether `y_pred` holds logits. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        name: Defaults to "ece".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot labels of shape (..., K) or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K), or of class 1 of shape (..., 1).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = CalibrationError()
        >>> metric.update_state([0, 1, 1], [[0.9, 0.1], [0.1, 0.9], [0.9, 0.1]])
        >>> round(float(metric.result()), 4)
        0.2333

    References:
        - [Naeini et al., 2015](https://doi.org/10.1609/aaai.v29i1.9602), Obtaining well calibrated probabilities using
          Bayesian binning
        - [Guo et al., 2017](https://arxiv.org/abs/1706.04599), On calibration of modern neural networks
    """

    def __init__(
        self,
        n_bins: int = 15,
        norm: str = "l1",
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "ece",
        dtype: Any = None,
    ) -> None:
        super().__init__(name, dtype, axis=axis, ignore_class=ignore_class, class_weight=class_weight)
        if int(n_bins) != n_bins or n_bins < 1:
            message = f"`n_bins` must be a whole number of at least 1, not {n_bins}."
            raise ValueError(message)
        check_choice("norm", norm, ("l1", "l2", "max"))
        self.n_bins = n_bins
        self.norm = norm
        self.from_logits = from_logits

    def read(self, y_true: Any, y_pred: Any) -> tuple[Any, Any, Any]:
        """Return class indices, probabilities with an axis of classes, and what each position counts."""
        y_true, y_pred = self.classes_last(y_true, y_pred)
        if _has_classes(y_pred):
            true, counts = self.read_indices(y_true, y_pred)
            return true, class_probabilities(y_pred, from_logits=self.from_logits), counts
        y_true, y_pred = _columns(y_true, y_pred, self.name)
        true, counts = self.read_answers(y_true)
        yes = ops.sigmoid(y_pred) if self.from_logits else y_pred
        return true, ops.stack([1 - yes, yes], axis=-1), counts

    def sums(self, y_true: Any, y_pred: Any, weight: Any) -> dict[str, Any]:
        """Return, for each bin, the weights and how much oftener its samples are right than they are confident."""
        confidence = ops.max(y_pred, axis=-1)
        right = ops.cast(ops.cast(ops.argmax(y_pred, axis=-1), self.dtype) == y_true, self.dtype)
        place = ops.cast(ops.ceil(confidence * self.n_bins), "int32") - 1
        place = ops.reshape(ops.clip(place, 0, self.n_bins - 1), (-1,))

        def in_bins(values: Any) -> Any:
            return ops.segment_sum(ops.reshape(values, (-1,)), place, num_segments=self.n_bins)

        return {"weight": in_bins(weight), "gap": in_bins(weight * (right - confidence))}

    def score(self, weight: Any, gap: Any) -> Any:
        """Return the calibration error."""
        apart = ops.abs(ops.divide_no_nan(gap, weight))
        share = ops.divide_no_nan(weight, ops.sum(weight))
        if self.norm == "max":
            return ops.max(apart)
        return ops.sum(share * apart) if self.norm == "l1" else ops.sqrt(ops.sum(share * apart**2))


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class BrierScore(ClassMetric):
    """Brier score: the squared distance of the predicted probabilities from what happened.

    Formula, for one sample with K classes, then averaged over samples by their weights:

    ```
    sum_k (y_pred_k - y_true_k)^2       between 0 and 2
    (y_pred - y_true)^2                 a single column of probabilities: half of that, between 0 and 1
    ```

    It is a proper score: the true probabilities make it smallest.

    Args:
        from_logits: Whether `y_pred` holds logits. Defaults to False.
        scale_by_half: Whether to halve the sum over classes: True, False, or "auto" for halving it where predictions
            are a single column, as is usual there. Defaults to "auto".
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        name: Defaults to "brier".
        dtype: The type of the running sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K), or of class 1 of shape (..., 1).
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = BrierScore()
        >>> metric.update_state([0, 1], [[0.75, 0.25], [0.5, 0.5]])
        >>> float(metric.result())
        0.3125

    References:
        - [Brier, 1950](https://doi.org/10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2), Verification of forecasts
          expressed in terms of probability
    """

    def __init__(
        self,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        scale_by_half: bool | str = "auto",  # noqa: FBT001 - True, False or "auto", as in scikit-learn
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "brier",
        dtype: Any = None,
    ) -> None:
        super().__init__(axis=axis, ignore_class=ignore_class, class_weight=class_weight, name=name, dtype=dtype)
        check_choice("scale_by_half", scale_by_half, (True, False, "auto"))
        self.from_logits = from_logits
        self.scale_by_half = scale_by_half

    def read_labels(self, y_true: Any, y_pred: Any) -> ClassLabels:
        """Return labels and predictions, both with an axis of classes or a single column, and what each counts."""
        true, pred = self.classes_last(y_true, y_pred)
        if _has_classes(pred):
            return super().read_labels(y_true, y_pred)
        true, pred = _columns(true, pred, self.name)
        kept = None
        if self.ignore_class is not None:
            kept = true != ops.cast(self.ignore_class, true.dtype)
            true = ops.where(kept, true, ops.zeros_like(true))
        true = true_answers(true)
        weight = self.weights_of(ops.stack([1 - true, true], axis=-1))
        return ClassLabels(ops.expand_dims(true, -1), ops.expand_dims(pred, -1), kept, weight)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the score of each sample, shape ``(...)``."""
        single = y_pred.shape[-1] == 1
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred) if single else ops.softmax(y_pred, axis=-1)
        score = ops.sum(ops.square(y_pred - y_true), axis=-1)
        score = 2 * score if single else score  # the other class is as far away
        return score / 2 if self.scale_by_half is True or (single and self.scale_by_half == "auto") else score


def _has_classes(y_pred: Any) -> bool:
    """Return whether predictions have a column for each class, and not one for yes or no."""
    return len(y_pred.shape) > 1 and y_pred.shape[-1] != 1


def _columns(y_true: Any, y_pred: Any, what: str) -> tuple[Any, Any]:
    """Return labels and predictions of one column without its axis."""
    column = len(y_pred.shape) > 1
    return align_shapes(y_true, ops.squeeze(y_pred, -1) if column else y_pred, what)
