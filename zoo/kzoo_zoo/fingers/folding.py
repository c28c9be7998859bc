"""Hands of fewer fingers, made from hands before a plain wall by taking fingers away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.frames.video import opencv
from kzoo_zoo.fingers.cutouts import Cutout, cut_out
from kzoo_zoo.fingers.hands import THUMB, USUAL

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["fingers_of", "folded_hands", "without"]

_SHORTEST = 0.55
"""A finger is at least so long beyond the palm, in radii of the palm."""
_SMALLEST = 0.12
"""It covers at least so much, in squares of that radius."""
_THIN = (0.5, 0.4, 0.6)
_KNUCKLES, _ROOT = 1.1, 0.45
"""Where a finger begins, and how far its root goes on to both sides of it, in radii of the palm."""
_MOST = 5
_USUAL, _UPRIGHT = 0.6, 0.7
"""The parts of the hands of five fingers that show what people usually show, and of single thumbs that are held up."""
_CURLED, _STUMPS = 0.5, (1.2, 1.55)
"""The part of the hands whose fingers leave stumps, as curled ones do, and their reach, in radii of the palm."""
_ASIDE = 50.0
"""A single finger that points so many degrees away from upwards is a thumb."""
_HALF = 127


def folded_hands(images: np.ndarray, counts: np.ndarray, per_count: int, *, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return hands of 0 to 4 fingers that are made from those of more: fingers are taken away, any of them.

    People show a number with other fingers than those of whom there are pictures: three as thumb, index and middle, or
    as index, middle and ring. From behind, a folded finger is one that is not there. More than half of the hands that
    are made from five fingers show what people usually show, the others any fingers. A thumb alone is mostly held
    upwards, and the arm comes from the side. From half of the hands fingers are not taken away whole: from the palm's
    side and from the thumb's, those that are curled are short.

    Args:
        images: uint8 of shape (N, H, W, 3).
        counts: The fingers on each, shape (N,).
        per_count: How many hands of each count from 0 to 4 are made, at most.
        seed: Decides which.

    Returns:
        Images and their counts; fewer than asked for where few hands are before a plain wall and have as many separate
        fingers as their count says.
    """
    rng = np.random.default_rng(seed)
    usable: list[tuple[np.ndarray, Cutout, list[np.ndarray]]] = []
    for number in rng.permutation(np.flatnonzero(counts >= 3)):  # noqa: PLR2004 - of fewer, little can be taken
        hand = cut_out(images[number])
        if hand is None:
            continue
        fingers = _separate(hand, int(counts[number]))
        if fingers is not None:
            usable.append((images[number], hand, fingers))
    made, labels = list[np.ndarray](), list[int]()
    for left in range(_MOST):
        sources = [one for one in usable if len(one[2]) > left]
        for turn in range(per_count if sources else 0):
            pixels, hand, fingers = sources[turn % len(sources)]
            along = _from_thumb(hand, fingers) if len(fingers) == _MOST else None
            kept = rng.permutation(len(fingers))[:left].tolist()
            if along is not None and rng.random() < _USUAL:
                shown = USUAL[left][rng.integers(len(USUAL[left]))]
                kept = [along[0 if finger == THUMB else 1 + finger] for finger in shown]
            gone = [place for place in range(len(fingers)) if place not in kept]
            stumps = rng.uniform(*_STUMPS) if rng.random() < _CURLED else 0.0
            changed = without(pixels, hand, fingers, gone, stumps=stumps)
            aside = left == 1 and abs(_angle(hand, fingers[kept[0]])) > _ASIDE
            if aside and rng.random() < _UPRIGHT:
                changed = _held_up(changed, hand, fingers[kept[0]], rng)
            made.append(changed)
            labels.append(left)
    if not made:
        return images[:0], np.zeros(0, np.int64)
    return np.stack(made), np.array(labels, np.int64)


def fingers_of(hand: Cutout, *, thin: float = _THIN[0]) -> list[np.ndarray]:
    """Return a mask of each finger that stands off the palm by itself, bool of shape (H, W).

    Args:
        hand: The hand.
        thin: What a circle of this part of the palm's radius does not fit into is a finger.
    """
    cv2 = opencv()
    mask = (hand.alpha > _HALF).astype(np.uint8)
    row, column, radius = hand.palm
    side = 2 * max(1, round(thin * radius)) + 1
    # A border, so that the arm is not taken for something that ends at the picture's edge.
    padded = np.pad(mask, side, mode="edge")
    thick = cv2.morphologyEx(padded, cv2.MORPH_OPEN, _disk(side))[side:-side, side:-side]
    count, labels = cv2.connectedComponents(mask & (1 - cv2.dilate(thick, _disk(3))), connectivity=4)
    rows, columns = np.indices(mask.shape)
    distance = np.hypot(rows - row, columns - column)
    found = []
    for label in range(1, count):
        piece = labels == label
        away = distance[piece].max() - max(radius, distance[piece].min())
        is_arm = np.nonzero(piece)[0].mean() > hand.wrist
        if away >= _SHORTEST * radius and np.count_nonzero(piece) >= _SMALLEST * radius**2 and not is_arm:
            found.append(piece)
    return found


