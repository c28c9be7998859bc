"""Lines of text as examples: pictures of one height and width, and the numbers of the symbols in them."""

from __future__ import annotations

import functools
import math
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from kzoo.data.cache import data_home, ensure_room, ensure_writable
from kzoo.data.decoding import UnreadableImageError, read_image
from kzoo.data.image_rows import ImageRows, cached_in
from kzoo.data.images import MEMORY_LIMIT
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Line", "LineSplit", "Lines", "decoded", "fitted", "held", "width_at"]

_CHUNK = 256  # pictures decoded before they are written


@dataclass(frozen=True)
class Line:
    """One line of text.

    Attributes:
        name: What it is called: where it is below the data's folder.
        text: What stands in it.
        path: The picture's file; None where it is in memory.
        split: ``train``, ``validation`` or ``test``; an empty text where nothing says it.
    """

    name: str
    text: str
    path: Path | None = None
    split: str = ""


def width_at(size: tuple[int, int], height: int) -> int:
    """Return how wide a picture of so many rows and columns is at another height."""
    return max(1, round(size[1] * height / size[0]))


def fitted(pixels: np.ndarray, shape: Sequence[int]) -> tuple[np.ndarray, float]:
    """Return a picture as a network takes it: of its height, in the ratio of its sides, padded at the right.

    What is padded has the colour that the picture has at its border, in the median. A picture that would be wider than
    the network's is squeezed.

    Args:
        pixels: uint8 of shape (H, W, C), 1 or 3 channels.
        shape: Height, width and channels, 1 or 3, that it becomes.

    Returns:
        uint8 of that shape, and the part that is left of its width: 1 unless it was squeezed.
    """
    height, width, channels = shape
    if pixels.shape == (height, width, channels):
        return pixels, 1.0
    if pixels.shape[-1] != channels:
        image = Image.fromarray(pixels if pixels.shape[-1] > 1 else pixels[..., 0])
        pixels = np.asarray(image.convert("L" if channels == 1 else "RGB")).reshape(*pixels.shape[:2], channels)
    wanted = width_at((pixels.shape[0], pixels.shape[1]), height)
    across = min(wanted, width)
    if pixels.shape[:2] != (height, across):
        image = Image.fromarray(pixels if channels > 1 else pixels[..., 0])
        small = image.resize((across, height), Image.Resampling.LANCZOS, reducing_gap=3.0)
        resized = np.asarray(small).reshape(height, across, channels)
    else:
        resized = pixels
    border = np.concatenate([resized[0], resized[-1], resized[:, 0], resized[:, -1]])
    found = np.empty((height, width, channels), np.uint8)
    found[:] = np.median(border, axis=0).astype(np.uint8)
    found[:, :across] = resized
    return found, across / wanted


@dataclass(frozen=True, eq=False)
class Lines:
    """All lines of a reading.

    Attributes:
        lines: The lines, in the order of their rows.
        shape: Height, width and channels of the pictures.
        alphabet: The symbols; number 1 is the first of them.
        rows: Their pictures, uint8 of shape (N, H, W, C); None where each is decoded whenever it is asked for.
    """

    lines: Sequence[Line]
    shape: tuple[int, int, int]
    alphabet: str
    rows: np.ndarray | None

    def pictures(self, numbers: Sequence[int]) -> np.ndarray:
        """Return some of the pictures, uint8 of shape (len(numbers), H, W, C).

        Raises:
            DataError: A file cannot be read any more.
        """
        if self.rows is not None:
            return np.array(self.rows[np.asarray(numbers, int)])
        found = np.empty((len(numbers), *self.shape), np.uint8)
        paths = [path for number in numbers if (path := self.lines[number].path) is not None]
        for place, picture in enumerate(decoded(paths, self.shape)):
            if isinstance(picture, str):
                message = f"{paths[place]} cannot be read any more: {picture}."
                raise DataError(message)
            found[place] = picture[0]
        return found

    @functools.cached_property
    def labels(self) -> np.ndarray:
        """The numbers of the symbols of each line, then zeros, int32 of shape (N, S)."""
        places = {symbol: number for number, symbol in enumerate(self.alphabet, 1)}
        found = np.zeros((len(self.lines), max([1, *(len(line.text) for line in self.lines)])), np.int32)
        for row, line in zip(found, self.lines, strict=True):
            row[: len(line.text)] = [places.get(symbol, 0) for symbol in line.text]
        return found


