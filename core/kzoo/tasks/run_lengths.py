"""Masks as run lengths and polygons, in the forms of COCO: a mask is read column by column, zeros first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["counts_of", "from_counts", "from_polygons", "from_text", "text_of"]

_BITS, _MORE, _SIGN, _FIRST = 5, 0x20, 0x10, 48
_SCALE = 5  # COCO draws a polygon's edges on a grid so many times finer


def counts_of(mask: np.ndarray) -> list[int]:
    """Return the lengths of the runs of zeros and ones in turn, of a mask of shape (H, W), down each column.

    Example:
        >>> counts_of(np.array([[0, 1], [0, 1]]))
        [2, 2]
    """
    flat = np.asarray(mask).astype(bool).ravel(order="F")
    edges = np.flatnonzero(np.diff(flat, prepend=False))
    bounds = np.concatenate([[0], edges, [flat.size]])
    return [int(length) for length in np.diff(bounds)]


def from_counts(counts: Sequence[int], size: Sequence[int]) -> np.ndarray:
    """Return the mask of run lengths, booleans of shape ``size`` (H, W).

    Raises:
        ValueError: The lengths do not add up to the size, or one is below 0.
    """
    height, width = size
    runs = np.asarray(counts, np.int64)
    if (runs < 0).any() or runs.sum() != height * width:
        message = f"run lengths add up to {int(runs.sum()):,}, and {height} x {width} pixels are {height * width:,}"
        raise ValueError(message)
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def text_of(counts: Sequence[int]) -> str:
    """Return run lengths as COCO's compressed text: each as its difference from the one two before, 5 bits a letter.

    Example:
        >>> text_of([2, 2])
        '22'
    """
    letters = []
    for number, count in enumerate(counts):
        value = int(count) - (int(counts[number - 2]) if number > 2 else 0)  # noqa: PLR2004 - the fourth is the first
        while True:
            low, value = value & (_MORE - 1), value >> _BITS
            more = value != -1 if low & _SIGN else value != 0
            letters.append(chr(_FIRST + (low | (_MORE if more else 0))))
            if not more:
                break
    return "".join(letters)


def from_text(text: str) -> list[int]:
    """Return the run lengths of COCO's compressed text.

    Raises:
        ValueError: It is cut off, or has a letter that is none of these.

    Example:
        >>> from_text(text_of([5, 1000, 3, 70]))
        [5, 1000, 3, 70]
    """
    counts: list[int] = []
    value = shift = 0
    for letter in text:
        code = ord(letter) - _FIRST
        if not 0 <= code < 2 * _MORE:
            message = f"run lengths as text have no letter {letter!r}"
            raise ValueError(message)
        value |= (code & (_MORE - 1)) << shift
        shift += _BITS
        if code & _MORE:
            continue
        if code & _SIGN:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))  # noqa: PLR2004
        value = shift = 0
    if shift:
        message = "run lengths as text are cut off"
        raise ValueError(message)
    return counts


def from_polygons(polygons: Sequence[Sequence[float]], size: Sequence[int]) -> np.ndarray:
    """Return the mask of polygons, each x and y of its corners in turn, as COCO's own program fills them.

    Args:
        polygons: At least three corners each, in pixels; what lies in any of them is in the mask.
        size: Height and width.

    Raises:
        ValueError: A polygon has fewer corners, an odd number of numbers, or one that is not finite.
    """
    mask = np.zeros(tuple(size), bool)
    for polygon in polygons:
        corners = np.asarray(polygon, np.float64)
        if corners.ndim != 1 or len(corners) % 2 or len(corners) < 6 or not np.isfinite(corners).all():  # noqa: PLR2004
            message = f"a polygon needs x and y of three corners or more, all finite, and has {len(corners)} numbers"
            raise ValueError(message)
        mask |= _filled(corners.reshape(-1, 2), *size)
    return mask


def _filled(corners: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return one polygon's mask: along each column of pixels, what the outline crosses an odd number of times above."""
    limit = 8 * _SCALE * max(height, width)  # a corner far outside is as good as one a bit nearer, and takes less time
    grid = np.clip(_SCALE * corners + 0.5, -limit, limit).astype(np.int64)
    steps = [_edge(*start, *end) for start, end in zip(grid, np.roll(grid, -1, axis=0), strict=True)]
    u, v = (np.concatenate([step[axis] for step in steps]) for axis in (0, 1))
    turn = np.flatnonzero(np.diff(u)) + 1
    x = np.where(u[turn] < u[turn - 1], u[turn], u[turn] - 1)
    x = (x + 0.5) / _SCALE - 0.5
    y = (np.minimum(v[turn], v[turn - 1]) + 0.5) / _SCALE - 0.5
    inside = (np.floor(x) == x) & (x >= 0) & (x <= width - 1)
    columns, rows = x[inside].astype(np.int64), np.ceil(np.clip(y[inside], 0, height)).astype(np.int64)
    crossings = np.zeros(height * width + 1, np.int64)
    np.add.at(crossings, columns * height + rows, 1)
    return np.asarray((np.cumsum(crossings[:-1]) % 2 == 1).reshape((height, width), order="F"))


def _edge(xs: int, ys: int, xe: int, ye: int) -> tuple[Any, Any]:
    """Return the points of an edge on the fine grid, from its start to its end."""
    dx, dy = abs(xe - xs), abs(ys - ye)
    flat = dx >= dy
    flip = (flat and xs > xe) or (not flat and ys > ye)
    if flip:
        xs, ys, xe, ye = xe, ye, xs, ys
    t = np.arange(max(dx, dy) + 1)
    t = t[::-1] if flip else t
    slope = (ye - ys) / dx if flat and dx else (xe - xs) / dy if dy and not flat else 0.0
    if flat:
        return t + xs, (ys + slope * t + 0.5).astype(np.int64)
    return (xs + slope * t + 0.5).astype(np.int64), t + ys
