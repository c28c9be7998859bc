"""How training digits are changed at random."""

from __future__ import annotations

from typing import Any

from kzoo.augmentation import random_shift

__all__ = ["shift"]


def shift(images: Any, *, seed: Any, reach: int) -> Any:
    """Return the batch, each image moved by its own whole number of pixels in ``[-reach, reach]`` per axis.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels); the gap is black, as the border of a digit is.
        seed: Integer tensor of shape (2,), different in every step.
        reach: The longest way, in pixels.
    """
    return random_shift(images, seed=seed, reach=reach, fill_mode="constant")
