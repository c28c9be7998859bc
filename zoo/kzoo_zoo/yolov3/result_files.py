"""Detections in the files that other tools read: COCO's results and YOLO's text files."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.detection import coco_records, image_id
from kzoo.errors import DataError
from kzoo.files import write_text

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.data.frames import Frame
    from kzoo.tasks.detections import Detections

__all__ = ["CocoResults", "YoloText"]


class CocoResults:
    """Collects the objects of all pictures into one file of COCO's results format; it appears whole, at the end.

    A picture's id is the number that its file is named by, as in COCO, else the name without ending; of a frame of a
    video, the name and the frame's number. A category's id is the class's index. ``file_name`` and ``category_name``
    are there beside the ids.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._records: list[dict[str, Any]] = []
        _writable(path.parent, path)

    def add(self, frame: Frame, found: Detections, name: str) -> None:
        """Add one picture; ``name`` is what its source is called."""
        file = frame.path.name if frame.path else name
        image = image_id(file)
        image = image if frame.time is None else f"{image}_{frame.index}"
        for record, label in zip(coco_records(found, image), found.names, strict=True):
            self._records.append({**record, "file_name": file, "category_name": label})

    def close(self) -> None:
        """Write the file."""
        _write(self.path, json.dumps(self._records))


class YoloText:
    """Writes a text file for each picture: class, centre, width and height as fractions of the picture, a line each.

    A picture without objects gets an empty file. A file is named after its picture; of a frame of a video, after the
    video and the frame's number.

    Args:
        folder: Made if need be.
        scores: Whether to add each box's score.
    """

    def __init__(self, folder: Path, *, scores: bool) -> None:
        self.folder, self.scores = folder, scores
        self._taken: set[str] = set()
        _writable(folder, folder)

    def add(self, frame: Frame, found: Detections, name: str) -> None:
        """Write one picture's file."""
        stem = frame.path.stem if frame.path else "".join(c if c.isalnum() or c in "._-" else "-" for c in name)
        stem = stem if frame.time is None else f"{stem}_{frame.index}"
        tries = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        free = next(candidate for candidate in tries if candidate not in self._taken)
        self._taken.add(free)
        height, width = found.size
        x1, y1, x2, y2 = (found.clipped / np.array([width, height, width, height])).T
        columns = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, *([found.scores] if self.scores else [])]
        lines = [
            " ".join([str(label), *(f"{value:.6f}" for value in row)])
            for label, row in zip(found.labels.tolist(), np.stack(columns, axis=-1), strict=True)
        ]
        _write(self.folder / f"{free}.txt", "".join(f"{line}\n" for line in lines))

    def close(self) -> None:
        """Do nothing: every file is written."""


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
