"""Decoded pictures of many sizes, kept in memory or in a file, of which parts are read."""

from __future__ import annotations

import functools
import os
import tempfile
from typing import IO, TYPE_CHECKING, Protocol

import numpy as np

from kzoo.data.cache import data_home, ensure_room, ensure_writable
from kzoo.data.decoding import read_image
from kzoo.data.image_rows import cached_in
from kzoo.data.images import MEMORY_LIMIT
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["Held", "InMemory", "Shelf", "in_channels"]


class Held(Protocol):
    """A picture that can be read in parts."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width, and channels: 1 where it is gray."""

    def part(self, rows: slice, columns: slice) -> np.ndarray:
        """Return the pixels of some rows and columns, uint8 of shape (H, W, C)."""


class InMemory:
    """Pixels in memory.

    Args:
        pixels: uint8 of shape (H, W, C).
    """

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels."""
        height, width, channels = self._pixels.shape
        return height, width, channels

    def part(self, rows: slice, columns: slice) -> np.ndarray:
        """Return the pixels of some rows and columns."""
        return self._pixels[rows, columns]


class _InFile:
    """Pixels in a file of many pictures, of which the rows that are asked for are read."""

    def __init__(self, file: IO[bytes], offset: int, shape: tuple[int, int, int]) -> None:
        self._file, self._offset, self.shape = file, offset, shape

    def part(self, rows: slice, columns: slice) -> np.ndarray:
        height, width, channels = self.shape
        first, end, _ = rows.indices(height)
        row = width * channels
        # Mapped anew each time, so that what is read does not count as memory of this process for longer than that.
        mapped = np.memmap(self._file, np.uint8, "r", self._offset + first * row, (end - first, width, channels))
        return np.array(mapped[:, columns])


class _Decoded:
    """A picture in its own file, decoded whenever a part is asked for."""

    def __init__(self, read: Callable[[], np.ndarray], shape: tuple[int, int, int]) -> None:
        self._read, self.shape = read, shape

    def part(self, rows: slice, columns: slice) -> np.ndarray:
        return in_channels(self._read(), self.shape[-1])[rows, columns]


class Shelf:
    """Where decoded pictures are put: in memory up to 256 MB, and beyond in a file that goes with the process.

    ``data.cache`` makes it ``memory`` or ``disk`` whatever they take; with ``off`` a picture is decoded each time.
    """

    def __init__(self) -> None:
        self._where = cached_in()
        self._used = 0
        self._file: IO[bytes] | None = None

    def put(self, pixels: np.ndarray, path: Path) -> Held:
        """Keep a picture, uint8 of shape (H, W, C); ``path`` is its file."""
        height, width, channels = pixels.shape
        if self._where == "off":
            return _Decoded(functools.partial(read_image, path), (height, width, channels))
        if self._where == "memory" or (self._where == "auto" and self._used + pixels.nbytes <= MEMORY_LIMIT):
            self._used += pixels.nbytes
            return InMemory(pixels)
        try:
            if self._file is None:
                folder = ensure_writable(data_home() / "pictures")
                self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - open as long as the pictures are asked for
            ensure_room(data_home(), pixels.nbytes, "decoded pictures")
            offset = self._file.seek(0, os.SEEK_END)
            self._file.write(np.ascontiguousarray(pixels).tobytes())
            self._file.flush()
        except OSError as error:
            message = (
                f"The decoded pictures cannot be kept in {data_home()}: {error.strerror or error}. With "
                "-o data.cache=memory they are kept in memory, with -o data.cache=off they are decoded each time."
            )
            raise DataError(message) from error
        return _InFile(self._file, offset, (height, width, channels))


def in_channels(pixels: np.ndarray, channels: int) -> np.ndarray:
    """Return a picture with 1 or 3 channels: gray as the eye weighs the colours, or three times the gray."""
    if pixels.shape[-1] == channels:
        return pixels
    if channels == 1:
        from PIL import Image

        return np.asarray(Image.fromarray(pixels).convert("L"))[..., None]
    return np.repeat(pixels, channels, axis=-1)
