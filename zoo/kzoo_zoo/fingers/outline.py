"""A hand's outline: which shape in a mask is a hand, where its palm and its arm are, and how many fingers it has."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kzoo.data.frames.video import opencv
from kzoo_zoo.fingers.digits import count_digits

__all__ = ["Outline", "find_contours", "read_outline", "read_shape"]

_SMALLEST, _LARGEST = 0.012, 0.6
"""A hand covers at least and at most this part of the region."""
_CLUTTER, _AT_EDGE, _FROM_EDGE = 0.6, 0.25, 1.15
_SMALLER_PALM = 0.4  # of the largest circle, which may lie in a wide sleeve
_NECK = 0.9  # of a palm: what its wrist is narrower than
_WRIST, _STUB, _ONE_WAY = 0.5, 0.4, 0.85
"""A wrist has room for a disc of so many radii of the palm and sticks out by so many of its squares, all of it in one
direction: the mean of the unit vectors there is so long."""
_LEAST_PALM = 3.0  # pixels; less are lines, cables, noise


@dataclass(frozen=True, eq=False)
class Outline:
    """A hand as the outline shows it.

    Attributes:
        count: The fingers, 0 to 5.
        confidence: The share of the readings that count as many, in [0, 1]; see `count_digits`.
        contour: Points of shape (N, 1, 2), x and y in pixels of the mask.
        centre: The middle of the palm, x and y.
        radius: Of the largest circle within the hand.
    """

    count: int
    confidence: float
    contour: np.ndarray
    centre: tuple[float, float]
    radius: float


def find_contours(mask: np.ndarray) -> list[np.ndarray]:
    """Return the outer contours of a mask, whichever version of OpenCV there is: version 3 returns a triple."""
    cv2 = opencv()
    found = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return list(found[0] if len(found) == 2 else found[1])  # noqa: PLR2004 - contours and hierarchy


def read_outline(mask: np.ndarray, sleeve: np.ndarray | None = None) -> Outline | None:
    """Return what the largest thing in a mask says, or None where it is no hand.

    The palm is the largest circle within the hand: with the middle of the hull's extreme points, which courses teach, a
    long arm pulls the centre off the palm. Where a sleeve is wider than the palm and not cut off, the circle that is
    farther from the edge is the palm, if a wrist lies between them.

    Args:
        mask: uint8 of shape (H, W), 255 where something is before the background.
        sleeve: Of the same form, 255 where that is an arm's sleeve and no hand; see `kzoo_zoo.fingers.sleeve`.
    """
    cv2 = opencv()
    if sleeve is not None:
        mask = cv2.morphologyEx(cv2.subtract(mask, sleeve), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    contour = _hand_sized(mask)
    if contour is None:
        return None
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, [contour], -1, 255, -1)
    return read_shape(contour, filled, sleeve)


def read_shape(contour: np.ndarray, filled: np.ndarray, sleeve: np.ndarray | None = None) -> Outline | None:
    """Return what one shape says as a hand, or None where it has not a hand's proportions.

    Args:
        contour: The shape's outer edge, shape (N, 1, 2).
        filled: uint8 of shape (H, W), 255 within it.
        sleeve: See `read_outline`.
    """
    cv2 = opencv()
    bordered = cv2.copyMakeBorder(filled, 1, 1, 1, 1, cv2.BORDER_CONSTANT)  # so that the edge bounds the palm
    inside = cv2.distanceTransform(bordered, cv2.DIST_L2, 5)[1:-1, 1:-1]
    contact = _contact(filled, sleeve)
    largest, *others = [_counted(contour, filled, contact, *palm) for palm in _palms(inside, contact)]
    behind_a_wrist = [one for one in others if one is not None]
    return max(behind_a_wrist, key=lambda one: one.count) if behind_a_wrist else largest


def _counted(
    contour: np.ndarray, filled: np.ndarray, contact: _Contact | None, centre: np.ndarray, radius: float
) -> Outline | None:
    """Return the fingers around a palm, or None where the shape is no hand with such a palm."""
    hull = opencv().convexHull(contour)[:, 0].astype(np.float64)
    reach = float(np.hypot(*(hull - centre).T).max())
    if not _has_palm(contour, centre, radius, reach, filled.shape[1]):
        return None
    arm = None if contact is None else contact.seen_from(centre, radius)
    if arm is None:
        arm = _wrist_direction(filled, centre, radius)
    count, agreeing = count_digits(filled, centre, radius, arm)
    if count > 5:  # noqa: PLR2004 - fingers of a hand
        return None
    return Outline(count, agreeing, contour, (float(centre[0]), float(centre[1])), radius)


def _hand_sized(mask: np.ndarray) -> np.ndarray | None:
    """Return the contour of the largest thing in a mask, or None where it has no hand's size or is not alone."""
    contours = find_contours(mask)
    if not contours:
        return None
    cv2 = opencv()
    contour = max(contours, key=cv2.contourArea)
    area = cv2.contourArea(contour)
    # Much else beside it, or much of the edge covered: the scene has changed, or somebody walks by.
    beside = np.count_nonzero(mask) - area
    if not _SMALLEST * mask.size <= area <= _LARGEST * mask.size or beside > _CLUTTER * area:
        return None
    return None if _at_edge(mask) > _AT_EDGE else contour


