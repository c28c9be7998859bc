"""Raw outputs of the heads -> boxes and scores: of every cell, or of those few in which something is seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Candidates", "HeadLike", "candidates", "decode", "raw_rows"]

_SIDES = 4
_DIMENSIONS = 4  # of a head's output: batch, rows, columns, channels
_STRIDES = (32, 16, 8)


class HeadLike(Protocol):
    """What decoding must know of one detection head."""

    @property
    def anchors(self) -> Sequence[tuple[float, float]]:
        """Widths and heights in pixels of the network's input."""

    @property
    def classes(self) -> int:
        """How many classes there are."""

    @property
    def scale_x_y(self) -> float:
        """By how much the sigmoid of a box's centre is stretched; 1 in YOLOv3."""

    @property
    def kind(self) -> str:
        """How its numbers are read: ``yolo``, ``new_coords``, ``region`` or ``bins``."""

    @property
    def bins(self) -> int:
        """How many bins each side has; asked for where the kind is ``bins``."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """What is seen in one picture before overlapping boxes are suppressed.

    Attributes:
        boxes: x1, y1, x2, y2 as fractions of the network's input, float32 of shape (K, 4).
        labels: Class indices, shape (K,).
        scores: Objectness times the class's probability, float32 of shape (K,).
    """

    boxes: np.ndarray
    labels: np.ndarray
    scores: np.ndarray


def raw_rows(outputs: Any, heads: Sequence[HeadLike], input_shape: Sequence[int]) -> list[np.ndarray]:
    """Return the raw output of each head as an array of shape (B, rows, columns, anchors, numbers).

    The numbers are 5 + classes: four for the box, the objectness, the classes. Of a head of the kind ``bins`` they are
    4 * bins + 1 + classes, the bins of the left side first, then those of the top, the right and the bottom.

    Args:
        outputs: The heads' outputs of shape (B, rows, columns, anchors * numbers), in the order of ``heads``; or all
            of them in one array of shape (B, N, numbers); or that of the only head.
        heads: The heads.
        input_shape: Height and width of the network's input first.

    Raises:
        ValueError: The outputs are not those of such heads.
    """
    if not isinstance(outputs, (list, tuple)):
        outputs = np.asarray(outputs)
        # A network of one head returns that head's output alone.
        outputs = [outputs] if outputs.ndim == _DIMENSIONS else _apart(outputs, heads, input_shape)
    found = []
    if len(outputs) != len(heads):
        message = f"The network has {len(outputs)} outputs, and {len(heads)} heads are known."
        raise ValueError(message)
    for raw, head in zip(outputs, heads, strict=True):
        anchors, width = len(head.anchors), _box_numbers(head) + 1 + head.classes
        if raw.ndim != _DIMENSIONS or raw.shape[-1] != anchors * width:
            message = (
                f"A head with {anchors} anchors and {head.classes} classes has the shape (B, rows, columns, "
                f"{anchors * width}), not {raw.shape}."
            )
            raise ValueError(message)
        found.append(np.asarray(raw).reshape(*raw.shape[:3], anchors, width))
    return found


def decode(
    outputs: Any, heads: Sequence[HeadLike], input_shape: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return boxes, objectness and class probabilities of every anchor in every cell.

    Formula, in cell (i, j) of a grid of W columns and H rows, with s = ``scale_x_y``:

    ```
    cx = (j + s sigmoid(tx) - (s - 1) / 2) / W        w = exp(tw) anchor_w / input_w
    cy = (i + s sigmoid(ty) - (s - 1) / 2) / H        h = exp(th) anchor_h / input_h
    ```

    A head of the kind ``new_coords`` has w = (2 sigmoid(tw))^2 anchor_w / input_w and likewise h. The classes of a head
    of the kind ``region`` exclude each other: their probabilities are a softmax, else a sigmoid of each.

    A head of the kind ``bins`` says each side as a distribution, of which the mean counts: l, t, r, b =
    sum over k of k softmax(logits)_k, and

    ```
    x1, y1 = (j + 1 - l) / W, (i + 1 - t) / H        x2, y2 = (j + r) / W, (i + b) / H
    ```

    Bins are thus -1/2, 1/2, 3/2, ... cells from the cell's centre. They begin half a cell beyond it, since the centre
    of a box is anywhere in its cell: all of a small box may lie on one side of the cell's centre, and with bins from 0
    on, as YOLOv8 has them for boxes around the centre, no mean would say it. Where two sides cross, the box is what
    lies between them.

    Args:
        outputs: As `raw_rows` takes them.
        heads: The heads.
        input_shape: Height and width of the network's input first.

    Returns:
        cx, cy, w, h as fractions of the network's input, shape (B, N, 4); the objectness, shape (B, N); the probability
        of each class where there is an object, shape (B, N, classes). Head after head, and in each row by row.

    References:
        - [Redmon and Farhadi, 2018](https://arxiv.org/abs/1804.02767), YOLOv3: an incremental improvement
        - [Wang et al., 2021](https://arxiv.org/abs/2011.08036), Scaled-YOLOv4 (``new_coords``)
        - [Redmon and Farhadi, 2017](https://arxiv.org/abs/1612.08242), YOLO9000 (``region``)
        - [Li et al., 2020](https://arxiv.org/abs/2006.04388), Generalized Focal Loss (``bins``)
    """
    boxes, objectness, classes = [], [], []
    for raw, head in zip(raw_rows(outputs, heads, input_shape), heads, strict=True):
        batch, rows, columns, anchors, width = raw.shape
        row, column, anchor = np.indices((rows, columns, anchors)).reshape(3, -1)
        flat = raw.reshape(batch, -1, width)
        box = _box_numbers(head)
        boxes.append(_boxes(flat[..., :box], row, column, anchor, (rows, columns), head, input_shape))
        objectness.append(_sigmoid(flat[..., box]))
        classes.append(_class_probabilities(flat[..., box + 1 :], head))
    return np.concatenate(boxes, 1), np.concatenate(objectness, 1), np.concatenate(classes, 1)


