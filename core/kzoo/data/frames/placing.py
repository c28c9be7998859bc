"""Where the labels of boxes stand so that they hide neither each other nor, if it can be helped, what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["place_labels"]

_OTHER_LABEL, _OTHER_BOX, _OWN_BOX = 100.0, 1.0, 0.5
"""What it costs to hide all of a label's own size of these."""
_LATER = 0.02
"""What each further of the usual places costs: a label that moves without need is looked for."""


def place_labels(
    sizes: Sequence[tuple[int, int]], boxes: np.ndarray | Sequence[Sequence[float]], picture: tuple[int, int]
) -> list[tuple[int, int]]:
    """Return the top and the left side of each label, in pixels.

    Each goes to the first of the usual places around its box, from above its upper left corner on, that hides least.
    Where all of them hide a label that stands already, it goes to the nearest place that hides none.

    Args:
        sizes: Height and width of each label in pixels, the most important one first: it has its place first.
        boxes: x1, y1, x2, y2 in pixels of what each belongs to, shape (N, 4).
        picture: Height and width of the picture.
    """
    found: list[tuple[int, int]] = []
    standing = np.zeros((0, 4))
    around = np.asarray(boxes, float).reshape(-1, 4)
    for number, (height, width) in enumerate(sizes):
        usual = np.array([
            _inside(top, left, (height, width), picture)
            for top, left in _usual(around[number], height, width, picture)
        ])  # fmt: skip
        corners = np.concatenate([usual[:, ::-1], usual[:, ::-1] + (width, height)], 1)
        area = float(height * width)
        hidden = _shared(corners, standing) / area
        others = _shared(corners, np.delete(around, number, 0)) / area
        own = _shared(corners, around[number : number + 1]) / area
        costs = _OTHER_LABEL * hidden + _OTHER_BOX * others + _OWN_BOX * own + _LATER * np.arange(len(usual))
        best = int(costs.argmin())
        top, left = (int(side) for side in usual[best])
        if hidden[best] > 0:
            top, left = _nearest(around[number], (height, width), picture, standing) or (top, left)
        found.append((top, left))
        standing = np.concatenate([standing, [[left, top, left + width, top + height]]])
    return found


def _usual(box: np.ndarray, height: int, width: int, picture: tuple[int, int]) -> Iterator[tuple[float, float]]:
    """Yield the usual places of a label: above, below, inside, beside. Outside, only where there is room for it."""
    x1, y1, x2, y2 = box
    if y1 >= height:
        yield y1 - height, x1
        yield y1 - height, x2 - width
    if y2 + height <= picture[0]:
        yield y2, x1
        yield y2, x2 - width
    for left in (x1, x2 - width):
        yield y1, left
        yield y2 - height, left
    for top in (y1, y2 - height):
        if x2 + width <= picture[1]:
            yield top, x2
        if x1 >= width:
            yield top, x1 - width


def _inside(top: float, left: float, size: tuple[int, int], picture: tuple[int, int]) -> tuple[int, int]:
    """Return the place, moved into the picture."""
    return (
        max(0, min(round(top), picture[0] - size[0])),
        max(0, min(round(left), picture[1] - size[1])),
    )


def _nearest(
    box: np.ndarray, size: tuple[int, int], picture: tuple[int, int], standing: np.ndarray
) -> tuple[int, int] | None:
    """Return the place nearest to above a box's corner where no label stands, or None."""
    rows = np.arange(0, picture[0] - size[0] + 1, max(1, size[0] // 2))
    columns = np.arange(0, picture[1] - size[1] + 1, max(1, size[1] // 4))
    places = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    corners = np.concatenate([places[:, ::-1], places[:, ::-1] + (size[1], size[0])], 1)
    free = places[_shared(corners, standing) == 0]
    if not len(free):
        return None
    top, left = free[np.abs(free - (box[1] - size[0], box[0])).sum(-1).argmin()]
    return int(top), int(left)


def _shared(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return how many pixels of each rectangle (N, 4) lie in others (M, 4), those in two of them counted twice."""
    low = np.maximum(one[:, None, :2], others[None, :, :2])
    high = np.minimum(one[:, None, 2:], others[None, :, 2:])
    found: np.ndarray = np.maximum(high - low, 0).prod(-1).sum(-1)
    return found
