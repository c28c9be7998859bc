"""Text on a picture, readable whatever the picture's size."""

from __future__ import annotations

import functools
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kzoo.data.frames.placing import place_labels

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MIN_SIDE", "Label", "write_labels", "write_text"]

MIN_SIDE = 128
"""A picture whose shorter side has fewer pixels is enlarged: no text can be read on a thumbnail."""

_MAX_SIDE = 4096
_SMALLEST_FONT = 12


def write_text(
    pixels: np.ndarray,
    text: str,
    *,
    xy: tuple[float, float] = (0.0, 0.0),
    size: int | None = None,
    color: tuple[int, int, int] = (255, 255, 255),
    background: tuple[int, int, int] = (0, 0, 0),
) -> np.ndarray:
    r"""Return a copy of the picture with text on a filled box, wrapped and shrunk to fit.

    A thumbnail is enlarged by a whole factor first, which depends on its size alone: all frames of a video stay of
    one size. So draw boxes and the like before, and text last. What does not fit at the smallest legible size is cut
    off at the bottom.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
        text: Lines break at ``\n`` and where they are too long.
        xy: Where the box's upper left corner is, as fractions of width and height; moved inwards
            where it would not fit.
        size: The height of the letters in pixels; by default a 20th of the shorter side, at least 12.
        color: Of the letters.
        background: Of the box.

    Example:
        >>> write_text(np.zeros((28, 28, 3), np.uint8), "seven 99%").shape
        (140, 140, 3)
    """
    return write_labels(pixels, [Label(text, xy, color, background)], size=size)


@dataclass(frozen=True)
class Label:
    """A text and where it stands.

    Attributes:
        text: As `write_text` takes it.
        xy: Where the upper left corner of the text's box is, as fractions of width and height; moved inwards where it
            would not fit.
        color: Of the letters.
        background: Of the box.
        around: x1, y1, x2, y2 of what it belongs to, as fractions: it stands beside that, where it hides no other
            label, and ``xy`` is not read.
    """

    text: str
    xy: tuple[float, float] = (0.0, 0.0)
    color: tuple[int, int, int] = (255, 255, 255)
    background: tuple[int, int, int] = (0, 0, 0)
    around: tuple[float, float, float, float] | None = None


def write_labels(pixels: np.ndarray, labels: Iterable[Label], *, size: int | None = None) -> np.ndarray:
    """Return a copy of the picture with several texts, the last on top; otherwise as `write_text`.

    Of texts that stand around something, the last one also has its place first.

    Args:
        pixels: RGB, uint8 of shape (H, W, 3).
        labels: The texts.
        size: The height of the letters in pixels; by default a 20th of the shorter side, at least 12.
    """
    picture = _enlarged(pixels)
    height, width = picture.shape[:2]
    size = size or max(_SMALLEST_FONT, min(height, width) // 20)
    labels = list(labels)
    drawn = [
        _label(one.text, size, width, one.color, one.background)[:height, :width]
        for one in labels
    ]  # fmt: skip
    around = {n: sides for n, one in reversed(list(enumerate(labels))) if (sides := one.around) is not None}
    boxes = np.array(list(around.values())).reshape(-1, 4) * (width, height, width, height)
    places = place_labels([(len(drawn[n]), len(drawn[n][0])) for n in around], boxes, (height, width))
    placed = dict(zip(around, places, strict=True))
    for number, (label, box) in enumerate(zip(labels, drawn, strict=True)):
        rows, columns = box.shape[:2]
        top, left = placed.get(number, (round(label.xy[1] * height), round(label.xy[0] * width)))
        top, left = max(0, min(top, height - rows)), max(0, min(left, width - columns))
        picture[top : top + rows, left : left + columns] = box
    return picture


def _enlarged(pixels: np.ndarray) -> np.ndarray:
    short, long = sorted(pixels.shape[:2])
    factor = min(-(-MIN_SIDE // short), max(1, _MAX_SIDE // long))
    return pixels.copy() if factor == 1 else pixels.repeat(factor, axis=0).repeat(factor, axis=1)


@functools.lru_cache(maxsize=128)
def _label(
    text: str, size: int, width: int, color: tuple[int, int, int], background: tuple[int, int, int]
) -> np.ndarray:
    """Return a box with the text in it, no wider than ``width`` where words can be broken so."""
    margin = max(3, size // 4)
    room = max(1, width - 2 * margin)
    longest = max(map(_font(size).getlength, text.split("\n")))
    size = max(min(size, _SMALLEST_FONT), int(size * min(1.0, room / max(1.0, longest))))
    font = _font(size)
    lines = [line for paragraph in text.split("\n") for line in _wrapped(paragraph, room, font)]
    shown = "\n".join(lines)
    left, top, right, bottom = ImageDraw.Draw(Image.new("RGB", (1, 1))).multiline_textbbox((0, 0), shown, font=font)
    box = Image.new("RGB", (int(right - left) + 2 * margin, int(bottom - top) + 2 * margin), background)
    ImageDraw.Draw(box).multiline_text((margin - left, margin - top), shown, font=font, fill=color)
    return np.asarray(box)


def _wrapped(text: str, room: float, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """Break text into lines that fit, at spaces where there are any."""
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if font.getlength(joined) <= room:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if lines[-1] and font.getlength(lines[-1] + letter) > room:
                lines.append("")
            lines[-1] += letter
    return lines


@functools.lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Return DejaVu Sans, which comes with matplotlib and has the Latin, Greek, Cyrillic and some other scripts.

    What it lacks, such as Chinese, Japanese and Korean, is drawn as empty boxes: no font with these is installed with
    kzoo, and those of a machine would make other pictures on another one. Pillow's own font has ASCII alone.
    """
    found = importlib.util.find_spec("matplotlib")  # which is not imported for a file of it
    for folder in (found and found.submodule_search_locations) or ():
        if (path := Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf").is_file():
            return ImageFont.truetype(path, size)
    return ImageFont.load_default(size)
