"""How pictures and their masks change at random: where pixels go, alike for both, and what colour they have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from kzoo.augmentation import colour_jitter, random_affine_maps, split_seed, transform

if TYPE_CHECKING:
    from kzoo_zoo.segmentation.settings import AugmentSettings

__all__ = ["augmented"]


def augmented(x: Any, y: Any, seed: Any, chosen: AugmentSettings) -> tuple[Any, Any]:
    """Return a batch of pictures and masks, each pair moved by a map of its own, and recoloured.

    What is seen beyond the edge is the picture mirrored there, and its mask likewise; a mask's pixel has the class of
    the nearest one, for numbers of classes cannot be mixed.

    Args:
        x: Pictures, uint8 of shape (B, H, W, C).
        y: Class indices, uint8 of shape (B, H, W).
        seed: Integer tensor of shape (2,), different in every step.
        chosen: How much.
    """
    where, colours = split_seed(seed, 2)
    maps = random_affine_maps(
        x,
        seed=where,
        rotation=chosen.rotation,
        shift=chosen.shift,
        shear=chosen.shear,
        zoom=chosen.zoom,
        stretch=chosen.stretch,
        mirror=chosen.mirror,
    )
    x = transform(x, maps)
    y = tf.squeeze(transform(y[..., None], maps, interpolation="nearest"), -1)
    if chosen.colour:
        saturation = chosen.colour if x.shape[-1] > 1 else 0.0
        x = colour_jitter(x, seed=colours, brightness=chosen.colour, contrast=chosen.colour, saturation=saturation)
    return x, y
