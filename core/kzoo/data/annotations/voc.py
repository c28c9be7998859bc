"""PASCAL VOC: one xml file for each image."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from kzoo.data.annotations.images_of import ImageFinder, split_of
from kzoo.data.annotations.records import FoundBox, FoundImage, FoundSet, Place

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["find_voc", "read_voc"]

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


def find_voc(root: Path) -> list[Path]:
    """Return the xml files in a folder and those below it, sorted."""
    return sorted(path for path in root.rglob("*.xml") if not path.name.startswith("."))


def read_voc(root: Path, files: list[Path]) -> FoundSet:
    """Read xml files; the splits are those of ``ImageSets/Main/*.txt``, or else of folders named train, val, test."""
    finder = ImageFinder(root)
    listed = _listed(root)
    images: dict[str, list[FoundImage]] = {}
    for path in files:
        folders = path.relative_to(root).parts[:-1]
        split = listed.get(path.stem) if listed else None
        split = split or next((found for part in folders if (found := split_of(part))), None)
        if listed and split is None:
            continue
        images.setdefault(split or "train", []).append(_read(path, finder))
    return FoundSet(images, None, "voc")


def _listed(root: Path) -> dict[str, str]:
    """Return the split of each name in ``ImageSets/Main``."""
    found: dict[str, str] = {}
    for name, split in (("trainval", "train"), ("train", "train"), ("val", "validation"), ("test", "test")):
        for path in root.glob(f"**/ImageSets/Main/{name}.txt"):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.strip():
                    found[line.split()[0]] = split
    return found


def _read(path: Path, finder: ImageFinder) -> FoundImage:
    try:
        root, lines = _parsed(path.read_bytes())
    except (OSError, expat.ExpatError, ValueError) as error:
        line = getattr(error, "lineno", 0)
        reason = expat.errors.messages.get(getattr(error, "code", 0), str(error))
        return FoundImage(None, Place(path, line), path.name, fault=f"it is no xml that can be read: {reason}")
    named = (root.findtext("filename") or "").strip()
    found = FoundImage(finder.find(named, path.parent, stem=path.stem), Place(path), named or path.stem)
    if root.tag != "annotation":
        found.fault = f"its root is <{root.tag}>, not <annotation>"
        return found
    sides = [_number(root.findtext(f"size/{side}")) for side in ("width", "height")]
    if all(side is not None and side > 0 for side in sides):
        found.size = (int(sides[0] or 0), int(sides[1] or 0))
    for item in root.iter("object"):
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
