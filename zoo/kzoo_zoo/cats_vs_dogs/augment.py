"""How training photos are changed at random: moved, turned, stretched and mirrored in one go, and coloured anew."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

__all__ = ["recolour", "warp"]


def warp(
    images: Any,
    *,
    seed: Any,
    rotation: float = 0.0,
    shift: float = 0.0,
    shear: float = 0.0,
    zoom: tuple[float, float] = (1.0, 1.0),
    stretch: float = 0.0,
    mirror: bool = True,
) -> Any:
    """Return the batch, every image under its own affine map; what comes in from outside is the image reflected.

    All changes are one matrix for each image, so that its pixels are looked up and interpolated once.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels).
        seed: Integer tensor of shape (2,), different in every step.
        rotation: The largest turn, in degrees.
        shift: The longest way, as a part of the image's side.
        shear: The largest angle between an upright line and its image, in degrees.
        zoom: The smallest and the largest part of the side that is seen: (0.6, 1.0) only enlarges.
        stretch: The largest change of the ratio of the sides, as a part: 0.2 allows 1/1.2 to 1.2.
        mirror: Whether half of the images are mirrored, left and right.
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    u = tf.random.stateless_uniform((7, batch), seed, minval=-1.0)
    angle = u[0] * math.radians(rotation)
    lean = tf.tan(u[1] * math.radians(shear))
    seen = zoom[0] + (zoom[1] - zoom[0]) * (u[2] + 1) / 2
    ratio = tf.exp(u[3] * (math.log1p(stretch) / 2))
    side = tf.where(u[4] > 0, -1.0, 1.0) if mirror else tf.ones_like(angle)
    # From the place of a pixel of the result, counted from the middle, to its place in the image.
    cosine, sine = tf.cos(angle), tf.sin(angle)
    a, b = seen * ratio * cosine * side, seen * ratio * (lean * cosine - sine)
    c, d = seen / ratio * sine * side, seen / ratio * (lean * sine + cosine)
    half_width, half_height = (tf.cast(width, tf.float32) - 1) / 2, (tf.cast(height, tf.float32) - 1) / 2
    x = half_width + u[5] * shift * tf.cast(width, tf.float32) - a * half_width - b * half_height
    y = half_height + u[6] * shift * tf.cast(height, tf.float32) - c * half_width - d * half_height
    zero = tf.zeros_like(a)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, x, c, d, y, zero, zero], axis=1),
        output_shape=tf.stack([height, width]),
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )
    return tf.ensure_shape(moved, images.shape)


def recolour(images: Any, *, seed: Any, strength: float) -> Any:
    """Return the batch, every image with its own brightness, contrast and saturation.

    Args:
        images: uint8 tensor of shape (batch, height, width, channels).
        seed: Integer tensor of shape (2,), different in every step.
        strength: The largest change of each, as a part: 0.3 allows 0.7 to 1.3.
    """
    batch = tf.shape(images)[0]
    factors = 1 + tf.random.stateless_uniform((3, batch, 1, 1, 1), seed, minval=-strength, maxval=strength)
    x = tf.cast(images, tf.float32)
    gray = tf.reduce_mean(x, axis=3, keepdims=True)
    mean = tf.reduce_mean(gray, axis=(1, 2), keepdims=True)
    # Saturation about the pixel's gray, contrast about the image's mean, and that mean itself: each a straight line.
    changed = factors[2] * mean + factors[1] * (gray - mean + factors[0] * (x - gray))
    return tf.cast(tf.clip_by_value(tf.round(changed), 0, 255), tf.uint8)
