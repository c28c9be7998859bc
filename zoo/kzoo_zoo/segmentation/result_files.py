"""Masks in the files that other tools read: PNGs with a palette, and COCO's results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from kzoo.files import replacing
from kzoo.tasks.segments import coco_segments
from kzoo_zoo.picture_files import FreeNames, coco_picture, made_folder, refused, written

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
        self._names = FreeNames(digits=6)
        self._named = False
        made_folder(folder, folder)

    def add(self, frame: Frame, found: Segments, name: str) -> None:
        """Write one picture's mask."""
        image = Image.fromarray(found.labels)
        image.putpalette(np.ascontiguousarray(found.colours).tobytes())
        path = self.folder / f"{self._names.of(frame, name)}.png"
        try:
            with replacing(path) as temporary:
                image.save(temporary, "PNG", optimize=True)
        except OSError as error:
            raise refused(path, error) from error
        if not self._named:
            rows = zip(found.class_names, found.colours.tolist(), strict=True)
            lines = [f"{name} {red} {green} {blue}\n" for name, (red, green, blue) in rows]
            written(self.folder / "classes.txt", "".join(lines))
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
        made_folder(path.parent, path)

    def add(self, frame: Frame, found: Segments, name: str) -> None:
        """Add one picture; ``name`` is what its source is called."""
        file, image = coco_picture(frame, name)
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
        written(self.path, json.dumps(self._records))
