"""How training photos are changed at random."""

from __future__ import annotations

from typing import Any

import tensorflow as tf

__all__ = ["mirror_and_shift"]


def mirror_and_shift(images: Any, *, seed: Any, epoch: Any, reach: int) -> Any:
    """Mirror every image in every other epoch, and shift it by up to ``reach`` pixels, the border reflected.

    Which epochs mirror an image, the odd or the even ones, hangs on the parity of a sum over its pixels: fixed for an
    image, whatever its place in the epoch's order, so that two epochs in a row show both its sides.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels).
        seed: Integer tensor of shape (2,), different in every step.
        epoch: The epoch's number, an integer tensor.
        reach: The longest way, in pixels.

    References:
        Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024 (alternating flips).
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    offsets = tf.random.stateless_uniform((2, batch, 1), seed, minval=-reach, maxval=reach + 1, dtype=tf.int32)
    rows = _reflected(offsets[0] + tf.range(height), height)
    columns = _reflected(offsets[1] + tf.range(width), width)
    columns = tf.where(_mirrored(images, epoch)[:, None], width - 1 - columns, columns)
    # By index, and both in one: padding, slicing and reversing would copy the batch three times.
    moved = tf.gather(images, rows, axis=1, batch_dims=1)
    moved = tf.gather(moved, columns, axis=2, batch_dims=1)
    return tf.ensure_shape(moved, images.shape)


def _mirrored(images: Any, epoch: Any) -> Any:
    """Return, per image, whether this epoch shows it mirrored: no, yes, no, ... or yes, no, yes, ..."""
    # Every fourth row is enough to tell photos apart, and four times as fast to add up.
    total = tf.reduce_sum(tf.cast(images[:, ::4], tf.int32), axis=[1, 2, 3])
    return tf.equal((total + tf.cast(epoch, tf.int32)) % 2, 1)


def _reflected(index: Any, size: Any) -> Any:
    """Return indices outside ``[0, size)`` mirrored at the border pixel: -1 as 1, ``size`` as ``size - 2``."""
    return size - 1 - tf.abs(size - 1 - tf.abs(index))
