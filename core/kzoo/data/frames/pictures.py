"""Image files as a source: unrelated pictures, one after the other."""

from __future__ import annotations

import itertools
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from kzoo.data.decoding import read_image
from kzoo.data.frames.items import Failure, Frame, Item, Part, Source
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["ImageSource"]


class ImageSource(Source):
    """Image files.

    They are decoded some files ahead in threads: Pillow decodes outside the interpreter lock.

    Args:
        paths: The files, in order.
        part: ``every`` and ``max_frames`` count files; images have no ``start`` and ``end``.
        name: What they are called together.
    """

    def __init__(self, paths: Sequence[Path], part: Part | None = None, name: str = "") -> None:
        super().__init__(name or (str(paths[0]) if paths else "images"), "images", part or Part())
        self.paths = list(paths)

    def __iter__(self) -> Iterator[Item]:
        """Yield a frame for each image, or a `Failure` that says why there is none."""
        if self.part.start or self.part.end is not None:
            self.notes.append(f"start and end are times, which images do not have: all of {self.name} was read.")
        chosen = itertools.islice(enumerate(self.paths), 0, None, self.part.every)
        wanted = itertools.islice(chosen, self.part.max_frames)
        workers = min(4, os.cpu_count() or 1)
        with ThreadPoolExecutor(workers) as pool:
            # A few ahead and no more: a picture can take 240 MB.
            waiting = deque(pool.submit(_read, *entry) for entry in itertools.islice(wanted, workers))
            try:
                while waiting and not self.closed:
                    item = waiting.popleft().result()
                    waiting.extend(pool.submit(_read, *entry) for entry in itertools.islice(wanted, 1))
                    yield item
            finally:
                for left in waiting:
                    left.cancel()


def _read(index: int, path: Path) -> Item:
    try:
        return Frame(index=index, path=path, pixels=read_image(path))
    except DataError as error:
        return Failure(index=index, path=path, error=str(error))
