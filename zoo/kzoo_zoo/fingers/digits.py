"""The fingers of a hand's shape: what is thinner than the palm, and sticks out of it."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np

from kzoo.data.frames.video import opencv

__all__ = ["count_digits"]

# All lengths in radii of the palm, the largest circle within it.
_DISCS = (0.45, 0.55, 0.7)
"""Radii of the discs that find no room in a finger, each a reading of its own."""
_REGROWN = 0.12
"""How much farther the palm reaches than the discs: its corners are no fingers."""
_SHORTEST, _NEAREST = 0.45, 1.7
"""A finger is at least so long beyond the palm, and its tip at least so far from the palm's middle."""
_ARM = 45.0
"""Degrees to either side of the arm in which what sticks out is a part of the arm."""
_SINGLE, _RATIO, _PAIR = 0.62, 1.5, 1.1
"""Fingers that touch are one piece: wider than a single one can be, or than this many times the usual one; from the
last width on they are three."""
_LEAST_SINGLE = 0.45
_SPECK = 0.05


@dataclass(frozen=True)
class _Piece:
    width: float
    tip: tuple[float, float]


def count_digits(
    filled: np.ndarray, centre: tuple[float, float] | np.ndarray, radius: float, arm: float
) -> tuple[int, float]:
    """Return how many fingers a hand's shape has, and the share of three readings that agree, in (0, 1].

    A reading takes a disc and leaves of the shape what the disc can reach from within (a morphological opening, Serra
    1982): palm, wrist and arm. What is left over and long enough are fingers. Those that touch are told from one by
    their width. A small disc keeps thin gaps open, a large one takes no part of fingers for palm that lie together.

    Args:
        filled: uint8 of shape (H, W), 255 on the hand.
        centre: Of the palm, x and y.
        radius: Of the palm, in pixels.
        arm: The angle at which the arm leaves the palm, of `math.atan2`; the picture's y axis points down.
    """
    columns, rows, width, height = opencv().boundingRect(filled)
    crop = np.pad(filled[rows : rows + height, columns : columns + width], 1)  # around it nothing, the edge too
    middle = (float(centre[0]) - columns + 1, float(centre[1]) - rows + 1)
    inside = opencv().distanceTransform(crop, opencv().DIST_L2, 5)
    readings = [_added(_pieces(crop, inside, disc * radius, middle, radius, arm)) for disc in _DISCS]
    agreeing = Counter(readings)
    most = max(agreeing.values())
    best = readings[1] if agreeing[readings[1]] == most else agreeing.most_common(1)[0][0]
    return best, most / len(readings)


def _pieces(
    crop: np.ndarray, inside: np.ndarray, disc: float, middle: tuple[float, float], radius: float, arm: float
) -> list[_Piece]:
    """Return what of a shape such a disc cannot reach, if it is long enough and does not lie towards the arm."""
    cv2 = opencv()
    outside = np.where(inside >= disc, 0, 255).astype(np.uint8)
    if outside.all():
        return []
    reached = cv2.distanceTransform(outside, cv2.DIST_L2, 5) <= disc + _REGROWN * radius
    left = np.where(reached, 0, crop).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(left)
    found = []
    for label in np.flatnonzero(stats[1:, cv2.CC_STAT_AREA] >= _SPECK * radius**2) + 1:
        x, y, w, h, area = stats[label]
        rows, columns = np.nonzero(labels[y : y + h, x : x + w] == label)
        points = np.stack([columns + x, rows + y], axis=1).astype(np.float32)
        length = max(cv2.minAreaRect(points)[1]) + 1
        away = np.hypot(points[:, 0] - middle[0], points[:, 1] - middle[1])
        tip = int(np.argmax(away))
        angle = math.atan2(points[tip, 1] - middle[1], points[tip, 0] - middle[0])
        turned = abs((angle - arm + math.pi) % (2 * math.pi) - math.pi)
        if length < _SHORTEST * radius or away[tip] < _NEAREST * radius or turned <= math.radians(_ARM):
            continue
        found.append(_Piece(float(area / length / radius), (float(points[tip, 0]), float(points[tip, 1]))))
    return found


def _added(pieces: list[_Piece]) -> int:
    """Return how many fingers pieces are, of which some may be two or three that touch."""
    widths = sorted(piece.width for piece in pieces)
    single = _SINGLE
    if len(widths) > 1:  # the hand's own fingers say how wide one is
        single = min(_SINGLE, max(_LEAST_SINGLE, _RATIO * widths[(len(widths) - 1) // 2]))
    return sum(1 if width < single else 2 if width < _PAIR else 3 for width in widths)
