"""How lines of text change at random: a little turned, slanted, enlarged and moved, lighter and darker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tensorflow as tf

from kzoo.augmentation import affine_maps, colour_jitter, split_seed, transform, turned_and_sheared

if TYPE_CHECKING:
    from kzoo_zoo.transcription.settings import AugmentSettings

__all__ = ["augmented"]


def augmented(images: Any, seed: Any, chosen: AugmentSettings) -> Any:
    """Return a batch of lines, each under its own affine map and with its own colours.

    A line is turned about the middle of its left edge, and moved by parts of its height: it begins there, and is much
    longer than high. What comes in from outside is as the border is.

    Args:
        images: uint8 tensor of shape (B, H, W, C).
        seed: Integer tensor of shape (2,), different in every step.
        chosen: How much.
    """
    where, colours = split_seed(seed, 2)
    count, height = tf.shape(images)[0], images.shape[1]
    draws = tf.random.stateless_uniform((5, count), where, -1.0, 1.0)
    angle = draws[0] * (chosen.rotation * 3.14159265 / 180)
    lean = tf.tan(draws[1] * (chosen.shear * 3.14159265 / 180))
    (a, b), (c, d) = turned_and_sheared(angle, lean)
    low, high = chosen.zoom
    part = low + (high - low) * (draws[2] + 1) / 2
    across, down = (draws[number] * (chosen.shift * height) for number in (3, 4))
    middle = (height - 1) / 2
    maps = affine_maps(((part * a, part * b), (part * c, part * d)), (across, middle + down), (0.0, middle))
    images = transform(images, maps, fill_mode="nearest")
    if not chosen.colour:
        return images
    return colour_jitter(images, seed=colours, brightness=chosen.colour, contrast=chosen.colour)
