"""Rates of each class, from the confusion matrix of all samples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo_plugins.metrics.confusion import ConfusionMetric
from kzoo_plugins.metrics.sums import check_choice

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BalancedAccuracy", "NegativePredictiveValue", "Specificity"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class BalancedAccuracy(ConfusionMetric):
    """Balanced accuracy: the mean recall of the classes, so that a rare class counts as much as a frequent one.

    Formula, over the n classes that occur among the labels, C_kk of whose t_k samples are right:

    ```
    balanced = mean_k C_kk / t_k
    (balanced - 1/n) / (1 - 1/n)        adjusted=True; 0 where n is 1
    ```

    Args:
        adjusted: Whether to shift and scale the result so that what chance would do is 0. Defaults to False.
        num_classes: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        threshold: The probability above which a single column is a yes. Defaults to 0.5.
        axis: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to -1.
        ignore_class: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes. Defaults to
            None: all the same.
        name: Defaults to "balanced_accuracy".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        y_pred: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = BalancedAccuracy()
        >>> metric.update_state([0, 0, 0, 1], [[0.9], [0.2], [0.3], [0.8]])
        >>> round(float(metric.result()), 4)
        0.8333

    References:
        - [Brodersen et al., 2010](https://doi.org/10.1109/ICPR.2010.764), The balanced accuracy and its posterior
          distribution
    """

    def __init__(
        self,
        adjusted: bool = False,  # noqa: FBT001, FBT002 - named as an argument on the command line
        num_classes: int | None = None,
        threshold: float = 0.5,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "balanced_accuracy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            num_classes, threshold, name, dtype, axis=axis, ignore_class=ignore_class, class_weight=class_weight
        )
        self.adjusted = adjusted

    def weighs_positions(self) -> bool:
        """Return that weights are those of the classes in their mean."""
        return False

    def score(self, confusion: Any) -> Any:
        """Return the mean recall."""
        true = ops.sum(confusion, axis=1)
        occurring = ops.cast(true != 0, confusion.dtype)
        weights = occurring * self.class_weights(confusion.shape[0], confusion.dtype)
        recalls = ops.divide_no_nan(ops.diagonal(confusion), true)
        balanced = ops.divide_no_nan(ops.sum(weights * recalls), ops.sum(weights))
        if not self.adjusted:
            return balanced
        # (b - 1/n) / (1 - 1/n), multiplied by n above and below
        number = ops.sum(occurring)
        return ops.divide_no_nan(balanced * number - 1, ops.maximum(number - 1, 0))


class _NegativeRate(ConfusionMetric):
    """A share of true negatives, for each class against the others."""

    def __init__(
        self,
        average: str | None,
        num_classes: int | None,
        threshold: float,
        name: str,
        dtype: Any = None,
        **over: Any,
    ) -> None:
        super().__init__(num_classes, threshold, name, dtype, **over)
        check_choice("average", average, ("macro", "micro", None))
        self.average = average

    def weighs_positions(self) -> bool:
        """Return whether there is no mean over classes, in which they could weigh."""
        return self.average != "macro" or self.of_class_1()

    def of_class_1(self) -> bool:
        """Return whether the result is the rate of class 1 of two: predictions are a single column."""
        return self.single and self.classes == 2  # noqa: PLR2004

    def others(self, confusion: Any) -> Any:
        """Return, for each class, the number of samples among which the true negatives are counted."""
        raise NotImplementedError

    def score(self, confusion: Any) -> Any:
        """Return the rate, averaged as `average` says; of class 1 where predictions are a single column."""
        others, right = self.others(confusion), ops.diagonal(confusion)
        outside = ops.sum(confusion) - ops.sum(confusion, axis=1) - ops.sum(confusion, axis=0) + right
        if self.of_class_1():
            return ops.divide_no_nan(outside[1], others[1])
        if self.average == "micro":
            return ops.divide_no_nan(ops.sum(outside), ops.sum(others))
        rates = ops.divide_no_nan(outside, others)
        if self.average is None:
            return rates
        weights = ops.cast(others != 0, rates.dtype) * self.class_weights(rates.shape[0], rates.dtype)
        return ops.divide_no_nan(ops.sum(weights * rates), ops.sum(weights))


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Specificity(_NegativeRate):
    """Specificity, the true negative rate: of the samples that are not of a class, the share not taken for it.

    Formula, for class k against the others:

    ```
    specificity_k = TN_k / (TN_k + FP_k)
    ```

    Predictions in a single column give the specificity of class 1, that is, the recall of class 0.

    Args:
        average: "macro" for the mean over the classes that some sample is not of; "micro" for all true negatives over
            all negatives; None for one value for each class, 0 where every sample is of the class. Defaults to
            "macro".
        num_classes: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        threshold: The probability above which a single column is a yes. Defaults to 0.5.
        axis: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to -1.
        ignore_class: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        class_weight: A number of at least 0 for each class: with "macro" its weight in the mean over the classes,
            else, and for a single column, what counts as a sample weight of its positions does. Defaults to None.
        name: Defaults to "specificity".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        y_pred: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = Specificity()
        >>> metric.update_state([1, 0, 0, 0], [[0.9], [0.8], [0.3], [0.1]])
        >>> round(float(metric.result()), 4)
        0.6667

    References:
        - [Yerushalmy, 1947](https://doi.org/10.2307/4586294), Statistical problems in assessing methods of medical
          diagnosis
    """

    def __init__(
        self,
        average: str | None = "macro",
        num_classes: int | None = None,
        threshold: float = 0.5,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "specificity",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            average,
            num_classes,
            threshold,
            name,
            dtype,
            axis=axis,
            ignore_class=ignore_class,
            class_weight=class_weight,
        )

    def others(self, confusion: Any) -> Any:
        """Return the samples that are not of each class."""
        return ops.sum(confusion) - ops.sum(confusion, axis=1)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class NegativePredictiveValue(_NegativeRate):
    """Negative predictive value: of the samples not taken for a class, the share that is not of it.

    Formula, for class k against the others:

    ```
    npv_k = TN_k / (TN_k + FN_k)
    ```

    Predictions in a single column give the value of class 1: how far a no can be trusted.

    Args:
        average: "macro" for the mean over the classes that some sample is not taken for; "micro" for all true
            negatives over all that was not taken for a class; None for one value for each class, 0 where every sample
            is taken for the class. Defaults to "macro".
        num_classes: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        threshold: The probability above which a single column is a yes. Defaults to 0.5.
        axis: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to -1.
        ignore_class: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`. Defaults to None.
        class_weight: A number of at least 0 for each class: with "macro" its weight in the mean over the classes,
            else, and for a single column, what counts as a sample weight of its positions does. Defaults to None.
        name: Defaults to "npv".
        dtype: The type of the sums, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        y_pred: As in `kzoo_plugins.metrics.confusion.ConfusionMatrix`.
        sample_weight: Weights of shape (N,), or one number.

    Raises:
        ValueError: An argument is out of its range, or the shapes do not belong together.

    Example:
        >>> metric = NegativePredictiveValue()
        >>> metric.update_state([1, 1, 0, 0], [[0.9], [0.2], [0.3], [0.1]])
        >>> round(float(metric.result()), 4)
        0.6667

    References:
        - [Vecchio, 1966](https://doi.org/10.1056/NEJM196605262742104), Predictive value of a single diagnostic test in
          unselected populations
    """

    def __init__(
        self,
        average: str | None = "macro",
        num_classes: int | None = None,
        threshold: float = 0.5,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        name: str = "npv",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            average,
            num_classes,
            threshold,
            name,
            dtype,
            axis=axis,
            ignore_class=ignore_class,
            class_weight=class_weight,
        )

    def others(self, confusion: Any) -> Any:
        """Return the samples that were not taken for each class."""
        return ops.sum(confusion) - ops.sum(confusion, axis=0)
