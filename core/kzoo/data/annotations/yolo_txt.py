"""YOLO: a text file for each image, a line for each box: class, centre, width, height, as parts of the sides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kzoo.data.annotations.images_of import ImageFinder, split_of
from kzoo.data.annotations.records import FoundBox, FoundImage, FoundSet, Place
from kzoo.data.annotations.texts import reason_of, text_of
from kzoo.data.images import find_images
from kzoo.errors import DataError

__all__ = ["find_labels", "find_yaml", "read_yaml", "read_yolo"]

_FIELDS = 5
_NAMES = ("classes.txt", "obj.names", "_darknet.labels", "labels.txt")
_YAML = ("data", "dataset")
_LISTS = ("train", "val", "test")


def find_yaml(root: Path) -> Path | None:
    """Return the ``data.yaml`` of a folder, or its only yaml file with ``names``."""
    files = sorted([*root.glob("*.yaml"), *root.glob("*.yml")])
    files.sort(key=lambda path: path.stem not in _YAML)
    return next((path for path in files if _speaks_of_classes(path)), None)


def _speaks_of_classes(path: Path) -> bool:
    # A file in UTF-16 has zeros between its letters: it is found here, and refused where it is read.
    content = path.read_bytes().replace(b"\0", b"")
    return b"names" in content or (path.stem in _YAML and b"train:" in content)


def find_labels(root: Path) -> list[Path]:
    """Return the text files below a folder that belong to an image by their name."""
    stems = {path.stem for path in find_images(root)}
    return sorted(path for path in root.rglob("*.txt") if path.stem in stems and path.name not in _NAMES)


def read_yolo(root: Path) -> FoundSet:
    """Read a folder: each image with its text file, the splits by the names of the folders."""
    images: dict[str, list[FoundImage]] = {}
    for path in ImageFinder(root).images:
        parts = path.relative_to(root).parts[:-1]
        split = next((found for part in parts if (found := split_of(part))), "train")
        images.setdefault(split, []).append(_read(path))
    known = {image.place.file for found in images.values() for image in found}
    for path in sorted(root.rglob("*.txt")):
        if _is_lost(path, known):
            images.setdefault(split_of(path.parent.name) or "train", []).append(
                FoundImage(None, Place(path), path.stem)
            )
    names = next((root / name for name in _NAMES if (root / name).is_file()), None)
    names = names or next(iter(sorted(root.glob("*.names"))), None)
    classes = tuple(_lines(names)) if names else ()
    return FoundSet(images, classes or None, "yolo")


def read_yaml(path: Path) -> FoundSet:
    """Read a ``data.yaml``: ``train``, ``val`` and ``test`` name folders or lists of images, ``names`` the classes.

    Raises:
        DataError: It is no yaml of this form, or names folders that do not exist.
    """
    import yaml

    try:
        content = yaml.safe_load(text_of(path))
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {reason_of(error)}."
        raise DataError(message) from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        message = f"{where} cannot be read as yaml: {getattr(error, 'problem', None) or error}."
        raise DataError(message) from error
    if not isinstance(content, dict):
        message = f"{path} holds no keys: expected `train`, `val` and `names`."
        raise DataError(message)
    names = _named(path, content)
    roots = _roots(path, content.get("path"))
    images: dict[str, list[FoundImage]] = {}
    for key in _LISTS:
        if content.get(key):
            entries = content[key] if isinstance(content[key], list) else [content[key]]
            split = split_of(key) or key
            images[split] = [_read(image) for entry in entries for image in _listed(path, key, str(entry), roots)]
    if "train" not in images:
        message = f"{path} names no `train`: a folder of images, or a text file that lists them."
        raise DataError(message)
    return FoundSet(images, names, "yolo")


def _is_lost(path: Path, known: set[Path]) -> bool:
    """Return whether a text file has boxes, and no image of its name was found."""
    if path.name in _NAMES or path in known:
        return False
    with path.open("rb") as file:
        fields = file.readline().split()
    try:
        return len([float(field) for field in fields]) == _FIELDS
    except ValueError:
        return False


def _named(path: Path, content: dict[str, Any]) -> tuple[str, ...]:
    names, count = content.get("names"), content.get("nc")
    if isinstance(names, dict):
        if set(names) != set(range(len(names))):
            message = f"{path}: `names` must number the classes from 0 without gaps, not {', '.join(map(str, names))}."
            raise DataError(message)
        names = [names[index] for index in range(len(names))]
    if not isinstance(names, list) or not names:
        message = f"{path} has no `names`: the list of the classes."
        raise DataError(message)
    if isinstance(count, int) and count != len(names):
        message = f"{path}: `nc` is {count}, but `names` has {len(names)} classes."
        raise DataError(message)
    return tuple(str(name) for name in names)


def _roots(path: Path, stated: Any) -> list[Path]:
    """Return the folders that the paths in the file may be meant from, the likeliest first."""
    own = path.parent
    if not stated:
        return [own, own.parent]
    root = Path(str(stated)).expanduser()
    return [root if root.is_absolute() else own / root, own, own.parent / root]


def _listed(path: Path, key: str, entry: str, roots: list[Path]) -> list[Path]:
    for root in roots:
        # Roboflow writes ../train/images and keeps the folder beside the file.
        for place in (root / entry, root / entry.removeprefix("../")):
            if place.is_dir():
                return find_images(place)
            if place.is_file():
                lines = [Path(line) for line in _lines(place)]
                return [line if line.is_absolute() else _first(line, place.parent, *roots) for line in lines]
    message = f"{path}: `{key}` is {entry}, and there is no such folder or file (looked in {roots[0]})."
    raise DataError(message)


def _first(path: Path, *roots: Path) -> Path:
    return next((root / path for root in roots if (root / path).is_file()), roots[0] / path)


def _lines(path: Path) -> list[str]:
    try:
        text = text_of(path)
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {reason_of(error)}."
        raise DataError(message) from error
    return [line.strip() for line in text.splitlines() if line.strip()]


def _read(image: Path) -> FoundImage:
    """Return an image with the boxes of its text file; no text file means no boxes."""
    labels = _label_file(image)
    found = FoundImage(image if image.is_file() else None, Place(labels or image), image.name)
    if labels is None:
        return found
    try:
        lines = text_of(labels).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        found.fault = f"it cannot be read as text: {reason_of(error)}"
        return found
    found.boxes = [_box(line, Place(labels, number)) for number, line in enumerate(lines, 1) if line.strip()]
    return found


def _label_file(image: Path) -> Path | None:
    """Return the text file of an image: beside it, or in the folder ``labels`` where the image is in ``images``."""
    places = [image.with_suffix(".txt")]
    parts = image.parts
    for at in range(len(parts) - 2, -1, -1):
        if parts[at].lower() in ("images", "jpegimages"):
            places.insert(0, Path(*parts[:at], "labels", *parts[at + 1 :]).with_suffix(".txt"))
            break
    places.append(image.parent.parent / "labels" / f"{image.stem}.txt")
    return next((place for place in places if place.is_file()), None)


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
