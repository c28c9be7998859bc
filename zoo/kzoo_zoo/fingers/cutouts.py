"""Hands cut out of pictures before a plain wall: which pixels are hand, where the palm is, where the arm begins."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.frames.video import opencv
from kzoo_zoo.fingers.walls import before_wall

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Cutout", "Cutouts", "cut_out"]

_LEAST, _MOST = 0.02, 0.6
"""The part of a picture that a hand takes; more or less is something else."""
_WRIST = 1.15
"""How far below the middle of the palm the arm begins, in radii of the palm."""


@dataclass(frozen=True, eq=False)
class Cutout:
    """A hand in a picture.

    Attributes:
        alpha: How much of each pixel is hand, uint8 of shape (H, W).
        box: Of the hand without the arm: first row, first column, and the row and the column after the last one.
        palm: Row and column of the middle of the palm, and the radius of the largest circle in it.
        wrist: The row below which there is only arm; the height of the picture where no arm leaves it at the bottom.
    """

    alpha: np.ndarray
    box: tuple[int, int, int, int]
    palm: tuple[float, float, float]
    wrist: int


def cut_out(pixels: np.ndarray) -> Cutout | None:
    """Return the hand in an RGB picture, uint8 of shape (H, W, 3), or None where it is before no plain wall."""
    found = before_wall(pixels)
    if found is None:
        return None
    cv2 = opencv()
    kernel = np.ones((3, 3), np.uint8)
    mask = cv2.morphologyEx(found, cv2.MORPH_CLOSE, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:  # noqa: PLR2004 - the wall and something before it
        return None
    # Shadows and specks beside the hand stay where they are: what is pasted elsewhere is the hand alone.
    large = stats[:, cv2.CC_STAT_AREA] >= 0.1 * stats[1:, cv2.CC_STAT_AREA].max()
    large[0] = False
    mask = np.where(large[labels], 255, 0).astype(np.uint8)
    if not _LEAST < np.count_nonzero(mask) / mask.size < _MOST:
        return None
    inside = cv2.distanceTransform(np.pad(mask, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    # An arm may be as wide as the palm: of two places of much the same width the palm is the upper one.
    wide = np.argwhere(inside > 0.9 * inside.max())
    wide = wide[wide[:, 0] <= wide[0, 0] + 0.5 * inside.max()]
    row, column = wide[np.argmax(inside[wide[:, 0], wide[:, 1]])]
    radius = float(inside[row, column])
    height = mask.shape[0]
    wrist = min(height, round(float(row) + _WRIST * radius)) if mask[-1].any() else height
    rows, columns = np.flatnonzero(mask[:wrist].any(axis=1)), np.flatnonzero(mask[:wrist].any(axis=0))
    return Cutout(
        alpha=cv2.GaussianBlur(mask, (3, 3), 0.7),
        box=(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1),
        palm=(float(row), float(column), radius),
        wrist=wrist,
    )


class Cutouts:
    """The hands of the pictures of a training, each looked for once: pictures come again in every epoch."""

    def __init__(self) -> None:
        self._known: dict[int, Cutout | None] = {}

    def of(self, images: Iterable[np.ndarray]) -> list[Cutout | None]:
        """Return the hand in each picture, None where it is before no plain wall."""
        found = []
        for pixels in images:
            key = zlib.crc32(pixels.tobytes()) << 32 | zlib.adler32(pixels[::7, ::5].tobytes())
            if key not in self._known:
                self._known[key] = cut_out(pixels)
            found.append(self._known[key])
        return found