def without(
    pixels: np.ndarray, hand: Cutout, fingers: Sequence[np.ndarray], gone: Sequence[int], *, stumps: float = 0.0
) -> np.ndarray:
    """Return the picture without some of the fingers, with the wall in their place.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
        hand: The hand in it.
        fingers: All its fingers, as of `fingers_of`.
        gone: The places of those that are taken away.
        stumps: How far from the middle of the palm something of them stays, in radii of the palm.
    """
    cv2 = opencv()
    row, column, radius = hand.palm
    rows, columns = np.indices(hand.alpha.shape)
    distance = np.hypot(rows - row, columns - column)
    beyond = distance > max(_KNUCKLES, stumps) * radius
    taken = np.logical_or.reduce([fingers[place] & (distance > stumps * radius) for place in gone]).astype(np.uint8)
    others = [finger for place, finger in enumerate(fingers) if place not in set(gone)]
    stay = np.logical_or.reduce([*others, np.zeros_like(beyond)]).astype(np.uint8)
    # The root of a finger is as wide as two: what is nearer to one that goes than to one that stays goes with it.
    apart = _far(taken)
    root = beyond & (hand.alpha > _HALF) & (apart < _ROOT * radius) & (apart < _far(stay))
    removed = cv2.dilate(root.astype(np.uint8) | taken, _disk(3))
    kept = (hand.alpha > _HALF) & (removed == 0)
    # The edge of what goes, without the edge of what stays.
    removed = cv2.dilate(removed, _disk(5)) & (1 - cv2.dilate(kept.astype(np.uint8), _disk(3))) | removed
    hidden = cv2.dilate(((hand.alpha > 0) | (removed > 0)).astype(np.uint8), _disk(3))
    wall = cv2.inpaint(pixels, hidden, 3, cv2.INPAINT_TELEA)
    share = cv2.GaussianBlur(removed * np.uint8(255), (3, 3), 0.7)[..., None].astype(np.float32) / 255
    filled: np.ndarray = np.rint(share * wall + (1 - share) * pixels).astype(np.uint8)
    return filled


def _separate(hand: Cutout, count: int) -> list[np.ndarray] | None:
    """Return the fingers of a hand where as many stand apart as it is said to show, else None."""
    for thin in _THIN:
        fingers = fingers_of(hand, thin=thin)
        if len(fingers) == count:
            return fingers
    return None


def _from_thumb(hand: Cutout, fingers: Sequence[np.ndarray]) -> list[int]:
    """Return the places of five fingers in their order along the hand, the thumb, which is apart, before the others."""
    angles = np.array([_angle(hand, finger) for finger in fingers])
    order = np.argsort(angles)
    gaps = np.diff(angles[order])
    found: list[int] = (order if gaps[0] > gaps[-1] else order[::-1]).tolist()
    return found


def _angle(hand: Cutout, finger: np.ndarray) -> float:
    """Return where a finger points to from the middle of the palm, in degrees clockwise from upwards."""
    rows, columns = np.nonzero(finger)
    return float(np.degrees(np.arctan2(columns.mean() - hand.palm[1], hand.palm[0] - rows.mean())))


def _held_up(pixels: np.ndarray, hand: Cutout, thumb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the picture turned so that the thumb points upwards, or nearly, with the palm in the middle."""
    cv2 = opencv()
    row, column, _ = hand.palm
    height, width = pixels.shape[:2]
    # OpenCV turns against the clock: a thumb that points to the right comes up.
    turn = cv2.getRotationMatrix2D((column, row), _angle(hand, thumb) + rng.normal(0, 15), 1.0)
    turn[:, 2] += (width / 2 - column, height / 2 - row)
    found: np.ndarray = cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return found


def _far(mask: np.ndarray) -> np.ndarray:
    """Return how far each pixel is from the nearest in a mask; very far where there is none."""
    cv2 = opencv()
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    found: np.ndarray = cv2.distanceTransform(1 - mask, cv2.DIST_L2, 5)
    return found


def _disk(side: int) -> np.ndarray:
    cv2 = opencv()
    found: np.ndarray = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return found
