"""How large the pictures of lines are, and how large all of them become for a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.decoding import UnreadableImageError, opened, read_image
from kzoo_zoo.transcription.lines import width_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo_zoo.transcription.lines import Line
    from kzoo_zoo.transcription.settings import SampleSettings

__all__ = ["shape_for", "sizes_of", "too_small"]

_WIDEST = 512
"""The columns that lines get at most where nobody says how many."""
_MULTIPLE = 8
"""Widths are multiples of it, so that a step has as many columns as any other."""
_FEWEST_ROWS = 8
_FEWEST_COLUMNS = 2
_STEEPEST = 16
"""Times as high as wide: an `l` of a narrow face is less."""
_LOOKED_AT = 24  # pictures that are looked at for colours
_GRAY_SPREAD = 6  # the channels of a gray JPEG differ by no more
_TURNED = (5, 6, 7, 8)  # EXIF's orientations of which rows become columns
_ORIENTATION = 0x0112


def sizes_of(lines: Sequence[Line], faults: list[str]) -> list[tuple[int, int] | None]:
    """Return rows and columns of each picture by its header; None for one that cannot be used, which is a fault."""
    found: list[tuple[int, int] | None] = []
    for line in lines:
        assert line.path is not None, "those in memory have their sizes"
        try:
            with opened(line.path) as image:
                columns, rows = image.size
                if image.getexif().get(_ORIENTATION) in _TURNED:
                    columns, rows = rows, columns
        except Exception:  # a damaged file can make a decoder fail with anything; decoding it says why
            size = _decoded_size(line, faults)
        else:
            size = (rows, columns)
        if size and (why := too_small(*size)):
            faults.append(f"{line.name}: it has {size[1]} x {size[0]} pixels, {why}")
            size = None
        found.append(size)
    return found


def too_small(rows: int, columns: int) -> str:
    """Return why nothing can be read in a picture of so many pixels; an empty text where it may be."""
    if rows < _FEWEST_ROWS:
        return "too few rows to read anything"
    if columns < _FEWEST_COLUMNS or columns * _STEEPEST < rows:
        return "too narrow for a symbol to stand in"
    return ""


def _decoded_size(line: Line, faults: list[str]) -> tuple[int, int] | None:
    assert line.path is not None
    try:
        pixels = read_image(line.path)
    except UnreadableImageError as error:
        faults.append(f"{line.name}: {error.reason}")
        return None
    return pixels.shape[0], pixels.shape[1]


def shape_for(
    settings: SampleSettings, lines: Sequence[Line], sizes: Sequence[tuple[int, int]], channels: int | None = None
) -> tuple[int, int, int]:
    """Return the height, width and channels that lines to train on ask for.

    Args:
        settings: What the user says of it.
        lines: The lines, each with its split.
        sizes: The rows and columns of each.
        channels: How many the pictures have where that is known; else some are looked at.
    """
    learned = [number for number, line in enumerate(lines) if line.split == "train"]
    widest = max((width_at(sizes[number], settings.height) for number in learned), default=1)
    width = settings.width or min(_WIDEST, widest)
    width = max(2, -(-width // _MULTIPLE)) * _MULTIPLE
    if settings.channels != "auto":
        return settings.height, width, settings.channels
    if channels is None:
        spread = np.unique(np.linspace(0, max(len(learned) - 1, 0), min(_LOOKED_AT, len(learned))).astype(int))
        channels = 3 if any(_coloured(lines[learned[at]]) for at in spread.tolist()) else 1
    return settings.height, width, channels


def _coloured(line: Line) -> bool:
    assert line.path is not None
    try:
        pixels = read_image(line.path).astype(np.int16)
    except UnreadableImageError:
        return False  # it is reported where all are decoded
    return bool((pixels.max(axis=-1) - pixels.min(axis=-1)).max() > _GRAY_SPREAD)
