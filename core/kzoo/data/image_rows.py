"""Images that are not held in memory: read from a file of decoded ones, or each from its own file."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, TYPE_CHECKING, Any, Self

import numpy as np

from kzoo.data.image_store import decode_all
from kzoo.data.splits import Split, digest_of
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kzoo.data.decoding import ImageMode

__all__ = ["DecodedSplit", "ImageRows", "StoredSplit", "cached_in", "caching"]

_DIGEST_ROWS = 1024
_cached_in: ContextVar[str] = ContextVar("kzoo_cached_in", default="auto")


@contextmanager
def caching(where: str) -> Iterator[None]:
    """Have images that are read in the block kept as ``data.cache`` says."""
    before = _cached_in.set(where)
    try:
        yield
    finally:
        _cached_in.reset(before)


def cached_in() -> str:
    """Return where images are to be kept: ``auto``, ``memory``, ``disk`` or ``off``."""
    return _cached_in.get()


class ImageRows(Split):
    """Images that are read by their number when they are asked for; labels in memory.

    Args:
        shape: The shape of one image.
        rows: The number of each example's image, int64 of shape ``(N,)``.
        y: Labels of shape ``(N,)``.
    """

    def __init__(self, shape: tuple[int, ...], rows: np.ndarray, y: np.ndarray) -> None:
        if len(rows) != len(y):
            message = f"{len(rows)} images and {len(y)} labels do not belong together."
            raise ValueError(message)
        self._shape, self._rows, self._y = shape, rows, y

    def __len__(self) -> int:
        return len(self._rows)

    @abstractmethod
    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return the images of these numbers, uint8 of shape ``(len(rows), H, W, C)``."""

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Return the images at ``indices``, uint8 of shape ``(len(indices), H, W, C)``."""
        return self.images(self._rows[indices])

    def fetch(self, indices: Any) -> tuple[Any, Any]:
        """Return images and labels at ``indices``."""
        import tensorflow as tf

        indices = tf.convert_to_tensor(indices)
        x = tf.numpy_function(self.read, [indices], tf.uint8, stateful=False)
        x = tf.ensure_shape(x, (indices.shape[0], *self._shape))
        return x, tf.gather(tf.constant(self._y), indices)

    def examples(self, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return images and labels at ``indices``."""
        return self.read(indices), self._y[indices]

    @property
    def labels(self) -> np.ndarray:
        """The labels of all examples, in their order."""
        return self._y

    def take(self, indices: np.ndarray) -> Self:
        """Return the split of the examples at ``indices``."""
        part = copy.copy(self)
        for name in ("_rows", "_y"):
            setattr(part, name, getattr(self, name)[indices])
        return part

    def join(self, other: Self) -> Self:
        """Return the split of both, which are of the same images."""
        if (other._source, other._shape) != (self._source, self._shape):
            message = "Only examples of one file can be joined."
            raise ValueError(message)
        part = self.take(np.arange(len(self)))
        for name in ("_rows", "_y"):
            setattr(part, name, np.concatenate([getattr(self, name), getattr(other, name)]))
        return part

    @property
    @abstractmethod
    def _source(self) -> Any:
        """Where the images are."""

    def digest(self) -> str:
        """Return the SHA-256 of the examples, the same as that of an `ArraySplit` of them."""
        starts = range(0, len(self), _DIGEST_ROWS)
        pieces = (self.read(np.arange(start, min(start + _DIGEST_ROWS, len(self)))) for start in starts)
        images = ((len(self), *self._shape), np.dtype(np.uint8), pieces)
        return digest_of([images, (self._y.shape, self._y.dtype, [self._y])])


class StoredSplit(ImageRows):
    """Images in a file of decoded ones.

    The file stays open, so that a training goes on even where another process removes the file from the cache. It is
    mapped anew in every call, so that pages read do not count as memory of this process for longer than that.

    Args:
        path: The images, uint8, one after the other and nothing else.
        shape: The shape of one image.
        rows: The place of each example in the file, int64 of shape ``(N,)``.
        y: Labels of shape ``(N,)``.
    """

    def __init__(self, path: Path, shape: tuple[int, ...], rows: np.ndarray, y: np.ndarray) -> None:
        super().__init__(shape, rows, y)
        try:
            self._file: IO[bytes] = path.open("rb")
        except OSError as error:
            message = f"The decoded images in {path} cannot be read: {error.strerror or error}."
            raise DataError(message) from error
        self._count = path.stat().st_size // math.prod(shape)

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return the images at these places of the file, uint8 of shape ``(len(rows), H, W, C)``."""
        stored = np.memmap(self._file, np.uint8, "r", shape=(self._count, *self._shape))
        return np.array(stored[rows])

    @property
    def _source(self) -> Any:
        return self._file


class DecodedSplit(ImageRows):
    """Images in their own files, each of which is decoded every time that it is asked for.

    Args:
        paths: The files.
        size: ``(height, width)`` that every image is resized to.
        mode: ``RGB`` or ``L``.
        y: Labels of shape ``(N,)``.
    """

    def __init__(self, paths: Sequence[Path], size: Sequence[int], mode: ImageMode, y: np.ndarray) -> None:
        super().__init__((size[0], size[1], 3 if mode == "RGB" else 1), np.arange(len(paths)), y)
        self._paths, self._size, self._mode = tuple(paths), tuple(size), mode

    def images(self, rows: np.ndarray) -> np.ndarray:
        """Return the images of these files, uint8 of shape ``(len(rows), H, W, C)``.

        Raises:
            DataError: A file cannot be read any more.
        """
        pieces = []
        for piece, failures in decode_all([self._paths[row] for row in rows], size=self._size, mode=self._mode):
            if failures:
                at, reason = next(iter(failures.items()))
                message = f"{self._paths[rows[at]]} cannot be read any more: {reason}."
                raise DataError(message)
            pieces.append(piece)
        return np.concatenate(pieces) if pieces else np.empty((0, *self._shape), np.uint8)

    @property
    def _source(self) -> Any:
        return self._paths
