"""Pictures of any size through a network in tiles, which overlap as far as it reaches, so that no seam is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_tiles", "starts_of", "stride_of"]

_AT_ONCE = 2**19
"""Pixels that go through the network in one call, but at least one tile."""


def stride_of(scale: int) -> int:
    """Return what the sides of an input are multiples of: 2 where it keeps its size, else 1."""
    return 2 if scale == 1 else 1


def starts_of(side: int, tile: int, reach: int) -> list[tuple[int, int, int]]:
    """Return where tiles begin along a side, and the first and the end of what counts of each.

    Tiles end where the side ends; what counts of one is ``reach`` or more away from where it was cut.

    Example:
        >>> starts_of(100, 48, 8), starts_of(40, 40, 8)
        ([(0, 0, 40), (32, 40, 72), (52, 72, 100)], [(0, 0, 40)])
    """
    found, done = [], 0
    while done < side:
        start = min(max(0, done - reach), side - tile)
        end = side if start + tile == side else start + tile - reach
        found.append((start, done, end))
        done = end
    return found


def in_tiles(
    network: Callable[[np.ndarray], np.ndarray],
    pixels: np.ndarray,
    *,
    tile: int,
    reach: int,
    stride: int,
    scale: int,
    least: int = 1,
) -> np.ndarray:
    """Return a picture restored, uint8 of shape (scale H, scale W, C): the same as by the network as a whole.

    Args:
        network: From pictures of shape (N, h, w, C), uint8, to restored ones between 0 and 1.
        pixels: The picture, uint8 of shape (H, W, C).
        tile: The side of a tile, a multiple of ``stride`` and more than twice ``reach``.
        reach: How many pixels away from a pixel its restored value is decided at most, a multiple of ``stride``.
        stride: What the sides of the network's input are multiples of; what is missing is mirrored, and cut off again.
        scale: How many times as long the sides become.
        least: The sides that a smaller picture has at least when it goes through the network, a multiple of ``stride``;
            what is missing is mirrored likewise.
    """
    height, width = pixels.shape[:2]
    padded = [max(least, -(-side // stride) * stride) for side in (height, width)]
    around = [(0, to - side) for to, side in zip(padded, (height, width), strict=True)]
    wide = np.pad(pixels, (*around, (0, 0)), mode="symmetric")
    sides = [min(tile, side) for side in padded]
    places = [
        (row, column)
        for row in starts_of(padded[0], sides[0], reach)
        for column in starts_of(padded[1], sides[1], reach)
    ]
    found = np.empty((padded[0] * scale, padded[1] * scale, pixels.shape[-1]), np.uint8)
    together = max(1, _AT_ONCE // (sides[0] * sides[1]))
    for first in range(0, len(places), together):
        chunk = places[first : first + together]
        tiles = np.stack([wide[r[0] : r[0] + sides[0], c[0] : c[0] + sides[1]] for r, c in chunk])
        said = np.clip(np.rint(np.asarray(network(tiles), np.float32) * 255), 0, 255).astype(np.uint8)
        for (row, column), one in zip(chunk, said, strict=True):
            (top, begin, end), (left, start, stop) = (tuple(scale * at for at in part) for part in (row, column))
            found[begin:end, start:stop] = one[begin - top : end - top, start - left : stop - left]
    return found[: height * scale, : width * scale]
