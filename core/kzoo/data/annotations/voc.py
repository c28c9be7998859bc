"""PASCAL VOC: one xml file for each image."""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from kzoo.data.annotations.images_of import ImageFinder, by_split, split_between, unused_notes
from kzoo.data.annotations.records import MOST_BOXES, TOO_MANY, FoundBox, FoundImage, FoundSet, Place
from kzoo.data.annotations.split_dirs import without_strays
from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.split_names import split_word
from kzoo.data.texts import LONGEST, reason_of, text_of
from kzoo.data.walking import sample_of
from kzoo.errors import DataError
from kzoo.files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.data.walking import Tree

__all__ = ["find_voc", "read_voc"]

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def find_voc(tree: Tree) -> list[Path]:
    """Return the xml files below a folder, sorted."""
    return tree.named({".xml"})


def read_voc(tree: Tree, files: list[Path]) -> FoundSet:
    """Read xml files; the splits are those of the lists in ``ImageSets/Main``, or else of folders.

    Raises:
        DataError: The folders of a file speak of two splits, two folders of the same, or a list cannot be read.
    """
    finder = ImageFinder(tree)
    lists = _Lists(tree)
    listed: list[FoundImage] = []
    in_folders: list[FoundImage] = []
    unlisted: list[Path] = []
    for path in files:
        split = lists.split_of(path)
        if split is None:
            unlisted.append(path)
        elif split:
            listed.append(_read(path, finder, split))
        else:
            in_folders.append(_read(path, finder, split_between(tree.root, path)))
    taken, strays, notes = without_strays(in_folders, tree.root)
    splits, of_splits = by_split([*listed, *taken], tree.root)
    notes += of_splits + lists.notes()
    if unlisted:
        notes.append(
            f"{len(unlisted)} xml file(s) are in no list of ImageSets/Main and are left out: "
            f"{sample_of(unlisted, tree.root)}."
        )
    if lost := lists.without(files):
        notes.append(f"{len(lost)} name(s) in lists of ImageSets/Main have no xml file: {', '.join(lost[:3])}, ...")
    notes += unused_notes(tree, [*listed, *taken, *strays], [*files, *lists.files], "have no xml file")
    return FoundSet(splits, None, "voc", notes=notes)


class _Lists:
    """The lists of ``ImageSets/Main`` that name the images of a split; each is of the data set that it stands in."""

    def __init__(self, tree: Tree) -> None:
        self.files = [
            path
            for path in tree.named({".txt"})
            if path.parts[-3:-1] == ("ImageSets", "Main") and split_word(path.stem) is not None
        ]
        self._splits: dict[Path, dict[str, str]] = {}
        self._twice: dict[tuple[str, str], dict[tuple[Path, str], None]] = {}
        named: dict[tuple[Path, str], Path] = {}  # the list that named an image last
        order = {"trainval": 0, "train": 1}  # the first names those of the others, too
        for path in sorted(self.files, key=lambda path: order.get(path.stem.lower(), 2)):
            try:
                lines = text_of(path).splitlines()
            except (OSError, UnicodeDecodeError) as error:
                message = f"{path} cannot be read: {reason_of(error)}."
                raise DataError(message) from error
            self._splits.setdefault(path.parents[2], {})  # also of a list that names nothing
            for line in lines:
                if line.strip():
                    self._take(path, _stem(line.split()[0]), named)

    def _take(self, path: Path, name: str, named: dict[tuple[Path, str], Path]) -> None:
        """Take an image for the split of a list, and keep in mind that one of another split has named it before."""
        root, split = path.parents[2], split_word(path.stem) or ""
        own = self._splits[root]
        before = named.get((root, name))
        if before is not None and own[name] != split and (before.stem.lower(), split) != ("trainval", "validation"):
            self._twice.setdefault((before.stem, path.stem), {})[root, name] = None
        own[name], named[root, name] = split, path

    def notes(self) -> list[str]:
        """Return what must be said of images that lists of two splits name."""
        return [
            f"{len(names)} image(s) are listed in both {one} and {other} of ImageSets/Main, and are taken for {other} "
            f"alone: {', '.join([name for _, name in names][:3])}{', ...' if len(names) > 3 else ''}."  # noqa: PLR2004
            for (one, other), names in self._twice.items()
        ]

    def split_of(self, path: Path) -> str | None:
        """Return the split of an xml file; an empty text where there are no lists, None where none names it."""
        own = next((self._splits[folder] for folder in path.parents if folder in self._splits), None)
        return "" if own is None else own.get(path.stem)

    def without(self, files: list[Path]) -> list[str]:
        """Return the names that stand in lists and have no file."""
        there = {path.stem for path in files}
        return [name for own in self._splits.values() for name in own if name not in there]


def _stem(name: str) -> str:
    """Return a name in a list without its folders and the ending of an image, which some programs write there."""
    path = PurePosixPath(name.replace("\\", "/"))
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES | {".xml"} else path.name


def _read(path: Path, finder: ImageFinder, split: str) -> FoundImage:
    try:
        root, lines = _parsed(read_regular(path, LONGEST))
    except (OSError, expat.ExpatError, ValueError) as error:
        line = getattr(error, "lineno", 0)
        reason = getattr(error, "strerror", None) or expat.errors.messages.get(getattr(error, "code", 0), str(error))
        fault = f"it is no xml that can be read: {reason}"
        return FoundImage(None, Place(path, line), path.name, fault=fault, split=split)
    named = (root.findtext("filename") or "").strip()
    match = finder.find(named, path.parent, split=split, stem=path.stem)
    found = FoundImage(
        match.path, Place(path), named or path.stem, fault=match.fault, split=split, folder_split=match.split
    )
    if root.tag != "annotation":
        found.fault = f"its root is <{root.tag}>, not <annotation>"
        if root.tag == "annotations":
            found.fault += "; is it CVAT's own format? Export the set as PASCAL VOC, COCO or YOLO"
        return found
    sides = [_number(root.findtext(f"size/{side}")) for side in ("width", "height")]
    if all(side is not None and 0 < side < math.inf for side in sides):
        found.size = (int(sides[0] or 0), int(sides[1] or 0))
    items = list(root.iter("object"))
    if len(items) > MOST_BOXES:
        found.fault = TOO_MANY
        return found
    for item in items:
        found.boxes.append(_box(item, Place(path, lines[item])))
    return found


def _box(item: Element, place: Place) -> FoundBox:
    label = (item.findtext("name") or "").strip()
    texts = [item.findtext(f"bndbox/{name}") for name in _CORNERS]
    numbers = [_number(text) for text in texts]
    fault = "" if label else "it has no <name>"
    for name, text, number in zip(_CORNERS, texts, numbers, strict=True):
        if number is None and not fault:
            fault = f"<{name}> is missing" if text is None else f"<{name}> is {text.strip()!r}, not a number"
    x1, y1, x2, y2 = (number if number is not None else 0.0 for number in numbers)
    difficult = (item.findtext("difficult") or "0").strip() == "1"
    return FoundBox(label, (x1, y1, x2, y2), place, fault, difficult=difficult)


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None


def _parsed(content: bytes) -> tuple[Element, dict[Element, int]]:
    """Return the root of an xml text, and the line of each element; ElementTree's own parser tells no lines."""
    parser = expat.ParserCreate()
    builder = TreeBuilder()
    lines: dict[Element, int] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        lines[builder.start(tag, attributes)] = parser.CurrentLineNumber

    def refuse(*_: object) -> None:
        message = "it declares entities, which no annotation needs"
        raise ValueError(message)

    parser.StartElementHandler = start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = refuse
    parser.Parse(content, True)
    return builder.close(), lines
