"""The embedded sample: drawn heads of cats and dogs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from kzoo.data.drawn import drawn_once

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ANIMALS", "SIZES", "draw_animals", "draw_groups", "draw_opinions"]

ANIMALS = ("cat", "dog")

SIZES = ("tiny", "small", "medium", "large", "huge")
"""What people call the size of a head in a picture, in their order."""

_OVERSAMPLING = 2
_SMALLEST, _LARGEST = 0.2, 0.36  # heads, as parts of the shorter side
_OPINIONS, _DOUBT = 20, 0.7  # people asked, and how far they differ, in sizes

# Fur of both animals alike: colour must not tell them apart.
_FUR = ((60, 50, 45), (120, 80, 50), (200, 150, 90), (230, 215, 190), (150, 150, 155), (240, 240, 240), (90, 90, 100))


@drawn_once
def draw_animals(count: int, seed: int, size: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return drawn heads and their classes, the same bytes for the same arguments.

    Cats have pointed ears that stand up, a small nose with whiskers and upright pupils; dogs have ears that hang or
    are round at the tip, a muzzle with a large nose and round pupils. Colours, markings, place, size, tilt, mouth,
    background, stray lines and noise are drawn alike for both. The classes take turns.

    Args:
        count: The number of pictures.
        seed: Decides everything about them; sets made with different seeds have no picture in common.
        size: ``(height, width)`` of the pictures.

    Returns:
        Images uint8 of shape (count, height, width, 3); labels int64 of shape (count,), indices into `ANIMALS`.
    """
    rng = np.random.default_rng([seed, 0xCA7D06])
    labels = np.arange(count, dtype=np.int64) % len(ANIMALS)
    images = np.stack([_picture(ANIMALS[label], rng, size)[0] for label in labels])
    return images, labels


@drawn_once
def draw_groups(count: int, seed: int, size: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures of two halves, in each of which there may be an animal, and which animals are in them.

    No picture has two of one animal. Both, either and neither take turns, and so do left and right.

    Args:
        count: The number of pictures.
        seed: Decides everything about them.
        size: ``(height, width)`` of the pictures.

    Returns:
        Images uint8 of shape (count, height, width, 3); labels float32 of shape (count, 2), 1 for each animal of
        `ANIMALS` that is there.
    """
    rng = np.random.default_rng([seed, 0x6A0C])
    height, left = size[0], size[1] // 2
    labels = np.stack([np.arange(count) % 2, np.arange(count) // 2 % 2], axis=1).astype(np.float32)
    images = np.empty((count, *size, 3), np.uint8)
    for image, row in zip(images, labels, strict=True):
        there = [animal if has else "" for animal, has in zip(ANIMALS, row, strict=True)]
        for animal, half in zip(rng.permutation(there), (image[:, :left], image[:, left:]), strict=True):
            half[:] = _picture(str(animal), rng, (height, half.shape[1]))[0]
    return images, labels


@drawn_once
def draw_opinions(count: int, seed: int, size: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Return drawn heads and what twenty people would call the size of each, as shares of `SIZES`.

    They differ: around the true size, from the smallest to the largest that is drawn, by 0.7 of a step (the standard
    deviation of a normal distribution).

    Args:
        count: The number of pictures.
        seed: Decides everything about them.
        size: ``(height, width)`` of the pictures.

    Returns:
        Images uint8 of shape (count, height, width, 3); shares float32 of shape (count, 5), which sum to 1.
    """
    rng = np.random.default_rng([seed, 0x512E5])
    images, shares = np.empty((count, *size, 3), np.uint8), np.empty((count, len(SIZES)), np.float32)
    for number in range(count):
        images[number], scale = _picture(ANIMALS[number % len(ANIMALS)], rng, size)
        true = (scale - _SMALLEST) / (_LARGEST - _SMALLEST) * (len(SIZES) - 1)
        said = np.clip(np.rint(rng.normal(true, _DOUBT, _OPINIONS)), 0, len(SIZES) - 1).astype(int)
        shares[number] = np.bincount(said, minlength=len(SIZES)) / _OPINIONS
    return images, shares


def _picture(animal: str, rng: np.random.Generator, size: Sequence[int]) -> tuple[np.ndarray, float]:
    """Return a picture, of nothing but its background where there is no animal, and the size of the head in it."""
    height, width = size
    image = _background(rng, height * _OVERSAMPLING, width * _OVERSAMPLING)
    pen = _Pen(ImageDraw.Draw(image), rng, image.size)
    if animal:
        _draw_head(animal, pen, rng)
    for _ in range(int(rng.integers(0, 3))):  # grass, a lead, the bar of a cage: something in front
        pen.line(rng.uniform(-1.6, 1.6, (2, 2)), _jittered((110, 110, 100), rng, 80), rng.uniform(0.02, 0.06))
    pixels: np.ndarray = np.asarray(image.reduce(_OVERSAMPLING), dtype=np.float32)
    pixels = pixels * rng.uniform(0.7, 1.2) + rng.normal(0, rng.uniform(2, 10), pixels.shape)
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8), pen.scale


