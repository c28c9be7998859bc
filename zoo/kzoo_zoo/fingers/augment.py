"""How training pictures are changed at random, so that a network survives another camera, room and hand."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from kzoo.augmentation import (
    affine_maps,
    contrast,
    mirror,
    saturation,
    split_seed,
    to_uint8,
    transform,
    turned_and_sheared,
)

__all__ = ["disturbed", "moved", "pasted"]

_BAND = 3  # pixels at the border that the wall is estimated from
_EDGE = 4.0  # over which the mask goes from nothing to all
_LUMA, _CHROMA = 0.35, 1.5
"""What brightness and colour count for when skin is told from a wall: a wall has shadows, but seldom skin's colour."""


def pasted(
    images: Any,
    backgrounds: Any,
    *,
    seed: Any,
    paste: float = 0.6,
    rotation: float = 40.0,
    smallest: float = 0.45,
    largest: float = 1.05,
) -> Any:
    """Return the batch with every hand moved, turned, scaled and mirrored, many of them before another background.

    Where a hand is before a plain wall, the wall is estimated from the border, and what differs from it is the hand. It
    is brought to a random size and place, whole, and pasted on one of the backgrounds with probability ``paste``.
    Other pictures are zoomed and moved as they are.

    Args:
        images: uint8 tensor of shape (batch, height, width, 3).
        backgrounds: uint8 tensor of shape (N, height, width, 3), N at least 1.
        seed: Integer tensor of shape (2,), different in every step.
        paste: The share of the hands before a plain wall that get another background.
        rotation: The largest turn, in degrees.
        smallest: The least height or width of a hand, as a part of the picture's.
        largest: The most.
    """
    x = tf.cast(images, tf.float32)
    alpha, plain = _mask(x)
    seeds = split_seed(seed, 4)
    maps = _placements(x, _Hands(alpha, plain, smallest, largest), seed=seeds[0], rotation=rotation)
    moved = _warped(tf.concat([x, 255.0 * alpha], axis=-1), maps)
    x, alpha = moved[..., :3], moved[..., 3:] / 255
    batch = tf.shape(x)[0]
    u = tf.random.stateless_uniform((3, batch), seeds[1])
    chosen = tf.logical_and(plain, u[0] < paste)
    x = _relit_hand(x, alpha, chosen, seed=seeds[2])
    scene = tf.gather(backgrounds, tf.cast(u[1] * tf.cast(tf.shape(backgrounds)[0], tf.float32), tf.int32))
    scene = mirror(_zoomed(tf.cast(scene, tf.float32), seed=seeds[3]), u[2] < 0.5)  # noqa: PLR2004 - half of them
    mixed = alpha * x + (1 - alpha) * scene
    x = tf.where(chosen[:, None, None, None], mixed, x)
    return tf.ensure_shape(to_uint8(x), images.shape)


def moved(images: Any, *, seed: Any, rotation: float = 40.0) -> Any:
    """Return the batch with every picture zoomed, moved, turned and mirrored as it is.

    Args:
        images: uint8 tensor of shape (batch, height, width, 3).
        seed: Integer tensor of shape (2,), different in every step.
        rotation: The largest turn, in degrees.
    """
    return _warped(images, _placements(images, None, seed=split_seed(seed, 1)[0], rotation=rotation))


