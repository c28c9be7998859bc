"""Drawn scenes of shapes with exact boxes: a detection set that is made, not downloaded."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

__all__ = ["SHAPES", "draw_scene", "draw_scenes"]

_OVERSAMPLING = 3
_SIZES = ((160, 120), (120, 160), (144, 144), (176, 112))  # width and height
_MOST = 5
_TRIES = 40
_OVERLAP = 0.05


def _circle() -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def _star() -> np.ndarray:
    angles = np.linspace(0, 2 * np.pi, 10, endpoint=False) - np.pi / 2
    radii = np.where(np.arange(10) % 2 == 0, 1.0, 0.42)
    return np.stack([np.cos(angles) * radii, np.sin(angles) * radii], 1)


_OUTLINES = {
    "circle": _circle(),
    "cross": np.array([
        (-0.3, -1), (0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3),
        (0.3, 1), (-0.3, 1), (-0.3, 0.3), (-1, 0.3), (-1, -0.3), (-0.3, -0.3),
    ]),
    "square": np.array([(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]),
    "star": _star(),
    "triangle": np.array([(0, -1), (0.95, 0.75), (-0.95, 0.75)]),
}  # fmt: skip
SHAPES = tuple(_OUTLINES)
"""The names of the classes, sorted."""


def draw_scenes(count: int, seed: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Return scenes, the same for the same arguments: pixels, boxes and classes of each; see `draw_scene`."""
    rng = np.random.default_rng([seed, 0x5AFE])
    return [draw_scene(rng) for _ in range(count)]


def draw_scene(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a scene with one to five shapes of any colour and size, turned a little, among stray lines and noise.

    Returns:
        Pixels uint8 of shape (H, W, 3); boxes x1, y1, x2, y2 in pixels, float32 of shape (M, 4), exactly around what
        is drawn; classes int64 of shape (M,), indices into `SHAPES`.
    """
    width, height = _SIZES[rng.integers(len(_SIZES))]
    pixels = _background(width, height, rng)
    boxes: list[np.ndarray] = []
    labels: list[int] = []
    for _ in range(int(rng.integers(1, _MOST + 1))):
        label = int(rng.integers(len(SHAPES)))
        outline = _placed(_OUTLINES[SHAPES[label]], width, height, boxes, rng)
        if outline is None:
            continue
        boxes.append(np.concatenate([outline.min(0), outline.max(0)]).astype(np.float32))
        labels.append(label)
        window, covered = _coverage(outline)
        covered = covered[..., None]
        # Of several colours, the one farthest from what is under the shape: what cannot be seen teaches nothing.
        colours = rng.uniform(0, 255, (5, 3))
        under = (pixels[window] * covered).sum((0, 1)) / covered.sum()
        colour = colours[((colours - under) ** 2).sum(-1).argmax()]
        pixels[window] += covered * (colour - pixels[window])
    pixels += rng.normal(0, 1, pixels.shape) * rng.uniform(1, 8)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8), np.array(boxes), np.array(labels, np.int64)


def _background(width: int, height: int, rng: np.random.Generator) -> np.ndarray:
    """Return two colours that run into each other, and some lines."""
    ends = rng.uniform(0, 255, (2, 3))
    angle = rng.uniform(0, 2 * np.pi)
    across, down = np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height)
    mix = 0.5 + (across[None] * np.cos(angle) + down[:, None] * np.sin(angle)) / np.sqrt(2)
    pixels = ends[0] + mix[..., None] * (ends[1] - ends[0]) / 2
    lines = Image.new("L", (width, height))
    pen = ImageDraw.Draw(lines)
    for _ in range(int(rng.integers(0, 4))):
        pen.line(
            (rng.uniform(0, 1, 4) * (width, height, width, height)).tolist(), fill=160, width=int(rng.integers(1, 3))
        )
    covered = np.asarray(lines, np.float64)[..., None] / 255
    found: np.ndarray = pixels + covered * (rng.uniform(0, 255, 3) - pixels)
    return found


def _placed(
    outline: np.ndarray, width: int, height: int, boxes: list[np.ndarray], rng: np.random.Generator
) -> np.ndarray | None:
    """Return the outline in pixels, turned and stretched, where it is not on another; None where no room was found."""
    for _ in range(_TRIES):
        angle = rng.uniform(-0.35, 0.35)
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        points = (outline * rng.uniform(0.75, 1.0, 2)) @ turn * rng.uniform(9, 32)
        low, high = points.min(0), points.max(0)
        room = (width, height) - (high - low) - 2
        if (room <= 0).any():
            continue
        points = points - low + 1 + rng.uniform(0, 1, 2) * room
        box = np.concatenate([points.min(0), points.max(0)])
        if all(_shared(box, other) <= _OVERLAP for other in boxes):
            return np.asarray(points)
    return None


def _shared(one: np.ndarray, other: np.ndarray) -> float:
    """Return the part of the smaller box that is in both."""
    sides = np.maximum(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0)
    return float(sides.prod() / min((one[2:] - one[:2]).prod(), (other[2:] - other[:2]).prod()))


def _coverage(outline: np.ndarray) -> tuple[tuple[slice, slice], np.ndarray]:
    """Return the rows and columns that an outline touches, and how much of each pixel of them it covers, in [0, 1]."""
    (left, top), (right, bottom) = np.floor(outline.min(0)).astype(int), np.ceil(outline.max(0)).astype(int)
    image = Image.new("L", ((right - left) * _OVERSAMPLING, (bottom - top) * _OVERSAMPLING))
    # Pillow counts from the centres of pixels: a corner at 1.0 is half a small pixel before the second's centre.
    points = (outline - (left, top)) * _OVERSAMPLING - 0.5
    ImageDraw.Draw(image).polygon(points.ravel().tolist(), fill=255)
    covered = np.asarray(image.reduce(_OVERSAMPLING), np.float64) / 255
    return (slice(top, bottom), slice(left, right)), covered
