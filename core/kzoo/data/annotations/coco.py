"""COCO: one json file for each split, with images, categories and annotations."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described
from kzoo.data.annotations.images_of import ImageFinder, by_split, split_between, unused_notes
from kzoo.data.annotations.records import MOST_BOXES, TOO_MANY, FoundBox, FoundImage, FoundSet, Place
from kzoo.data.annotations.split_dirs import without_strays
from kzoo.data.split_names import split_of
from kzoo.data.texts import reason_of, text_of
from kzoo.data.walking import sample_of
from kzoo.errors import DataError
from kzoo.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kzoo.data.walking import Tree

__all__ = ["find_coco", "read_coco", "tables_of"]

_TABLES = ("images", "annotations", "categories")
_SIDES = 4
_LONGEST = 4 * 10**9  # bytes


def find_coco(tree: Tree) -> list[Path]:
    """Return the json files below a folder that speak of images and annotations near their beginning or end."""
    return [path for path in tree.named({".json"}) if _looks_right(path)]


def _looks_right(path: Path) -> bool:
    # Any of the tables may come first and be long: a look at both ends finds at least two of the three names.
    try:
        with open_regular(path) as file:
            start = file.read(1 << 16)
            file.seek(max(0, path.stat().st_size - (1 << 16)))
            text = start + file.read(1 << 16)
    except FileNotFoundError:  # a link that leads nowhere
        return False
    except OSError:
        return True  # whoever reads it says why that cannot be
    return sum(f'"{name}"'.encode() in text for name in (*_TABLES, "bbox", "file_name")) >= 2  # noqa: PLR2004


def read_coco(tree: Tree, files: list[Path]) -> FoundSet:
    """Read json files; each is a split, by its name and its folders', or else by the folders of its images.

    Raises:
        DataError: A file is no json of this form, two files or folders are the same split, or categories differ.
    """
    finder = ImageFinder(tree)
    chosen = _of_boxes(files)
    images: list[FoundImage] = []
    names: dict[int, str] = {}
    splits: dict[str, Path] = {}
    for path in chosen:
        split = _split_of(tree.root, path)
        if (twice := split or "train") in splits:
            message = (
                f"{path} is one {twice} split too many below {tree.root}, beside {splits[twice]}: name one file, or "
                "name the files so that they say train, val or test."
            )
            raise DataError(message)
        tables = tables_of(path)
        own = _categories(path, tables["categories"])
        if splits and own != names:
            message = f"{path} has other categories than {chosen[0]}: every split needs the same."
            raise DataError(message)
        splits[twice], names = path, own
        images += _read(path, tables, finder, split)
    in_folders = [image for image in images if not image.split]
    taken, _, notes = without_strays(in_folders, tree.root)
    divided, of_splits = by_split([*(image for image in images if image.split), *taken], tree.root)
    notes += of_splits
    if left := [path for path in files if path not in chosen]:
        notes.append(f"Only files whose names begin with `instances` are read, not {sample_of(left, tree.root)}.")
    notes += unused_notes(tree, images, files, "are named by no annotation file")
    order = sorted(_distinct(names, divided, chosen[0]))
    numbers = {number: index for index, number in enumerate(order)}
    return FoundSet(divided, tuple(names[number] for number in order), "coco", numbers, notes)


def _of_boxes(files: list[Path]) -> list[Path]:
    """Return the files that are about boxes: COCO itself comes with captions and keypoints of the same images."""
    return [path for path in files if path.name.lower().startswith("instances")] or files


def _split_of(root: Path, path: Path) -> str:
    """Return the split that the name of a file and its folders speak of; an empty text where none does."""
    named, around = split_of(path.stem) or "", split_between(root, path)
    if named and around and named != around:
        message = (
            f"{path} is called as a file of the {named} split and is in a folder of {around}. Name the one file with "
            "--data, or give it another name."
        )
        raise DataError(message)
    return named or around


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
            message = f"{path}:{line}: a category needs an `id` (a whole number) and a `name`."
            raise DataError(message)
        name = entry["name"].strip()
        if found.setdefault(entry["id"], name) != name:
            message = f"{path}:{line}: the categories have the id {entry['id']} twice."
            raise DataError(message)
    if not found:
        message = f"{path} has no categories."
        raise DataError(message)
    return found


def _read(path: Path, tables: dict[str, list[tuple[int, Any]]], finder: ImageFinder, split: str) -> list[FoundImage]:
    images: dict[Any, FoundImage] = {}
    for line, entry in tables["images"]:
        number = entry.get("id") if isinstance(entry, dict) else None
        name = entry.get("file_name") if isinstance(entry, dict) else None
        place = Place(path, line, f"image {number}")
        if type(number) not in (int, str) or not isinstance(name, str):
            fault = "an image needs an `id` and a `file_name`"
            images[line, len(images)] = FoundImage(None, place, "", fault=fault, split=split)
            continue
        match = finder.find(name, path.parent, split=split)
        found = FoundImage(match.path, place, name, id=number, fault=match.fault, split=split, folder_split=match.split)
        sides = entry.get("width"), entry.get("height")
        if all(isinstance(side, int) and side > 0 for side in sides):
            found.size = (sides[0], sides[1])
        if number in images:
            found.fault = f"the id {number} is taken by {images[number].name} already"
            number = line, len(images)  # a whole file may be one line
        images[number] = found
    for line, entry in tables["annotations"]:
        number = entry.get("id") if isinstance(entry, dict) else None
        place = Place(path, line, f"annotation {number}")
        of = entry.get("image_id") if isinstance(entry, dict) else None
        if type(of) in (int, str) and of in images:
            if len(images[of].boxes) < MOST_BOXES:
                images[of].boxes.append(_box(entry, place))
            else:
                images[of].fault = images[of].fault or TOO_MANY
        else:
            lost = FoundImage(None, place, "", fault=f"there is no image with the id {described(of)}", split=split)
            images[line, len(images)] = lost
    return list(images.values())


def _box(entry: Any, place: Place) -> FoundBox:
    entry = entry if isinstance(entry, dict) else {}
    sides = entry.get("bbox")
    number = entry.get("category_id")
    fault = "" if type(number) is int else f"`category_id` is {described(number)}, not a whole number"
    numbers = [_number(side) for side in sides] if isinstance(sides, list) and len(sides) == _SIDES else []
    if not numbers or None in numbers:
        fault = f"`bbox` is {described(sides)}, not four numbers"
        numbers = [0.0] * _SIDES
    x, y, width, height = (side or 0.0 for side in numbers)
    label = number if type(number) is int else -1
    crowd = bool(entry.get("iscrowd"))
    area = _number(entry.get("area"))
    return FoundBox(label, (x, y, x + width, y + height), place, fault, crowd=crowd, area=area)


def _number(value: Any) -> float | None:
    """Return a number as a float; a whole one may have more digits than that holds."""
    try:
        return float(value) if type(value) in (int, float) else None
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def tables_of(path: Path) -> dict[str, list[tuple[int, Any]]]:
    """Return the entries of the tables ``images``, ``annotations`` and ``categories``, each with its line.

    Raises:
        DataError: The file cannot be read, is no json, or lacks one of these lists.
    """
    try:
        text = text_of(path, _LONGEST)
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
    except ValueError as error:  # a number of more digits than Python takes
        message = f"{path} cannot be read: {error}."
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
