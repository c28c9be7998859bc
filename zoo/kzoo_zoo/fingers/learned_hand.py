"""A hand that was there while the empty scene was learned: noticed, and put right once it has moved."""

from __future__ import annotations

import numpy as np

from kzoo.data.frames.video import opencv
from kzoo_zoo.fingers.levels import cleaned, skin
from kzoo_zoo.fingers.outline import read_outline

__all__ = ["LearnedHand"]

_FINGERS = 2  # a shape with fewer is too often something else
_UNCOVERED = 0.35  # the part that must have another colour than skin in one frame: it was no furniture
_LEFT = 0.05
_RIM = 9  # pixels; at its edges a hand mixes with the scene


class LearnedHand:
    """The part of a learned scene that looks like a hand, by colour and outline.

    Furniture can look so too. So the scene is believed until most of the hand has moved away; from then on, what shows
    in its place is the scene.

    Args:
        mask: bool of shape (H, W).
    """

    def __init__(self, mask: np.ndarray) -> None:
        self._mask = mask
        self._size = int(np.count_nonzero(mask))
        self.confirmed = False

    @classmethod
    def find(cls, background: np.ndarray) -> LearnedHand | None:
        """Return the hand in the levels of a learned scene, or None where nothing looks like one."""
        cv2 = opencv()
        mask = cleaned(np.where(skin(background), 255, 0).astype(np.uint8))
        outline = read_outline(mask)
        if outline is None or outline.count < _FINGERS:
            return None
        filled = np.zeros_like(mask)
        cv2.drawContours(filled, [outline.contour], -1, 255, -1)
        return cls(cv2.dilate(filled, np.ones((_RIM, _RIM), np.uint8)) > 0)

    def uncovered(self, levels: np.ndarray, changed: np.ndarray) -> np.ndarray:
        """Return where a frame shows the scene that the hand hid, bool of shape (H, W).

        Args:
            levels: Of the frame.
            changed: Where it differs from the learned scene.
        """
        found: np.ndarray = self._mask & changed & ~skin(levels)
        self.confirmed = self.confirmed or np.count_nonzero(found) > _UNCOVERED * self._size
        if not self.confirmed:
            return np.zeros_like(found)
        self._mask = self._mask & ~found
        return found

    @property
    def gone(self) -> bool:
        """Whether the scene is known in nearly all places where the hand was."""
        return np.count_nonzero(self._mask) < _LEFT * self._size
