"""COCO's json: masks drawn from polygons and run lengths, what is on none of them being the background."""

from __future__ import annotations

import functools
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.annotations.coco import tables_of
from kzoo.data.annotations.images_of import ImageFinder
from kzoo.data.split_names import split_of, splits_in
from kzoo.errors import DataError
from kzoo.tasks.run_lengths import from_counts, from_polygons, from_text
from kzoo_zoo.segmentation.naming import Named
from kzoo_zoo.segmentation.pairs import Pairs
from kzoo_zoo.segmentation.pictures import Found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kzoo.data.walking import Tree

__all__ = ["BACKGROUND", "read_coco"]

BACKGROUND = "background"
"""The class of pixels that no annotation covers, unless a category has this name."""


def read_coco(tree: Tree, files: Sequence[Path]) -> tuple[Pairs, list[Named]]:
    """Return the pictures of json files with their masks, and the classes.

    A file is of the split that its name, or a folder around it, speaks of. Where annotations lie on one another, the
    smaller one is seen. The classes are the background and the categories in the order of their numbers.

    Raises:
        DataError: A file is no such json, two files are of one split, or their categories differ.
    """
    finder, pairs = ImageFinder(tree), Pairs()
    chosen = [path for path in files if path.name.lower().startswith("instances")] or list(files)
    classes: list[Named] = []
    splits: dict[str, Path] = {}
    for path in chosen:
        split = split_of(path.stem) or next(iter(splits_in(path.relative_to(tree.root).parts[:-1])), "")
        if split in splits:
            message = (
                f"{path} is one {split or 'train'} split too many beside {splits[split]}: name one file with "
                "--data, or name the files so that they say train, val or test."
            )
            raise DataError(message)
        tables = _tables(path)
        own = _categories(path, tables["categories"])
        if classes and own != classes:
            message = f"{path} has other categories than {chosen[0]}: every split needs the same."
            raise DataError(message)
        classes, splits[split] = own, path
        _pictures(path, tables, own, finder, split, pairs)
    return pairs, classes


def _tables(path: Path) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for name, rows in tables_of(path).items():
        for number, (line, row) in enumerate(rows):
            if not isinstance(row, dict):
                message = f"{path}:{line}: entry {number} of `{name}` is no object."
                raise DataError(message)
        found[name] = [row for _, row in rows]
    return found


def _categories(path: Path, rows: Sequence[Mapping[str, Any]]) -> list[Named]:
    """Return the background and the categories, by their numbers."""
    found: dict[int, str] = {}
    for number, row in enumerate(rows):
        name, category = row.get("name"), row.get("id")
        if not isinstance(name, str) or not name or isinstance(category, bool) or not isinstance(category, int):
            message = (
                f"{path}: entry {number} of `categories` needs a name and a whole number as its `id`: {row!r:.80}."
            )
            raise DataError(message)
        if category in found or name in found.values():
            message = f"{path}: `categories` has {name!r} (id {category}) twice."
            raise DataError(message)
        found[category] = name
    if not found:
        message = f"{path} has no categories: there is nothing to learn."
        raise DataError(message)
    order = [name for _, name in sorted(found.items())]
    ids = sorted(found)
    if BACKGROUND in order:
        return [Named(name, number) for name, number in zip(order, ids, strict=True)]
    return [
        Named(BACKGROUND, min(0, *ids) - 1 if 0 in ids else 0),
        *(Named(n, i) for n, i in zip(order, ids, strict=True)),
    ]


def _pictures(
    path: Path,
    tables: Mapping[str, list[dict[str, Any]]],
    classes: Sequence[Named],
    finder: ImageFinder,
    split: str,
    pairs: Pairs,
) -> None:
    indices = {named.value: index for index, named in enumerate(classes)}
    under = next((index for index, named in enumerate(classes) if named.name == BACKGROUND), 0)
    known = {row.get("id") for row in tables["images"]}
    pieces: dict[Any, list[tuple[int, Any, str]]] = defaultdict(list)
    for number, row in enumerate(tables["annotations"]):
        where = f"{path.name}: annotation {row.get('id', number)}"
        if row.get("image_id") not in known:
            pairs.faults.append(f"{where} is of the image {row.get('image_id')!r}, which `images` does not have")
        elif row.get("category_id") not in indices:
            pairs.faults.append(
                f"{where} has the category {row.get('category_id')!r}, which `categories` does not have"
            )
        elif not isinstance(row.get("segmentation"), (list, dict)) or not row["segmentation"]:
            pairs.faults.append(f"{where} has no segmentation, neither polygons nor run lengths")
        else:
            pieces[row["image_id"]].append((indices[row["category_id"]], row["segmentation"], where))
    for number, row in enumerate(tables["images"]):
        name = row.get("file_name")
        if not isinstance(name, str) or not name:
            pairs.faults.append(f"{path.name}: entry {number} of `images` has no file_name")
            continue
        match = finder.find(name, path.parent, split=split)
        if match.path is None:
            pairs.faults.append(f"{path.name}: the image {name} is missing{f': {match.fault}' if match.fault else ''}")
            continue
        own = pieces.get(row.get("id"), [])
        sides = (row.get("height"), row.get("width"))
        drawn = functools.partial(_drawn, own, under, name, sides)
        shown = match.path.relative_to(finder.root).as_posix()
        pairs.found.append(Found(match.path, drawn=drawn, name=shown, split=split or match.split))


def _drawn(
    pieces: Sequence[tuple[int, Any, str]], under: int, name: str, stated: tuple[Any, Any], size: tuple[int, int]
) -> np.ndarray:
    """Return the mask of one picture, class indices of shape (H, W): the smaller a piece, the later it is drawn.

    Raises:
        DataError: A piece is neither polygons nor run lengths of the picture's size.
    """
    if all(isinstance(side, int) for side in stated) and tuple(stated) != tuple(size):
        message = f"{name} has {size[1]} x {size[0]} pixels, and the json says {stated[1]} x {stated[0]}"
        raise DataError(message)
    masks = []
    for index, segmentation, where in pieces:
        try:
            masks.append((index, _mask(segmentation, size)))
        except (ValueError, TypeError, KeyError, IndexError) as error:
            message = f"{where}, of {name}: {error}"
            raise DataError(message) from error
    found = np.full(size, under, np.uint8)
    for index, mask in sorted(masks, key=lambda one: -int(one[1].sum())):
        found[mask] = index
    return found


def _mask(segmentation: Any, size: tuple[int, int]) -> np.ndarray:
    if isinstance(segmentation, list):
        if not all(isinstance(one, list) for one in segmentation):
            message = "polygons are lists of numbers in a list"
            raise ValueError(message)
        return from_polygons(segmentation, size)
    counts, stated = segmentation["counts"], segmentation["size"]
    if list(stated) != list(size):
        message = f"its run lengths are of {stated[1]} x {stated[0]} pixels, and the picture has {size[1]} x {size[0]}"
        raise ValueError(message)
    return from_counts(from_text(counts) if isinstance(counts, str) else counts, size)
