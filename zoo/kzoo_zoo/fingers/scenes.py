"""Drawn scenes without a hand: walls, light from one side, furniture, clutter."""

from __future__ import annotations

import numpy as np

from kzoo.data.frames.video import opencv

__all__ = ["draw_scene", "draw_scenes"]


def draw_scenes(count: int, *, size: int, seed: int) -> np.ndarray:
    """Return ``count`` scenes, uint8 of shape (count, size, size, 3), the same for the same seed."""
    return np.stack([draw_scene(np.random.default_rng([seed, number, 0x5CE]), size) for number in range(count)])


def draw_scene(rng: np.random.Generator, size: int, *, walls: float = 0.35) -> np.ndarray:
    """Return one scene, uint8 of shape (size, size, 3); ``walls`` is how likely it is a mere wall."""
    others = 1 - walls
    kind = rng.choice(("wall", "clutter", "texture", "room"), p=(walls, 0.4 * others, 0.2 * others, 0.4 * others))
    picture = _wall(rng, size)
    if kind == "texture":
        picture = picture + _clouds(rng, size) * rng.uniform(10, 60)
    if kind in ("clutter", "room"):
        picture = _furnished(rng, picture, pieces=int(rng.integers(3, 22)), straight=kind == "room")
    if rng.random() < 0.5:  # noqa: PLR2004 - half of them
        picture = picture + _clouds(rng, size) * rng.uniform(2, 12)
    picture = picture + rng.normal(0, rng.uniform(0, 6), picture.shape)
    drawn: np.ndarray = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return drawn


def _colour(rng: np.random.Generator) -> np.ndarray:
    gray = rng.uniform(15, 245)
    found: np.ndarray = np.clip(gray + rng.normal(0, rng.uniform(4, 45), 3), 0, 255)
    return found


def _wall(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return a surface of one colour, brighter at one side and darker in the corners."""
    rows, columns = np.indices((size, size), dtype=np.float32) / size - 0.5
    slope = rng.normal(0, 0.25, 2)
    light = 1 + slope[0] * rows + slope[1] * columns - rng.uniform(0, 0.7) * (rows**2 + columns**2)
    found: np.ndarray = _colour(rng) * light[..., None]
    return found


def _clouds(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return smooth noise about 0, coarse and fine added up."""
    cv2 = opencv()
    total = np.zeros((size, size, 3), np.float32)
    for side in (3, 6, 12, 24):
        coarse = rng.normal(0, 1, (side, side, 3)).astype(np.float32)
        total += cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC) / np.sqrt(side)
    return total


def _furnished(rng: np.random.Generator, picture: np.ndarray, *, pieces: int, straight: bool) -> np.ndarray:
    cv2 = opencv()
    size = picture.shape[0]
    picture = np.ascontiguousarray(picture, dtype=np.float32)
    for _ in range(pieces):
        colour = _colour(rng).tolist()
        x, y = (rng.uniform(-0.2, 1.2, 2) * size).astype(int).tolist()
        w, h = (rng.uniform(0.05, 0.6, 2) * size).astype(int).tolist()
        kind = rng.integers(2 if straight else 4)
        if kind == 0:
            cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1, cv2.LINE_AA)
        elif kind == 1:
            far = (rng.uniform(-0.2, 1.2, 2) * size).astype(int).tolist()
            cv2.line(picture, (x, y), far, colour, int(rng.integers(1, max(2, size // 6))), cv2.LINE_AA)
        elif kind == 2:  # noqa: PLR2004 - one of four
            cv2.ellipse(picture, (x, y), (w // 2 + 1, h // 2 + 1), rng.uniform(0, 180), 0, 360, colour, -1, cv2.LINE_AA)
        else:
            corners = (np.array([x, y]) + rng.uniform(-0.3, 0.3, (5, 2)) * size).astype(np.int32)
            cv2.fillPoly(picture, [corners], colour, cv2.LINE_AA)
    return picture
