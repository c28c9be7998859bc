"""The embedded sample: shapes drawn on texture, with their exact masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.drawn import drawn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["SHAPES", "draw_scenes"]

SHAPES = ("background", "disc", "ring", "square", "cross", "stripes")
"""The classes; shapes are coloured alike, before a background in gray, so that the outline alone tells them apart."""

_OVERSAMPLING = 2
_MOST = 4  # shapes in a scene


@drawn_once
def draw_scenes(count: int, seed: int, size: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return scenes and their masks, the same bytes for the same arguments.

    A pixel is of the shape that covers its middle; the pixels of the picture are averaged over a finer grid, so that
    edges are as soft as a camera's.

    Args:
        count: How many.
        seed: Decides everything about them.
        size: Height and width.

    Returns:
        Pictures uint8 of shape (count, H, W, 3), and class indices, uint8 of shape (count, H, W).
    """
    rng = np.random.default_rng([seed, 0x5E6])
    scenes = [_scene(rng, *size) for _ in range(count)]
    return np.stack([pixels for pixels, _ in scenes]), np.stack([mask for _, mask in scenes])


def _scene(rng: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    fine = (height * _OVERSAMPLING, width * _OVERSAMPLING)
    pixels = _texture(rng, fine, coloured=False)
    mask = np.zeros((height, width), np.uint8)
    for _ in range(int(rng.integers(1, _MOST + 1))):
        label = int(rng.integers(1, len(SHAPES)))
        radius = rng.uniform(0.14, 0.3) * min(height, width)
        centre = rng.uniform(0.1, 0.9, 2) * (height, width)
        angle = rng.uniform(0, np.pi)
        colours = _texture(rng, fine, coloured=True)
        inside = _inside(label, _places(fine, _OVERSAMPLING, centre, radius, angle))
        pixels = np.where(inside[..., None], colours, pixels)
        mask[_inside(label, _places((height, width), 1, centre, radius, angle))] = label
    small = pixels.reshape(height, _OVERSAMPLING, width, _OVERSAMPLING, 3).mean(axis=(1, 3))
    noisy = small * rng.uniform(0.7, 1.2) + rng.normal(0, rng.uniform(2, 8), small.shape)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8), mask


def _places(size: Sequence[int], finer: int, centre: Any, radius: float, angle: float) -> tuple[Any, Any]:
    """Return where each pixel's middle is, seen from a shape: turned with it, its radius being 1."""
    row, column = ((np.indices(size) + 0.5) / finer - np.asarray(centre)[:, None, None]) / radius
    return column * np.cos(angle) + row * np.sin(angle), row * np.cos(angle) - column * np.sin(angle)


def _inside(label: int, places: tuple[Any, Any]) -> np.ndarray:
    u, v = places
    distance = np.hypot(u, v)
    name = SHAPES[label]
    if name == "disc":
        return np.asarray(distance < 1)
    if name == "ring":
        return np.asarray((distance < 1) & (distance > 0.55))  # noqa: PLR2004
    square = np.maximum(np.abs(u), np.abs(v)) < 0.9  # noqa: PLR2004
    if name == "square":
        return np.asarray(square)
    if name == "cross":
        return np.asarray(square & (np.minimum(np.abs(u), np.abs(v)) < 0.3))  # noqa: PLR2004
    return np.asarray(square & (np.abs(np.abs(v) - 0.6) < 0.22))  # noqa: PLR2004 - two bars


def _texture(rng: np.random.Generator, size: Sequence[int], *, coloured: bool) -> np.ndarray:
    """Return a colour or a gray that runs into another in waves, float64 of shape (H, W, 3)."""
    first = np.full(3, rng.uniform(40, 200))
    if coloured:
        first = rng.permutation([rng.uniform(150, 250), rng.uniform(20, 230), rng.uniform(0, 70)])
    second = np.clip(first + rng.uniform(-50, 50, 3 if coloured else 1), 0, 255)
    row, column = np.indices(size)
    angle, length = rng.uniform(0, np.pi), rng.uniform(0.06, 0.5) * min(size)
    wave = np.sin(2 * np.pi * (column * np.cos(angle) + row * np.sin(angle)) / length + rng.uniform(0, 2 * np.pi))
    mix = (0.5 + 0.5 * wave)[..., None]
    return np.asarray(first * (1 - mix) + second * mix)
