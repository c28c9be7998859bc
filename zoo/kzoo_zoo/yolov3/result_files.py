"""Detections in the files that other tools read: COCO's results and YOLO's text files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.detection import coco_records
from kzoo_zoo.picture_files import FreeNames, coco_picture, made_folder, written

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
        made_folder(path.parent, path)

    def add(self, frame: Frame, found: Detections, name: str) -> None:
        """Add one picture; ``name`` is what its source is called."""
        file, image = coco_picture(frame, name)
        for record, label in zip(coco_records(found, image), found.names, strict=True):
            self._records.append({**record, "file_name": file, "category_name": label})

    def close(self) -> None:
        """Write the file."""
        written(self.path, json.dumps(self._records))


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
        self._names = FreeNames()
        made_folder(folder, folder)

    def add(self, frame: Frame, found: Detections, name: str) -> None:
        """Write one picture's file."""
        height, width = found.size
        x1, y1, x2, y2 = (found.clipped / np.array([width, height, width, height])).T
        columns = [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, *([found.scores] if self.scores else [])]
        lines = [
            " ".join([str(label), *(f"{value:.6f}" for value in row)])
            for label, row in zip(found.labels.tolist(), np.stack(columns, axis=-1), strict=True)
        ]
        written(self.folder / f"{self._names.of(frame, name)}.txt", "".join(f"{line}\n" for line in lines))

    def close(self) -> None:
        """Do nothing: every file is written."""
