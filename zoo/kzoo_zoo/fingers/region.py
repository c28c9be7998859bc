"""The part of the frame that is looked at, and whether frames are shown as in a mirror."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.frames import write_text
from kzoo.data.frames.video import opencv
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Region"]

_COLOUR = (80, 255, 80)
_OUTLINE = (255, 160, 0)
_LEAST = 16  # pixels; a smaller region holds no hand


@dataclass(frozen=True)
class Region:
    """A rectangle in the frame as it is shown.

    Attributes:
        box: Left edge, upper edge, width and height, in pixels, or as parts of the frame where all are at most 1; None
            for the whole frame.
        mirror: Whether frames are turned left to right first, as people know themselves from a mirror.
    """

    box: tuple[float, float, float, float] | None = None
    mirror: bool = False

    @classmethod
    def of(cls, roi: str | Sequence[float], *, mirror: bool = False) -> Region:
        """Return the region of the setting ``roi``: four numbers, or a text as `parse` takes it."""
        return cls.parse(roi if isinstance(roi, str) else ",".join(map(str, roi)), mirror=mirror)

    @classmethod
    def parse(cls, text: str, *, mirror: bool = False) -> Region:
        """Return the region of a text ``x,y,w,h``; an empty one means the whole frame.

        Raises:
            UsageError: Anything else.

        Example:
            >>> Region.parse("10,20,200,150").box
            (10.0, 20.0, 200.0, 150.0)
        """
        if not text:
            return cls(None, mirror)
        try:
            numbers = [float(part) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != 4 or not all(0 <= n < float("inf") for n in numbers) or min(numbers[2:]) <= 0:  # noqa: PLR2004
            message = (
                f"`roi` must be x,y,w,h: left and upper edge, width and height, in pixels (300,50,240,240) or in parts "
                f"of the frame (0.5,0,0.5,0.7), not `{text}`."
            )
            raise UsageError(message)
        return cls((numbers[0], numbers[1], numbers[2], numbers[3]), mirror)

    def within(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Return left, top, right and bottom in pixels of a frame of that size.

        Raises:
            UsageError: There is too little of the region in the frame.
        """
        if self.box is None:
            return 0, 0, width, height
        x, y, w, h = self.box
        if max(self.box) <= 1:
            x, y, w, h = x * width, y * height, w * width, h * height
        left, top = round(x), round(y)
        right, bottom = min(width, round(x + w)), min(height, round(y + h))
        if right - left < _LEAST or bottom - top < _LEAST:
            message = (
                f"The region {','.join(f'{n:g}' for n in self.box)} has less than {_LEAST} pixels each way in common "
                f"with a frame of {width} x {height}. Give another `roi` x,y,w,h."
            )
            raise UsageError(message)
        return left, top, right, bottom

    def turned(self, pixels: np.ndarray) -> np.ndarray:
        """Return the frame as it is shown."""
        return np.ascontiguousarray(pixels[:, ::-1]) if self.mirror else pixels

    def cut(self, pixels: np.ndarray) -> np.ndarray:
        """Return the region of a frame."""
        left, top, right, bottom = self.within(*pixels.shape[:2])
        return np.ascontiguousarray(self.turned(pixels)[top:bottom, left:right])

    def drawn(self, pixels: np.ndarray, text: str, contour: np.ndarray | None = None) -> np.ndarray:
        """Return the frame as it is shown with the region's edge, an outline within it, and text."""
        cv2 = opencv()
        picture = np.array(self.turned(pixels))
        left, top, right, bottom = self.within(*pixels.shape[:2])
        if contour is not None:
            cv2.drawContours(picture, [contour + np.array([left, top])], -1, _OUTLINE, 2)
        if self.box is not None:
            cv2.rectangle(picture, (left, top), (right - 1, bottom - 1), _COLOUR, 2)
        return write_text(picture, text)
