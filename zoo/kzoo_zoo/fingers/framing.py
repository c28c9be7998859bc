"""A frame of any shape as the square that the network sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LONGEST_RATIO", "framed"]

LONGEST_RATIO = 4 / 3
"""Frames up to this ratio of the sides are squeezed into a square; longer ones are first filled up to it."""


def framed(pixels: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Return a frame, uint8 of shape (H, W, 3), as uint8 of shape ``(*size, 3)``.

    A hand in a tall video would be squeezed flat: such frames are filled up at both sides with their own border, which
    keeps the wall a wall.

    Args:
        pixels: The frame.
        size: Height and width.
    """
    from kzoo.data.frames.video import opencv

    cv2 = opencv()
    height, width = pixels.shape[:2]
    more_rows = max(0, round(width / LONGEST_RATIO) - height)
    more_columns = max(0, round(height / LONGEST_RATIO) - width)
    # Down first: the border is then filled on a small picture.
    scale = min(1.0, size[0] / (height + more_rows), size[1] / (width + more_columns))
    if more_rows or more_columns:
        inner = (max(1, round(size[1] * width / (width + more_columns))),
                 max(1, round(size[0] * height / (height + more_rows))))  # fmt: skip
    else:
        inner = (size[1], size[0])
    small = cv2.resize(pixels, inner, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    down, right = size[0] - inner[1], size[1] - inner[0]
    if down or right:
        small = cv2.copyMakeBorder(
            small, down // 2, down - down // 2, right // 2, right - right // 2, cv2.BORDER_REPLICATE
        )
    return np.ascontiguousarray(small)
