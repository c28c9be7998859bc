"""How training photos are changed at random."""

from __future__ import annotations

from typing import Any

from kzoo.augmentation import alternating_mirror, random_shift

__all__ = ["mirror_and_shift"]


def mirror_and_shift(images: Any, *, seed: Any, epoch: Any, reach: int) -> Any:
    """Mirror every image in every other epoch, and shift it by up to ``reach`` pixels, the border reflected.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels).
        seed: Integer tensor of shape (2,), different in every step.
        epoch: The epoch's number, an integer tensor.
        reach: The longest way, in pixels.
    """
    mirrored = alternating_mirror(images, epoch)
    return random_shift(images, seed=seed, reach=reach, fill_mode="mirror", mirrored=mirrored)
