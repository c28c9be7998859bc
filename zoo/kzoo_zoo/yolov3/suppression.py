"""Overlapping boxes of one class -> the best of them."""

from __future__ import annotations

import numpy as np

from kzoo.data.frames.video import opencv

__all__ = ["suppress"]

_MOST = 30_000
"""Of more candidates the best are taken: a threshold near 0 can leave one for every class in every cell."""

_SIGMA = 0.5


def suppress(
    boxes: np.ndarray,
    labels: np.ndarray,
    scores: np.ndarray,
    *,
    iou: float = 0.45,
    soft: bool = False,
    agnostic: bool = False,
    threshold: float = 0.0,
    most: int = 300,
) -> tuple[np.ndarray, np.ndarray]:
    """Return which boxes are kept, the best first, and their scores.

    Args:
        boxes: x1, y1, x2, y2 in one unit, shape (K, 4).
        labels: Shape (K,).
        scores: Shape (K,).
        iou: A box whose intersection over union with a better one of its class is greater is dropped. Defaults to 0.45.
        soft: Lower the score of such a box instead (Gaussian soft-NMS, sigma 0.5; ``iou`` plays no part), and drop it
            where it falls to the threshold. Defaults to False.
        agnostic: Let boxes of different classes suppress each other. Defaults to False.
        threshold: Where soft-NMS drops a box. Defaults to 0.
        most: How many boxes are kept at most. Defaults to 300.

    Returns:
        Indices, and scores, which soft-NMS changes.

    References:
        - [Bodla et al., 2017](https://arxiv.org/abs/1704.04503), Soft-NMS: improving object detection with one line of
          code
    """
    if not len(boxes):
        return np.zeros(0, int), np.zeros(0, np.float32)
    best = np.argsort(-scores, kind="stable")[:_MOST]
    boxes, labels, ranked = boxes[best].astype(np.float64), labels[best], scores[best]
    if agnostic:
        labels = np.zeros_like(labels)
    if soft:
        kept, ranked = _softened(boxes, labels, ranked, threshold, most)
    else:
        # OpenCV tells classes apart by moving each by the largest coordinate, which presumes that none is below zero.
        moved = boxes - boxes[:, :2].min()
        sides = np.concatenate([moved[:, :2], moved[:, 2:] - moved[:, :2]], axis=-1)
        classes = labels.astype(np.int32)
        found = opencv().dnn.NMSBoxesBatched(sides, ranked, classes, 0.0, iou)
        kept = np.array(found, int).reshape(-1)
        kept = kept[np.argsort(-ranked[kept], kind="stable")][:most]
        ranked = ranked[kept]
    return best[kept], ranked


def _softened(
    boxes: np.ndarray, labels: np.ndarray, scores: np.ndarray, threshold: float, most: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the boxes that soft-NMS keeps, and their scores."""
    scores = scores.astype(np.float64)
    left = np.ones(len(boxes), bool)
    kept: list[int] = []
    found: list[float] = []
    while len(kept) < most and left.any():
        index = int(np.argmax(np.where(left, scores, -1.0)))
        if scores[index] <= threshold:
            break
        kept.append(index)
        found.append(float(scores[index]))
        left[index] = False
        rivals = left & (labels == labels[index])
        scores[rivals] *= np.exp(-(_overlaps(boxes[index], boxes[rivals]) ** 2) / _SIGMA)
    return np.array(kept, int), np.array(found, np.float32)


def _overlaps(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the intersection over union of one box with others."""
    sides = np.maximum(np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2]), 0)
    common = sides.prod(axis=-1)
    together = (box[2:] - box[:2]).prod() + (others[:, 2:] - others[:, :2]).prod(axis=-1) - common
    found: np.ndarray = np.divide(common, together, out=np.zeros_like(common), where=together > 0)
    return found
