"""How training digits are changed at random."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["shift"]


def shift(images: Any, *, seed: Any, reach: int) -> Any:
    """Return the batch, each image moved by its own whole number of pixels in ``[-reach, reach]`` per axis.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels); the gap is black, as the border of a digit is.
        seed: Integer tensor of shape (2,), different in every step.
        reach: The longest way, in pixels.
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    padded = tf.pad(images, [[0, 0], [reach, reach], [reach, reach], [0, 0]])
    offsets = tf.random.stateless_uniform((2, batch, 1), seed, maxval=2 * reach + 1, dtype=tf.int32)
    shifted = tf.gather(padded, offsets[0] + tf.range(height), axis=1, batch_dims=1)
    shifted = tf.gather(shifted, offsets[1] + tf.range(width), axis=2, batch_dims=1)
    return tf.ensure_shape(shifted, images.shape)
