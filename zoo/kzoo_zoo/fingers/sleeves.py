"""Sleeves drawn over the arms of hands that were cut out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.frames.video import opencv

if TYPE_CHECKING:
    from kzoo_zoo.fingers.cutouts import Cutout

__all__ = ["sleeved"]

_LEAST = 3  # rows; a shorter arm has no room for a sleeve


def sleeved(pixels: np.ndarray, hand: Cutout, rng: np.random.Generator) -> tuple[np.ndarray, Cutout]:
    """Return a picture and its hand with a sleeve from somewhere below the wrist down to the lower edge.

    Most sleeves are dark, some are of any colour, some striped. Where no arm leaves the picture at its lower edge, both
    are returned as they are.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
        hand: The hand in it.
        rng: Where all randomness comes from.
    """
    height, width = pixels.shape[:2]
    if height - hand.wrist < _LEAST:
        return pixels, hand
    cv2 = opencv()
    begin = rng.uniform(hand.wrist, height - 1)
    rows = np.arange(height, dtype=np.float32)[:, None]
    across = np.arange(width, dtype=np.float32)[None] - hand.palm[1]
    below = rows > begin + rng.normal(0, 0.15) * across
    wider = 2 * int(rng.integers(0, 4)) + 1
    arm = cv2.dilate(np.where(below & (hand.alpha > 127), 255, 0).astype(np.uint8), np.ones((1, wider), np.uint8))  # noqa: PLR2004
    dark = rng.random() < 0.6  # noqa: PLR2004
    colour = rng.uniform(8, 70) + rng.normal(0, 8, 3) if dark else rng.uniform(20, 245, 3)
    # Round: darker towards both sides, with folds across.
    side = 2 * max(1, round(hand.palm[2] / 2)) + 1
    depth = cv2.blur(arm, (side, side)).astype(np.float32) / 255
    folds = np.sin((rows + 0.3 * across) * rng.uniform(0.3, 1.2) + rng.uniform(0, 6)) * rng.uniform(0, 0.2)
    light = (0.55 + 0.6 * depth + folds)[..., None]
    if rng.random() < 0.25:  # noqa: PLR2004 - stripes
        stripe = np.sin((rows * rng.normal(0, 1) + across * rng.normal(0, 1)) * rng.uniform(0.5, 2.0)) > 0
        light = np.where(stripe[..., None], light, light * rng.uniform(0.2, 3.0))
    cloth = np.clip(colour * light, 0, 255)
    soft = cv2.GaussianBlur(arm, (3, 3), 0.7)
    share = soft[..., None].astype(np.float32) / 255
    painted = np.rint(share * cloth + (1 - share) * pixels).astype(np.uint8)
    return painted, replace(hand, alpha=np.maximum(hand.alpha, soft))
