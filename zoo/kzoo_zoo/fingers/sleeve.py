"""Sleeves: the part of what is before the scene that has no skin's colour and comes in from the edge."""

from __future__ import annotations

import numpy as np

from kzoo.data.frames.video import opencv

__all__ = ["redness", "sleeve_of"]

_STEADY = 12.0  # levels added to both channels: the ratio of two dark pixels is noise
_APART = 0.12
"""The least difference of redness, in natural logarithms, between a hand and a sleeve."""
_LEAST_HAND, _LEAST_SLEEVE = 0.12, 0.04
"""Parts of the whole that a hand and a sleeve have at least; less is a shadow, a ring, a watch."""
_PALE = 0.3
"""What has more than this part of the hand's redness is the hand's other side."""


def redness(pixels: np.ndarray) -> np.ndarray:
    """Return ln(red / green) of RGB pixels, float32 of shape (H, W): above 0 for skin of all tones, in all light.

    Two channels of one pixel have the same light and exposure, so that the ratio stays where brightness changes. Dark
    pixels are drawn towards 0.
    """
    x = pixels.astype(np.float32) + _STEADY
    found: np.ndarray = np.log(x[..., 0] / x[..., 1])
    return found


def sleeve_of(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return where a mask covers a sleeve, uint8 of shape (H, W): 255 there, 0 everywhere if there is none.

    The pixels of the mask are divided into two groups by redness, where the groups are farthest apart (Otsu 1979). The
    less red one is a sleeve where it is clearly another colour and reaches in from the frame's edge; what lies within
    the hand, such as shadows, is none.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
        mask: uint8 of shape (H, W), 255 where hand and arm are.
    """
    cv2 = opencv()
    pale = _paler(cv2.GaussianBlur(redness(pixels), (5, 5), 0), mask > 0)
    if pale is None:
        return np.zeros_like(mask)
    joined = cv2.morphologyEx(np.where(pale, 255, 0).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    joined = cv2.bitwise_and(cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), mask)
    _, labels = cv2.connectedComponents(joined)
    edges = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    sleeve = np.isin(labels, np.unique(edges[edges > 0]))
    much = np.count_nonzero(sleeve) >= _LEAST_SLEEVE * np.count_nonzero(mask)
    found: np.ndarray = np.where(sleeve & much, 255, 0).astype(np.uint8)
    return found


def _paler(red: np.ndarray, inside: np.ndarray) -> np.ndarray | None:
    """Return where what is inside is clearly less red than the rest of it, bool, or None where nothing is."""
    values = red[inside]
    if not values.size or values.max() - values.min() < _APART:
        return None
    low, height = float(values.min()), float(values.max() - values.min())
    scaled = np.rint((values - low) * (255 / height)).astype(np.uint8)
    limit = opencv().threshold(scaled, 0, 255, opencv().THRESH_OTSU)[0] * height / 255 + low
    # The lit and the shaded side of one hand differ too, but never as much as by _PALE.
    limit = min(limit, _PALE * float(np.median(values[values > limit])))
    below = values <= limit
    if not _LEAST_SLEEVE <= below.mean() <= 1 - _LEAST_HAND:
        return None
    if float(values[~below].mean() - values[below].mean()) < _APART:
        return None
    found: np.ndarray = inside & (red <= limit)
    return found
