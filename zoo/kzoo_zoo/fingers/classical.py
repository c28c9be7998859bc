"""Counting without training: the empty scene is learned, what is new before it is the hand, its outline is counted.

It is the counter that courses build, mended: it tells no hand from a fist, it notices when light or camera changed and
learns the scene anew, and it does not depend on the version of OpenCV. Where no empty scene is known, a hand is looked
for by the colours of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from kzoo.data.frames.video import opencv
from kzoo_zoo.fingers.hindrances import Hindrance, hindrance
from kzoo_zoo.fingers.learned_hand import LearnedHand, hand_by_colour
from kzoo_zoo.fingers.levels import cleaned, levels_of
from kzoo_zoo.fingers.outline import read_outline
from kzoo_zoo.fingers.own_colours import OwnColours
from kzoo_zoo.fingers.sleeve import sleeve_of
from kzoo_zoo.fingers.walls import before_wall

__all__ = ["OutlineCounter", "Reading"]

State = Literal["calibrating", "no hand", "hand", "moved", "not empty", "unclear"]
Find = Literal["auto", "scene", "colour"]

_SIDE = 320  # the longer side of the picture that is looked at: more is slower and no better
_ADAPTATION = 0.01  # how fast the background follows slow changes of the light, where no hand is
_CHANGED = 0.45  # the part of the scene that must be new for it to be another scene
_LARGE = 0.1  # the part of the scene from which on what is new is not nothing: a hand before a camera that shakes
_STILL_FOR = 12  # frames
_LOOK_EVERY = 5  # frames of the calibration, in which a hand is looked for by its colour
_EXPOSURE = 12.0  # the most that the camera's own adjustment may change all pixels alike, in weighted levels
_ALONE, _STILL, _AMONG, _AGAIN, _MAYBE = 0.6, 0.5, 0.4, 0.25, 0.15
"""How like a hand a shape must be that stands out by its colour, to be counted in a single picture, in a scene at rest,
in one that moves, and where a hand was just before; and from where on it is not nothing."""
_LOST_FOR = 15  # frames after which a hand of its own colour is no longer looked upon as there
_JITTER, _PATIENCE = 0.03, 3
"""How little of its size a thing of a hand's colour moves that may be furniture, and for how many calibrations."""
_RESTLESS = 2.0  # mean change from frame to frame, in levels, at which no empty scene can be learned


@dataclass(frozen=True, eq=False)
class Reading:
    """What one frame says.

    Attributes:
        state: ``calibrating`` while the empty scene is learned, ``moved`` while the scene is another one, ``not empty``
            where no hand is seen but one may have been learned with the scene, ``unclear`` where something large is
            seen that is no readable hand, else ``hand`` or ``no hand``.
        count: 0 to 5 fingers, or None without a hand.
        confidence: In [0, 1]; 0 where nothing is said.
        contour: The hand's outline in pixels of the frame, shape (N, 1, 2), or None.
        progress: The part of the calibration that is done.
        by: Whether the hand was found before a known scene or wall, or by its colour.
        why: What stands in the way where something is seen and no hand could be read; see `hindrances`.
    """

    state: State
    count: int | None = None
    confidence: float = 0.0
    contour: np.ndarray | None = None
    progress: float = 1.0
    by: Literal["scene", "colour"] = "scene"
    why: Hindrance = ""


