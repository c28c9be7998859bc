"""Losses between boxes: intersection over union, with a penalty that still has a slope where boxes do not meet."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo_plugins.losses.corners import BoxLoss, around, as_boxes, centres_apart, intersection_and_union, iou, sides

__all__ = ["CIoU", "DIoU", "GIoU", "ciou", "diou", "giou"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class GIoU(BoxLoss):
    """Generalized IoU loss: one minus IoU, plus the empty share of the smallest box around both.

    Formula, with the areas I of the intersection, U of the union and C of the smallest box around the two:

    ```
    giou = 1 - I / (U + eps) + (C - U) / (C + eps)
    ```

    It lies between 0 and 2. `eps` is an area: it makes the loss of two equal boxes `eps / area` instead of 0.

    Args:
        eps: What keeps the denominators from 0, above 0, in the square of the boxes' unit. Defaults to 1e-7.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "giou".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Boxes of shape (..., 4): corners x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, in any unit.
        y_pred: Boxes of the same shape. The order y1, x1, y2, x2 gives the same value if both have it. A box with
            x2 below x1 counts as one without width at x1, and so for y.

    Raises:
        ValueError: `eps` is not a finite number above 0; the shapes differ or do not end in 4.

    Example:
        >>> [float(value) for value in GIoU(reduction=None)([[0, 0, 2, 2]] * 2, [[0, 0, 2, 1], [2, 2, 4, 4]])]
        [0.5, 1.5]

    References:
        - [Rezatofighi et al., 2019](https://arxiv.org/abs/1902.09630), Generalized Intersection over Union
    """

    def __init__(
        self,
        eps: float = 1e-7,
        reduction: str | None = "sum_over_batch_size",
        name: str = "giou",
        dtype: Any = None,
    ) -> None:
        super().__init__(eps, reduction, name, dtype)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each box, shape ``(...)``."""
        return giou(y_true, y_pred, eps=self.eps)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class DIoU(BoxLoss):
    """Distance IoU loss: one minus IoU, plus the squared distance of the centres.

    Formula, with the areas I of the intersection and U of the union, the distance d of the boxes' centres, and the
    diagonal c of the smallest box around the two:

    ```
    diou = 1 - I / (U + eps) + d^2 / (c^2 + eps)
    ```

    It lies between 0 and 2. `eps` is an area: it makes the loss of two equal boxes `eps / area` instead of 0.

    Args:
        eps: What keeps the denominators from 0, above 0, in the square of the boxes' unit. Defaults to 1e-7.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "diou".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Boxes of shape (..., 4): corners x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, in any unit.
        y_pred: Boxes of the same shape. The order y1, x1, y2, x2 gives the same value if both have it. A box with
            x2 below x1 counts as one without width at x1, and so for y.

    Raises:
        ValueError: `eps` is not a finite number above 0; the shapes differ or do not end in 4.

    Example:
        >>> [float(value) for value in DIoU(reduction=None)([[0, 0, 2, 2]] * 2, [[0, 0, 2, 1], [2, 2, 4, 4]])]
        [0.53125, 1.25]

    References:
        - [Zheng et al., 2020](https://arxiv.org/abs/1911.08287), Distance-IoU Loss
    """

    def __init__(
        self,
        eps: float = 1e-7,
        reduction: str | None = "sum_over_batch_size",
        name: str = "diou",
        dtype: Any = None,
    ) -> None:
        super().__init__(eps, reduction, name, dtype)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each box, shape ``(...)``."""
        return diou(y_true, y_pred, eps=self.eps)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class CIoU(BoxLoss):
    """Complete IoU loss: the distance IoU loss, plus a penalty on a wrong ratio of width to height.

    Formula, with the boxes' widths w and heights h:

    ```
    v = 4 / pi^2 (arctan(w_true / h_true) - arctan(w_pred / h_pred))^2
    a = v / (1 - I / (U + eps) + v + eps)      a constant for the gradient
    ciou = diou + a v
    ```

    It lies between 0 and 2.5. A box of width and height 0 counts as a square one.

    Args:
        eps: What keeps the denominators from 0, above 0, in the square of the boxes' unit. Defaults to 1e-7.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "ciou".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Boxes of shape (..., 4): corners x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, in any unit.
        y_pred: Boxes of the same shape. The order y1, x1, y2, x2 gives the same value if both have it. A box with
            x2 below x1 counts as one without width at x1, and so for y.

    Raises:
        ValueError: `eps` is not a finite number above 0; the shapes differ or do not end in 4.

    Example:
        >>> [round(float(v), 4) for v in CIoU(reduction=None)([[0, 0, 2, 2]] * 2, [[0, 0, 2, 1], [2, 2, 4, 4]])]
        [0.5345, 1.25]

    References:
        - [Zheng et al., 2020](https://arxiv.org/abs/1911.08287), Distance-IoU Loss
    """

    def __init__(
        self,
        eps: float = 1e-7,
        reduction: str | None = "sum_over_batch_size",
        name: str = "ciou",
        dtype: Any = None,
    ) -> None:
        super().__init__(eps, reduction, name, dtype)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each box, shape ``(...)``."""
        return ciou(y_true, y_pred, eps=self.eps)


def giou(y_true: Any, y_pred: Any, *, eps: float = 1e-7) -> Any:
    """Return the generalized IoU loss of each box; see `GIoU` for the formula and the arguments.

    Example:
        >>> [float(value) for value in giou([[0.0, 0.0, 2.0, 2.0]], [[2.0, 2.0, 4.0, 4.0]])]
        [1.5]
    """
    y_true, y_pred = as_boxes(y_true, y_pred, eps, "giou")
    intersection, union = intersection_and_union(y_true, y_pred)
    width, height = around(y_true, y_pred)
    hull = width * height
    return 1 - intersection / (union + eps) + (hull - union) / (hull + eps)


def diou(y_true: Any, y_pred: Any, *, eps: float = 1e-7) -> Any:
    """Return the distance IoU loss of each box; see `DIoU` for the formula and the arguments.

    Example:
        >>> [float(value) for value in diou([[0.0, 0.0, 2.0, 2.0]], [[2.0, 2.0, 4.0, 4.0]])]
        [1.25]
    """
    y_true, y_pred = as_boxes(y_true, y_pred, eps, "diou")
    return 1 - iou(y_true, y_pred, eps) + _centre_penalty(y_true, y_pred, eps)


def ciou(y_true: Any, y_pred: Any, *, eps: float = 1e-7) -> Any:
    """Return the complete IoU loss of each box; see `CIoU` for the formula and the arguments.

    Example:
        >>> [float(value) for value in ciou([[0.0, 0.0, 2.0, 2.0]], [[2.0, 2.0, 4.0, 4.0]])]
        [1.25]
    """
    y_true, y_pred = as_boxes(y_true, y_pred, eps, "ciou")
    apart = 1 - iou(y_true, y_pred, eps)
    shape = 4 / math.pi**2 * ops.square(_slant(y_true) - _slant(y_pred))
    weight = ops.stop_gradient(shape / (apart + shape + eps))
    return apart + _centre_penalty(y_true, y_pred, eps) + weight * shape


def _centre_penalty(y_true: Any, y_pred: Any, eps: float) -> Any:
    """Return the squared distance of the centres over the squared diagonal of the box around the two."""
    across, down = centres_apart(y_true, y_pred)
    width, height = around(y_true, y_pred)
    return (ops.square(across) + ops.square(down)) / (ops.square(width) + ops.square(height) + eps)


def _slant(boxes: Any) -> Any:
    """Return the angle whose tangent is width over height, and that of a square for a box without both."""
    width, height = sides(boxes)
    # The quotient would be NaN for 0/0, and so would the gradient of the angle of (0, 0) behind the outer `where`.
    point = ops.logical_and(ops.equal(width, 0), ops.equal(height, 0))
    one = ops.ones_like(width)
    return ops.arctan2(ops.where(point, one, width), ops.where(point, one, height))
