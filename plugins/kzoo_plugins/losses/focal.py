"""Focal losses: crossentropies that give less weight to what is already predicted well."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, align_shapes, as_class_labels, widen
from kzoo_plugins.losses.logs import (
    check_at_least_0,
    check_share,
    log_and_missing,
    log_sigmoids,
    safe_power,
)
from kzoo_plugins.losses.yes_no import YesNoLoss

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Focal", "SigmoidFocal", "focal", "sigmoid_focal"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SigmoidFocal(YesNoLoss):
    """Focal loss of independent yes-or-no predictions, as object detectors train their many boxes with.

    Formula, for one element with the label y and the probability p:

    ```
    p_t = p y + (1 - p) (1 - y)
    alpha_t = alpha y + (1 - alpha) (1 - y)
    sigmoid_focal = alpha_t (1 - p_t)^gamma (-y log p - (1 - y) log(1 - p))
    ```

    There is one value for each element, and the default reduction is their mean. TensorFlow Addons' loss of this name
    was the sum over the last axis: multiply by its size to keep a learning rate. RetinaNet divides the sum by the
    number of positive anchors, which is `reduction="sum"` and a division by the user.

    Args:
        alpha: The weight of the label 1, between 0 and 1; the label 0 weighs 1 - alpha. None weighs both 1. Defaults to
            0.25.
        gamma: How little easy elements weigh, at least 0; 0 is the crossentropy. Defaults to 2.
        from_logits: Whether `y_pred` holds logits, to which a sigmoid is applied. Defaults to False.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: Two numbers of at least 0, for no and yes, which count as sample weights do. Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "sigmoid_focal".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Labels 0 or 1, or between them, of any shape; any other label makes its value NaN.
        y_pred: Probabilities or logits of the same shape.

    Raises:
        ValueError: `alpha` is not between 0 and 1; `gamma` is below 0 or not finite; the shapes differ.

    Example:
        >>> loss = SigmoidFocal(alpha=None, gamma=2)
        >>> round(float(loss([[1.0]], [[0.9]])), 6), round(float(loss([[1.0]], [[0.1]])), 6)
        (0.001054, 1.865094)

    References:
        - [Lin et al., 2017](https://arxiv.org/abs/1708.02002), Focal Loss for Dense Object Detection
    """

    def __init__(
        self,
        alpha: float | None = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "sigmoid_focal",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_share_and_gamma(alpha, gamma)
        self.alpha = alpha
        self.gamma = gamma
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each element, in the shape of ``y_pred``."""
        return sigmoid_focal(y_true, y_pred, alpha=self.alpha, gamma=self.gamma, from_logits=self.from_logits)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Focal(ClassLoss):
    """Focal loss between classes: crossentropy that gives less weight to samples already predicted well.

    Formula, for one sample with K classes:

    ```
    focal = sum_k alpha_k y_true_k (1 - y_pred_k)^gamma (-log y_pred_k)
    ```

    For a one-hot label it is alpha_y (1 - p_y)^gamma (-log p_y). Keras's `categorical_focal_crossentropy` has one
    `alpha` for all classes, 0.25 by default, takes one-hot labels only and clips probabilities to 1e-7; this one weighs
    classes 1 by default, or each by its own alpha, takes class indices as well, and from logits it has no clipping.

    Args:
        gamma: How little easy samples weigh, at least 0; 0 is the crossentropy. Defaults to 2.
        alpha: A weight of at least 0 for all classes, or a list with one for each class. Defaults to None: all 1.
        from_logits: Whether `y_pred` holds logits, to which a softmax is applied. Defaults to False.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "focal".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Probabilities or logits of shape (..., K).

    Raises:
        ValueError: `gamma` or a weight in `alpha` is below 0 or not finite; `alpha` has another length than there are
            classes; the shapes of labels and predictions do not belong together.

    Example:
        >>> loss = Focal(gamma=2)
        >>> round(float(loss([0], [[0.9, 0.1]])), 6), round(float(loss([0], [[0.1, 0.9]])), 6)
        (0.001054, 1.865094)

    References:
        - [Lin et al., 2017](https://arxiv.org/abs/1708.02002), Focal Loss for Dense Object Detection
    """

    instead = "sigmoid_focal"

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | Sequence[float] | None = None,
        from_logits: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "focal",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_weights_and_gamma(alpha, gamma)
        self.gamma = gamma
        self.alpha = alpha
        self.from_logits = from_logits

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return focal(y_true, y_pred, gamma=self.gamma, alpha=self.alpha, from_logits=self.from_logits)


def sigmoid_focal(
    y_true: Any, y_pred: Any, *, alpha: float | None = 0.25, gamma: float = 2.0, from_logits: bool = False
) -> Any:
    """Return the sigmoid focal loss of each element; see `SigmoidFocal`.

    Example:
        >>> [round(float(value), 4) for value in sigmoid_focal([1.0, 0.0], [0.5, 0.5])]
        [0.0433, 0.13]
    """
    _check_share_and_gamma(alpha, gamma)
    y_true, y_pred = align_shapes(widen(y_true), widen(y_pred), "sigmoid_focal")
    log_yes, log_no, yes, no = log_sigmoids(y_pred, from_logits=from_logits)
    # 1 - p_t as a sum of products, so that nothing is lost where p_t is near 1.
    missing = yes * (1 - y_true) + no * y_true
    values = safe_power(missing, gamma) * -(y_true * log_yes + (1 - y_true) * log_no)
    return values if alpha is None else values * (alpha * y_true + (1 - alpha) * (1 - y_true))


def focal(
    y_true: Any,
    y_pred: Any,
    *,
    gamma: float = 2.0,
    alpha: float | Sequence[float] | None = None,
    from_logits: bool = False,
) -> Any:
    """Return the focal loss of each sample; see `Focal`.

    Example:
        >>> [round(float(value), 4) for value in focal([0, 1], [[0.5, 0.5], [0.25, 0.75]])]
        [0.1733, 0.018]
    """
    _check_weights_and_gamma(alpha, gamma)
    y_pred = widen(y_pred)
    y_true = as_class_labels(ops.convert_to_tensor(y_true), y_pred, "focal")
    logs, missing = log_and_missing(y_pred, from_logits=from_logits)
    values = -y_true * safe_power(missing, gamma) * logs
    if alpha is not None:
        values = values * _weights(alpha, y_pred)
    return ops.sum(values, axis=-1)


def _weights(alpha: float | Sequence[float], y_pred: Any) -> Any:
    classes = y_pred.shape[-1]
    if not isinstance(alpha, (int, float)) and len(alpha) != classes:
        message = f"`alpha` has {len(alpha)} weights, and `y_pred` has {classes} classes."
        raise ValueError(message)
    return ops.convert_to_tensor(alpha, dtype=y_pred.dtype)


def _check_share_and_gamma(alpha: float | None, gamma: float) -> None:
    check_at_least_0(gamma=gamma)
    if alpha is not None:
        check_share(alpha=alpha)


def _check_weights_and_gamma(alpha: float | Sequence[float] | None, gamma: float) -> None:
    check_at_least_0(gamma=gamma)
    weights = [] if alpha is None else [alpha] if isinstance(alpha, (int, float)) else list(alpha)
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        message = f"`alpha` must hold finite numbers of at least 0, not {alpha}."
        raise ValueError(message)
