"""The SIoU loss between boxes, which looks at the direction from one centre to the other."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo_plugins.losses.corners import BoxLoss, around, as_boxes, centres_apart, iou, sides

__all__ = ["SIoU", "siou"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SIoU(BoxLoss):
    """SIoU loss: one minus IoU, plus half of a cost for the distance of the centres and one for wrong sides.

    Formula, with the areas I of the intersection and U of the union, the distances dx and dy of the boxes' centres,
    the sides cw and ch of the smallest box around the two, and the boxes' widths w and heights h:

    ```
    angle    = 2 |dx| |dy| / (dx^2 + dy^2 + eps)
    distance = (1 - exp((angle - 2) dx^2 / (cw^2 + eps))) + (1 - exp((angle - 2) dy^2 / (ch^2 + eps)))
    shape    = (1 - exp(-|w_true - w_pred| / (max(w_true, w_pred) + sqrt(eps))))^theta + the same of h
    siou     = 1 - I / (U + eps) + (distance + shape) / 2
    ```

    The angle is that of the paper, `1 - 2 sin^2(arcsin(|dy| / sqrt(dx^2 + dy^2)) - pi / 4)`, without its sines. It is 0
    where the centres are level or one above the other, and 1 on the diagonal, where the exponents are halved.

    Args:
        theta: The power of the cost of wrong sides, at least 1: the higher, the less small errors cost. The paper
            takes 2 to 6. Defaults to 4.
        eps: What keeps the denominators from 0, above 0, in the square of the boxes' unit. Defaults to 1e-7.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "siou".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Boxes of shape (..., 4): corners x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, in any unit.
        y_pred: Boxes of the same shape. The order y1, x1, y2, x2 gives the same value if both have it. A box with
            x2 below x1 counts as one without width at x1, and so for y.

    Raises:
        ValueError: `theta` is below 1 or not finite; `eps` is not a finite number above 0; the shapes differ or do not
            end in 4.

    Example:
        >>> [round(float(v), 4) for v in SIoU(reduction=None)([[0, 0, 2, 2]] * 2, [[0, 0, 2, 1], [2, 2, 4, 4]])]
        [0.5707, 1.2212]

    References:
        - [Gevorgyan, 2022](https://arxiv.org/abs/2205.12740), SIoU Loss: More Powerful Learning for Bounding Box
          Regression
    """

    def __init__(
        self,
        theta: float = 4,
        eps: float = 1e-7,
        reduction: str | None = "sum_over_batch_size",
        name: str = "siou",
        dtype: Any = None,
    ) -> None:
        super().__init__(eps, reduction, name, dtype)
        _check_theta(theta)
        self.theta = theta

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each box, shape ``(...)``."""
        return siou(y_true, y_pred, theta=self.theta, eps=self.eps)


def siou(y_true: Any, y_pred: Any, *, theta: float = 4, eps: float = 1e-7) -> Any:
    """Return the SIoU loss of each box; see `SIoU` for the formula and the arguments.

    Example:
        >>> [round(float(value), 4) for value in siou([[0.0, 0.0, 2.0, 2.0]], [[2.0, 2.0, 4.0, 4.0]])]
        [1.2212]
    """
    _check_theta(theta)
    y_true, y_pred = as_boxes(y_true, y_pred, eps, "siou")
    costs = _distance(y_true, y_pred, eps) + _shape(y_true, y_pred, theta, eps)
    return 1 - iou(y_true, y_pred, eps) + costs / 2


def _distance(y_true: Any, y_pred: Any, eps: float) -> Any:
    across, down = centres_apart(y_true, y_pred)
    angle = 2 * ops.abs(across * down) / (ops.square(across) + ops.square(down) + eps)
    return sum(
        -ops.expm1((angle - 2) * ops.square(apart) / (ops.square(side) + eps))
        for apart, side in zip((across, down), around(y_true, y_pred), strict=True)
    )


def _shape(y_true: Any, y_pred: Any, theta: float, eps: float) -> Any:
    return sum(
        ops.power(-ops.expm1(-ops.abs(true - pred) / (ops.maximum(true, pred) + math.sqrt(eps))), theta)
        for true, pred in zip(sides(y_true), sides(y_pred), strict=True)
    )


def _check_theta(theta: float) -> None:
    if not (math.isfinite(theta) and theta >= 1):
        message = f"`theta` must be a finite number of at least 1, not {theta}."
        raise ValueError(message)
