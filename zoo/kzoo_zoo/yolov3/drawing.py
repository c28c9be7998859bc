"""Boxes, names and scores on a picture, a colour for each class."""

from __future__ import annotations

import colorsys
import functools
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.frames import Label, write_labels
from kzoo.data.frames.video import opencv

if TYPE_CHECKING:
    from kzoo.tasks.detections import Detections

__all__ = ["color_of", "draw"]

_GOLDEN = 0.618033988749895
_BRIGHT = 140.0  # above it, black letters are easier to read than white ones
_THIN = 300  # pixels of the shorter side for each pixel of a line
_LARGEST_FONT = 40


def draw(pixels: np.ndarray, found: Detections) -> np.ndarray:
    """Return a copy of a picture with the objects found in it; a thumbnail is enlarged, so that it can be read.

    Names stand where they hide no other name, those of the surest objects nearest to their boxes.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
        found: The objects; the surest are drawn last, on top.
    """
    picture = np.ascontiguousarray(pixels).copy()
    height, width = picture.shape[:2]
    thickness = max(1, round(min(height, width) / _THIN))
    labels = []
    for number in reversed(range(len(found))):
        name, color = found.names[number], color_of(int(found.labels[number]))
        x1, y1, x2, y2 = (round(float(side)) for side in found.clipped[number])
        corners = (x1, y1), (min(x2, width - 1), min(y2, height - 1))
        opencv().rectangle(picture, *corners, color, thickness)
        ink = (0, 0, 0) if np.dot(color, (0.299, 0.587, 0.114)) > _BRIGHT else (255, 255, 255)
        text = f"{name} {found.scores[number]:.0%}"
        around = (x1 / width, y1 / height, x2 / width, y2 / height)
        labels.append(Label(text, color=ink, background=color, around=around))
    size = min(max(12, min(height, width) // 32), _LARGEST_FONT)
    return write_labels(picture, labels, size=size)


@functools.cache
def color_of(label: int) -> tuple[int, int, int]:
    """Return the colour of a class, RGB: neighbours in the order of classes are far apart."""
    hue = (0.08 + label * _GOLDEN) % 1.0
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.85 if label % 2 else 0.65, 0.95)
    return round(255 * red), round(255 * green), round(255 * blue)
