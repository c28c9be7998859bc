"""COCO: one json file for each split, with images, categories and annotations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kzoo.data.annotations.images_of import ImageFinder, split_of
from kzoo.data.annotations.records import FoundBox, FoundImage, FoundSet, Place
from kzoo.data.annotations.texts import reason_of, text_of
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["find_coco", "read_coco"]

_TABLES = ("images", "annotations", "categories")
_SIDES = 4


def find_coco(root: Path) -> list[Path]:
    """Return the json files below a folder that speak of images and annotations near their beginning or end."""
    return sorted(path for path in root.rglob("*.json") if not path.name.startswith(".") and _looks_right(path))


def _looks_right(path: Path) -> bool:
    # Any of the tables may come first and be long: a look at both ends finds at least two of the three names.
    try:
        with path.open("rb") as file:
            start = file.read(1 << 16)
            file.seek(max(0, path.stat().st_size - (1 << 16)))
            text = start + file.read()
    except OSError:
        return False
    return sum(f'"{name}"'.encode() in text for name in (*_TABLES, "bbox", "file_name")) >= 2  # noqa: PLR2004


def read_coco(root: Path, files: list[Path]) -> FoundSet:
    """Read json files; each is a split, by its name or its folder's.

    Raises:
        DataError: A file is no json of this form, two are the same split, or their categories differ.
    """
    finder = ImageFinder(root)
    images: dict[str, list[FoundImage]] = {}
    names: dict[int, str] = {}
    first: Path | None = None
    for path in files:
        tables = _tables(path)
        own = _categories(path, tables["categories"])
        if first is not None and own != names:
            message = f"{path} has other categories than {first}: every split needs the same."
            raise DataError(message)
        first, names = first or path, own
        split = split_of(path.stem) or split_of(path.parent.name) or "train"
        if split in images:
            message = (
                f"{path} is one {split} split too many below {root}: name one file, or name the files so that they say "
                "train, val or test."
            )
            raise DataError(message)
        images[split] = _read(path, tables, finder)
    order = sorted(_distinct(names, images, files[0]))
    numbers = {number: index for index, number in enumerate(order)}
    return FoundSet(images, tuple(names[number] for number in order), "coco", numbers)


def _distinct(names: dict[int, str], images: dict[str, list[FoundImage]], path: Path) -> dict[int, str]:
    """Return the categories without those that have the name of another one and no box, as some exporters add them."""
    used = {box.label for split in images.values() for image in split for box in image.boxes}
    kept: dict[str, int] = {}
    for number, name in names.items():
        if name in kept and number in used and kept[name] in used:
            message = f"{path} has the category {name!r} twice, with the ids {kept[name]} and {number}."
            raise DataError(message)
        if name not in kept or number in used:
            kept[name] = number
    return {number: name for name, number in kept.items()}


def _categories(path: Path, table: list[tuple[int, Any]]) -> dict[int, str]:
    found: dict[int, str] = {}
    for line, entry in table:
        if not isinstance(entry, dict) or type(entry.get("id")) is not int or not isinstance(entry.get("name"), str):
            message = f"{Place(path, line)}: a category needs an `id` (a whole number) and a `name`."
            raise DataError(message)
        if found.setdefault(entry["id"], entry["name"]) != entry["name"]:
            message = f"{Place(path, line)}: the categories have the id {entry['id']} twice."
            raise DataError(message)
    if not found:
        message = f"{path} has no categories."
        raise DataError(message)
    return found


def _read(path: Path, tables: dict[str, list[tuple[int, Any]]], finder: ImageFinder) -> list[FoundImage]:
    images: dict[Any, FoundImage] = {}
    for line, entry in tables["images"]:
        number = entry.get("id") if isinstance(entry, dict) else None
        name = entry.get("file_name") if isinstance(entry, dict) else None
        place = Place(path, line, f"image {number}")
        if number is None or not isinstance(name, str):
            images[f"line {line}"] = FoundImage(None, place, "", fault="an image needs an `id` and a `file_name`")
            continue
        found = FoundImage(finder.find(name, path.parent), place, name, id=number)
        sides = entry.get("width"), entry.get("height")
        if all(isinstance(side, int) and side > 0 for side in sides):
            found.size = (sides[0], sides[1])
        if number in images:
            found.fault = f"the id {number} is taken by {images[number].name} already"
            number = f"line {line}"
        images[number] = found
    for line, entry in tables["annotations"]:
        number = entry.get("id") if isinstance(entry, dict) else None
        place = Place(path, line, f"annotation {number}")
        of = entry.get("image_id") if isinstance(entry, dict) else None
        box = _box(entry, place)
        if of in images:
            images[of].boxes.append(box)
        else:
            lost = FoundImage(None, place, "", fault=f"there is no image with the id {of!r}")
            images[f"annotation at {line}, {number}, {len(images)}"] = lost
    return list(images.values())


def _box(entry: Any, place: Place) -> FoundBox:
    entry = entry if isinstance(entry, dict) else {}
    sides = entry.get("bbox")
    number = entry.get("category_id")
    fault = "" if type(number) is int else f"`category_id` is {number!r}, not a whole number"
    numbers = isinstance(sides, list) and len(sides) == _SIDES and all(type(side) in (int, float) for side in sides)
    if not numbers:
        fault = f"`bbox` is {sides!r}, not four numbers"
    x, y, width, height = sides if numbers and isinstance(sides, list) else (0.0,) * _SIDES
    label = number if type(number) is int else -1
    crowd = bool(entry.get("iscrowd"))
    area = entry.get("area")
    area = float(area) if type(area) in (int, float) else None
    return FoundBox(label, (x, y, x + width, y + height), place, fault, crowd=crowd, area=area)


def _tables(path: Path) -> dict[str, list[tuple[int, Any]]]:
    """Return the entries of the three tables, each with its line."""
    try:
        text = text_of(path)
        found = {name: value for name, value in _members(text) if name in _TABLES}
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {reason_of(error)}."
        raise DataError(message) from error
    except json.JSONDecodeError as error:
        message = f"{path}:{error.lineno}: it is no json that can be read: {error.msg.lower()}."
        raise DataError(message) from error
    except RecursionError as error:
        message = f"{path} cannot be read: it is nested too deeply."
        raise DataError(message) from error
    missing = [name for name in _TABLES if not isinstance(found.get(name), list)]
    if missing:
        message = f"{path} lacks the list{'s' if len(missing) > 1 else ''} `{'`, `'.join(missing)}` that COCO has."
        raise DataError(message)
    return found


def _members(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the members of the outermost object; the entries of those that are lists come with their lines."""
    decoder = json.JSONDecoder()
    at = _skip(text, 0)
    if text[at : at + 1] != "{":
        message = "expected an object in braces"
        raise json.JSONDecodeError(message, text, at)
    at = _skip(text, at + 1)
    while text[at : at + 1] != "}":
        name, at = decoder.raw_decode(text, at)
        at = _skip(text, at)
        if text[at : at + 1] != ":":
            message = "expected ':'"
            raise json.JSONDecodeError(message, text, at)
        at = _skip(text, at + 1)
        if text[at : at + 1] == "[":
            value, at = _entries(decoder, text, at)
        else:
            value, at = decoder.raw_decode(text, at)
        yield str(name), value
        at = _after(text, at, "}")
    if (at := _skip(text, at + 1)) < len(text):
        message = "text after the end of the object; is it one object in each line?"
        raise json.JSONDecodeError(message, text, at)


def _entries(decoder: json.JSONDecoder, text: str, at: int) -> tuple[list[tuple[int, Any]], int]:
    found: list[tuple[int, Any]] = []
    line, counted = text.count("\n", 0, at) + 1, at
    at = _skip(text, at + 1)
    while text[at : at + 1] != "]":
        line, counted = line + text.count("\n", counted, at), at
        value, at = decoder.raw_decode(text, at)
        found.append((line, value))
        at = _after(text, at, "]")
    return found, at + 1


def _after(text: str, at: int, end: str) -> int:
    """Return the place of the next member, or of the end of the list or object."""
    at = _skip(text, at)
    mark = text[at : at + 1]
    if mark == end:
        return at
    if mark != ",":
        message = f"expected ',' or '{end}'"
        raise json.JSONDecodeError(message, text, at)
    return _skip(text, at + 1)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at
