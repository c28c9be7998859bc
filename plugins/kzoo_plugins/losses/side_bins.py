"""Sides of boxes as bins of a detector's cells: what the bins stand for, and the boxes that their means tell."""

from __future__ import annotations

from typing import Any

from keras import ops

__all__ = ["SIDES", "box_of_bins", "in_bins"]

SIDES = 4
"""Left, top, right and bottom, in this order."""

_LARGEST_LOGIT = 1e30  # an infinite one would make its softmax NaN, and what no box is at may say anything


def box_of_bins(logits: Any, cell: Any) -> tuple[Any, Any]:
    """Return the corners x1, y1, x2, y2 that the means of bins tell, in cells, and the logits, finite.

    Left and top are counted in cells from the far edge of the cell, right and bottom from its near edge, so that none
    is below 0 for a box whose centre is in the cell, however small it is. Two sides that cross are in order again.

    Args:
        logits: Of the B bins of each side, shape (..., 4, B).
        cell: Column and row of the cell, shape (..., 2).
    """
    logits = ops.clip(logits, -_LARGEST_LOGIT, _LARGEST_LOGIT)
    numbers = ops.arange(logits.shape[-1], dtype=logits.dtype)
    lengths = ops.sum(ops.softmax(logits, axis=-1) * numbers, -1)
    near, far = cell + 1 - lengths[..., :2], cell + lengths[..., 2:]
    return ops.concatenate([ops.minimum(near, far), ops.maximum(near, far)], -1), logits


def in_bins(corners: Any, cell: Any) -> Any:
    """Return the sides of boxes as `box_of_bins` counts them, shape (..., 4).

    Args:
        corners: x1, y1, x2, y2 in cells, shape (..., 4).
        cell: Column and row of the cell, shape (..., 2).
    """
    return ops.concatenate([cell + 1 - corners[..., :2], corners[..., 2:] - cell], -1)