def decoded(paths: Sequence[Path], shape: Sequence[int]) -> list[tuple[np.ndarray, float] | str]:
    """Return the pictures of files as `fitted` makes them, or why one cannot be read.

    Pillow decodes outside the interpreter lock, so threads help.
    """

    def read(path: Path) -> tuple[np.ndarray, float] | str:
        try:
            return fitted(read_image(path, mode="L" if shape[-1] == 1 else "RGB"), shape)
        except UnreadableImageError as error:
            return error.reason

    with ThreadPoolExecutor(max_workers=4) as pool:
        return list(pool.map(read, paths))


def held(
    paths: Sequence[Path], shape: tuple[int, int, int]
) -> tuple[np.ndarray | None, dict[int, float], dict[int, str]]:
    """Return the pictures of files, decoded once: in memory up to 256 MB, beyond in a file that goes with the process.

    ``data.cache`` makes it ``memory`` or ``disk`` whatever they take; with ``off`` each is only looked at, and None is
    returned in the place of all.

    Returns:
        The pictures; by number the part of their width that is left of those that were squeezed; and by number why
        some cannot be read.
    """
    where, needed = cached_in(), len(paths) * math.prod(shape)
    rows: np.ndarray | None = None
    if where == "disk" or (where == "auto" and needed > MEMORY_LIMIT):
        rows = _in_file((len(paths), *shape), needed)
    elif where != "off":
        rows = np.empty((len(paths), *shape), np.uint8)
    squeezed: dict[int, float] = {}
    failures: dict[int, str] = {}
    for first in range(0, len(paths), _CHUNK):
        for number, picture in enumerate(decoded(paths[first : first + _CHUNK], shape), first):
            if isinstance(picture, str):
                failures[number] = picture
                continue
            if rows is not None:
                rows[number] = picture[0]
            if picture[1] < 1:
                squeezed[number] = picture[1]
    return rows, squeezed, failures


def _in_file(shape: tuple[int, ...], needed: int) -> np.ndarray:
    try:
        folder = ensure_writable(data_home() / "pictures")
        ensure_room(data_home(), needed, "decoded pictures")
        with tempfile.TemporaryFile(dir=folder) as file:  # the map keeps it as long as the pictures are asked for
            return np.memmap(file, np.uint8, "w+", shape=shape) if needed else np.empty(shape, np.uint8)
    except OSError as error:
        message = (
            f"The decoded pictures cannot be kept in {data_home()}: {error.strerror or error}. With "
            "-o data.cache=memory they are kept in memory, with -o data.cache=off they are decoded each time."
        )
        raise DataError(message) from error


@dataclass(frozen=True, eq=False)
class _Shown:
    """A line of a split, as it is measured; a `kzoo.tasks.texts.LineOfText`."""

    store: Lines
    number: int

    @property
    def name(self) -> str:
        return self.store.lines[self.number].name

    @property
    def path(self) -> Path | None:
        return self.store.lines[self.number].path

    @property
    def text(self) -> str:
        return self.store.lines[self.number].text

    def pixels(self) -> np.ndarray:
        found: np.ndarray = self.store.pictures([self.number])[0]
        return found


class LineSplit(ImageRows):
    """Some of the lines of a reading.

    Inputs are uint8 of shape (N, H, W, C), labels int32 of shape (N, S): the numbers of the symbols from 1 on, then
    zeros.

    Args:
        store: All lines.
        rows: The numbers of those of this split, int64 of shape (N,).
    """

    def __init__(self, store: Lines, rows: np.ndarray) -> None:
        super().__init__(store.shape, rows, store.labels[rows])
        self.store = store

    @property
    def lines(self) -> Sequence[_Shown]:
        """The lines with their texts."""
        return [_Shown(self.store, number) for number in self._rows.tolist()]

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return the pictures of these rows, uint8 of shape (len(rows), H, W, C)."""
        return self.store.pictures(rows.tolist())

    @property
    def _source(self) -> Any:
        return self.store
