"""Pixels as the outline compares them: brightness for little and colour for much; and masks of them, cleaned."""

from __future__ import annotations

import numpy as np

from kzoo.data.frames.video import opencv

__all__ = ["cleaned", "levels_of", "skin"]

_LUMA, _CHROMA = 0.35, 1.5
"""What brightness and colour count for: a hand's shadow is darker than the wall, but of its colour."""

_DARKEST = 40.0
_RED, _BLUE = (135.0, 173.0), (77.0, 127.0)
"""Cr and Cb of skin, of all its tones: Chai and Ngan 1999 (https://doi.org/10.1109/76.767122)."""


def levels_of(pixels: np.ndarray) -> np.ndarray:
    """Return brightness and two differences of colour, weighted, float32 of shape (H, W, 3), of RGB pixels."""
    weights = np.array([0.299, 0.587, 0.114])
    red, blue = np.array([1.0, 0.0, 0.0]) - weights, np.array([0.0, 0.0, 1.0]) - weights
    matrix = np.stack([_LUMA * weights, _CHROMA * red, _CHROMA * blue])
    found: np.ndarray = opencv().transform(pixels.astype(np.float32), matrix.astype(np.float32))
    return found


def skin(levels: np.ndarray) -> np.ndarray:
    """Return where levels have the colour of skin, bool of shape (H, W); much else has it too, such as wood."""
    luma = levels[..., 0] / _LUMA
    red, blue = 128 + 0.713 / _CHROMA * levels[..., 1], 128 + 0.564 / _CHROMA * levels[..., 2]
    between = (red > _RED[0]) & (red < _RED[1]) & (blue > _BLUE[0]) & (blue < _BLUE[1])
    found: np.ndarray = between & (luma > _DARKEST)
    return found


def cleaned(mask: np.ndarray) -> np.ndarray:
    """Return a mask, uint8, without specks and with small holes closed."""
    cv2 = opencv()
    kernel = np.ones((3, 3), np.uint8)
    opened = cv2.morphologyEx(mask, cv2.MORPH_OPEN, kernel)
    found: np.ndarray = cv2.morphologyEx(opened, cv2.MORPH_CLOSE, kernel)
    return found