def _draw_head(animal: str, pen: _Pen, rng: np.random.Generator) -> None:
    fur = _jittered(_FUR[rng.integers(len(_FUR))], rng)
    dark = tuple(int(c * 0.6) for c in fur)
    (_draw_cat if animal == "cat" else _draw_dog)(pen, rng, fur, dark)


def _draw_cat(pen: _Pen, rng: np.random.Generator, fur: Any, dark: Any) -> None:
    spread, tall = rng.uniform(0.35, 0.6), rng.uniform(0.95, 1.3)
    for side in (-1, 1):
        ear = np.array([(side * 0.88, -0.3), (side * (spread + 0.15), -tall), (side * 0.1, -0.78)])
        pen.polygon(ear, fur)
        pen.polygon(ear * 0.8 + np.array((side * 0.09, -0.12)), (215, 150, 150))
    pen.ellipse((0, 0), (rng.uniform(0.85, 1.0), 0.85), fur)
    _markings(pen, rng, dark)
    _eyes(pen, rng, _jittered((150, 190, 70), rng, 50), slit=True)
    pen.ellipse((0, 0.4), (0.34, 0.22), _lighter(fur))
    pen.polygon(np.array([(-0.11, 0.22), (0.11, 0.22), (0, 0.36)]), (200, 110, 120))
    for side in (-1, 1):
        for lift in (-0.1, 0.05, 0.2):
            pen.line(np.array([(side * 0.25, 0.38), (side * 1.15, 0.34 + lift)]), (245, 245, 245), 0.025)
    _mouth(pen, rng, 0.36)


def _draw_dog(pen: _Pen, rng: np.random.Generator, fur: Any, dark: Any) -> None:
    hanging = rng.random() < 0.7  # noqa: PLR2004 - the rest have ears that stand, but are round
    broad = rng.uniform(0.7, 0.92)
    if not hanging:
        for side in (-1, 1):
            pen.ellipse((side * 0.62, -0.72), (0.26, rng.uniform(0.35, 0.5)), dark)
    pen.ellipse((0, 0), (broad, rng.uniform(0.85, 1.0)), fur)
    _markings(pen, rng, dark)
    if hanging:
        low = rng.uniform(0.0, 0.3)
        for side in (-1, 1):
            pen.ellipse((side * (broad + 0.02), low - 0.15), (0.24, rng.uniform(0.5, 0.7)), dark)
    _eyes(pen, rng, _jittered((90, 60, 40), rng, 30), slit=False)
    pen.ellipse((0, 0.5), (rng.uniform(0.38, 0.5), rng.uniform(0.36, 0.46)), _lighter(fur))
    pen.ellipse((0, 0.32), (rng.uniform(0.16, 0.22), 0.14), (35, 30, 30))
    if rng.random() < 0.4:  # noqa: PLR2004
        pen.ellipse((0, 0.85), (0.13, 0.22), (215, 90, 100))
    _mouth(pen, rng, 0.46)


