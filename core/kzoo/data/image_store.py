"""Images decoded once into a file of the cache: for folders too large for memory."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import filelock
import numpy as np

from kzoo.data.cache import data_home, ensure_room, readable_size
from kzoo.data.decoding import ImageMode, UnreadableImageError, read_image
from kzoo.errors import DataError
from kzoo.files import replacing, write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["STORE_LIMIT", "decode_all", "open_store"]

STORE_LIMIT = 40 * 10**9
"""The most that all stores together take on the disk. Those used longest ago are removed for a new one."""
_FOLDER = "images"
_FORMAT = 1  # raise it when `read_image` makes other pixels of the same file
_CHUNK = 256  # images decoded before they are written


def open_store(
    root: Path,
    paths: Sequence[Path],
    *,
    size: Sequence[int],
    mode: ImageMode,
    say: Callable[[str], None] | None = None,
) -> tuple[Path, dict[int, str]]:
    """Return the file with the decoded images, made first if it is not in the cache, and what could not be read.

    A store belongs to the list of files with their sizes and times of change, and to the size of the images: where one
    of them changes, another store is made. Stores are in the folder ``images`` of the cache and can be removed at any
    time; together they take at most `STORE_LIMIT`.

    Args:
        root: The folder that the files are named from.
        paths: The files; row ``i`` is image ``i``.
        size: ``(height, width)`` that every image is resized to.
        mode: ``RGB`` or ``L``.
        say: Called with a line of text before images are decoded, and at every quarter.

    Returns:
        The file, and the reasons by row of those that could not be read; their rows are black.

    Raises:
        DataError: The store would be larger than `STORE_LIMIT`, or the disk is too small.
    """
    shape = (size[0], size[1], 3 if mode == "RGB" else 1)
    needed = len(paths) * math.prod(shape)
    if needed > STORE_LIMIT:
        message = (
            f"{len(paths):,} images of {root} at {size[0]}x{size[1]} need {readable_size(needed)} in the cache, and "
            f"the limit is {readable_size(STORE_LIMIT)}. Take smaller images (-o data.image_size=...) or fewer."
        )
        raise DataError(message)
    folder = data_home() / _FOLDER
    try:
        folder.mkdir(exist_ok=True)
        path = folder / f"{_key(root, paths, size, mode)}.u8"
        failures = path.with_suffix(".json")
        with filelock.FileLock(path.with_suffix(".lock")):  # a second process waits and then finds the store
            if not (path.is_file() and failures.is_file() and path.stat().st_size == needed):
                _make_room(folder, needed)
                ensure_room(folder, needed, f"the decoded images of {root}")
                told = _Told(
                    say, len(paths), f"{len(paths):,} images of {root} once into {path} ({readable_size(needed)})"
                )
                _write(path, failures, decode_all(paths, size=size, mode=mode), told)
            os.utime(path)
            found = json.loads(failures.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"The decoded images in {folder} cannot be read or written: {error.strerror or error}."
        raise DataError(message) from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:  # no JSON, though nobody but kzoo writes there
        message = f"{failures} is damaged: {error}. Remove it, and the images are decoded again."
        raise DataError(message) from error
    return path, {int(row): reason for row, reason in found.items()}


def decode_all(
    paths: Sequence[Path], *, size: Sequence[int], mode: ImageMode
) -> Iterator[tuple[np.ndarray, dict[int, str]]]:
    """Yield the images of the files in pieces, in order, with the reasons by row for those that cannot be read.

    Pillow decodes outside the interpreter lock, so threads help.
    """
    shape = (size[0], size[1], 3 if mode == "RGB" else 1)

    def read(path: Path) -> np.ndarray | str:
        try:
            return read_image(path, size=size, mode=mode)
        except UnreadableImageError as error:
            return error.reason

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        for start in range(0, len(paths), _CHUNK):
            pixels = np.zeros((min(_CHUNK, len(paths) - start), *shape), np.uint8)
            failures: dict[int, str] = {}
            for number, image in enumerate(pool.map(read, paths[start : start + _CHUNK])):
                if isinstance(image, str):
                    failures[start + number] = image
                else:
                    pixels[number] = image
            yield pixels, failures


def _write(
    path: Path,
    failures: Path,
    pieces: Iterator[tuple[np.ndarray, dict[int, str]]],
    told: _Told,
) -> None:
    """Write the images, then what could not be read, then give the images their name: the name says it is whole."""
    found: dict[int, str] = {}
    try:
        with replacing(path) as temporary:
            with temporary.open("wb") as file:
                for pixels, reasons in pieces:
                    file.write(pixels.data)
                    found |= reasons
                    told.add(len(pixels))
            write_json(failures, found)
    except OSError as error:
        message = f"The decoded images cannot be written to {path.parent}: {error.strerror or error}."
        raise DataError(message) from error


class _Told:
    """Says that images are being decoded, so that nobody waits without knowing for what."""

    def __init__(self, say: Callable[[str], None] | None, total: int, what: str) -> None:
        self._say, self._total, self._done = say, total, 0
        if say is not None:
            say(f"Decoding {what}.")

    def add(self, count: int) -> None:
        """Count images; at every quarter but the last, say so."""
        before, self._done = self._done, self._done + count
        quarters = 4 * self._done // self._total
        if self._say is not None and quarters > 4 * before // self._total and self._done < self._total:
            self._say(f"Decoded {self._done:,} of {self._total:,} images.")


def _from(root: Path, path: Path) -> Path:
    """Return a path from the root; one that a list names elsewhere as it is."""
    return path.relative_to(root) if path.is_relative_to(root) else path


def _key(root: Path, paths: Sequence[Path], size: Sequence[int], mode: ImageMode) -> str:
    digest = hashlib.sha256(f"{_FORMAT} {tuple(size)} {mode} {root}\n".encode(errors="surrogateescape"))
    for path in paths:
        try:
            state = path.stat()
        except OSError:  # a broken link, or gone since it was listed: it will be reported as unreadable
            digest.update(f"{_from(root, path)}\n".encode(errors="surrogateescape"))
        else:
            text = f"{_from(root, path)} {state.st_size} {state.st_mtime_ns}\n"
            digest.update(text.encode(errors="surrogateescape"))
    return digest.hexdigest()[:32]


def _make_room(folder: Path, needed: int) -> None:
    """Remove the stores used longest ago until a new one fits under the limit."""
    stores = sorted(folder.glob("*.u8"), key=lambda path: path.stat().st_mtime)
    total = sum(path.stat().st_size for path in stores)
    while stores and total + needed > STORE_LIMIT:
        oldest = stores.pop(0)
        total -= oldest.stat().st_size
        for path in (oldest, oldest.with_suffix(".json")):
            with contextlib.suppress(OSError):  # Windows keeps what another process has open
                path.unlink()
