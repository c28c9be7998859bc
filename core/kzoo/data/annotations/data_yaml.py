"""From what a ``data.yaml`` or an ``obj.data`` states to images with their boxes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.data.annotations.images_of import by_split
from kzoo.data.annotations.labels_of import LabelFinder, exists
from kzoo.data.annotations.records import FoundImage, FoundSet, Place
from kzoo.data.annotations.stated import Stated, stated_in_data, stated_in_yaml
from kzoo.data.annotations.yolo_txt import background_note, lines_of
from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.walking import counted, own_files, walk
from kzoo.errors import DataError
from kzoo.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.walking import Tree

__all__ = ["STATED_SUFFIXES", "find_stated", "read_stated"]

STATED_SUFFIXES = frozenset({".yaml", ".yml", ".data"})
_CALLED = ("data", "dataset", "obj")


def find_stated(root: Path) -> Path | None:
    """Return the ``data.yaml`` of a folder, its only yaml with ``names``, or its ``obj.data``.

    Raises:
        DataError: There are several, and none is called ``data`` or ``dataset``.
    """
    if not root.is_dir():
        return None
    files = [path for path in own_files(root) if path.suffix.lower() in STATED_SUFFIXES and _speaks_of_classes(path)]
    called = [path for name in _CALLED for path in files if path.stem.lower() == name]
    if not called and len(files) > 1:
        message = f"{root} has {' and '.join(path.name for path in files)}: name the one that is meant with --data."
        raise DataError(message)
    return next(iter([*called, *files]), None)


def _speaks_of_classes(path: Path) -> bool:
    try:
        with open_regular(path) as file:
            # A file in UTF-16 has zeros between its letters: it is found here, and refused where it is read.
            content = file.read(1_000_000).replace(b"\0", b"")
    except OSError:
        return path.stem.lower() in _CALLED  # whoever reads it says why that cannot be
    if path.suffix.lower() == ".data":
        return b"names" in content and b"train" in content
    return b"names" in content or (path.stem.lower() in _CALLED and b"train:" in content)


def read_stated(path: Path, *, outside: bool = False) -> FoundSet:
    """Read the images of a ``data.yaml`` or an ``obj.data``, which names folders or lists of images for each split.

    Args:
        path: The file.
        outside: Whether it may name files that are neither below its own folder nor below the one above.

    Raises:
        DataError: It is no file of this form, or names folders that do not exist or may not be read.
    """
    stated = stated_in_data(path) if path.suffix.lower() == ".data" else stated_in_yaml(path)
    places = _Places(stated, outside=outside)
    names = stated.names or tuple(lines_of(places.needed("names", stated.names_file)))
    if stated.count is not None and stated.count != len(names):
        key = "classes" if stated.names_file else "nc"
        message = f"{path}: `{key}` is {stated.count}, but `names` has {len(names)} classes."
        raise DataError(message)
    if "train" not in stated.splits:
        message = f"{path} names no `train`: a folder of images, or a text file that lists them."
        raise DataError(message)
    if absent := _absent_test(stated, places):
        places.notes.append(absent)
    labels = LabelFinder(path.parent, bound=False)
    images: list[FoundImage] = []
    folders: list[Tree] = []
    wanted = [split for split in stated.splits if not (split == "test" and absent)]
    for split in wanted:
        key, entries = stated.splits[split]
        listed = [image for entry in entries for image in places.images(key, entry, folders)]
        if not listed and split == "validation":
            message = f"{path}: `{key}` is {', '.join(entries)}, and there is no image in it."
            raise DataError(message)
        images += [labels.read(image, split) for image in dict.fromkeys(listed)]
    divided, notes = by_split(images, path.parent)
    divided = {split: divided.get(split, []) for split in wanted}
    unique = {image.path: image for image in images if image.path is not None}
    background = [place for place, image in unique.items() if image.place.file == place]
    notes += background_note(path.parent, background, len(unique))
    # Where a list says which images are wanted, the texts of others are no mistake.
    if len(folders) == sum(
        len(entries) for key, (_, entries) in stated.splits.items() if not (key == "test" and absent)
    ):
        divided["train"] += [FoundImage(None, Place(text), text.stem) for text in labels.without_image()]
    notes += labels.repeated_note(path.parent) + _others(folders, labels)
    return FoundSet(divided, names, "yolo", notes=[*places.notes, *notes])


def _absent_test(stated: Stated, places: _Places) -> str:
    """Return what must be said of a test split that is named and not there; exports of Roboflow often have none."""
    key, entries = stated.splits.get("test", ("", ()))
    if not entries or "validation" not in stated.splits or any(places.find(key, entry) for entry in entries):
        return ""
    return (
        f"{stated.path}: `{key}` is {', '.join(entries)}, and there is no such folder or file: there is no test split."
    )


def _others(folders: Sequence[Tree], labels: LabelFinder) -> list[str]:
    """Return what must be said of files beside the images that are neither images nor annotations."""
    notes = []
    for tree in {tree.root: tree for tree in folders}.values():
        others = [
            path for path in tree.files if path.suffix.lower() not in IMAGE_SUFFIXES and path not in labels.read_files
        ]
        if others:
            listed = counted(others, tree.root)
            notes.append(
                f"{len(others)} file(s) in {tree.root} are neither images nor annotations that are read: {listed}."
            )
    return notes


class _Places:
    """Finds what a file names, as other programs find it, and refuses what is too far away.

    Args:
        stated: What the file states.
        outside: Whether nothing is too far away.
    """

    def __init__(self, stated: Stated, *, outside: bool) -> None:
        own = Path(os.path.abspath(stated.path.parent))  # noqa: PTH100 - links stay
        self.notes: list[str] = []
        self._stated, self._outside, self._own = stated, outside, own
        self._roots = [own, own.parent]
        if not stated.root:
            return
        written = Path(os.path.expanduser(stated.root.replace("\\", "/")))  # noqa: PTH111 - of no user it stays as it is
        root = next((root for root in (own / written, own.parent / written) if exists(root) and root.is_dir()), None)
        if root is None:
            self.notes.append(
                f"{stated.path}: `path` is {stated.root}, and there is no such folder: the images are looked for "
                "beside the file."
            )
        else:
            self._roots = [root, *self._roots]

    def find(self, key: str, entry: str, first: Sequence[Path] = ()) -> Path | None:
        """Return what a path in the file means, or None where nothing is there.

        Exports write ``../train/images`` and keep the folder beside the file, and Darknet's ``data/`` means the folder
        of the file itself.

        Args:
            key: The key that it stands under.
            entry: The path.
            first: Folders that it may begin in before those of the file.

        Raises:
            DataError: Two files or folders may be meant, or it is too far away.
        """
        entry = entry.replace("\\", "/")
        written = Path(entry)
        variants = [written]
        if entry.startswith("../"):
            variants.append(Path(*[part for part in written.parts if part != ".."]))
        elif self._stated.names_file and len(written.parts) > 1 and not written.is_absolute():
            variants.append(Path(*written.parts[1:]))
        for root in (*first, *self._roots):
            places = dict.fromkeys(Path(os.path.normpath(root / variant)) for variant in variants)
            there = [place for place in places if exists(place)]
            if len(there) > 1 and entry.startswith("../"):
                message = f"{self._stated.path}: `{key}` is {entry}, which may mean {there[0]} or {there[1]}."
                raise DataError(message)
            if there:
                return self._allowed(key, entry, there[0])
        return None

    def needed(self, key: str, entry: str) -> Path:
        """Return what a path means; raise `DataError` where nothing is there."""
        if (place := self.find(key, entry)) is None:
            message = (
                f"{self._stated.path}: `{key}` is {entry}, and there is no such folder or file (looked in "
                f"{self._roots[0]})."
            )
            raise DataError(message)
        return place

    def images(self, key: str, entry: str, folders: list[Tree]) -> list[Path]:
        """Return the images that an entry means: all in a folder, which is added to ``folders``, or those of a list."""
        place = self.needed(key, entry)
        if place.is_dir():
            folders.append(walk(place))
            return folders[-1].named(IMAGE_SUFFIXES)
        lines = [line.replace("\\", "/") for line in lines_of(place)]
        for number, line in enumerate(lines, 1):
            if Path(line).suffix.lower() not in IMAGE_SUFFIXES:
                message = (
                    f"{self._stated.path}: `{key}` is {entry}, and {place} is no list of images: what stands in its "
                    f"line {number} is not named like one."
                )
                raise DataError(message)
        return [self.find(key, line, [place.parent]) or place.parent / line for line in lines]

    def _allowed(self, key: str, entry: str, place: Path) -> Path:
        absolute = Path(os.path.abspath(place))  # noqa: PTH100 - links stay, as the user's own lead where they want
        above = self._own.parent
        near = absolute.is_relative_to(self._own) or (
            absolute.is_relative_to(above) and above not in {absolute, above.parent}
        )
        if near or self._outside:
            return place
        message = (
            f"{self._stated.path}: `{key}` is {entry}, which is neither below the folder of the file nor beside it. A "
            "file of somebody else's could name anything on this machine; if you trust it, -o data.outside=true reads "
            "what it names."
        )
        raise DataError(message)
