"""What stands in the way of a count: why a frame in which there is something shows no readable hand."""

from __future__ import annotations

from typing import Literal

import numpy as np

from kzoo.data.frames.video import opencv

__all__ = ["ADVICE", "Hindrance", "hindrance", "in_words"]

Hindrance = Literal["", "left", "right", "top", "bottom", "near", "far", "beside", "colour"]

_EDGE = 0.3
"""The part of one edge of the region that an arm covers at most where it comes in; a shoulder covers more."""
_NEAR, _FAR, _SEEN = 0.6, 0.012, 0.003
"""The parts of the region that a hand covers at most and at least, and below which there is nothing."""
_BESIDE = 0.6

ADVICE: dict[str, str] = {
    "edge": "Leave it out with a region that has the hand alone (--roi x,y,w,h), or move it out of the picture.",
    "near": "Hold the hand farther from the camera.",
    "far": "Hold the hand nearer to the camera, or look at a smaller region (--roi x,y,w,h).",
    "beside": "Look at the part of the picture in which the hand is (--roi x,y,w,h), and keep the rest still.",
    "colour": "Show the hand before a scene of another colour than skin's, keep the camera still and the scene empty "
    "for the first second, give a picture of it (--background FILE), or count with a trained network.",
}
"""What helps, by hindrance; those of the four edges share `edge`."""


def hindrance(mask: np.ndarray) -> Hindrance:
    """Return why a mask, in which no hand could be read, shows none; an empty text where it is all but empty.

    Args:
        mask: uint8 of shape (H, W), 255 where something is before the scene.
    """
    cv2 = opencv()
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    areas = stats[1:, cv2.CC_STAT_AREA]
    if not len(areas) or areas.sum() < _SEEN * mask.size:
        return ""
    largest = labels == 1 + int(np.argmax(areas))
    edges: dict[Hindrance, np.ndarray] = {
        "left": largest[:, 0],
        "right": largest[:, -1],
        "top": largest[0],
        "bottom": largest[-1],
    }
    widest = max(edges, key=lambda side: float(edges[side].mean()))
    if areas.max() > _NEAR * mask.size:
        return "near"
    if edges[widest].mean() > _EDGE:
        return widest
    if areas.sum() - areas.max() > _BESIDE * areas.max():
        return "beside"
    if areas.max() < _FAR * mask.size:
        return "far"
    return widest if edges[widest].any() else ""


def in_words(why: Hindrance) -> str:
    """Return a hindrance as the end of a sentence, short enough for a frame; an empty text for none."""
    if why in ("left", "right", "top", "bottom"):
        return f"an arm or more reaches in from the {why}: use --roi"
    return {
        "near": "it is too near",
        "far": "it is too far away",
        "beside": "much else is new in the scene: use --roi",
        "colour": "no hand stands out by its colour",
    }.get(why, "")
