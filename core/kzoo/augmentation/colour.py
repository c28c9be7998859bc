"""Images in other light: brightness, contrast, saturation and hue, each image in its own way."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from kzoo.augmentation.draws import log_uniform

__all__ = [
    "brightness_contrast_saturation",
    "colour_jitter",
    "contrast",
    "hue_jitter",
    "hue_saturation_exposure",
    "saturation",
    "to_uint8",
]

_TO_YIQ = ((0.299, 0.587, 0.114), (0.596, -0.274, -0.322), (0.211, -0.523, 0.312))


def colour_jitter(
    images: Any, *, seed: Any, brightness: float = 0.0, contrast: float = 0.0, saturation: float = 0.0
) -> Any:
    """Return the batch, every image with its own brightness, contrast and saturation.

    Args:
        images: uint8 tensor of shape (B, H, W, C).
        seed: Integer tensor of shape (2,), different in every step.
        brightness: The largest change, as a part: 0.3 allows 0.7 to 1.3 times as much.
        contrast: Likewise.
        saturation: Likewise.

    Returns:
        uint8 tensor of shape (B, H, W, C), rounded.

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import colour_jitter
        >>> gray = tf.fill((1, 2, 2, 3), tf.constant(100, tf.uint8))
        >>> found = colour_jitter(gray, seed=[1, 2], brightness=0.5)
        >>> bool(50 <= found[0, 0, 0, 0] <= 150), found.dtype
        (True, tf.uint8)
    """
    most = tf.constant([[saturation], [contrast], [brightness]], tf.float32)
    factors = 1 + (tf.random.stateless_uniform((3, tf.shape(images)[0]), seed) * (2 * most) - most)
    changed = brightness_contrast_saturation(
        tf.cast(images, tf.float32), brightness=factors[2], contrast=factors[1], saturation=factors[0]
    )
    return to_uint8(changed)


def hue_jitter(images: Any, *, seed: Any, hue: float = 0.0, saturation: float = 1.0, exposure: float = 1.0) -> Any:
    """Return the batch, every image with its own turn of the colours, saturation and exposure.

    Args:
        images: float32 tensor in [0, 1] of shape (B, H, W, 3), RGB.
        seed: Integer tensor of shape (2,), different in every step.
        hue: The largest turn to either side, as a part of the circle of colours: 0.5 allows all of it.
        saturation: The largest factor of the saturation, and one over it the smallest.
        exposure: Likewise of the brightness.

    Returns:
        float32 tensor in [0, 1] of shape (B, H, W, 3).

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import hue_jitter
        >>> hue_jitter(tf.fill((2, 4, 4, 3), 0.5), seed=[1, 2], hue=0.1, saturation=1.5, exposure=1.2).shape
        TensorShape([2, 4, 4, 3])
    """
    draw = tf.random.stateless_uniform((3, tf.shape(images)[0]), seed)
    return hue_saturation_exposure(
        images,
        angle=(2 * draw[0] - 1) * (2 * math.pi * hue),
        saturation=log_uniform(draw[1], saturation),
        exposure=log_uniform(draw[2], exposure),
    )


def brightness_contrast_saturation(images: Any, *, brightness: Any, contrast: Any, saturation: Any) -> Any:
    """Return the images with their mean, their differences from it and their colours multiplied by factors.

    Gray is the mean of a pixel's channels. Brightness multiplies the mean of the image alone, so that contrast stays
    what it is; the same factor for both is a longer exposure.

    Args:
        images: float32 tensor of shape (B, H, W, C), in any unit.
        brightness: Factor of the mean of each image, of shape (B,), or one number for all.
        contrast: Likewise, of what each pixel's gray differs from that, and of its colours with it.
        saturation: Likewise, of what each channel differs from the pixel's gray.

    Returns:
        float32 tensor of shape (B, H, W, C), not clipped.

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import brightness_contrast_saturation
        >>> pixel = tf.constant([[[[1.0, 2.0, 6.0]]]])
        >>> brightness_contrast_saturation(pixel, brightness=2.0, contrast=2.0, saturation=0.5).numpy().ravel().tolist()
        [4.0, 5.0, 9.0]
    """
    gray = tf.reduce_mean(images, axis=3, keepdims=True)
    mean = tf.reduce_mean(gray, axis=(1, 2), keepdims=True)
    # Each is a straight line that leaves the gray or the mean of the others where it is: one pass over the pixels does.
    deviation = gray - mean + _for_each(saturation) * (images - gray)
    return _for_each(brightness) * mean + _for_each(contrast) * deviation


def contrast(images: Any, factor: Any) -> Any:
    """Return the images with their differences from the mean of all their values multiplied by a factor.

    Args:
        images: float32 tensor of shape (B, H, W, C), in any unit.
        factor: Of shape (B,), or one number for all.

    Returns:
        float32 tensor of shape (B, H, W, C), not clipped.

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import contrast
        >>> contrast(tf.constant([[[[1.0, 2.0, 6.0]]]]), 2.0).numpy().ravel().tolist()
        [-1.0, 1.0, 9.0]
    """
    mean = tf.reduce_mean(images, axis=(1, 2, 3), keepdims=True)
    return mean + (images - mean) * _for_each(factor)


def saturation(images: Any, factor: Any) -> Any:
    """Return the images with the differences of each pixel's channels from their mean multiplied by a factor.

    Args:
        images: float32 tensor of shape (B, H, W, C), in any unit.
        factor: Of shape (B,), or one number for all; 0 for gray images.

    Returns:
        float32 tensor of shape (B, H, W, C), not clipped.

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import saturation
        >>> saturation(tf.constant([[[[1.0, 2.0, 6.0]]]]), 0.5).numpy().ravel().tolist()
        [2.0, 2.5, 4.5]
    """
    gray = tf.reduce_mean(images, axis=3, keepdims=True)
    return gray + (images - gray) * _for_each(factor)


def hue_saturation_exposure(images: Any, *, angle: Any, saturation: Any, exposure: Any) -> Any:
    """Return the images with turned colours, more or less of them, and lighter or darker.

    In YIQ, the colours of NTSC television, brightness is one axis and the colours turn about it, so that all three
    changes are one matrix for each image. Gray stays gray.

    Args:
        images: float32 tensor in [0, 1] of shape (B, H, W, 3), RGB.
        angle: The turn, in radians, of shape (B,).
        saturation: Factor of shape (B,).
        exposure: Factor of the brightness, of shape (B,).

    Returns:
        float32 tensor in [0, 1] of shape (B, H, W, 3), clipped.

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import hue_saturation_exposure
        >>> red, one = tf.constant([[[[0.5, 0.0, 0.0]]]]), tf.constant([1.0])
        >>> gray = hue_saturation_exposure(red, angle=tf.constant([0.0]), saturation=0 * one, exposure=2 * one)
        >>> [round(float(value), 2) for value in tf.reshape(gray, -1)]
        [0.3, 0.3, 0.3]
    """
    cosine, sine = saturation * tf.cos(angle), saturation * tf.sin(angle)
    one, zero = tf.ones_like(cosine), tf.zeros_like(cosine)
    turn = tf.stack([
        tf.stack([one, zero, zero], -1), tf.stack([zero, cosine, -sine], -1), tf.stack([zero, sine, cosine], -1)
    ], -2)  # fmt: skip
    to_yiq = tf.constant(_TO_YIQ)
    matrix = exposure[:, None, None] * (tf.linalg.inv(to_yiq) @ turn @ to_yiq)
    return tf.clip_by_value(tf.einsum("bhwc,bdc->bhwd", images, matrix), 0.0, 1.0)


def to_uint8(images: Any) -> Any:
    """Return the images as uint8, rounded, with what is outside of [0, 255] at its ends.

    Example:
        >>> from kzoo.augmentation import to_uint8
        >>> to_uint8([-3.0, 1.6, 300.0]).numpy().tolist()
        [0, 2, 255]
    """
    return tf.cast(tf.clip_by_value(tf.round(images), 0, 255), tf.uint8)


def _for_each(factor: Any) -> Any:
    """Return a factor for each image, or one for all, with the axes of a batch of images."""
    return tf.reshape(factor, (-1, 1, 1, 1))
