"""Masks in the files that other tools read: PNGs with a palette, and COCO's results."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from kzoo.detection import image_id
from kzoo.errors import DataError
from kzoo.files import replacing, write_text
from kzoo.tasks.segments import coco_segments

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.data.frames import Frame
    from kzoo.tasks.segments import Segments

__all__ = ["CocoMasks", "MaskFolder"]


class MaskFolder:
    """Writes a PNG for each picture: its values are the class indices, its palette their colours.

    A file is named after its picture; of a frame of a video, after the video and the frame's number. ``classes.txt``
    beside them names the classes with their colours, so that the folder can be read as masks again.

    Args:
        folder: Made if need be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._taken: set[str] = set()
        self._named = False
        _writable(folder, folder)

    def add(self, frame: Frame, found: Segments, name: str) -> None:
        """Write one picture's mask."""
        stem = frame.path.stem if frame.path else "".join(c if c.isalnum() or c in "._-" else "-" for c in name)
        stem = stem if frame.time is None else f"{stem}_{frame.index:06d}"
        tries = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        free = next(candidate for candidate in tries if candidate not in self._taken)
        self._taken.add(free)
        image = Image.fromarray(found.labels)
        image.putpalette(np.ascontiguousarray(found.colours).tobytes())
        path = self.folder / f"{free}.png"
        try:
            with replacing(path) as temporary:
                image.save(temporary, "PNG", optimize=True)
        except OSError as error:
            message = f"{path} cannot be written: {error.strerror or error}."
            raise DataError(message) from error
        if not self._named:
            rows = zip(found.class_names, found.colours.tolist(), strict=True)
            lines = [f"{name} {red} {green} {blue}\n" for name, (red, green, blue) in rows]
            _write(self.folder / "classes.txt", "".join(lines))
            self._named = True

    def close(self) -> None:
        """Do nothing: every file is written."""


class CocoMasks:
    """Collects the masks of all pictures into one file of COCO's results format; it appears whole, at the end.

    Each class of a picture is a record: ``image_id``, the number that the picture's file is named by, else its name;
    ``category_id``, the class's index; ``segmentation``, run lengths; ``score``, how sure the network is on average.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: list[dict[str, Any]] = []
        _writable(path.parent, path)

    def add(self, frame: Frame, found: Segments, name: str) -> None:
        """Add one picture; ``name`` is what its source is called."""
        file = frame.path.name if frame.path else name
        image = image_id(file)
        image = image if frame.time is None else f"{image}_{frame.index}"
        for index in np.flatnonzero(found.pixels).tolist():
            self._records.append(
                {
                    "image_id": image,
                    "category_id": index,
                    "segmentation": coco_segments(found.labels == index),
                    "score": round(float(found.scores[index]), 6),
                    "file_name": file,
                    "category_name": found.class_names[index],
                }
            )

    def close(self) -> None:
        """Write the file."""
        _write(self.path, json.dumps(self._records))


def _writable(folder: Path, what: Path) -> None:
    """Make a folder, before anything is predicted."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"{what} cannot be written: {error.strerror}."
        raise DataError(message) from error


def _write(path: Path, text: str) -> None:
    try:
        write_text(path, text)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}."
        raise DataError(message) from error