def disturbed(images: Any, *, seed: Any, strength: float = 1.0) -> Any:
    """Return the batch under other light and through another camera: contrast, colour, blur, noise, a patch.

    Args:
        images: uint8 tensor of shape (batch, height, width, 3).
        seed: Integer tensor of shape (2,), different in every step.
        strength: 0 changes nothing, 1 is meant for pictures of a few cameras.
    """
    x = tf.cast(images, tf.float32)
    batch, height, width = tf.unstack(tf.shape(x)[:3])
    seeds = split_seed(seed, 4)
    n = strength * tf.random.stateless_normal((6, batch, 1, 1, 1), seeds[0])
    x = saturation(contrast(x, tf.exp(0.2 * n[0])), tf.exp(0.3 * n[1]))
    # Warmer or colder light, and a little of green or magenta.
    gains = tf.concat([0.12 * n[2] + 0.05 * n[3], -0.05 * n[3], -0.12 * n[2] + 0.05 * n[3]], axis=-1)
    x = x * tf.exp(0.22 * n[4] + gains)
    x = tf.clip_by_value(x / 255, 0.0, 1.0)
    # About a gamma of exp(0.2 n); a power would cost four times more.
    x = 255 * (x + 0.7 * tf.tanh(-0.28 * n[5]) * x * (1 - x))
    u = tf.random.stateless_uniform((8, batch), seeds[1])
    blurred = tf.nn.avg_pool2d(x, 3, 1, "SAME")
    x = tf.where((u[0] < 0.3 * strength)[:, None, None, None], blurred, x)
    most = 14.0 * strength * u[1] * tf.cast(u[2] < 0.5, tf.float32)  # noqa: PLR2004 - half of them
    # Even noise: a normal one of as many numbers would take a third of all this function's time.
    x = x + most[:, None, None, None] * tf.random.stateless_uniform(tf.shape(x), seeds[2], minval=-1.0)
    # One patch of a random colour, up to a fifth of the side: less than a hand, about a finger.
    side = (0.05 + 0.15 * u[3:5]) * tf.cast(u[5] < 0.3 * strength, tf.float32)
    down = tf.cast(tf.range(height), tf.float32)[None] / tf.cast(height, tf.float32) - u[6][:, None]
    across = tf.cast(tf.range(width), tf.float32)[None] / tf.cast(width, tf.float32) - u[7][:, None]
    inside_rows, inside_columns = tf.abs(down) < side[0][:, None] / 2, tf.abs(across) < side[1][:, None] / 2
    patch = tf.logical_and(inside_rows[:, :, None], inside_columns[:, None, :])[..., None]
    x = tf.where(patch, 255 * tf.random.stateless_uniform((batch, 1, 1, 3), seeds[3]), x)
    return tf.ensure_shape(to_uint8(x), images.shape)


def _mask(x: Any) -> tuple[Any, Any]:
    """Return how much of each pixel is hand, shape (batch, height, width, 1), and where the wall is plain, (batch,).

    The wall is a quadratic surface through the border; the lower edge is left out, where the arm comes in.
    """
    height, width = x.shape[1:3]
    rows, columns = np.indices((height, width))
    border = ((rows < _BAND) | (columns < _BAND) | (columns >= width - _BAND)) & (rows < 0.85 * height)
    border = np.flatnonzero(border)[::3]
    r, c = rows.ravel() / (height / 2) - 1, columns.ravel() / (width / 2) - 1
    design = np.stack([np.ones_like(r), r, c, r * r, c * c, r * c], axis=1).astype(np.float32)
    at_border = tf.constant(design[border])
    x = _luma_and_chroma(x)
    levels = tf.gather(tf.reshape(x, (-1, height * width, 3)), border, axis=1)
    weights = tf.ones_like(levels[..., :1])
    for _ in range(3):  # what is far off, such as a sleeve, counts ever less
        weighted = weights * at_border
        normal = tf.einsum("bpi,pj->bij", weighted, at_border) + 1e-3 * tf.eye(6)
        surface = tf.linalg.solve(normal, tf.einsum("bpi,bpc->bic", weighted, levels))
        off = tf.norm(levels - tf.einsum("pi,bic->bpc", at_border, surface), axis=-1, keepdims=True)
        weights = 1 / (1 + tf.square(off / 5))
    wall = tf.reshape(tf.einsum("pi,bic->bpc", tf.constant(design), surface), (-1, height, width, 3))
    usual = tf.sort(off[..., 0], axis=1)[:, int(0.6 * len(border))]
    level = tf.maximum(16.0, 3.0 * usual)[:, None, None, None]
    alpha = tf.sigmoid((tf.norm(x - wall, axis=-1, keepdims=True) - level) / _EDGE)
    alpha = -tf.nn.max_pool2d(-tf.nn.max_pool2d(alpha, 3, 1, "SAME"), 3, 1, "SAME")  # closes small holes
    share = tf.reduce_mean(alpha, axis=(1, 2, 3))
    plain = (usual < 8) & (share > 0.02) & (share < 0.6)  # noqa: PLR2004 - a wall, and something before it
    return alpha, plain


def _luma_and_chroma(x: Any) -> Any:
    """Return brightness and two differences of colour, weighted so that their distance tells skin from a wall."""
    luma = tf.reduce_sum(x * (0.299, 0.587, 0.114), axis=-1, keepdims=True)
    return tf.concat([_LUMA * luma, _CHROMA * (x[..., :1] - luma), _CHROMA * (x[..., 2:] - luma)], axis=-1)


