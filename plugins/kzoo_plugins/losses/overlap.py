"""Losses that measure how far masks overlap: Dice, generalized Dice and Jaccard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo_plugins.losses.masks import (
    MaskLoss,
    as_masks,
    check_at_least_0,
    mask_probabilities,
    mean_over_classes,
    over_positions,
    ratio,
    sizes_and_presence,
    weights_of_classes,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["GeneralizedDice", "Jaccard", "SoftDice", "generalized_dice", "jaccard", "soft_dice"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SoftDice(MaskLoss):
    """Soft Dice loss: one minus twice the overlap of prediction and truth, relative to the sum of their sizes.

    Formula, for one sample, with sums over its positions and the mean over its K classes c:

    ```
    soft_dice = mean_c [1 - (2 sum y_pred_c y_true_c + smooth) / (sum y_pred_c + sum y_true_c + smooth)]
    ```

    `squared=True` squares `y_pred` and `y_true` in the denominator, as Milletari et al. write it. A class that is
    neither in the truth nor in the prediction is a match and gives 0. With `smooth=0` a class that is predicted though
    the sample has none of it gives 1, however little is predicted, and no gradient.

    Args:
        smooth: Added to numerator and denominator, at least 0. Above 0, a sample without the class has a gradient
            too, towards predicting less of it. Half of it is the `smooth` of segmentation_models_pytorch. Defaults
            to 0.
        squared: Whether the denominator sums squares. Defaults to False.
        count_absent: Whether the mean is over all classes. If False, it is over those that the sample's `y_true` has,
            and a sample with none of them gives 0. Defaults to True.
        from_logits: Whether `y_pred` holds logits, to which a softmax over the classes is applied, or a sigmoid where
            K = 1. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes. Defaults to
            None: all the same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "soft_dice".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); labels 0 and 1 for K = 1.
        y_pred: Probabilities or logits of shape (N, ..., K), such as (N, H, W, K).

    Raises:
        ValueError: `smooth` is below 0 or not finite; the shapes of labels and predictions do not belong together.

    Example:
        >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
        >>> y_pred = [[[1.0], [0.0], [0.0], [1.0]]]
        >>> float(SoftDice()(y_true, y_pred))
        0.5

    References:
        - [Milletari et al., 2016](https://arxiv.org/abs/1606.04797), V-Net
    """

    def __init__(
        self,
        smooth: float = 0.0,
        squared: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `soft_dice:squared=true`
        count_absent: bool = True,  # noqa: FBT001, FBT002 - named as an argument in `soft_dice:count_absent=false`
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "soft_dice",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        check_at_least_0(smooth=smooth)
        self.smooth = smooth
        self.squared = squared
        self.count_absent = count_absent
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return soft_dice(
            y_true,
            y_pred,
            smooth=self.smooth,
            squared=self.squared,
            count_absent=self.count_absent,
            class_weight=self.class_weight,
        )


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class GeneralizedDice(MaskLoss):
    """Generalized Dice loss: one Dice over all classes, in which each class weighs the more the smaller it is.

    Formula, for one sample, with sums over its positions and its K classes c:

    ```
    w_c = 1 / (sum y_true_c)^2
    generalized_dice = 1 - 2 sum_c w_c sum y_pred_c y_true_c / sum_c w_c (sum y_pred_c + sum y_true_c)
    ```

    The paper's weight of a class that the sample has none of is infinite. Such a class gets the largest weight of the
    sample's other classes, and 1 where it has no class at all; with `count_absent=False` it gets the weight 0.

    Args:
        count_absent: Whether a class that the sample's `y_true` has none of counts. Defaults to True.
        from_logits: Whether `y_pred` holds logits, to which a softmax over the classes is applied, or a sigmoid where
            K = 1. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which multiplies its w_c. Defaults to None: all the
            same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "generalized_dice".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); labels 0 and 1 for K = 1.
        y_pred: Probabilities or logits of shape (N, ..., K), such as (N, H, W, K).

    Raises:
        ValueError: The shapes of labels and predictions do not belong together.

    Example:
        >>> y_true = [[0, 0, 0, 1]]
        >>> missed = [[[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]]
        >>> round(float(GeneralizedDice()(y_true, missed)), 4)
        0.625

    References:
        - [Sudre et al., 2017](https://arxiv.org/abs/1707.03237), Generalised Dice overlap as a deep learning loss
          function for highly unbalanced segmentations
    """

    def __init__(
        self,
        count_absent: bool = True,  # noqa: FBT001, FBT002 - named as an argument on the command line
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "generalized_dice",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        self.count_absent = count_absent
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return generalized_dice(y_true, y_pred, count_absent=self.count_absent, class_weight=self.class_weight)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Jaccard(MaskLoss):
    """Jaccard loss, or soft IoU: one minus the intersection of prediction and truth over their union.

    Formula, for one sample, with sums over its positions and the mean over its K classes c:

    ```
    I_c = sum y_pred_c y_true_c
    U_c = sum y_pred_c + sum y_true_c - I_c
    jaccard = mean_c [1 - (I_c + smooth) / (U_c + smooth)]
    ```

    A class that is neither in the truth nor in the prediction is a match and gives 0. With `smooth=0` a class that is
    predicted though the sample has none of it gives 1, however little is predicted, and no gradient.

    Args:
        smooth: Added to numerator and denominator, at least 0. Above 0, a sample without the class has a gradient
            too, towards predicting less of it. Defaults to 0.
        count_absent: Whether the mean is over all classes. If False, it is over those that the sample's `y_true` has,
            and a sample with none of them gives 0. Defaults to True.
        from_logits: Whether `y_pred` holds logits, to which a softmax over the classes is applied, or a sigmoid where
            K = 1. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes. Defaults to
            None: all the same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "jaccard".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); labels 0 and 1 for K = 1.
        y_pred: Probabilities or logits of shape (N, ..., K), such as (N, H, W, K).

    Raises:
        ValueError: `smooth` is below 0 or not finite; the shapes of labels and predictions do not belong together.

    Example:
        >>> y_true = [[[1.0], [1.0], [0.0], [0.0]]]
        >>> y_pred = [[[1.0], [0.0], [1.0], [1.0]]]
        >>> float(Jaccard()(y_true, y_pred))
        0.75

    References:
        - [Rahman, Wang, 2016](https://doi.org/10.1007/978-3-319-50835-1_22), Optimizing Intersection-Over-Union in
          Deep Neural Networks for Image Segmentation
    """

    def __init__(
        self,
        smooth: float = 0.0,
        count_absent: bool = True,  # noqa: FBT001, FBT002 - named as an argument on the command line
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "jaccard",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        check_at_least_0(smooth=smooth)
        self.smooth = smooth
        self.count_absent = count_absent
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return jaccard(
            y_true, y_pred, smooth=self.smooth, count_absent=self.count_absent, class_weight=self.class_weight
        )


def soft_dice(
    y_true: Any,
    y_pred: Any,
    *,
    smooth: float = 0.0,
    squared: bool = False,
    count_absent: bool = True,
    from_logits: bool = False,
    class_weight: Sequence[float] | None = None,
) -> Any:
    """Return the soft Dice loss of each sample; see `SoftDice` for the formula and the arguments.

    Example:
        >>> [float(value) for value in soft_dice([[[1.0], [1.0]], [[0.0], [0.0]]], [[[1.0], [0.0]], [[0.0], [0.0]]])]
        [0.3333333432674408, 0.0]
    """
    check_at_least_0(smooth=smooth)
    y_pred = mask_probabilities(y_pred, from_logits=from_logits)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "soft_dice")
    if squared:
        apart = over_positions(ops.square(y_pred - y_true))
        sizes = over_positions(ops.square(y_pred) + ops.square(y_true))
    else:
        apart, sizes = _apart(y_true, y_pred), over_positions(y_pred + y_true)
    return mean_over_classes(ratio(apart, sizes + smooth), y_true, count_absent=count_absent, class_weight=class_weight)


def generalized_dice(
    y_true: Any,
    y_pred: Any,
    *,
    count_absent: bool = True,
    from_logits: bool = False,
    class_weight: Sequence[float] | None = None,
) -> Any:
    """Return the generalized Dice loss of each sample; see `GeneralizedDice` for the formula and the arguments.

    Example:
        >>> [float(value) for value in generalized_dice([[0, 1]], [[[0.5, 0.5], [0.5, 0.5]]])]
        [0.5]
    """
    y_pred = mask_probabilities(y_pred, from_logits=from_logits)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "generalized_dice")
    sizes, present = sizes_and_presence(y_true)
    weights = ratio(ops.cast(present, sizes.dtype), ops.square(sizes))
    if count_absent:
        weights = ops.where(present, weights, ops.max(weights, axis=-1, keepdims=True))
        weights = ops.where(ops.any(present, axis=-1, keepdims=True), weights, ops.ones_like(weights))
    weights = weights * weights_of_classes(class_weight, weights)
    apart = ops.sum(weights * _apart(y_true, y_pred), axis=-1)
    return ratio(apart, ops.sum(weights * over_positions(y_pred + y_true), axis=-1))


def jaccard(
    y_true: Any,
    y_pred: Any,
    *,
    smooth: float = 0.0,
    count_absent: bool = True,
    from_logits: bool = False,
    class_weight: Sequence[float] | None = None,
) -> Any:
    """Return the Jaccard loss of each sample; see `Jaccard` for the formula and the arguments.

    Example:
        >>> [float(value) for value in jaccard([[[1.0], [1.0]], [[0.0], [0.0]]], [[[1.0], [0.0]], [[0.0], [0.0]]])]
        [0.5, 0.0]
    """
    check_at_least_0(smooth=smooth)
    y_pred = mask_probabilities(y_pred, from_logits=from_logits)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "jaccard")
    apart = _apart(y_true, y_pred)
    union = apart + over_positions(y_pred * y_true)
    return mean_over_classes(ratio(apart, union + smooth), y_true, count_absent=count_absent, class_weight=class_weight)


def _apart(y_true: Any, y_pred: Any) -> Any:
    # This is sum y_pred + sum y_true - 2 sum y_pred y_true. As a sum of what is wrong it has no cancellation, so a
    # prediction that is nearly right keeps its digits, which 1 - (the share that is right) would lose.
    return over_positions(y_pred * (1 - y_true) + y_true * (1 - y_pred))