def _has_palm(contour: np.ndarray, centre: np.ndarray, radius: float, reach: float, width: int) -> bool:
    """Return whether a shape has the proportions of a hand: a palm of some weight, and fingers or an arm beyond it."""
    cv2 = opencv()
    # What reaches in from the side or from above without a palm of its own is furniture.
    room = min(centre[0], centre[1], width - 1 - centre[0])
    if radius < _LEAST_PALM or room < _FROM_EDGE * radius:
        return False
    heavy = cv2.contourArea(contour) < 9 * math.pi * radius**2
    smooth = cv2.arcLength(contour, closed=True) < 45 * radius
    return bool(heavy and smooth and 1.25 * radius < reach < 11 * radius)


def _at_edge(mask: np.ndarray) -> float:
    """Return the covered part of the region's edge."""
    edges = (mask[0], mask[-1], mask[:, 0], mask[:, -1])
    return sum(np.count_nonzero(edge) for edge in edges) / sum(edge.size for edge in edges)


def _wrist_direction(filled: np.ndarray, centre: np.ndarray, radius: float) -> float:
    """Return the angle at which a hand that ends at its wrist ends: to where it is thick beyond the palm, else down."""
    cv2 = opencv()
    side = 2 * int(_WRIST * radius) + 1
    bordered = cv2.copyMakeBorder(filled, side, side, side, side, cv2.BORDER_CONSTANT)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    rows, columns = np.nonzero(cv2.morphologyEx(bordered, cv2.MORPH_OPEN, disc)[side:-side, side:-side])
    towards = np.stack([columns - centre[0], rows - centre[1]])
    away = np.hypot(*towards)
    beyond = away > 1.15 * radius  # the palm is no perfect circle
    if np.count_nonzero(beyond) < _STUB * radius**2:
        return math.pi / 2
    x, y = (towards[:, beyond] / away[beyond]).mean(axis=1)
    return math.atan2(y, x) if math.hypot(x, y) > _ONE_WAY else math.pi / 2


def _palms(inside: np.ndarray, contact: _Contact | None) -> list[tuple[np.ndarray, float]]:
    """Return middle and radius of the circles that may be the palm, the likeliest first.

    It is the largest circle within the hand, the one farthest from the arm of those nearly as large. After it come
    smaller ones that are farther from where the arm comes in, behind a narrower place: a hand before a wide sleeve.
    """
    # A bare arm may be as thick as the palm: of two circles of much the same size, the hand is the farther from the
    # edge at which the arm comes in, which is the lower one for nearly all cameras.
    most = float(inside.max())
    rows, columns = np.nonzero(inside > 0.93 * most)
    far = -rows.astype(float) if contact is None else np.hypot(columns - contact.middle[0], rows - contact.middle[1])
    near = far >= far.max() - 0.5 * most
    best = int(np.argmax(inside[rows[near], columns[near]]))
    row, column = rows[near][best], columns[near][best]
    found = [(np.array([column, row], dtype=np.float64), float(inside[row, column]))]
    if contact is None:
        return found
    cv2 = opencv()
    side = 2 * int(0.4 * most) + 1
    highest = (inside == cv2.dilate(inside, np.ones((side, side), np.uint8))) & (inside > _SMALLER_PALM * most)
    away = float(np.hypot(*(found[0][0] - contact.middle)))
    for row, column in np.argwhere(highest):
        centre, radius = np.array([column, row], dtype=np.float64), float(inside[row, column])
        between = np.rint(np.linspace(centre, found[0][0], 32)).astype(int)
        neck = float(inside[between[:, 1], between[:, 0]].min())
        if float(np.hypot(*(centre - contact.middle))) > away + radius and neck < _NECK * radius:
            found.append((centre, radius))
    return found


@dataclass(frozen=True, eq=False)
class _Contact:
    """Where the arm reaches the hand's shape: at the edge of the region, or where the sleeve begins.

    Attributes:
        middle: x and y.
        length: In pixels.
    """

    middle: np.ndarray
    length: float

    def seen_from(self, centre: np.ndarray, radius: float) -> float | None:
        """Return the angle at which the arm leaves a palm, or None where too little of it is seen."""
        if self.length < max(3.0, 0.4 * radius):
            return None
        return math.atan2(self.middle[1] - centre[1], self.middle[0] - centre[0])


def _contact(filled: np.ndarray, sleeve: np.ndarray | None) -> _Contact | None:
    """Return where a shape meets the sleeve, else where it is longest at the region's edge, or None."""
    cv2 = opencv()
    if sleeve is not None:
        rows, columns = np.nonzero(cv2.bitwise_and(cv2.dilate(sleeve, np.ones((7, 7), np.uint8)), filled))
        if len(rows):
            return _Contact(np.array([columns.mean(), rows.mean()]), len(rows) / 3)
    edge = np.zeros_like(filled)
    edge[[0, -1], :], edge[:, [0, -1]] = filled[[0, -1], :], filled[:, [0, -1]]
    _, _, stats, middles = cv2.connectedComponentsWithStats(edge)
    if len(stats) == 1:
        return None
    longest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    return _Contact(middles[longest], float(stats[longest, cv2.CC_STAT_AREA]))
