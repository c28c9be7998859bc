"""A frame of any size -> the network's input, and boxes the way back, with the same whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from kzoo.data.frames.video import opencv

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PAD", "Letterbox", "Resize"]

Resize = Literal["letterbox", "stretch"]

PAD = 0.5
"""The gray beside a picture of another shape than the network's input, as Darknet has it."""

_GRAY = 1  # channels


@dataclass(frozen=True)
class Letterbox:
    """Where a frame lies in the network's input.

    Attributes:
        frame: Height and width of the frame.
        net: Height and width of the network's input.
        height: Of the resized frame.
        width: Of the resized frame.
        top: Rows of padding above it.
        left: Columns of padding to its left.
    """

    frame: tuple[int, int]
    net: tuple[int, int]
    height: int
    width: int
    top: int
    left: int

    @classmethod
    def of(cls, frame: Sequence[int], net: Sequence[int], resize: Resize = "letterbox") -> Self:
        """Return how a frame is fitted: with its shape kept and padding, or stretched over the whole input.

        Args:
            frame: Height and width.
            net: Height and width.
            resize: ``letterbox`` or ``stretch``. Defaults to "letterbox".

        Example:
            >>> box = Letterbox.of((576, 768), (416, 416))
            >>> (box.height, box.width, box.top, box.left)
            (312, 416, 52, 0)
        """
        (h, w), (net_h, net_w) = (int(side) for side in frame[:2]), (int(side) for side in net[:2])
        if resize == "stretch":
            return cls((h, w), (net_h, net_w), net_h, net_w, 0, 0)
        if net_w * h < net_h * w:
            height, width = max(1, h * net_w // w), net_w
        else:
            height, width = net_h, max(1, w * net_h // h)
        return cls((h, w), (net_h, net_w), height, width, (net_h - height) // 2, (net_w - width) // 2)

    def apply(self, frame: np.ndarray, channels: int = 3) -> np.ndarray:
        """Return the network's input for a frame, float32 in [0, 1] of shape (H, W, channels).

        Args:
            frame: RGB, uint8 of shape (h, w, 3).
            channels: 3, or 1 for a network of gray pictures. Defaults to 3.
        """
        into = np.empty((*self.net, channels), np.float32)
        self.apply_to(frame, into)
        return into

    def apply_to(self, frame: np.ndarray, into: np.ndarray) -> None:
        """Write the network's input for a frame into an array, float32 of shape (H, W, 3), or (H, W, 1) in gray."""
        cv2 = opencv()
        if into.shape[-1] == _GRAY:
            frame = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if frame.shape[:2] != (self.height, self.width):
            frame = cv2.resize(frame, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        bottom, right = self.top + self.height, self.left + self.width
        into[: self.top] = PAD
        into[bottom:] = PAD
        into[:, : self.left] = PAD
        into[:, right:] = PAD
        inside = into[self.top : bottom, self.left : right]
        np.multiply(frame.reshape(inside.shape), np.float32(1 / 255), out=inside)

    def undo(self, boxes: np.ndarray) -> np.ndarray:
        """Return boxes x1, y1, x2, y2 in pixels of the network's input as pixels of the frame; not clipped."""
        found: np.ndarray = (boxes - self._corner) * self._scale
        return found

    def forward(self, boxes: np.ndarray) -> np.ndarray:
        """Return boxes x1, y1, x2, y2 in pixels of the frame as pixels of the network's input."""
        found: np.ndarray = boxes / self._scale + self._corner
        return found

    @property
    def _corner(self) -> np.ndarray:
        return np.array([self.left, self.top, self.left, self.top], np.float32)

    @property
    def _scale(self) -> np.ndarray:
        (h, w) = self.frame
        return np.array([w / self.width, h / self.height] * 2, np.float32)
