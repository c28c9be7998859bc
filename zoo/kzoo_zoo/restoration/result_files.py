"""Restored pictures in files, and pictures that show both before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kzoo.files import replacing
from kzoo.tasks.image_views import most_detailed
from kzoo_zoo.picture_files import FreeNames, made_folder, refused

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.data.frames import Frame
    from kzoo.tasks.restored import Restored

__all__ = ["RestoredFolder", "before_and_after"]

_GAP = 6
_MARK = (255, 212, 0)


class RestoredFolder:
    """Writes a PNG for each restored picture, which loses nothing of it.

    A file is named after its picture; of a frame of a video, after the video and the frame's number.

    Args:
        folder: Made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._names = FreeNames(digits=6)
        made_folder(folder, folder)

    def add(self, frame: Frame, found: Restored, name: str) -> None:
        """Write one picture; ``name`` is what its source is called."""
        pixels = found.pixels[..., 0] if found.pixels.shape[-1] == 1 else found.pixels
        path = self.folder / f"{self._names.of(frame, name)}.png"
        try:
            with replacing(path) as temporary:
                Image.fromarray(pixels).save(temporary, "PNG")
        except OSError as error:
            raise refused(path, error) from error


def before_and_after(found: Restored) -> np.ndarray:
    """Return before at the left and after at the right, and below of both the part with most detail, magnified.

    A picture that became larger is shown as large as after, each pixel repeated. What the network made is looked at for
    detail, since before a restoration noise is the detail.

    Returns:
        RGB, uint8.
    """
    after = found.pixels
    before = found.before.repeat(found.scale, axis=0).repeat(found.scale, axis=1)
    before, after = (np.repeat(one, 3, axis=-1) if one.shape[-1] == 1 else one for one in (before, after))
    height, width = after.shape[:2]
    top, left, side = most_detailed(after)
    times = max(1, width // side)
    large = [
        one[top : top + side, left : left + side].repeat(times, axis=0).repeat(times, axis=1) for one in (before, after)
    ]
    sheet = np.full((height + _GAP + side * times, 2 * width + _GAP, 3), 255, np.uint8)
    for place, (whole, part) in enumerate(zip((before, after), large, strict=True)):
        start = place * (width + _GAP)
        sheet[:height, start : start + width] = _marked(whole, top, left, side)
        sheet[height + _GAP :, start : start + side * times] = part
    return sheet


def _marked(pixels: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """Return a picture with the border of a square in it drawn, unless that is all of it."""
    pixels = pixels.copy()
    if side >= min(pixels.shape[:2]):
        return pixels
    bottom, right = top + side - 1, left + side - 1
    pixels[[top, bottom], left : right + 1] = _MARK
    pixels[top : bottom + 1, [left, right]] = _MARK
    return pixels