class _Hands(NamedTuple):
    """Where the hands of a batch are, and how large they are to become."""

    alpha: Any
    plain: Any
    smallest: float
    largest: float


def _placements(images: Any, hands: _Hands | None, *, seed: Any, rotation: float) -> Any:
    """Return an affine map for each picture, from the place in the result to the place in the picture."""
    batch, height = tf.unstack(tf.shape(images)[:2])
    u = tf.random.stateless_uniform((8, batch), seed, minval=-1.0)
    size = tf.cast(height, tf.float32)
    scale, centre_y, centre_x, room = tf.exp(0.25 * u[0]), size / 2, size / 2, 0.1
    if hands is not None:
        plain = hands.plain
        low_y, high_y = _extent(hands.alpha, 2)
        low_x, high_x = _extent(hands.alpha, 1)
        extent = tf.maximum(high_y - low_y, high_x - low_x) / size
        low, high = math.log(hands.smallest), math.log(hands.largest)
        wanted = tf.exp(low + (high - low) * (u[0] + 1) / 2)
        scale = tf.where(plain, tf.clip_by_value(wanted / extent, 0.35, 2.2), scale)
        centre_y = tf.where(plain, (low_y + high_y) / 2, centre_y)
        centre_x = tf.where(plain, (low_x + high_x) / 2, centre_x)
        room = tf.where(plain, tf.maximum(0.04, (1 - scale * extent) / 2), room)
    to_y, to_x = size * (0.5 + room * u[1]), size * (0.5 + room * u[2])
    ratio = tf.exp(0.2 * u[3])
    # Most hands are upright; the more they are turned, the fewer.
    angle = u[4] * tf.abs(u[5]) * math.radians(rotation) * 1.5
    (a, b), (c, d) = turned_and_sheared(angle, 0.15 * u[6])
    across, down = tf.sign(u[7]) * ratio / scale, scale * ratio
    return affine_maps(((across * a, across * b), (c / down, d / down)), (centre_x, centre_y), (to_x, to_y))


def _extent(alpha: Any, axis: int) -> tuple[Any, Any]:
    """Return where the hand begins and ends along the other axis, in pixels."""
    filled = tf.reduce_sum(tf.cast(alpha[..., 0] > 0.5, tf.float32), axis=axis) >= 2  # noqa: PLR2004 - no single pixel
    places = tf.cast(tf.range(tf.shape(filled)[1]), tf.float32)
    last = tf.cast(tf.shape(filled)[1], tf.float32)
    low = tf.reduce_min(tf.where(filled, places, last), axis=1)
    high = tf.reduce_max(tf.where(filled, places + 1, 0.0), axis=1)
    return tf.where(high > low, low, 0.0), tf.where(high > low, high, last)


def _warped(x: Any, maps: Any) -> Any:
    """Return the pictures under their maps; the border goes on outwards: no arm ends in the air."""
    return transform(x, maps, fill_mode="nearest")


def _zoomed(x: Any, *, seed: Any) -> Any:
    """Return backgrounds zoomed in on a random part."""
    batch, size = tf.shape(x)[0], tf.cast(tf.shape(x)[1], tf.float32)
    u = tf.random.stateless_uniform((3, batch), seed)
    seen = 0.5 + 0.5 * u[0]
    zero = tf.zeros_like(seen)
    corner = u[1] * (1 - seen) * size, u[2] * (1 - seen) * size
    return _warped(x, affine_maps(((seen, zero), (zero, seen)), corner))


def _relit_hand(x: Any, alpha: Any, chosen: Any, *, seed: Any) -> Any:
    """Return the pictures with each chosen hand in other light than its old background's."""
    batch = tf.shape(x)[0]
    n = tf.random.stateless_normal((batch, 1, 1, 4), seed)
    total = tf.reduce_sum(alpha, axis=(1, 2), keepdims=True) + 1.0
    mean = tf.reduce_sum(alpha * x, axis=(1, 2), keepdims=True) / total
    # Between a bright and a dark skin there is a factor of about 3.
    relit = mean * tf.exp(0.35 * n[..., :1] + 0.08 * n[..., 1:]) + (x - mean) * tf.exp(0.25 * n[..., :1])
    return tf.where(chosen[:, None, None, None], relit, x)