def _eyes(pen: _Pen, rng: np.random.Generator, iris: Any, *, slit: bool) -> None:
    apart, level = rng.uniform(0.33, 0.45), rng.uniform(-0.25, -0.1)
    for side in (-1, 1):
        pen.ellipse((side * apart, level), (0.17, 0.14), (245, 245, 240))
        pen.ellipse((side * apart, level), (0.13, 0.13), iris)
        pen.ellipse((side * apart, level), (0.035, 0.13) if slit else (0.075, 0.075), (10, 10, 10))


def _mouth(pen: _Pen, rng: np.random.Generator, top: float) -> None:
    deep = rng.uniform(0.1, 0.2)
    for side in (-1, 1):
        pen.line(np.array([(0, top), (side * 0.2, top + deep)]), (50, 40, 40), 0.03)


def _markings(pen: _Pen, rng: np.random.Generator, colour: Any) -> None:
    kind = rng.integers(3)
    if kind == 1:
        for across in (-0.25, 0.0, 0.25):
            pen.line(np.array([(across, -0.75), (across * 0.8, -0.42)]), colour, 0.08)
    elif kind == 2:  # noqa: PLR2004
        pen.ellipse(rng.uniform(-0.45, 0.45, 2), rng.uniform(0.15, 0.35, 2), colour)


def _background(rng: np.random.Generator, height: int, width: int) -> Image.Image:
    """Return two colours that run into each other, with a few soft blots."""
    ends = rng.uniform(20, 235, (2, 3))
    angle = rng.uniform(0, 2 * np.pi)
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, width), np.linspace(-0.5, 0.5, height))
    mix = (0.5 + (x * np.cos(angle) + y * np.sin(angle)) / np.sqrt(2))[..., np.newaxis]
    image = Image.fromarray(np.rint(ends[0] * (1 - mix) + ends[1] * mix).astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(0, 5))):
        left, top = rng.uniform(-0.2, 1, 2) * (width, height)
        wide, tall = rng.uniform(0.05, 0.4, 2) * (width, height)
        colour = _jittered(ends[0], rng, 60)
        (pen.ellipse if rng.random() < 0.5 else pen.rectangle)((left, top, left + wide, top + tall), fill=colour)  # noqa: PLR2004
    return image


class _Pen:
    """Draws in the coordinates of the head, from -1 to 1 over its width, wherever the head is.

    Attributes:
        scale: Half the width of the head, as a part of the shorter side of the picture.
    """

    def __init__(self, pen: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int]) -> None:
        self._pen = pen
        side = min(size)
        self.scale = float(rng.uniform(_SMALLEST, _LARGEST))
        self._scale = self.scale * side
        room = np.array(size) / 2 - self._scale
        self._centre = np.array(size) / 2 + rng.uniform(-0.8, 0.8, 2) * room
        angle = rng.uniform(-0.5, 0.5)
        self._turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])

    def polygon(self, points: np.ndarray, colour: Any) -> None:
        self._pen.polygon((points * self._scale @ self._turn + self._centre).ravel().tolist(), fill=tuple(colour))

    def ellipse(self, centre: Any, radii: Any, colour: Any) -> None:
        angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        self.polygon(np.asarray(centre) + np.stack([np.cos(angles), np.sin(angles)], 1) * np.asarray(radii), colour)

    def line(self, points: np.ndarray, colour: Any, width: float) -> None:
        places = (points * self._scale @ self._turn + self._centre).ravel().tolist()
        self._pen.line(places, fill=tuple(colour), width=max(1, round(width * self._scale)))


def _jittered(colour: Any, rng: np.random.Generator, reach: float = 25) -> tuple[int, ...]:
    return tuple(int(c) for c in np.clip(np.asarray(colour) + rng.uniform(-reach, reach, 3), 0, 255))


def _lighter(colour: Any) -> tuple[int, ...]:
    return tuple(int(c + (255 - c) * 0.45) for c in colour)
