"""How training pictures are changed at random, once or, for losses that compare two views of each, twice."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

from kzoo.augmentation import colour_jitter, random_affine_maps, split_seed, transform

__all__ = ["changed", "two_views"]


def changed(images: Any, *, seed: Any, colour: float, **moves: Any) -> Any:
    """Return the batch, every picture under its own affine map and with its own colours.

    What comes in from outside is as the border is: the ground of a drawing.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels).
        seed: Integer tensor of shape (2,), different in every step.
        colour: The largest change of brightness, contrast and saturation, as a part.
        moves: As in `kzoo.augmentation.random_affine_maps`.
    """
    where, colours = split_seed(seed, 2)
    images = transform(images, random_affine_maps(images, seed=where, **moves), fill_mode="nearest")
    if not colour:
        return images
    saturation = colour if images.shape[-1] == 3 else 0.0  # noqa: PLR2004 - colours
    return colour_jitter(images, seed=colours, brightness=colour, contrast=colour, saturation=saturation)


def two_views(images: Any, labels: Any, *, seed: Any, numbered: bool, **changes: Any) -> tuple[Any, Any]:
    """Return two views of each picture, one batch after the other, with the labels of both.

    Args:
        images: As for `changed`.
        labels: The classes, shape (batch,).
        seed: As for `changed`.
        numbered: Whether the labels become the number of each picture in the batch.
        changes: As for `changed`.
    """
    views = [changed(images, seed=one, **changes) for one in split_seed(seed, 2)]
    if numbered:
        labels = tf.range(tf.shape(images)[0], dtype=labels.dtype)
    return tf.concat(views, axis=0), tf.concat([labels, labels], axis=0)