def candidates(
    outputs: Any,
    heads: Sequence[HeadLike],
    input_shape: Sequence[int],
    *,
    threshold: float,
    classes: Sequence[int] | None = None,
) -> list[Candidates]:
    """Return what is seen in each picture: every class whose score is above the threshold, in every cell.

    Only cells whose objectness alone is above it are decoded, a small part of all.

    Args:
        outputs: As `raw_rows` takes them.
        heads: The heads.
        input_shape: Height and width of the network's input first.
        threshold: In [0, 1).
        classes: The indices of the only classes that are wanted; None for all.
    """
    logit = math.log(threshold / (1 - threshold)) if threshold > 0 else -math.inf
    parts: list[tuple[np.ndarray, ...]] = []
    for raw, head in zip(raw_rows(outputs, heads, input_shape), heads, strict=True):
        box = _box_numbers(head)
        where = np.nonzero(raw[..., box] > logit)
        image, row, column, anchor = where
        rows = raw[where]
        scores = _sigmoid(rows[:, box : box + 1]) * _class_probabilities(rows[:, box + 1 :], head)
        if classes is not None:
            wanted = np.zeros(head.classes, bool)
            wanted[list(classes)] = True
            scores = np.where(wanted, scores, np.float32(0))
        at, label = np.nonzero(scores > threshold)
        boxes = _boxes(rows[:, :box], row, column, anchor, raw.shape[1:3], head, input_shape)
        half = boxes[:, 2:] / 2
        corners = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=-1)[at]
        finite = np.isfinite(corners).all(axis=-1)
        parts.append((image[at][finite], corners[finite], label[finite], scores[at, label][finite]))
    image, boxes, labels, scores = (np.concatenate(column) for column in zip(*parts, strict=True))
    return [Candidates(boxes[own], labels[own], scores[own]) for own in (image == n for n in range(_batch(outputs)))]


def _batch(outputs: Any) -> int:
    return len(outputs[0]) if isinstance(outputs, (list, tuple)) else len(outputs)


def _boxes(
    raw: np.ndarray,
    row: np.ndarray,
    column: np.ndarray,
    anchor: np.ndarray,
    grid: Sequence[int],
    head: HeadLike,
    input_shape: Sequence[int],
) -> np.ndarray:
    """Return cx, cy, w, h for raw values of shape (..., K, 4), or of K cells with bins (..., K, 4 * bins)."""
    cells = np.stack([column, row], axis=-1).astype(np.float32)
    if head.kind == "bins":
        return _mean_boxes(raw.reshape(*raw.shape[:-1], _SIDES, head.bins), cells, grid)
    scale = np.float32(head.scale_x_y)
    centers = (_sigmoid(raw[..., :2]) * scale - (scale - 1) / 2 + cells) / np.array([grid[1], grid[0]], np.float32)
    sides = np.array(head.anchors, np.float32)[anchor] / np.array([input_shape[1], input_shape[0]], np.float32)
    if head.kind == "new_coords":
        factors = np.square(2 * _sigmoid(raw[..., 2:4]))
    else:
        with np.errstate(over="ignore"):
            factors = np.exp(raw[..., 2:4])
    with np.errstate(over="ignore"):
        return np.concatenate([centers, factors * sides], axis=-1)


def _mean_boxes(logits: np.ndarray, cells: np.ndarray, grid: Sequence[int]) -> np.ndarray:
    """Return cx, cy, w, h for the logits of the bins of each side, (..., K, 4, bins), in K cells."""
    lengths = _softmax(logits) @ np.arange(logits.shape[-1], dtype=np.float32)
    before, after = lengths[..., :2], lengths[..., 2:]
    centers = cells + (1 - before + after) / 2
    return np.concatenate([centers, np.abs(before + after - 1)], -1) / np.array([grid[1], grid[0]] * 2, np.float32)


def _box_numbers(head: HeadLike) -> int:
    return _SIDES * (head.bins if head.kind == "bins" else 1)


def _class_probabilities(logits: np.ndarray, head: HeadLike) -> np.ndarray:
    return _softmax(logits) if head.kind == "region" else _sigmoid(logits)


def _softmax(logits: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # of an infinite logit comes NaN, and such a box is left out
        powers = np.exp(logits - logits.max(-1, keepdims=True))
        found: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return found


def _sigmoid(x: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        found: np.ndarray = 1 / (1 + np.exp(-x))
    return found


def _apart(joined: np.ndarray, heads: Sequence[HeadLike], input_shape: Sequence[int]) -> list[np.ndarray]:
    """Return the heads' outputs out of one array of shape (B, N, numbers)."""
    found, start = [], 0
    for place, head in enumerate(heads):
        stride = getattr(head, "stride", None) or _STRIDES[place]
        rows, columns = input_shape[0] // stride, input_shape[1] // stride
        end = start + rows * columns * len(head.anchors)
        found.append(joined[:, start:end].reshape(len(joined), rows, columns, -1))
        start = end
    if start != joined.shape[1]:
        message = f"The network's output has {joined.shape[1]} rows, and its heads have {start}."
        raise ValueError(message)
    return found
