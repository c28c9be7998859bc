"""How training photos are changed at random: moved, turned, stretched and mirrored in one go, and coloured anew."""

from __future__ import annotations

from typing import Any

from kzoo.augmentation import colour_jitter, random_affine_maps, transform

__all__ = ["recolour", "warp"]


def warp(images: Any, *, seed: Any, **changes: Any) -> Any:
    """Return the batch, every image under its own affine map; what comes in from outside is the image reflected.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels).
        seed: Integer tensor of shape (2,), different in every step.
        changes: What is changed and how much, as in `kzoo.augmentation.random_affine_maps`.
    """
    return transform(images, random_affine_maps(images, seed=seed, **changes), fill_mode="reflect")


def recolour(images: Any, *, seed: Any, strength: float) -> Any:
    """Return the batch, every image with its own brightness, contrast and saturation.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels).
        seed: Integer tensor of shape (2,), different in every step.
        strength: The largest change of each, as a part: 0.3 allows 0.7 to 1.3.
    """
    return colour_jitter(images, seed=seed, brightness=strength, contrast=strength, saturation=strength)
