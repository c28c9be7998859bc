"""How training images change at random with their boxes: moved, scaled, mirrored, coloured, four put together."""

from __future__ import annotations

import math
from typing import Any

import tensorflow as tf

from kzoo.augmentation import affine_maps, hue_saturation_exposure, log_uniform, transform

__all__ = ["augment_boxes", "mosaic_layout", "recolour", "seen_boxes", "warp"]

_PAD = 0.5
_NO_BOX = (0.0, 0.0, 0.0, 0.0, -1.0)
_HALF = 0.5  # of the images are mirrored
_LEAST_SEEN = 0.3  # of a box's area; what is left of one that is cut more than that says little about the thing
_LEAST_SIDE = 2.0  # pixels


def augment_boxes(
    images: Any,
    boxes: Any,
    *,
    seed: Any,
    epoch: Any,
    zoom: tuple[float, float] = (0.6, 1.4),
    stretch: float = 0.2,
    shift: float = 0.1,
    mirror: bool = True,
    hue: float = 0.05,
    saturation: float = 1.5,
    exposure: float = 1.5,
    mosaic: float = 0.0,
    mosaic_epochs: int = 0,
    size: Any = None,
) -> tuple[Any, Any]:
    """Return a batch of images and boxes, each changed in its own way.

    Args:
        images: float32 in [0, 1] of shape (B, H, W, 3).
        boxes: float32 of shape (B, M, 5): centre, width and height in parts of the sides, class; below 0 for no box.
        seed: Integer tensor of shape (2,), different in every step.
        epoch: The epoch's number.
        zoom: The smallest and the largest scale.
        stretch: The largest change of the ratio of the sides, as a part: 0.2 allows 1/1.2 to 1.2.
        shift: How far an image may be moved beyond where it fits, as a part of its side.
        mirror: Whether half of the images are mirrored, left and right.
        hue: The largest turn of the colours, as a part of the circle.
        saturation: The largest factor of the saturation, and one over it the smallest.
        exposure: Likewise of the brightness.
        mosaic: The part of the images that are put together from four.
        mosaic_epochs: The number of first epochs with such images; 0 for all.
        size: Height and width of the images to return; an integer tensor of shape (2,), or None for that of ``images``.

    Returns:
        Images and boxes of the same kind; with ``mosaic`` the boxes are ``(B, 4 M, 5)``.
    """
    batch = tf.shape(images)[0]
    height, width = images.shape[1:3] if size is None else tf.unstack(tf.cast(size, tf.int32))
    draw = tf.random.stateless_uniform((12, batch), seed)
    ratio = tf.exp((2 * draw[0] - 1) * (tf.math.log1p(float(stretch)) / 2))
    much = zoom[0] + (zoom[1] - zoom[0]) * draw[1]
    scale = tf.stack([much * ratio, much / ratio], -1)
    # Anywhere where it fits, if it is smaller, or where it fills all, if it is larger; and a little beyond.
    spread = tf.stack([draw[2], draw[3]], -1)
    corner = spread * (1 - scale) + (2 * tf.stack([draw[4], draw[5]], -1) - 1) * shift
    flip = (draw[6] < _HALF) if mirror else tf.zeros([batch], tf.bool)
    whole = tf.tile(tf.constant([[0.0, 0.0, 1.0, 1.0]]), [batch, 1])
    moved = warp(images, scale, corner, flip, (height, width))
    found = seen_boxes(boxes, scale, corner, flip, whole, (height, width))
    if mosaic > 0:
        chosen = draw[7] < mosaic
        if mosaic_epochs:
            chosen &= tf.cast(epoch, tf.int32) < mosaic_epochs
        rows = tf.where(chosen)  # only these are made: a mosaic costs four times what another image does
        many, lists = _mosaic(images, boxes, seed, rows[:, 0], (height, width))
        fill = tf.broadcast_to(tf.constant(_NO_BOX), tf.stack([batch, 3 * tf.shape(boxes)[1], 5]))
        moved = tf.tensor_scatter_nd_update(moved, rows, many)
        found = tf.tensor_scatter_nd_update(tf.concat([found, fill], 1), rows, lists)
    if hue or saturation != 1 or exposure != 1:
        moved = recolour(moved, draw[8:11], hue=hue, saturation=saturation, exposure=exposure)
    shape = images.shape if size is None else (images.shape[0], None, None, images.shape[3])
    return tf.ensure_shape(moved, shape), found


def warp(images: Any, scale: Any, corner: Any, flip: Any, size: Any) -> Any:
    """Return the images scaled, with their upper left corner moved, gray around them.

    Args:
        images: float32 of shape (B, H, W, C).
        scale: Across and down, shape (B, 2).
        corner: Where the upper left corner goes, in parts of the sides, shape (B, 2).
        flip: Which images are mirrored before that, shape (B,).
        size: Height and width of the images to return.
    """
    height, width = images.shape[1:3]
    sides = tf.constant([width, height], tf.float32)
    ratio = sides / tf.cast(tf.stack([size[1], size[0]]), tf.float32)
    # From the centre of a pixel of the result to its place in the image, both counted from the first pixel's centre.
    a, d = tf.unstack(ratio / scale, axis=-1)
    shift = (0.5 * ratio - corner * sides) / scale - 0.5
    x, y = tf.unstack(shift, axis=-1)
    x, a = tf.where(flip, width - 1 - x, x), tf.where(flip, -a, a)
    zero = tf.zeros_like(a)
    maps = affine_maps(((a, zero), (zero, d)), (x, y))
    return transform(images, maps, size=size, fill_mode="constant", fill_value=_PAD)


