"""What of a large picture is shown: fewer of its pixels, and the part that has most to see."""

from __future__ import annotations

import numpy as np

from kzoo.data.frames.video import opencv

__all__ = ["most_detailed", "thinned"]

_PART = 3  # the magnified part has this share of the shorter side
_LEAST_PART = 32
_COARSE = 1.5  # pixels: what is finer is texture, of which little is to be seen
_LARGEST = 720  # pixels of the longer side


def most_detailed(pixels: np.ndarray) -> tuple[int, int, int]:
    """Return row, column and side of the square part of a picture that has most edges, at multiples of 4."""
    cv2 = opencv()
    height, width = pixels.shape[:2]
    side = min(height, width, max(_LEAST_PART, min(height, width) // _PART)) // 4 * 4 or min(height, width)
    gray = pixels.astype(np.float32).mean(axis=-1)
    smooth = cv2.GaussianBlur(gray, (0, 0), _COARSE)
    edges = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    sums = cv2.integral(edges)
    found = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    found = found[::4, ::4]
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    return int(row) * 4, int(column) * 4, side


def thinned(pixels: np.ndarray) -> np.ndarray:
    """Return one of so many pixels each way of a picture whose longer side has more than 720, else the picture."""
    step = max(1, -(-max(pixels.shape[:2]) // _LARGEST))
    return pixels[::step, ::step]
