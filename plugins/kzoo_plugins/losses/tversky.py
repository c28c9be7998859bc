"""Tversky losses between masks: overlap with separate weights for what is predicted too much and too little."""

from __future__ import annotations

import math
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
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FocalTversky", "Tversky", "focal_tversky", "tversky"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Tversky(MaskLoss):
    """Tversky loss: Dice in which false positives weigh `alpha` and false negatives `beta`.

    Formula, for one sample, with sums over its positions and the mean over its K classes c:

    ```
    TP_c = sum y_pred_c y_true_c
    FP_c = sum y_pred_c (1 - y_true_c)
    FN_c = sum (1 - y_pred_c) y_true_c
    tversky = mean_c [1 - (TP_c + smooth) / (TP_c + alpha FP_c + beta FN_c + smooth)]
    ```

    `alpha = beta = 0.5` is the soft Dice loss, `alpha = beta = 1` the Jaccard loss. `beta` above `alpha` punishes what
    is missed, so it finds more of a small class; the paper's best is `alpha=0.3, beta=0.7`. Keras 3.15 and Abraham et
    al. (2018) have the two weights the other way round. A class that is neither in the truth nor in the prediction is
    a match and gives 0. With `smooth=0` a class that is predicted though the sample has none of it gives 1 and no
    gradient.

    Args:
        alpha: The weight of false positives, at least 0. Defaults to 0.5.
        beta: The weight of false negatives, at least 0. Defaults to 0.5.
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
        name: Defaults to "tversky".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); labels 0 and 1 for K = 1.
        y_pred: Probabilities or logits of shape (N, ..., K), such as (N, H, W, K).

    Raises:
        ValueError: `alpha`, `beta` or `smooth` is below 0 or not finite; `alpha` and `beta` are both 0; the shapes of
            labels and predictions do not belong together.

    Example:
        >>> one_missed = [[[1.0], [1.0]]], [[[1.0], [0.0]]]
        >>> one_too_many = [[[1.0], [0.0]]], [[[1.0], [1.0]]]
        >>> loss = Tversky(alpha=0.25, beta=1.0)
        >>> round(float(loss(*one_missed)), 4), round(float(loss(*one_too_many)), 4)
        (0.5, 0.2)

    References:
        - [Salehi et al., 2017](https://arxiv.org/abs/1706.05721), Tversky loss function for image segmentation using
          3D fully convolutional deep networks
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        smooth: float = 0.0,
        count_absent: bool = True,  # noqa: FBT001, FBT002 - named as an argument on the command line
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "tversky",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_weights(alpha, beta, smooth)
        self.alpha = alpha
        self.beta = beta
        self.smooth = smooth
        self.count_absent = count_absent
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return tversky(
            y_true,
            y_pred,
            alpha=self.alpha,
            beta=self.beta,
            smooth=self.smooth,
            count_absent=self.count_absent,
            class_weight=self.class_weight,
        )


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class FocalTversky(MaskLoss):
    """Focal Tversky loss: the Tversky loss of each class to the power of `gamma`.

    Formula, for one sample with K classes c and each class's Tversky index TI_c as in `Tversky`:

    ```
    focal_tversky = mean_c (1 - TI_c)^gamma
    ```

    `gamma` below 1 raises the gradient of a class that is nearly right, above 1 that of a class that is mostly wrong.
    The paper writes the power as 1/gamma, with gamma = 4/3 as its best: that is `gamma=0.75` here. Its alpha weighs
    false negatives, so its best, alpha = 0.7 and beta = 0.3, is `alpha=0.3, beta=0.7` here. It sums over the classes,
    where this loss takes the mean. An exact match has the gradient 0, though the slope is infinite there.

    Args:
        alpha: The weight of false positives, at least 0. Defaults to 0.5.
        beta: The weight of false negatives, at least 0. Defaults to 0.5.
        gamma: The power, above 0. Defaults to 0.75.
        smooth: Added to numerator and denominator of the index, at least 0. Defaults to 0.
        count_absent: Whether the mean is over all classes. If False, it is over those that the sample's `y_true` has,
            and a sample with none of them gives 0. Defaults to True.
        from_logits: Whether `y_pred` holds logits, to which a softmax over the classes is applied, or a sigmoid where
            K = 1. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class: its weight in the mean over the classes. Defaults to
            None: all the same.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "focal_tversky".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Masks of shape (N, ..., K), or class indices of shape (N, ...) or (N, ..., 1); labels 0 and 1 for K = 1.
        y_pred: Probabilities or logits of shape (N, ..., K), such as (N, H, W, K).

    Raises:
        ValueError: `alpha`, `beta` or `smooth` is below 0 or not finite; `alpha` and `beta` are both 0; `gamma` is not
            a finite number above 0; the shapes of labels and predictions do not belong together.

    Example:
        >>> y_true = [[[1.0], [1.0]]]
        >>> y_pred = [[[1.0], [0.0]]]
        >>> float(FocalTversky(beta=1.0, gamma=2.0)(y_true, y_pred))
        0.25

    References:
        - [Abraham, Khan, 2018](https://arxiv.org/abs/1810.07842), A Novel Focal Tversky Loss Function with Improved
          Attention U-Net for Lesion Segmentation
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        gamma: float = 0.75,
        smooth: float = 0.0,
        count_absent: bool = True,  # noqa: FBT001, FBT002 - named as an argument on the command line
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "focal_tversky",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_weights(alpha, beta, smooth)
        _check_gamma(gamma)
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.smooth = smooth
        self.count_absent = count_absent
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(N,)``."""
        return focal_tversky(
            y_true,
            y_pred,
            alpha=self.alpha,
            beta=self.beta,
            gamma=self.gamma,
            smooth=self.smooth,
            count_absent=self.count_absent,
            class_weight=self.class_weight,
        )


def tversky(
    y_true: Any,
    y_pred: Any,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    smooth: float = 0.0,
    count_absent: bool = True,
    from_logits: bool = False,
    class_weight: Sequence[float] | None = None,
) -> Any:
    """Return the Tversky loss of each sample; see `Tversky` for the formula and the arguments.

    Example:
        >>> [float(value) for value in tversky([[[1.0], [1.0]], [[0.0], [0.0]]], [[[1.0], [0.0]], [[0.0], [0.0]]])]
        [0.3333333432674408, 0.0]
    """
    _check_weights(alpha, beta, smooth)
    y_pred = mask_probabilities(y_pred, from_logits=from_logits)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "tversky")
    values = _of_each_class(y_true, y_pred, alpha, beta, smooth)
    return mean_over_classes(values, y_true, count_absent=count_absent, class_weight=class_weight)


def focal_tversky(
    y_true: Any,
    y_pred: Any,
    *,
    alpha: float = 0.5,
    beta: float = 0.5,
    gamma: float = 0.75,
    smooth: float = 0.0,
    count_absent: bool = True,
    from_logits: bool = False,
    class_weight: Sequence[float] | None = None,
) -> Any:
    """Return the focal Tversky loss of each sample; see `FocalTversky` for the formula and the arguments.

    Example:
        >>> [float(value) for value in focal_tversky([[[1.0], [1.0]]], [[[1.0], [0.0]]], beta=1.0, gamma=2.0)]
        [0.25]
    """
    _check_weights(alpha, beta, smooth)
    _check_gamma(gamma)
    y_pred = mask_probabilities(y_pred, from_logits=from_logits)
    y_true = as_masks(ops.convert_to_tensor(y_true), y_pred, "focal_tversky")
    values = _of_each_class(y_true, y_pred, alpha, beta, smooth)
    # Below 1 the power's slope is infinite at 0: without the inner `where` an exact match would make the gradient NaN.
    match = ops.equal(values, 0)
    powers = ops.power(ops.where(match, ops.ones_like(values), values), gamma)
    return mean_over_classes(
        ops.where(match, ops.zeros_like(values), powers), y_true, count_absent=count_absent, class_weight=class_weight
    )


def _of_each_class(y_true: Any, y_pred: Any, alpha: float, beta: float, smooth: float) -> Any:
    """Return one minus the Tversky index of each sample and class, shape ``(N, K)``."""
    right = over_positions(y_pred * y_true)
    wrong = alpha * over_positions(y_pred * (1 - y_true)) + beta * over_positions(y_true * (1 - y_pred))
    # One minus the index, without the cancellation that would cost a prediction that is nearly right its digits.
    return ratio(wrong, right + wrong + smooth)


def _check_weights(alpha: float, beta: float, smooth: float) -> None:
    check_at_least_0(alpha=alpha, beta=beta, smooth=smooth)
    if alpha == beta == 0:
        message = "`alpha` and `beta` must not both be 0: nothing would be wrong then."
        raise ValueError(message)


def _check_gamma(gamma: float) -> None:
    if not (math.isfinite(gamma) and gamma > 0):
        message = f"`gamma` must be a finite number above 0, not {gamma}."
        raise ValueError(message)
