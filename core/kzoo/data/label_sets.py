"""Images with many labels each, or with shares of classes: which images, in which split, and a row of numbers each."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.annotations import read_annotations
from kzoo.data.class_folders import left_out_note
from kzoo.data.class_names import are_numbers, number_of
from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.image_index import ImageIndex, split_in
from kzoo.data.label_rows import MANY, read_rows
from kzoo.data.split_names import SPLITS, split_of
from kzoo.data.walking import sample_of, walk
from kzoo.errors import DataError, UsageError, in_short
from kzoo.streams import readable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo.data.annotations import Annotations
    from kzoo.data.label_rows import ImageRow, RowList

__all__ = ["LabelSet", "of_annotations", "of_lists", "with_known", "with_stated"]

_MOST_NAMED = 10


@dataclass(frozen=True)
class LabelSet:
    """Images and what is said of each.

    Attributes:
        names: The labels, or the classes among which shares are divided.
        images: By split, each image with a number for each name: 0 or 1 of labels, shares that sum to 1 of classes.
        shares: Whether the numbers are shares.
        notes: What must be said: of rows that come twice, of images that no row has.
        whose: The files that say it, in words.
    """

    names: tuple[str, ...]
    images: dict[str, list[tuple[Path, tuple[float, ...]]]] = field(default_factory=dict)
    shares: bool = False
    notes: tuple[str, ...] = ()
    whose: str = ""

    def rows(self, split: str) -> np.ndarray:
        """Return the numbers of a split, float32 of shape (N, L)."""
        found = np.asarray([row for _, row in self.images.get(split, ())], np.float32)
        return found.reshape(len(found), len(self.names))


def of_lists(root: Path, lists: Sequence[Path], meaning: str, *, skip: bool = False) -> LabelSet:
    """Return what lists say of images in their folder and below.

    The split of an image is what a column ``split`` says of it, or the name of its list (``train.csv``), or the
    outermost folder that speaks of one; where nothing does, it is one of the training.

    Args:
        root: The folder of the data, or the list itself.
        lists: The lists.
        meaning: What their labels are, one of `kzoo.data.label_rows.MEANINGS` but ``one``.
        skip: Whether images that are named and not there are left out, which is said.

    Raises:
        DataError: A list cannot be read or has a wrong value, two lists are of one split or have other columns, an
            image has two rows that differ, or images are not there.
    """
    folder = root if root.is_dir() else root.parent
    tree = walk(folder)
    index = ImageIndex(tree)
    found = [read_rows(path, meaning, index.has) for path in lists]
    _check_lists(root, found)
    gathered = _Gathered(folder, index)
    for one in found:
        stem = split_of(one.path.stem)
        gathered.take(one, stem if len(found) > 1 or stem == "test" else None)
    whose = " and ".join(one.path.name for one in found)
    notes = _missing(gathered.missing, whose, folder, skip=skip)
    if gathered.twice:
        notes.append(f"{gathered.twice} row(s) of {whose} in {folder} name an image that is there already.")
    if lost := [path for path in tree.named(IMAGE_SUFFIXES) if path not in gathered.said]:
        notes.append(
            f"{len(lost)} image(s) in {folder} are in no row of {whose} and are left out: {sample_of(lost, folder)}. "
            "One without any label has a row that says so."
        )
    if others := left_out_note([path for path in tree.files if path not in lists], folder):
        notes.append(others)
    return gathered.as_set(shares=meaning != MANY, notes=tuple(notes), whose=f"{whose} in {folder}")


def of_annotations(path: Path, *, form: str, fix: str, outside: bool, whole: bool) -> LabelSet:
    """Return the classes of the boxes in each image as its labels; where and how many there are does not count.

    Args:
        path: The folder or file, as for `kzoo.data.annotations.read_annotations`; likewise all that follows.
        form: ``voc``, ``coco`` or ``yolo``; found by looking where it is empty.
        fix: What to do about what is wrong.
        outside: Whether it may name files elsewhere.
        whole: Whether the images are only measured on.

    Raises:
        DataError: They cannot be read, or something is wrong in them.
    """
    sets = read_annotations(path, form=form, fix=fix, outside=outside, whole=whole)
    parts = {"train": sets.train, "validation": sets.validation, "test": sets.test}
    if sets.test is None and sets.validation is not None:
        parts = {"train": sets.train, "test": sets.validation}
    images = {
        split: [(image.path, row) for image, row in zip(part, _present(part, len(sets.class_names)), strict=True)]
        for split, part in parts.items()
        if part is not None and len(part)
    }
    return LabelSet(sets.class_names, images, notes=sets.notes, whose=f"{path} ({sets.form})")


def _present(part: Annotations, count: int) -> list[tuple[float, ...]]:
    rows = np.zeros((len(part), count), np.float32)
    for row, image in zip(rows, part, strict=True):
        row[image.labels] = 1
    return [tuple(row) for row in rows.tolist()]


def with_stated(found: LabelSet, stated: Sequence[str]) -> LabelSet:
    """Return the images with their labels called as a user says, where the data calls them by numbers.

    Raises:
        UsageError: The labels have names, or a number has none.
    """
    if not stated:
        return found
    if not are_numbers(found.names):
        message = (
            f"`data.classes` names labels that are numbers, and those of {found.whose} have names: "
            f"{in_short(', '.join(found.names))}. Leave it out, or rename them there."
        )
        raise UsageError(message)
    numbers = [number_of(name) for name in found.names]
    if beyond := [number for number in numbers if number is None or number >= len(stated)]:
        message = f"`data.classes` has {len(stated)} names, and {found.whose} has the label {beyond[0]}."
        raise UsageError(message)
    names = [""] * len(found.names)
    for place, number in enumerate(numbers):
        assert number is not None
        names[place] = stated[number]
    return replace(found, names=tuple(names))


def with_known(found: LabelSet, known: Sequence[str]) -> LabelSet:
    """Return the images with the labels of a model, in its order; what it does not know is left out, which is said.

    A label of the model that the data does not have is in no image.

    Raises:
        DataError: Shares of classes are divided among others than the model's, or the data has none of its labels.
    """
    if not known or tuple(known) == found.names:
        return found
    strange = [name for name in found.names if name not in known]
    absent = [name for name in known if name not in found.names]
    if (found.shares and (strange or absent)) or len(strange) == len(found.names):
        said = in_short(", ".join(known))
        which = f"`{strange[0]}`, which it does not know" if strange else f"no column `{absent[0]}`"
        message = (
            f"{found.whose} has {which}: the model was trained for {said}. Give data with these"
            f"{' and no other classes' if found.shares else ''}."
        )
        raise DataError(message)
    places = {name: place for place, name in enumerate(found.names)}
    notes = list(found.notes)
    if strange:
        notes.append(
            f"The model does not know {len(strange)} label(s) of {found.whose}, which are not measured: "
            f"{in_short(', '.join(strange))}."
        )
    if absent:
        notes.append(f"No image of {found.whose} has {in_short(', '.join(absent))}.")
    order = [places.get(name) for name in known]
    images = {
        split: [(path, tuple(0.0 if place is None else row[place] for place in order)) for path, row in rows]
        for split, rows in found.images.items()
    }
    return replace(found, names=tuple(known), images=images, notes=tuple(notes))


def _check_lists(root: Path, lists: Sequence[RowList]) -> None:
    """Raise `DataError` where several lists are not of a split each, or have other columns."""
    if len(lists) < 2:  # noqa: PLR2004 - one needs no name
        return
    splits = Counter(split_of(one.path.stem) for one in lists)
    if None in splits or max(splits.values()) > 1:
        names = "`, `".join(one.path.name for one in lists)
        message = (
            f"{root} has several lists of labels, `{names}`: name the one to read with --data, or call them as the "
            f"splits that they are ({', '.join(SPLITS)})."
        )
        raise DataError(message)
    for one in lists[1:]:
        if (one.names is None) != (lists[0].names is None) or set(one.names or ()) != set(lists[0].names or ()):
            odd = sorted(set(one.names or ()) ^ set(lists[0].names or ()))
            which = f"`{odd[0]}` is in one of them alone" if odd else "one has all labels in one column"
            message = f"{one.path} has other columns than {lists[0].path}: {which}. Every split needs the same."
            raise DataError(message)


class _Gathered:
    """What was gathered from lists.

    Attributes:
        said: By image, its split and its values: numbers by name, or labels.
        missing: Rows whose images are not there, in words.
        twice: How many rows say of an image what was said of it.
    """

    def __init__(self, folder: Path, index: ImageIndex) -> None:
        self._folder, self._index = folder, index
        self.said: dict[Path, tuple[str, dict[str, float]]] = {}
        self.missing: list[str] = []
        self.twice = 0
        self._names: tuple[str, ...] | None = None

    def take(self, one: RowList, split: str | None) -> None:
        """Take in the rows of a list, whose images are of a split unless a row says another."""
        single = one.names is None and all(len(row.values) <= 1 for row in one.rows)
        self._names = self._names or one.names
        for row in one.rows:
            said = row.split or split
            image = self._index.find(row.name, said)
            if image is None:
                self.missing.append(f"line {row.line} of {one.path.name}: {in_short(row.name) or 'no name'}")
                continue
            values: dict[str, float] = (
                {str(label): 1.0 for label in row.values}
                if one.names is None
                else dict(zip(one.names, map(float, row.values), strict=True))
            )
            self._add(one, row, image, said, values, single=single)

    def _add(
        self, one: RowList, row: ImageRow, image: Path, said: str | None, values: dict[str, float], *, single: bool
    ) -> None:
        if image not in self.said:
            said = said or split_in(image, self._folder) or "train"
            self.said[image] = (said, values)
            return
        split, before = self.said[image]
        if single:  # a row for each label
            self.said[image] = (split, {**before, **values})
            self.twice += values.keys() <= before.keys()
            return
        self.twice += 1
        if values != before:
            which = next(name for name in {**before, **values} if values.get(name) != before.get(name))
            message = (
                f"Line {row.line} of {one.path} says of {image} other than a row before: `{which}` is "
                f"{_in_words(before.get(which))} there and {_in_words(values.get(which))} here. An image has one row."
            )
            raise DataError(message)

    def as_set(self, *, shares: bool, notes: tuple[str, ...], whose: str) -> LabelSet:
        """Return all images, by split in the order of the lists."""
        names = self._names
        if names is None:
            labels = {label for _, values in self.said.values() for label in values}
            numbers = {label: number_of(label) for label in labels}
            by_number = all(number is not None for number in numbers.values())
            names = tuple(sorted(labels, key=lambda label: (numbers[label] if by_number else 0, label)))
        images: dict[str, list[tuple[Path, tuple[float, ...]]]] = {}
        for image, (split, values) in self.said.items():
            images.setdefault(split, []).append((image, tuple(values.get(name, 0.0) for name in names)))
        if not names:
            message = f"{whose} has no label: there is nothing to learn of its {len(self.said)} image(s)."
            raise DataError(message)
        ordered = {split: images[split] for split in SPLITS if split in images}
        return LabelSet(tuple(map(readable, names)), ordered, shares, notes, whose)


def _in_words(value: float | None) -> str:
    return "no label" if value is None else f"{value:g}"


def _missing(missing: Sequence[str], whose: str, folder: Path, *, skip: bool) -> list[str]:
    """Return the note on images that are not there; raise `DataError` where they may not be left out."""
    if not missing:
        return []
    more = f"; and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    said, shown = f"{len(missing)} image(s) that {whose} names are not there", "; ".join(missing[:_MOST_NAMED]) + more
    if not skip:
        message = (
            f"{said} (looked in {folder}): {shown}. Add them, or leave these rows out with -o data.unreadable=skip."
        )
        raise DataError(message)
    return [f"{said}, and these rows are left out: {shown}."]
