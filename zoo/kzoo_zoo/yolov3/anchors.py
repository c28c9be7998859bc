"""Anchors: the sides that boxes are measured in, and how they are found from the boxes of a data set."""

from __future__ import annotations

import numpy as np

__all__ = ["find_anchors", "mean_iou", "shape_iou"]

_ROUNDS = 300
_STARTS = 5


def shape_iou(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return the IoU of boxes with a common centre: of every one of ``(N, 2)`` with every one of ``(K, 2)`` sides.

    Example:
        >>> shape_iou(np.array([[2.0, 2.0]]), np.array([[2.0, 1.0], [4.0, 4.0]])).tolist()
        [[0.5, 0.25]]
    """
    shared = np.minimum(one[:, None], other[None]).prod(-1)
    union = one.prod(-1)[:, None] + other.prod(-1)[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-12))


def mean_iou(sides: np.ndarray, anchors: np.ndarray) -> float:
    """Return the mean over the boxes of the IoU with the anchor that fits best."""
    return float(shape_iou(sides, anchors).max(-1).mean())


def find_anchors(sides: np.ndarray, count: int, *, seed: int = 0) -> np.ndarray:
    """Return the sides of ``count`` anchors, smallest area first, by k-means with 1 - IoU as the distance.

    Each round gives every box to the anchor with the highest IoU and moves the anchors to the mean of their boxes. The
    best of five starts is kept, each drawn so that boxes far from the anchors so far are likelier (k-means++).

    Args:
        sides: Width and height of every box in pixels of the network's input, shape (N, 2).
        count: How many anchors. Where there are fewer different boxes, some anchors are the same up to a hundredth.
        seed: Decides the starts.

    References:
        Redmon, Farhadi, YOLO9000, 2016, https://arxiv.org/abs/1612.08242
    """
    rng = np.random.default_rng([seed, 0xA9C])
    sides = np.asarray(sides, np.float64)
    found = [_moved(sides, _start(sides, count, rng)) for _ in range(_STARTS)]
    best = max(found, key=lambda anchors: mean_iou(sides, anchors))
    return best[np.argsort(best.prod(-1), kind="stable")]


def _start(sides: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    chosen = [sides[rng.integers(len(sides))]]
    while len(chosen) < count:
        distance = 1 - shape_iou(sides, np.array(chosen)).max(-1)
        total = distance.sum()
        if total <= 0:  # every different box is an anchor already
            chosen.append(chosen[-1] * 1.01)
        else:
            chosen.append(sides[rng.choice(len(sides), p=distance / total)])
    return np.array(chosen)


def _moved(sides: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    nearest = None
    for _ in range(_ROUNDS):
        now = shape_iou(sides, anchors).argmax(-1)
        if nearest is not None and (now == nearest).all():
            break
        nearest = now
        anchors = np.array([
            sides[now == k].mean(0) if (now == k).any() else anchors[k] for k in range(len(anchors))
        ])  # fmt: skip
    return anchors
