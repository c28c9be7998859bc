"""Which place of the network's grids is responsible for which box, and labels that say so; in the TensorFlow graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo_zoo.yolov3.darknet import Head

__all__ = ["assign", "places"]

KINDS = ("yolo", "new_coords", "region", "bins")
"""How a place's numbers are read, in the order of the loss's own numbers for it."""

_WITHIN = 1e-3
"""Cells that a side stays within the reach of its bins: rounding must not take it beyond the last one."""


def places(heads: Sequence[Head], input_shape: Sequence[int]) -> np.ndarray:
    """Return what is fixed of every place, in the order of the network's output.

    That order is: head by head, row by row, column by column, anchor by anchor.

    Returns:
        float32 of shape (R, 7): column, row, columns, rows, anchor's width and height, ``scale_x_y``. Where a head is
        not of YOLOv3's kind, of shape (R, 8): the number of the kind in `KINDS` follows.
    """
    height, width = input_shape[:2]
    plain = all(head.kind == KINDS[0] for head in heads)
    found = []
    for head in heads:
        rows, columns = height // head.stride, width // head.stride
        anchors = np.asarray(head.anchors, np.float32) / (width, height)
        row, column, anchor = np.meshgrid(range(rows), range(columns), range(len(anchors)), indexing="ij")
        grid = np.broadcast_to([columns, rows], (row.size, 2))
        scale = np.full((row.size, 1), head.scale_x_y)
        kind = np.full((row.size, 0 if plain else 1), KINDS.index(head.kind))
        at = np.stack([column.ravel(), row.ravel()], -1)
        found.append(np.concatenate([at, grid, anchors[anchor.ravel()], scale, kind], -1))
    return np.concatenate(found).astype(np.float32)


def assign(boxes: Any, heads: Sequence[Head], input_shape: Sequence[int], classes: int, *, match: float = 1.0) -> Any:
    """Return the labels of a batch as the loss `yolo` takes them, float32 of shape (B, R, 5 + classes + 7).

    Where a head is not of YOLOv3's kind, each place has one number more; see `places`.

    A box goes to the anchor whose sides have the highest IoU with its own, in the cell that its centre is in; with
    ``match`` below 1 also to every other anchor with an IoU above it. Where two boxes want one place, the one whose
    best anchor it is has it, and of two such the later one.

    Where sides are said by bins, what of a box lies beyond the last bin is cut off here: the loss has no label for it.

    Args:
        boxes: float32 of shape (B, M, 5): centre x, centre y, width, height in parts of the input's sides, and the
            class; a class below 0 is no box.
        heads: The network's heads.
        input_shape: Height and width of its input.
        classes: The number of classes K.
        match: See above.
    """
    height, width = input_shape[:2]
    fixed = tf.constant(places(heads, input_shape))
    rows_total = fixed.shape[0]
    anchors = tf.constant([anchor for head in heads for anchor in head.anchors], tf.float32)
    stride = tf.constant([head.stride for head in heads for _ in head.anchors], tf.int32)
    per_cell = tf.constant([len(head.anchors) for head in heads for _ in head.anchors], tf.int32)
    within = tf.constant([number for head in heads for number in range(len(head.anchors))], tf.int32)
    counts = [(height // head.stride) * (width // head.stride) * len(head.anchors) for head in heads]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    first = tf.constant([start for head, start in zip(heads, starts, strict=True) for _ in head.anchors], tf.int32)

    boxes = tf.cast(boxes, tf.float32)
    batch, most = tf.shape(boxes)[0], tf.shape(boxes)[1]
    there = (boxes[..., 4] >= 0) & (boxes[..., 2] > 0) & (boxes[..., 3] > 0)
    sides = boxes[..., 2:4] * tf.constant([width, height], tf.float32)
    shared = tf.reduce_prod(tf.minimum(sides[:, :, None], anchors), -1)
    overlap = shared / (tf.reduce_prod(sides, -1)[..., None] + tf.reduce_prod(anchors, -1) - shared)
    best = tf.one_hot(tf.argmax(overlap, -1), tf.shape(anchors)[0], on_value=True, off_value=False)
    wanted = there[..., None] & (best | (overlap > match))

    columns, rows = width // stride, height // stride
    column = tf.cast(boxes[..., 0:1] * tf.cast(columns, tf.float32), tf.int32)
    row = tf.cast(boxes[..., 1:2] * tf.cast(rows, tf.float32), tf.int32)
    column, row = tf.clip_by_value(column, 0, columns - 1), tf.clip_by_value(row, 0, rows - 1)
    place = first + (row * columns + column) * per_cell + within
    place = tf.where(wanted, place, rows_total)  # one more place, for what is not wanted

    # Written as a maximum, since of several writes to one place the last would be any.
    number = tf.range(most)[None, :, None] + tf.where(best, most, 0)
    image = tf.broadcast_to(tf.range(batch)[:, None, None], tf.shape(place))
    at = tf.reshape(tf.stack([image, place], -1), [-1, 2])
    owner = tf.tensor_scatter_nd_max(tf.fill(tf.stack([batch, rows_total + 1]), -1), at, tf.reshape(number, [-1]))[
        :, :rows_total
    ]
    present = owner >= 0
    own = tf.gather(boxes, tf.where(present, owner % tf.maximum(most, 1), 0), axis=1, batch_dims=1)
    own = tf.where(present[..., None], own, tf.constant([0.0, 0.0, 0.0, 0.0, -1.0]))
    labels = tf.one_hot(tf.cast(own[..., 4], tf.int32), classes)
    known = fixed.shape[1]
    fixed = tf.broadcast_to(fixed, tf.stack([batch, rows_total, known]))
    at_place = own[..., :4]
    if bins := heads[0].bins:
        cut = _within_reach(at_place, fixed[..., :2], fixed[..., 2:4], bins)
        at_place = tf.where(present[..., None], cut, at_place)
    found = tf.concat([at_place, tf.cast(present, tf.float32)[..., None], labels, fixed], -1)
    return tf.ensure_shape(found, (None, rows_total, 5 + classes + known))


def _within_reach(boxes: Any, cells: Any, grid: Any, bins: int) -> Any:
    """Return boxes whose sides lie between the first and the last bin, each seen from the cell of its place."""
    low, high = (boxes[..., :2] - boxes[..., 2:] / 2) * grid, (boxes[..., :2] + boxes[..., 2:] / 2) * grid
    nearest, farthest = _WITHIN, bins - 1 - _WITHIN
    low = cells + 1 - tf.clip_by_value(cells + 1 - low, nearest, farthest)
    high = cells + tf.clip_by_value(high - cells, nearest, farthest)
    return tf.concat([(low + high) / 2 / grid, (high - low) / grid], -1)