class OutlineCounter:
    """Counts the fingers in the frames of one source, one after the other.

    Args:
        calibration: The frames over which the background is averaged. The scene must be empty, and at rest: frames in
            which much moves are not taken.
        threshold: How much a pixel must differ from the background, in levels; brightness counts for a third.
        background: A picture of the empty scene, RGB, uint8; with it there is no calibration.
        wall: Whether every frame is read by itself, before a plain wall: for pictures that have nothing to do with
            one another, where no background can be learned.
        find: How the hand is found: before the empty scene (``scene``), by the frame's own colours (``colour``), or
            before the scene while one is known, else by its colours (``auto``).
    """

    def __init__(
        self,
        *,
        calibration: int = 30,
        threshold: float = 16.0,
        background: np.ndarray | None = None,
        wall: bool = False,
        find: Find = "scene",
    ) -> None:
        self.calibration, self.threshold, self.wall, self.find = calibration, threshold, wall, find
        self._given = background
        self.recalibrations = 0
        self.learned_hands = 0
        self._background: np.ndarray | None = None
        self._before: np.ndarray | None = None
        self.restart()

    def restart(self) -> None:
        """Forget all that was seen: what comes next is another source."""
        self.recalibrate()
        self.recalibrations = self.learned_hands = 0
        self._colours, self._lost = OwnColours(), _LOST_FOR
        self._box: np.ndarray | None = None
        self._still = 0

    @property
    def has_background(self) -> bool:
        """Whether the empty scene was given as a picture."""
        return self._given is not None

    def recalibrate(self) -> None:
        """Learn the background anew, from the next frame on."""
        self._background, self._before = None, None
        self._learned_hand: LearnedHand | None = None
        self._hands: list[np.ndarray | None] = []
        self._learned = self._strange = self._empty = 0
        self.recalibrations += 1

    def read(self, pixels: np.ndarray) -> Reading:
        """Return what a frame says, RGB, uint8 of shape (H, W, 3)."""
        if self.find == "colour":
            return self._by_colour(pixels, Reading("no hand", confidence=1.0), _ALONE if self.wall else _AMONG)
        found = self._before_scene(pixels)
        known = self._learned_hand is None  # else the scene has a hand in it, and all before it is misread
        if self.find == "scene" or (found.state in ("hand", "no hand") and not found.why and known):
            return found
        # What has lain still may be furniture; what moves with the camera is looked at more closely only once.
        resting = found.state == "not empty" or (found.state == "calibrating" and found.progress > 0)
        least = _ALONE if self.wall else _STILL if resting else _AMONG
        seen = self._by_colour(pixels, found, least)
        if found.state == "calibrating" and seen.contour is not None:
            self._not_empty(seen.contour)
        return seen

    def _not_empty(self, contour: np.ndarray) -> None:
        """Begin anew to learn the scene, for a hand is in it; but not for ever: what never moves may be furniture."""
        box = np.array(opencv().boundingRect(contour), float)
        still = self._box is not None and np.abs(box - self._box).max() <= _JITTER * box[2:].max()
        self._still, self._box = self._still + 1 if still else 0, box
        if self._still < _PATIENCE * self.calibration:
            self._learned, self._background, self._hands = 0, None, []

    def _by_colour(self, pixels: np.ndarray, otherwise: Reading, least: float) -> Reading:
        """Return the count of a hand that stands out by its colour, or what is said otherwise."""
        if self.wall:
            self._colours, self._lost = OwnColours(), _LOST_FOR
        found = self._colours.find(pixels)
        likeness = 0.0 if found is None else found.likeness
        least = min(least, _AGAIN) if self._lost < _LOST_FOR else least
        self._lost += 1
        if found is not None and likeness >= least:
            self._lost = 0
            outline = found.outline
            return Reading("hand", outline.count, outline.confidence, outline.contour, by="colour")
        if self._lost < _LOST_FOR or (likeness >= _MAYBE and otherwise.state in ("no hand", "unclear")):
            return Reading("unclear", why=otherwise.why or "colour")
        return otherwise

    def _before_scene(self, pixels: np.ndarray) -> Reading:
        cv2 = opencv()
        scale = min(1.0, _SIDE / max(pixels.shape[:2]))
        small = pixels
        if scale < 1:
            size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
            small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (5, 5), 0)
        if self.wall:
            mask = before_wall(small)
            if mask is None:
                return Reading("no hand", confidence=1.0, why="colour")
            return self._counted(small, cleaned(mask), scale)
        levels = levels_of(small)
        if self._background is None and self._given is not None:
            given = cv2.resize(self._given, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
            self._background = levels_of(cv2.GaussianBlur(given, (5, 5), 0))
            self._learned = self.calibration
        if self._background is not None and self._background.shape != levels.shape:
            self.recalibrate()  # the camera changed its resolution
        if self._learned < self.calibration:
            return self._calibrated(cv2, levels)
        return self._compared(cv2, small, levels, scale)

    def _calibrated(self, cv2: Any, levels: np.ndarray) -> Reading:
        before, self._before = self._before, levels
        if before is not None and float(np.abs(levels - before).mean()) > _RESTLESS:
            self._learned, self._background, self._hands = 0, None, []
            return Reading("calibrating", progress=0.0)
        if self._background is None:
            self._background = levels.copy()
        self._learned += 1
        cv2.accumulateWeighted(levels, self._background, 1 / self._learned)  # the mean of all of them
        if self._learned % _LOOK_EVERY == 1 or self._learned == self.calibration:
            self._hands.append(hand_by_colour(levels))
        if self._learned == self.calibration:
            self._learned_hand = LearnedHand.of(self._hands)
            self.learned_hands += self._learned_hand is not None
        return Reading("calibrating", progress=self._learned / self.calibration)

    def _compared(self, cv2: Any, small: np.ndarray, levels: np.ndarray, scale: float) -> Reading:
        assert self._background is not None
        difference = levels - self._background
        # Another exposure changes all pixels alike; every eighth is enough to know by how much. More is another scene.
        alike = np.median(difference[::8, ::8].reshape(-1, 3), axis=0)
        difference -= np.clip(alike, -_EXPOSURE, _EXPOSURE)
        distance = np.sqrt((difference * difference).sum(axis=-1))
        if self._learned_hand is not None:
            uncovered = self._learned_hand.uncovered(levels, distance > self.threshold)
            self._background[uncovered] = levels[uncovered]
            distance[uncovered] = 0
            if self._learned_hand.gone:
                self._learned_hand = None
        mask = cleaned(np.where(distance > self.threshold, 255, 0).astype(np.uint8))
        new = np.count_nonzero(mask) / mask.size
        # Where the scene is another one, but at rest, it is learned anew: the camera or the light was moved.
        resting = self._before is not None and float(np.abs(levels - self._before).mean()) < _RESTLESS
        self._before = levels
        self._strange = self._strange + 1 if new > _CHANGED and resting else 0
        if self._strange >= _STILL_FOR:
            self.recalibrate()
            return Reading("calibrating", progress=0.0)
        if new > _CHANGED:
            return Reading("moved", why=hindrance(mask))
        found = self._counted(small, mask, scale)
        self._empty = self._empty + 1 if found.count is None else 0
        if self._empty > _STILL_FOR and self._given is None:
            cv2.accumulateWeighted(levels, self._background, _ADAPTATION, cv2.bitwise_not(mask))
        if found.count is None and self._learned_hand is not None:
            return Reading("not empty")  # it may still be where it was learned, and cannot be seen there
        return replace(found, state="unclear", confidence=0.0) if found.count is None and new > _LARGE else found

    def _counted(self, small: np.ndarray, mask: np.ndarray, scale: float) -> Reading:
        sleeve = sleeve_of(small, mask)
        outline = read_outline(mask, sleeve if sleeve.any() else None)
        if outline is None:
            return Reading("no hand", confidence=1.0, why=hindrance(mask))
        contour = np.rint(outline.contour / scale).astype(np.int32)
        return Reading("hand", outline.count, outline.confidence, contour)
