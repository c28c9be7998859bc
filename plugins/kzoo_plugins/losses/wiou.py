"""The Wise-IoU loss between boxes, whose weight grows with the distance of their centres."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.losses.corners import BoxLoss, around, as_boxes, centres_apart, iou

__all__ = ["WIoU", "wiou"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class WIoU(BoxLoss):
    """Wise-IoU loss, its version 1: one minus IoU, times a weight that grows with the distance of the centres.

    Formula, with the areas I of the intersection and U of the union, the distance d of the boxes' centres, and the
    diagonal c of the smallest box around the two:

    ```
    wiou = exp(d^2 / (c^2 + eps)) (1 - I / (U + eps))      c is a constant for the gradient
    ```

    It lies between 0 and e. As c has no slope, a larger box around the two does not make the loss less. `eps`, which
    the paper does not have, is an area: it makes the loss of two equal boxes `eps / area` instead of 0. Versions 2
    and 3 also weigh a box by how its loss compares with a running mean of losses, which a loss without a state cannot
    have.

    Args:
        eps: What keeps the denominators from 0, above 0, in the square of the boxes' unit. Defaults to 1e-7.
        reduction: As in `keras.losses.Loss`. Defaults to "sum_over_batch_size".
        name: Defaults to "wiou".
        dtype: The floating type of the computation, at least float32. Defaults to Keras's float type.

    Call arguments:
        y_true: Boxes of shape (..., 4): corners x1, y1, x2, y2 with x1 <= x2 and y1 <= y2, in any unit.
        y_pred: Boxes of the same shape. The order y1, x1, y2, x2 gives the same value if both have it. A box with
            x2 below x1 counts as one without width at x1, and so for y.

    Raises:
        ValueError: `eps` is not a finite number above 0; the shapes differ or do not end in 4.

    Example:
        >>> [round(float(v), 4) for v in WIoU(reduction=None)([[0, 0, 2, 2]] * 2, [[0, 0, 2, 1], [2, 2, 4, 4]])]
        [0.5159, 1.284]

    References:
        - [Tong et al., 2023](https://arxiv.org/abs/2301.10051), Wise-IoU: Bounding Box Regression Loss with Dynamic
          Focusing Mechanism
    """

    def __init__(
        self,
        eps: float = 1e-7,
        reduction: str | None = "sum_over_batch_size",
        name: str = "wiou",
        dtype: Any = None,
    ) -> None:
        super().__init__(eps, reduction, name, dtype)

    def per_sample(self, y_true: Any, y_pred: Any) -> Any:
        """Return the loss of each box, shape ``(...)``."""
        return wiou(y_true, y_pred, eps=self.eps)


def wiou(y_true: Any, y_pred: Any, *, eps: float = 1e-7) -> Any:
    """Return the Wise-IoU loss of each box; see `WIoU` for the formula and the arguments.

    Example:
        >>> [round(float(value), 4) for value in wiou([[0.0, 0.0, 2.0, 2.0]], [[2.0, 2.0, 4.0, 4.0]])]
        [1.284]
    """
    y_true, y_pred = as_boxes(y_true, y_pred, eps, "wiou")
    across, down = centres_apart(y_true, y_pred)
    width, height = around(y_true, y_pred)
    diagonal = ops.stop_gradient(ops.square(width) + ops.square(height))
    return ops.exp((ops.square(across) + ops.square(down)) / (diagonal + eps)) * (1 - iou(y_true, y_pred, eps))
