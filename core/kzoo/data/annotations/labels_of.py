"""Which text file belongs to an image of YOLO, and which belong to none; two that differ are never chosen between."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.data.annotations.records import MOST_BOXES, TOO_MANY, FoundBox, FoundImage, Place
from kzoo.data.texts import LONGEST, reason_of, text_of
from kzoo.data.walking import is_hidden, sample_of
from kzoo.files import open_regular, read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["NAME_FILES", "LabelFinder", "exists", "speaks_of_boxes"]

NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels", "labels.txt")
"""Files that may hold the names of the classes; never the boxes of an image."""

_FIELDS = 5
_IMAGE_FOLDERS = ("images", "jpegimages")


def speaks_of_boxes(path: Path) -> bool:
    """Return whether the first line of a text file is that of a box."""
    try:
        with open_regular(path) as file:
            fields = file.readline(LONGEST).split()
        return len([float(field) for field in fields]) == _FIELDS
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Return whether there is a file or folder, also for a name that is longer than any may be."""
    try:
        return path.exists()
    except OSError:
        return False


class LabelFinder:
    """Finds and reads the text files of images.

    Args:
        base: The folder that files are named from.
        bound: Whether no text file is looked for above it; else images may be anywhere.
    """

    def __init__(self, base: Path, *, bound: bool) -> None:
        self._base, self._root = base, base if bound else None
        self._texts: dict[Path, dict[str, list[Path]]] = {}
        self._used: dict[Path, tuple[Path, FoundImage]] = {}
        self.read_files: set[Path] = set()
        self._repeated: dict[Path, int] = {}

    def read(self, image: Path, split: str = "") -> FoundImage:
        """Return an image with the boxes of its text file, each once; none means no boxes."""
        candidates = self._of(image)
        found = FoundImage(
            image if exists(image) else None, Place(candidates[0] if candidates else image), image.name, split=split
        )
        if not candidates:
            return found
        self.read_files.update(candidates)
        labels = candidates[0]
        if other := next((path for path in candidates[1:] if _differ(labels, path)), None):
            found.fault = f"it may belong to {self._seen(labels)} or to {self._seen(other)}, which differ"
            return found
        first, of_first = self._used.setdefault(labels, (image, found))
        if first != image:
            found.fault = f"it may belong to {self._seen(first)} or to {self._seen(image)}"
            of_first.fault = of_first.fault or found.fault
            return found
        try:
            lines = text_of(labels).splitlines()
        except (OSError, UnicodeDecodeError) as error:
            found.fault = f"it cannot be read as text: {reason_of(error)}"
            return found
        if len(lines) > MOST_BOXES and sum(bool(line.strip()) for line in lines) > MOST_BOXES:
            found.fault = TOO_MANY
            return found
        boxes = [_box(line, Place(labels, number)) for number, line in enumerate(lines, 1) if line.strip()]
        # A box whose text could not be read is equal to none: each is named as wrong.
        unique: dict[object, FoundBox] = {}
        for box in boxes:
            unique.setdefault((box.label, box.corners, box.place.line if box.fault else 0), box)
        found.boxes = list(unique.values())
        if len(found.boxes) < len(boxes):
            self._repeated[labels] = len(boxes) - len(found.boxes)
        return found

    def _seen(self, path: Path) -> str:
        return sample_of([path], self._base)

    def repeated_note(self, root: Path) -> list[str]:
        """Return what must be said of lines that repeat a box of the same file."""
        if not self._repeated:
            return []
        note = (
            f"{sum(self._repeated.values())} line(s) in {len(self._repeated)} text file(s) of {root} repeat a box that "
            f"is there already, and are left out: {sample_of(self._repeated, root)}."
        )
        return [note]

    def without_image(self, texts: Iterable[Path] | None = None) -> list[Path]:
        """Return the text files with boxes that belong to no image that was read.

        Args:
            texts: The files to look at; by itself those in all folders that text files were looked for in.
        """
        if texts is None:
            texts = [path for own in self._texts.values() for paths in own.values() for path in paths]
        lost = (path for path in texts if path.name not in NAME_FILES and path not in self.read_files)
        return sorted(path for path in lost if speaks_of_boxes(path))

    def _of(self, image: Path) -> list[Path]:
        """Return the text files that are called as an image is, in the order of the places where they are kept."""
        found: dict[Path, None] = {}
        for folder in dict.fromkeys(self._folders(image)):
            own = self._in(folder)
            # Some programs add the ending to the whole name: a.jpg.txt
            for path in own.get(image.stem) or own.get(image.name, []):
                found[path] = None
        return list(found)

    def _folders(self, image: Path) -> list[Path]:
        """Return the places: ``labels`` in the place of ``images``, beside the image, ``labels`` beside its folder."""
        places = []
        parts = image.parts
        least = len(self._root.parts) if self._root is not None and image.is_relative_to(self._root) else 0
        for at in range(len(parts) - 2, least - 1, -1):
            if parts[at].lower() in _IMAGE_FOLDERS:
                places.append(Path(*parts[:at], "labels", *parts[at + 1 : -1]))
                break
        places.append(image.parent)
        if len(parts) - 2 >= least:
            places.append(image.parent.parent / "labels")
        if self._root is not None and image.is_relative_to(self._root):
            places.append(self._root / "labels" / image.parent.relative_to(self._root))
        return places

    def _in(self, folder: Path) -> dict[str, list[Path]]:
        if folder not in self._texts:
            own: dict[str, list[Path]] = defaultdict(list)
            try:
                names = sorted(os.listdir(folder))  # noqa: PTH208 - names, of which most are no text
            except (OSError, ValueError):  # most places do not exist, and a list may hold any name
                names = []
            for name in names:
                stem, suffix = os.path.splitext(name)  # noqa: PTH122 - as above
                if suffix.lower() == ".txt" and not is_hidden(name):
                    own[stem].append(folder / name)
            self._texts[folder] = own
        return self._texts[folder]


def _differ(one: Path, other: Path) -> bool:
    """Return whether two text files hold different boxes; a text without boxes, as of a caption, is no rival."""
    try:
        return speaks_of_boxes(other) and read_regular(one, LONGEST).split() != read_regular(other, LONGEST).split()
    except OSError:
        return False  # whoever reads it says why that cannot be


def _box(line: str, place: Place) -> FoundBox:
    fields = line.split()
    empty = (0.0, 0.0, 0.0, 0.0)
    if len(fields) != _FIELDS:
        polygon = len(fields) > _FIELDS and len(fields) % 2 == 1
        kind = " (the outline of a segmentation?)" if polygon else ""
        fault = f"it has {len(fields)} fields{kind}, not five: class, centre x, centre y, width, height"
        return FoundBox(-1, empty, place, fault)
    try:
        number = float(fields[0])
        x, y, width, height = (float(text) for text in fields[1:])
    except ValueError as error:
        return FoundBox(-1, empty, place, f"a field is no number: {str(error).rpartition(': ')[2]}")
    if not number.is_integer():
        return FoundBox(-1, empty, place, f"the class is {fields[0]}, not a whole number")
    corners = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    return FoundBox(int(number), corners, place, relative=True)
