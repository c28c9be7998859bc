"""A hand found by its frame's own colours, where no empty scene is known: the camera moves, or a hand never leaves.

No colour is skin under every lamp. So a frame is divided into groups of colours that it has itself, and in each group
and union of groups shapes are looked for that have a hand's outline. What was surely a hand teaches its colours, and
those of the scene around it, for the frames that follow.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.frames.video import opencv
from kzoo_zoo.fingers.levels import cleaned, levels_of
from kzoo_zoo.fingers.outline import Outline, find_contours, read_shape

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Found", "OwnColours"]

_SIDE = 240  # the longer side of the picture that is looked at
_STEADY = 12.0  # levels added to all channels: ratios of dark pixels are noise
_GROUPS = 6
_LEAST_RED = 0.04
"""ln(red / green) below which nothing is skin, of any tone and under any lamp."""
_SMALLEST, _LARGEST = 0.012, 0.5
_WEIGHTS = (2.0, 1.0, 0.35)  # of redness, of ln(green / blue) and of ln brightness: shadows change the last one only
_BINS = (24, 24, 12)
_RANGES = ((-0.5, 1.0), (-0.5, 1.0), (2.5, 5.6))
_TEACHES, _KEPT = 0.55, 0.9
"""How like a hand a shape must be to teach its colours, and what is kept of the colours learned from frame to frame."""
_LEARNED = 2  # frames that taught, from which on the colours learned are used
_FAMILIAR, _SURE = 1.25, 0.8


@dataclass(frozen=True, eq=False)
class Found:
    """A shape that may be a hand.

    Attributes:
        outline: Its reading; the contour is in pixels of the frame that was given.
        likeness: How like a hand it is, in [0, 1].
    """

    outline: Outline
    likeness: float


class OwnColours:
    """Finds a hand in the frames of one source, one after the other.

    Example:
        >>> import numpy as np
        >>> OwnColours().find(np.full((240, 320, 3), 120, np.uint8)) is None
        True
    """

    def __init__(self) -> None:
        self._hand = self._scene = np.zeros(_BINS, np.float32)
        self._taught = 0

    def find(self, pixels: np.ndarray) -> Found | None:
        """Return what is most like a hand in a frame, RGB, uint8 of shape (H, W, 3), or None."""
        cv2 = opencv()
        scale = min(1.0, _SIDE / max(pixels.shape[:2]))
        if scale < 1:
            size = max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale))
            pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        colours = _colours(cv2.GaussianBlur(pixels, (5, 5), 0))
        edges = _edges(pixels)
        best: tuple[float, Outline, np.ndarray] | None = None
        for mask, familiar in self._masks(colours):
            for filled, outline in _shapes(cleaned(mask)):
                like = _likeness(filled, outline, mask, colours, edges) * (_FAMILIAR if familiar else 1.0)
                if best is None or like > best[0]:
                    best = (like, outline, filled)
            if familiar and best is not None and best[0] >= _SURE:
                break  # the rest would take most of the time
        if best is None:
            return None
        like, outline, filled = best
        if like >= _TEACHES:
            self._teach(colours, filled)
        contour = np.rint(outline.contour / scale).astype(np.int32)
        centre = outline.centre[0] / scale, outline.centre[1] / scale
        return Found(
            Outline(outline.count, outline.confidence, contour, centre, outline.radius / scale), min(1.0, like)
        )

    def _masks(self, colours: np.ndarray) -> Iterator[tuple[np.ndarray, bool]]:
        """Yield masks in which a hand may be one shape, and whether they come from colours that were learned."""
        if self._taught >= _LEARNED:
            yield self._familiar(colours), True
        for mask in _groups(colours):
            yield mask, False
        for mask in _reddest(colours):
            yield mask, False

    def _teach(self, colours: np.ndarray, filled: np.ndarray) -> None:
        cv2 = opencv()
        near = cv2.dilate(filled, np.ones((5, 5), np.uint8))
        for name, where in (("_hand", cv2.erode(filled, np.ones((3, 3), np.uint8))), ("_scene", cv2.bitwise_not(near))):
            seen = cv2.calcHist([colours], [0, 1, 2], where, list(_BINS), [end for pair in _RANGES for end in pair])
            seen /= max(1.0, float(seen.sum()))
            setattr(self, name, _KEPT * getattr(self, name) + (1 - _KEPT) * seen if self._taught else seen)
        self._taught += 1

    def _familiar(self, colours: np.ndarray) -> np.ndarray:
        """Return where a frame has the hand's colours rather than the scene's (Jones and Rehg 2002)."""
        cv2 = opencv()
        hand, scene = (cv2.GaussianBlur(each.reshape(_BINS[0], -1), (0, 0), 0.7).reshape(_BINS) for each in
                       (self._hand, self._scene))  # fmt: skip
        places = [
            np.clip(((colours[..., i] - low) * (bins / (high - low))).astype(np.int32), 0, bins - 1)
            for i, (bins, (low, high)) in enumerate(zip(_BINS, _RANGES, strict=True))
        ]
        likely = hand[tuple(places)] / (hand[tuple(places)] + scene[tuple(places)] + 1e-6)
        smooth = cv2.GaussianBlur(likely.astype(np.float32), (5, 5), 0)
        found: np.ndarray = np.where(smooth > 0.5, 255, 0).astype(np.uint8)  # noqa: PLR2004 - more likely than not
        return found


def _colours(pixels: np.ndarray) -> np.ndarray:
    """Return ln(red / green), ln(green / blue) and ln brightness, float32 of shape (H, W, 3)."""
    x = np.log(pixels.astype(np.float32) + _STEADY)
    red, green, blue = x[..., 0], x[..., 1], x[..., 2]
    found: np.ndarray = np.stack([red - green, green - blue, 0.3 * red + 0.59 * green + 0.11 * blue], axis=-1)
    return found


def _edges(pixels: np.ndarray) -> np.ndarray:
    """Return how much brightness and colour change at each place, in levels a pixel; the most within a pixel of it."""
    cv2 = opencv()
    levels = levels_of(cv2.GaussianBlur(pixels, (3, 3), 0)) * np.array([2.0, 1.0, 1.0], np.float32)
    across, down = cv2.Sobel(levels, -1, 1, 0) / 8, cv2.Sobel(levels, -1, 0, 1) / 8
    found: np.ndarray = cv2.dilate(np.sqrt((across * across + down * down).sum(axis=-1)), np.ones((3, 3), np.uint8))
    return found


def _groups(colours: np.ndarray) -> Iterator[np.ndarray]:
    """Yield masks of the groups of colours that a frame has, and of their unions, nearest first (Ward 1963)."""
    cv2 = opencv()
    weighted = cv2.GaussianBlur(colours * np.array(_WEIGHTS, np.float32), (3, 3), 0)
    some = np.ascontiguousarray(weighted[2::4, 2::4].reshape(-1, 3))
    if len(some) < 4 * _GROUPS:
        return
    cv2.setRNGSeed(1)  # of k-means++: the same frame, the same groups
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 0.01)
    _, _, centres = cv2.kmeans(some, _GROUPS, None, criteria, 1, cv2.KMEANS_PP_CENTERS)
    label = ((weighted[..., None, :] - centres) ** 2).sum(axis=-1).argmin(axis=-1)
    sizes = np.bincount(label.ravel(), minlength=_GROUPS).astype(float)
    groups = [([number], centres[number], sizes[number]) for number in range(_GROUPS)]
    while True:
        for members, centre, _ in groups[-1:] if len(groups) < _GROUPS else groups:
            if centre[0] / _WEIGHTS[0] >= _LEAST_RED:
                yield np.where(np.isin(label, members), 255, 0).astype(np.uint8)
        if len(groups) == 3:  # noqa: PLR2004 - a union of more is no hand
            return
        _, a, b = min(
            ((p[1] - q[1]) @ (p[1] - q[1]) * p[2] * q[2] / (p[2] + q[2] + 1), i, j)
            for i, p in enumerate(groups) for j, q in enumerate(groups) if i < j
        )  # fmt: skip
        one, other = groups[a], groups[b]
        size = one[2] + other[2]
        joined = (one[0] + other[0], (one[1] * one[2] + other[1] * other[2]) / max(1.0, size), size)
        groups = [group for number, group in enumerate(groups) if number not in (a, b)] + [joined]


def _reddest(colours: np.ndarray) -> Iterator[np.ndarray]:
    """Yield masks of what is redder than the rest, and of what is reddest among that (Otsu 1979)."""
    cv2 = opencv()
    red = cv2.GaussianBlur(np.ascontiguousarray(colours[..., 0]), (3, 3), 0)
    scaled = np.clip((red + 0.2) * (255 / 1.2), 0, 255).astype(np.uint8)
    rest = scaled.reshape(-1, 1)
    for _ in range(3):
        limit = cv2.threshold(rest, 0, 255, cv2.THRESH_OTSU)[0]
        yield np.where((scaled > limit) & (red > _LEAST_RED), 255, 0).astype(np.uint8)
        rest = rest[rest > limit].reshape(-1, 1)
        if len(rest) < _SMALLEST * scaled.size:
            return


def _shapes(mask: np.ndarray) -> Iterator[tuple[np.ndarray, Outline]]:
    """Yield the shapes of a mask that can be read as a hand, each filled."""
    cv2 = opencv()
    for contour in find_contours(mask):
        if not _SMALLEST * mask.size <= cv2.contourArea(contour) <= _LARGEST * mask.size:
            continue
        filled = np.zeros_like(mask)
        cv2.drawContours(filled, [contour], -1, 255, -1)
        outline = read_shape(contour, filled)
        if outline is not None:
            yield filled, outline


_RIM = 2.5  # pixels; the frame's edge is no edge of the hand
_BY_COUNT = (0.5, 0.7, 0.95, 1.0, 1.0, 1.0)  # much that is no hand has the shape of a fist or of one finger


def _likeness(filled: np.ndarray, outline: Outline, mask: np.ndarray, colours: np.ndarray, edges: np.ndarray) -> float:
    """Return how like a hand a shape is: its fingers, its edges, its colour, its proportions, one place of the arm."""
    cv2 = opencv()
    inside = filled > 0
    area = np.count_nonzero(inside)
    points = outline.contour[:, 0]
    height, width = filled.shape
    free = (np.abs(points - (width / 2, height / 2)) < (width / 2 - _RIM, height / 2 - _RIM)).all(axis=1)
    strength = edges[points[free, 1], points[free, 0]] if free.any() else np.zeros(1)
    red, blue = (float(colours[..., i][inside].mean()) for i in (0, 1))
    spread = float(colours[..., 0][inside].std())
    around = (cv2.dilate(filled, np.ones((9, 9), np.uint8)) > 0) & (cv2.dilate(filled, np.ones((3, 3), np.uint8)) == 0)
    redder = red - float(colours[..., 0][around].mean()) if around.any() else 0.0
    edge = np.zeros_like(filled)
    edge[[0, -1]], edge[:, [0, -1]] = filled[[0, -1]], filled[:, [0, -1]]
    _, _, stats, _ = cv2.connectedComponentsWithStats(edge)
    exits = int((stats[1:, cv2.CC_STAT_AREA] > 0.2 * outline.radius).sum())
    heavy = area / (math.pi * outline.radius**2)
    reach = float(np.hypot(*(points - np.array(outline.centre)).T).max()) / outline.radius
    holes = np.count_nonzero(inside & (mask == 0)) / area

    def less(value: float, limit: float, width: float) -> float:
        return math.exp(-max(0.0, value - limit) / width)

    return (
        _BY_COUNT[outline.count] * outline.confidence
        * min(1.0, float(strength.mean()) / 16) * math.sqrt(min(1.0, float(np.quantile(strength, 0.25)) / 11))
        * math.sqrt(min(1.0, area / filled.size / 0.04))
        * less(blue, 0.85 * red + 0.06, 0.08)  # wood is yellower than skin
        * less(red, 0.65, 0.1) * less(spread, 0.17, 0.05) * less(-redder, -0.05, 0.02)
        * less(heavy, 3.8, 1.0) * less(reach, 4.6, 1.5) * less(holes, 0.0, 0.05)
        * (1.0 if exits <= 1 else 0.8 if exits == 2 and area > 0.15 * filled.size else 0.4)  # noqa: PLR2004
    )  # fmt: skip
