"""How far boxes overlap."""

from __future__ import annotations

import numpy as np

__all__ = ["box_iou"]


def box_iou(first: np.ndarray, second: np.ndarray, *, crowd: np.ndarray | None = None) -> np.ndarray:
    """Return the intersection over union of every box of one set with every box of another, shape (M, N).

    Args:
        first: x1, y1, x2, y2, shape (M, 4).
        second: Shape (N, 4).
        crowd: Which of the second are crowds, shape (N,): for those it is the intersection over the first box's area.
    """
    first, second = np.asarray(first, np.float64).reshape(-1, 4), np.asarray(second, np.float64).reshape(-1, 4)
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    common = np.maximum(high - low, 0).prod(axis=-1)
    areas, others = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=-1) for boxes in (first, second))
    together = areas[:, None] + others[None] - common
    if crowd is not None:
        together = np.where(np.asarray(crowd, bool)[None], areas[:, None], together)
    return np.asarray(np.divide(common, together, out=np.zeros_like(common), where=together > 0))
