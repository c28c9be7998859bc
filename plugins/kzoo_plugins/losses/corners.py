"""What the losses between boxes share: corners in order, areas, and the smallest box around two."""

from __future__ import annotations

import math
from typing import Any

from keras import ops

from kzoo.component import Loss, widen

__all__ = ["BoxLoss", "around", "as_boxes", "centres_apart", "intersection_and_union", "iou", "sides"]

_CORNERS = 4


class BoxLoss(Loss):
    """A loss between boxes given by their corners."""

    def __init__(self, eps: float, reduction: str | None, name: str, dtype: Any) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        _check_eps(eps)
        self.eps = eps

    def align(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Return the boxes as they are; raise ``ValueError`` where they are none."""
        _check_boxes(y_true, y_pred, self.name)
        return y_true, y_pred


def as_boxes(y_true: Any, y_pred: Any, eps: float, what: str) -> tuple[Any, Any]:
    """Return the two in at least float32, with sides of at least 0; raise ``ValueError`` where they are no boxes."""
    _check_eps(eps)
    y_pred = widen(y_pred)
    y_true = ops.cast(ops.convert_to_tensor(y_true), y_pred.dtype)
    _check_boxes(y_true, y_pred, what)
    return _with_sides_of_at_least_0(y_true), _with_sides_of_at_least_0(y_pred)


def iou(y_true: Any, y_pred: Any, eps: float) -> Any:
    """Return the intersection over the union."""
    intersection, union = intersection_and_union(y_true, y_pred)
    return intersection / (union + eps)


def intersection_and_union(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return the areas of the two."""
    low = ops.maximum(y_true[..., :2], y_pred[..., :2])
    high = ops.minimum(y_true[..., 2:], y_pred[..., 2:])
    shared = ops.relu(high - low)
    intersection = shared[..., 0] * shared[..., 1]
    return intersection, _area(y_true) + _area(y_pred) - intersection


def sides(boxes: Any) -> tuple[Any, Any]:
    """Return width and height."""
    return boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]


def around(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return width and height of the smallest box around the two."""
    low = ops.minimum(y_true[..., :2], y_pred[..., :2])
    high = ops.maximum(y_true[..., 2:], y_pred[..., 2:])
    return high[..., 0] - low[..., 0], high[..., 1] - low[..., 1]


def centres_apart(y_true: Any, y_pred: Any) -> tuple[Any, Any]:
    """Return how far the centres are apart along x and along y, with signs."""
    moved = y_true - y_pred  # first, so that boxes far from 0 keep their digits
    return (moved[..., 0] + moved[..., 2]) / 2, (moved[..., 1] + moved[..., 3]) / 2


def _area(boxes: Any) -> Any:
    width, height = sides(boxes)
    return width * height


def _with_sides_of_at_least_0(boxes: Any) -> Any:
    # A box with its corners in the wrong order would have a negative area, and the union could come to 0.
    low, high = boxes[..., :2], boxes[..., 2:]
    return ops.concatenate([low, ops.where(high < low, low, high)], axis=-1)


def _check_boxes(y_true: Any, y_pred: Any, what: str) -> None:
    true_shape, pred_shape = tuple(y_true.shape), tuple(y_pred.shape)
    fits = len(true_shape) == len(pred_shape) and all(
        a is None or b is None or a == b for a, b in zip(true_shape, pred_shape, strict=True)
    )
    if not (fits and pred_shape and pred_shape[-1] == true_shape[-1] == _CORNERS):
        message = f"`{what}` takes boxes of shape (..., 4), y_true like y_pred, not {true_shape} and {pred_shape}."
        raise ValueError(message)


def _check_eps(eps: float) -> None:
    if not (math.isfinite(eps) and eps > 0):
        message = f"`eps` must be a finite number above 0, not {eps}."
        raise ValueError(message)