def seen_boxes(boxes: Any, scale: Any, corner: Any, flip: Any, window: Any, size: Any) -> Any:
    """Return what is seen of the boxes of warped images through a window; those of which little is seen are no more.

    Args:
        boxes: As in `augment_boxes`.
        scale: As in `warp`.
        corner: As in `warp`.
        flip: As in `warp`.
        window: x1, y1, x2, y2 in parts of the sides, shape (B, 4).
        size: Height and width of the images, to know what a pixel is.
    """
    centre, sides, label = boxes[..., :2], boxes[..., 2:4], boxes[..., 4:]
    x = tf.where(flip[:, None], 1 - centre[..., 0], centre[..., 0])
    centre = tf.stack([x, centre[..., 1]], -1) * scale[:, None] + corner[:, None]
    sides = sides * scale[:, None]
    low = tf.maximum(centre - sides / 2, window[:, None, :2])
    high = tf.minimum(centre + sides / 2, window[:, None, 2:])
    left = tf.maximum(high - low, 0.0)
    least = _LEAST_SIDE / tf.cast(tf.stack([size[1], size[0]]), tf.float32)
    seen = tf.reduce_prod(left, -1) >= _LEAST_SEEN * tf.reduce_prod(sides, -1)
    seen &= tf.reduce_all(left >= least, -1) & (label[..., 0] >= 0)
    now = tf.concat([(low + high) / 2, left, label], -1)
    return tf.where(seen[..., None], now, tf.constant(_NO_BOX))


def mosaic_layout(seed: Any, batch: Any) -> list[tuple[Any, Any, Any]]:
    """Return, for each of the four parts of a mosaic, scale, corner and window of its image; see `warp`.

    The four meet at a point in the middle part of the image, each with its inner corner there.
    """
    draw = tf.random.stateless_uniform((6, batch), tf.random.experimental.stateless_fold_in(seed, 1))
    meet = 0.3 + 0.4 * tf.stack([draw[0], draw[1]], -1)
    zero, one = tf.zeros_like(meet[:, :1]), tf.ones_like(meet[:, :1])
    found = []
    for part in range(4):
        right, below = part % 2, part // 2
        size = 0.4 + 0.6 * draw[2 + part][:, None]
        scale = tf.concat([size, size], -1)
        corner = meet - scale * tf.constant([1.0 - right, 1.0 - below])
        x, y = meet[:, :1], meet[:, 1:]
        window = tf.concat([x if right else zero, y if below else zero, one if right else x, one if below else y], -1)
        found.append((scale, corner, window))
    return found


def _mosaic(images: Any, boxes: Any, seed: Any, rows: Any, size: Any) -> tuple[Any, Any]:
    """Return a mosaic for each of some rows of the batch, of four images from all of it, and its boxes."""
    batch, (height, width) = tf.shape(images)[0], size
    x = (tf.cast(tf.range(width), tf.float32) + 0.5) / tf.cast(width, tf.float32)
    y = (tf.cast(tf.range(height), tf.float32) + 0.5) / tf.cast(height, tf.float32)
    order = tf.random.experimental.stateless_shuffle(tf.range(batch), tf.random.experimental.stateless_fold_in(seed, 2))
    flips = tf.random.stateless_uniform((4, batch), tf.random.experimental.stateless_fold_in(seed, 3)) < _HALF
    whole, lists = tf.fill(tf.stack([tf.shape(rows)[0], height, width, images.shape[3]]), _PAD), []
    for part, layout in enumerate(mosaic_layout(seed, batch)):
        scale, corner, window, flip, own = (
            tf.gather(of_all, rows) for of_all in (*layout, flips[part], tf.roll(order, part, 0))
        )
        moved = warp(tf.gather(images, own), scale, corner, flip, size)
        across = (x >= window[:, 0:1]) & (x < window[:, 2:3])
        down = (y >= window[:, 1:2]) & (y < window[:, 3:4])
        whole = tf.where(across[:, None, :, None] & down[:, :, None, None], moved, whole)
        lists.append(seen_boxes(tf.gather(boxes, own), scale, corner, flip, window, size))
    return whole, tf.concat(lists, 1)


def recolour(images: Any, draw: Any, *, hue: float, saturation: float, exposure: float) -> Any:
    """Return the images with turned colours, more or less of them, and lighter or darker.

    Args:
        images: float32 in [0, 1] of shape (B, H, W, 3).
        draw: Uniform numbers in [0, 1) of shape (3, B).
        hue: As in `augment_boxes`.
        saturation: As in `augment_boxes`.
        exposure: As in `augment_boxes`.
    """
    return hue_saturation_exposure(
        images,
        angle=(2 * draw[0] - 1) * (2 * math.pi * hue),
        saturation=log_uniform(draw[1], saturation),
        exposure=log_uniform(draw[2], exposure),
    )
