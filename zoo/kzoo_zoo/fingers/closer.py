"""A hand found in a large frame before it is counted: the network itself says which parts of the frame show one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kzoo.tasks.classes import class_probabilities
from kzoo_zoo.fingers.framing import LONGEST_RATIO, framed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.engine.forward import Forward

__all__ = ["close_ups", "is_large", "parts_of"]

_LARGE = 2.0
"""A frame is large where both sides are at least so many times those of the network's input."""
_PART = 0.65
"""The sides of a part, as a share of the frame's; of a long frame, of its largest piece with sides of 4 : 3."""
_SHARPNESS = 4
"""The power of how much a part looks like a hand by which it has a say: mostly the parts with all of it do."""

Box = tuple[float, float, float, float]
"""First row, first column, height and width."""


def is_large(pixels: np.ndarray, size: Sequence[int]) -> bool:
    """Return whether more of a frame, shape (H, W, 3), can be seen in a part of it than in all of it."""
    return bool(min(pixels.shape[0] / size[0], pixels.shape[1] / size[1]) >= _LARGE)


def parts_of(height: int, width: int) -> list[Box]:
    """Return overlapping parts that cover a frame, each half of its side from the next, or nearer."""
    rows, columns = _PART * min(height, width * LONGEST_RATIO), _PART * min(width, height * LONGEST_RATIO)
    down = np.linspace(0, height - rows, int(np.ceil((height - rows) / (rows / 2))) + 1)
    across = np.linspace(0, width - columns, int(np.ceil((width - columns) / (columns / 2))) + 1)
    return [(float(y), float(x), rows, columns) for y in down for x in across]


def close_ups(
    forward: Forward, frames: Sequence[np.ndarray], size: Sequence[int], num_classes: int
) -> list[np.ndarray]:
    """Return the part of each frame that has a hand in its middle, as the network's input, uint8 of shape (H, W, 3).

    The middle of all parts of a frame is taken, each weighed by how surely the network sees a hand in it.

    Args:
        forward: The network; its first class is that there is no hand.
        frames: RGB, uint8, all of one shape.
        size: Height and width of the network's input.
        num_classes: How many classes it knows.
    """
    parts = parts_of(*frames[0].shape[:2])
    seen = np.stack([_cut(pixels, part, size) for pixels in frames for part in parts])
    hand = 1 - class_probabilities(forward(seen), num_classes)[:, 0].reshape(len(frames), len(parts))
    weights = np.maximum(hand, 1e-3) ** _SHARPNESS
    weights /= weights.sum(axis=1, keepdims=True)
    corners = weights @ np.array(parts)[:, :2]
    return [_cut(pixels, (y, x, *parts[0][2:]), size) for pixels, (y, x) in zip(frames, corners, strict=True)]


def _cut(pixels: np.ndarray, part: Box, size: Sequence[int]) -> np.ndarray:
    y, x, rows, columns = (round(value) for value in part)
    return framed(np.ascontiguousarray(pixels[y : y + rows, x : x + columns]), size)
