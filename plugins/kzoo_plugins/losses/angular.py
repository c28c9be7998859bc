"""Softmax losses with a margin on the angle between an embedding and the direction of its class."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ClassLoss, as_class_labels, widen
from kzoo_plugins.losses.pairwise import check_number

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ArcFace", "CosFace", "arcface", "cosface"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class ArcFace(ClassLoss):
    """Additive angular margin loss: crossentropy with the angle to the true class widened by a margin.

    Formula, for the angle t_k between the embedding and the direction of class k, y being the true class:

    ```
    z_k = cos t_k for k != y
    z_y = cos(t_y + margin)               where t_y <= pi - margin
    z_y = cos t_y - margin sin(margin)    beyond
    loss = -log softmax(scale z)_y
    ```

    Beyond pi - margin the cosine of the widened angle would rise again. As in the authors' code it is a straight line
    from there on, which falls as the angle grows; between the two the loss jumps up by
    scale (cos(margin) + margin sin(margin) - 1) at most, and its gradient stays finite.

    The loss owns no weights: the network ends in cosines, the products of embeddings of length 1 with class directions
    of length 1. The slope of the angle is infinite at a cosine of 1; there, and beyond it by rounding, the slope of
    the sine is taken to be 0.

    Args:
        margin: The margin in radians, between 0 and pi / 2. Defaults to 0.5, which is 28.6 degrees.
        scale: What the cosines are multiplied by before the softmax, above 0. Defaults to 64.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "arcface".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Cosines between -1 and 1, shape (..., K).

    Raises:
        ValueError: An argument is out of its range; the shapes of labels and cosines do not belong together.

    Example:
        >>> loss = ArcFace(scale=1.0)
        >>> round(float(loss([0], [[0.0, 0.0]])), 6)  # log(1 + exp(sin 0.5))
        0.96132

    References:
        - [Deng et al., 2019](https://arxiv.org/abs/1801.07698), ArcFace: Additive Angular Margin Loss for Deep Face
          Recognition
    """

    def __init__(
        self,
        margin: float = 0.5,
        scale: float = 64.0,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "arcface",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        _check_angle(margin)
        check_number("scale", scale, above=0)
        self.margin = margin
        self.scale = scale

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return arcface(y_true, y_pred, margin=self.margin, scale=self.scale)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class CosFace(ClassLoss):
    """Large margin cosine loss: crossentropy with the cosine of the true class made smaller by a margin.

    Formula, for the cosine c_k between the embedding and the direction of class k, y being the true class:

    ```
    loss = -log (exp(scale (c_y - margin)) / (exp(scale (c_y - margin)) + sum over k != y of exp(scale c_k)))
    ```

    The loss owns no weights: the network ends in cosines, the products of embeddings of length 1 with class directions
    of length 1.

    Args:
        margin: The margin of the cosines, at least 0. Defaults to 0.35.
        scale: What the cosines are multiplied by before the softmax, above 0. Defaults to 64.
        axis: The axis of `y_pred`, and of one-hot labels, that holds the classes. Defaults to -1.
        ignore_class: A class whose positions count nothing in value, gradient and mean. Defaults to None.
        class_weight: A number of at least 0 for each class, which counts as a sample weight of its positions does.
            Defaults to None.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "cosface".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: One-hot or soft labels of shape (..., K), or class indices of shape (...) or (..., 1).
        y_pred: Cosines between -1 and 1, shape (..., K).

    Raises:
        ValueError: An argument is out of its range; the shapes of labels and cosines do not belong together.

    Example:
        >>> loss = CosFace(margin=1.0, scale=1.0)
        >>> round(float(loss([0], [[1.0, 0.0]])), 6)  # log 2
        0.693147

    References:
        - [Wang et al., 2018](https://arxiv.org/abs/1801.09414), CosFace: Large Margin Cosine Loss for Deep Face
          Recognition
    """

    def __init__(
        self,
        margin: float = 0.35,
        scale: float = 64.0,
        axis: int = -1,
        ignore_class: int | None = None,
        class_weight: Sequence[float] | None = None,
        reduction: str | None = "sum_over_batch_size",
        name: str = "cosface",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            axis=axis, ignore_class=ignore_class, class_weight=class_weight, reduction=reduction, name=name, dtype=dtype
        )
        check_number("margin", margin, at_least=0)
        check_number("scale", scale, above=0)
        self.margin = margin
        self.scale = scale

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each sample, shape ``(...)``."""
        return cosface(y_true, y_pred, margin=self.margin, scale=self.scale)


def arcface(y_true: Any, y_pred: Any, *, margin: float = 0.5, scale: float = 64.0) -> Any:
    """Return the loss of each sample; see `ArcFace` for the formula and the arguments.

    Example:
        >>> [round(float(value), 6) for value in arcface([0, 0], [[0.0, 0.0], [-1.0, 1.0]], scale=1.0)]
        [0.96132, 2.340905]
    """
    _check_angle(margin)
    cosines = widen(y_pred)
    # sin^2 as a product loses no digits near a cosine of 1, and the inner `where` keeps the infinite slope of the root
    # at 0 out of the gradient.
    squared = (1.0 - cosines) * (1.0 + cosines)
    inside = squared > 0
    sines = ops.where(inside, ops.sqrt(ops.where(inside, squared, ops.ones_like(squared))), ops.zeros_like(squared))
    wider = cosines * math.cos(margin) - sines * math.sin(margin)
    line = cosines - margin * math.sin(margin)
    return _crossentropy(y_true, cosines, ops.where(cosines >= -math.cos(margin), wider, line), scale, "arcface")


def cosface(y_true: Any, y_pred: Any, *, margin: float = 0.35, scale: float = 64.0) -> Any:
    """Return the loss of each sample; see `CosFace` for the formula and the arguments.

    Example:
        >>> [round(float(value), 6) for value in cosface([0, 1], [[0.0, 0.0], [0.0, 0.0]], margin=0.5, scale=2.0)]
        [1.313262, 1.313262]
    """
    cosines = widen(y_pred)
    return _crossentropy(y_true, cosines, cosines - margin, scale, "cosface")


def _crossentropy(y_true: Any, cosines: Any, with_margin: Any, scale: float, what: str) -> Any:
    """Return the crossentropy with the margin on the true class; soft labels get it in proportion."""
    y_true = as_class_labels(ops.convert_to_tensor(y_true), cosines, what)
    scores = scale * (cosines + y_true * (with_margin - cosines))
    return -ops.sum(y_true * ops.log_softmax(scores, axis=-1), axis=-1)


def _check_angle(margin: float) -> None:
    if not 0 <= margin <= math.pi / 2:
        message = f"`margin` is an angle in radians between 0 and pi / 2, not {margin}."
        raise ValueError(message)
