"""A hand that was there while the empty scene was learned: noticed, and put right once it has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.frames.video import opencv
from kzoo_zoo.fingers.levels import cleaned, skin
from kzoo_zoo.fingers.outline import read_outline

__all__ = ["LearnedHand", "hand_by_colour"]

if TYPE_CHECKING:
    from collections.abc import Sequence

_FINGERS = 2  # a shape with fewer is too often something else
_UNCOVERED = 0.35  # the part that must have another colour than skin in one frame: it was no furniture
_LEFT = 0.05
_RIM = 9  # pixels; at its edges a hand mixes with the scene


def hand_by_colour(levels: np.ndarray) -> np.ndarray | None:
    """Return where the levels of a frame show a hand, bool of shape (H, W), or None where nothing looks like one."""
    cv2 = opencv()
    mask = cleaned(np.where(skin(levels), 255, 0).astype(np.uint8))
    outline = read_outline(mask)
    if outline is None or outline.count < _FINGERS:
        return None
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, [outline.contour], -1, 255, -1)
    found: np.ndarray = filled > 0
    return found


class LearnedHand:
    """The part of a learned scene that looks like a hand, by colour and outline.

    Furniture can look so too. So the scene is believed until most of the hand has moved away; from then on, what shows
    in its place is the scene.

    Args:
        mask: bool of shape (H, W).
    """

    def __init__(self, mask: np.ndarray) -> None:
        self._left = mask  # of the hand itself, what is still in the learned scene
        self._around = opencv().dilate(mask.astype(np.uint8), np.ones((_RIM, _RIM), np.uint8)) > 0
        self._size = int(np.count_nonzero(mask))
        self.confirmed = False

    @classmethod
    def of(cls, hands: Sequence[np.ndarray | None]) -> LearnedHand | None:
        """Return the hand that is in most frames of a calibration, or None; see `hand_by_colour`."""
        found = [hand for hand in hands if hand is not None]
        return cls(np.logical_or.reduce(found)) if 2 * len(found) > len(hands) else None

    def uncovered(self, levels: np.ndarray, changed: np.ndarray) -> np.ndarray:
        """Return where a frame shows the scene that the hand hid, bool of shape (H, W).

        Args:
            levels: Of the frame.
            changed: Where it differs from the learned scene.
        """
        found: np.ndarray = self._around & changed & ~skin(levels)
        self.confirmed = self.confirmed or bool(np.count_nonzero(found & self._left) > _UNCOVERED * self._size)
        if not self.confirmed:
            return np.zeros_like(found)
        self._left, self._around = self._left & ~found, self._around & ~found
        return found

    @property
    def gone(self) -> bool:
        """Whether the scene is known in nearly all places where the hand was."""
        return bool(np.count_nonzero(self._left) < _LEFT * self._size)
