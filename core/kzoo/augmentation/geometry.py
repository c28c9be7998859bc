"""Images under affine and projective maps: one look-up for each pixel, however many changes a map is made of."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

__all__ = ["affine_maps", "random_affine_maps", "transform", "turned_and_sheared"]

# Without TensorFlow's "wrap", whose period is one pixel short of the side.
_FILL_MODES = ("constant", "nearest", "reflect")
_INTERPOLATIONS = ("bilinear", "nearest")
_RANK = 4  # of a batch of images


def transform(
    images: Any,
    maps: Any,
    *,
    size: Any = None,
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    interpolation: str = "bilinear",
) -> Any:
    """Return the batch with every image under its own projective map.

    Args:
        images: Tensor of shape (B, H, W, C), uint8 or float. The result has its dtype; of integers, what is
            interpolated is cut off, not rounded.
        maps: float32 tensor of shape (B, 8), as `affine_maps` and `random_affine_maps` make it: for a, b, x, c, d, y,
            e, f the pixel at column u and row v of the result is looked up at column (a u + b v + x) / k and row
            (c u + d v + y) / k with k = e u + f v + 1; the centre of the first pixel is at 0.
        size: Height and width of the images to return, integers; None for those of ``images``.
        fill_mode: What is seen outside the image: ``constant`` is ``fill_value``, ``nearest`` the border pixel,
            ``reflect`` the image mirrored at its edge (``d c b a | a b c d | d c b a``).
        fill_value: The value outside with ``constant``.
        interpolation: ``bilinear``, or ``nearest`` for masks, whose values cannot be mixed.

    Returns:
        Tensor of shape (B, H, W, C), or with the height and width of ``size``.

    Raises:
        ValueError: ``images`` are no batch, or ``fill_mode`` or ``interpolation`` is none of these.

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import transform
        >>> row = tf.reshape(tf.range(1.0, 5.0), (1, 1, 4, 1))
        >>> one_to_the_left = tf.constant([[1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]])
        >>> transform(row, one_to_the_left, fill_mode="nearest").numpy().ravel().tolist()
        [2.0, 3.0, 4.0, 4.0]
    """
    _check_one_of("fill_mode", fill_mode, _FILL_MODES)
    _check_one_of("interpolation", interpolation, _INTERPOLATIONS)
    if len(images.shape) != _RANK:
        message = f"`images` must be a batch of shape (B, H, W, C), not {tuple(images.shape)}."
        raise ValueError(message)
    moved = tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=maps,
        output_shape=tf.shape(images)[1:3] if size is None else tf.stack(size),
        fill_value=fill_value,
        interpolation=interpolation.upper(),
        fill_mode=fill_mode.upper(),
    )
    return tf.ensure_shape(moved, images.shape) if size is None else moved


def affine_maps(matrix: Any, source: Any, result: Any = None) -> Any:
    """Return affine maps for `transform`, from places in the result to places in the images.

    Args:
        matrix: ((a, b), (c, d)), each of shape (B,): how far a step to the right (a, c) and one down (b, d) in the
            result goes in the image, across (a, b) and down (c, d).
        source: (x, y), each of shape (B,) or a number where ``result`` is given: the place in the image, in pixels
            from the centre of the first one, ...
        result: ... that is seen at this place of the result, (x, y) likewise; None for the first pixel.

    Returns:
        float32 tensor of shape (B, 8).

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import affine_maps
        >>> half, none = tf.constant([0.5]), tf.constant([0.0])
        >>> twice_as_large_about_the_pixel_at_8 = affine_maps(((half, none), (none, half)), (8.0, 8.0), (8.0, 8.0))
        >>> twice_as_large_about_the_pixel_at_8.numpy().tolist()
        [[0.5, 0.0, 4.0, 0.0, 0.5, 4.0, 0.0, 0.0]]
    """
    (a, b), (c, d) = matrix
    x, y = source
    if result is not None:
        u, v = result
        x, y = x - a * u - b * v, y - c * u - d * v
    zero = tf.zeros_like(a)
    return tf.stack([a, b, x, c, d, y, zero, zero], axis=1)


def turned_and_sheared(angle: Any, lean: Any) -> Any:
    """Return the matrix ((a, b), (c, d)) for `affine_maps` that shears places in the result, then turns them.

    Args:
        angle: The turn, in radians, of shape (B,); what is seen is the image turned to the left where it is above 0.
        lean: How far to the right the place goes that is looked up, for each row down, of shape (B,).

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import turned_and_sheared
        >>> (a, b), (c, d) = turned_and_sheared(tf.constant([0.0]), tf.constant([0.25]))
        >>> [float(part[0]) for part in (a, b, c, d)]
        [1.0, 0.25, 0.0, 1.0]
    """
    cosine, sine = tf.cos(angle), tf.sin(angle)
    return (cosine, lean * cosine - sine), (sine, lean * sine + cosine)


def random_affine_maps(
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
    """Return a random affine map about the middle for every image; `transform` applies it to them or to their masks.

    Args:
        images: Tensor of shape (B, H, W, C), of which only the shape matters.
        seed: Integer tensor of shape (2,), different in every step.
        rotation: The largest turn, in degrees.
        shift: The longest way, as a part of the image's side.
        shear: The largest angle between an upright line and its image, in degrees.
        zoom: The smallest and the largest part of the side that is seen: (0.6, 1.0) only enlarges.
        stretch: The largest change of the ratio of the sides, as a part: 0.2 allows 1/1.2 to 1.2.
        mirror: Whether half of the images are mirrored, left and right.

    Returns:
        float32 tensor of shape (B, 8).

    Example:
        >>> import tensorflow as tf
        >>> from kzoo.augmentation import random_affine_maps, transform
        >>> photos, masks = tf.zeros((4, 32, 48, 3), tf.uint8), tf.zeros((4, 32, 48, 1), tf.uint8)
        >>> maps = random_affine_maps(photos, seed=[1, 2], rotation=20.0, shift=0.1)
        >>> transform(photos, maps).shape
        TensorShape([4, 32, 48, 3])
        >>> transform(masks, maps, fill_mode="constant", interpolation="nearest").shape
        TensorShape([4, 32, 48, 1])
    """
    batch, height, width = tf.unstack(tf.shape(images)[:3])
    u = tf.random.stateless_uniform((7, batch), seed, minval=-1.0)
    seen = zoom[0] + (zoom[1] - zoom[0]) * (u[2] + 1) / 2
    ratio = tf.exp(u[3] * (math.log1p(stretch) / 2))
    side = tf.where(u[4] > 0, -1.0, 1.0) if mirror else tf.ones_like(seen)
    (a, b), (c, d) = turned_and_sheared(u[0] * math.radians(rotation), tf.tan(u[1] * math.radians(shear)))
    matrix = (seen * ratio * a * side, seen * ratio * b), (seen / ratio * c * side, seen / ratio * d)
    wide, high = tf.cast(width, tf.float32), tf.cast(height, tf.float32)
    middle = (wide - 1) / 2, (high - 1) / 2
    source = middle[0] + u[5] * shift * wide, middle[1] + u[6] * shift * high
    return affine_maps(matrix, source, middle)


def _check_one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        message = f"`{name}` must be one of {', '.join(allowed)}, not {value!r}."
        raise ValueError(message)
