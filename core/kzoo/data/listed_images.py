"""Images whose labels are in a list: a table (CSV) with names and labels, or a text file of paths."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.data.class_folders import left_out_note
from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.image_index import ImageIndex, split_in
from kzoo.data.labels_of_lists import LIST_SUFFIXES, Entry, entries_of, is_table
from kzoo.data.split_names import SPLITS, split_of
from kzoo.data.walking import Tree, own_files, sample_of, walk
from kzoo.errors import DataError, in_short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Listed", "lists_in", "paths_listed", "read_lists"]

_NO_LABELS = "submission"
"""A word in the name of a table whose labels are made up: Kaggle's ``sample_submission.csv`` shows a form alone."""


@dataclass
class Listed:
    """What lists say.

    Attributes:
        images: By split, each image with its label as it is written, in the order of the lists.
        lists: The lists that were read.
        notes: What must be said: of rows without a label, of rows that come twice, of images that no list has.
        missing: What stands in a list and is not there, as a sentence each.
    """

    images: dict[str, list[tuple[Path, str]]] = field(default_factory=dict)
    lists: tuple[Path, ...] = ()
    notes: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def lists_in(folder: Path) -> list[Path]:
    """Return the files in a folder itself that say the labels of images in it and below.

    These are tables that have a column with names of images that are there and one of labels, and text files of paths
    that are called as a split or ``labels`` is.
    """
    candidates = [path for path in own_files(folder) if path.suffix.lower() in LIST_SUFFIXES]
    candidates = [path for path in candidates if _NO_LABELS not in path.stem.lower() and path.is_file()]
    if not candidates:
        return []
    index = ImageIndex(walk(folder))
    return [path for path in candidates if _lists_images(path, index)]


def read_lists(root: Path, lists: Sequence[Path], *, outside: bool = False, called: bool = False) -> Listed:
    """Return the images that lists name, with their labels.

    The split of an image is what a column ``split`` says of it, or the name of its list (``train.csv``), or the
    outermost folder that speaks of one; where nothing does, it is one of the training.

    Args:
        root: The folder of the data, or the list itself.
        lists: The lists.
        outside: Whether a text file of paths may name files that are neither below its own folder nor beside it.
        called: Whether the column of labels in a table must be called so.

    Raises:
        DataError: A list cannot be read, two of several lists are of the same split or of none, an image has two
            labels, or a path leads outside.
    """
    if len(lists) > 1:
        _check_splits(root, lists)
    folder = root if root.is_dir() else root.parent
    tree = walk(folder) if root.is_dir() or is_table(root) else Tree(folder, ())
    gathered = _Gathered(folder, ImageIndex(tree), outside=outside, called=called)
    for path in lists:
        stem = split_of(path.stem)
        gathered.take(path, stem if len(lists) > 1 or stem == "test" else None)
    found, names = gathered.found, " and ".join(path.name for path in lists)
    found.lists = tuple(lists)
    if gathered.unlabelled:
        found.notes.append(f"{gathered.unlabelled} row(s) of {names} in {folder} have no label and are left out.")
    if gathered.twice:
        found.notes.append(f"{gathered.twice} row(s) of {names} in {folder} name an image that is there already.")
    if lost := [path for path in tree.named(IMAGE_SUFFIXES) if path not in gathered.labels]:
        found.notes.append(
            f"{len(lost)} image(s) in {folder} have no label in {names} and are left out: {sample_of(lost, folder)}."
        )
    if others := left_out_note([path for path in tree.files if path not in lists], folder):
        found.notes.append(others)
    return found


class _Gathered:
    """What was gathered from lists.

    Attributes:
        found: The images.
        labels: The label of each image.
        unlabelled: How many rows have none.
        twice: How many name an image again.
    """

    def __init__(self, folder: Path, index: ImageIndex, *, outside: bool, called: bool) -> None:
        self._folder, self._index, self._outside, self._called = folder, index, outside, called
        self.found, self.labels = Listed(), dict[Path, str]()
        self.unlabelled = self.twice = 0

    def take(self, path: Path, split: str | None) -> None:
        """Take in the rows of a list, whose images are of a split unless a row says another."""
        for entry in entries_of(path, self._index.has, called=self._called):
            said = entry.split or split
            image = self._index.find(entry.name, said) or _named(path, entry, outside=self._outside)
            if image is None:
                self.found.missing.append(f"line {entry.line} of {path.name}: {in_short(entry.name)}")
                continue
            label = image.parent.name if entry.label is None else entry.label
            if not label:
                self.unlabelled += 1
            elif image in self.labels:
                self.twice += 1
                self._check_same(path, entry, image, label)
            else:
                self.labels[image] = label
                said = said or split_in(image, self._folder) or "train"
                self.found.images.setdefault(said, []).append((image, label))

    def _check_same(self, path: Path, entry: Entry, image: Path, label: str) -> None:
        if self.labels[image] != label:
            message = (
                f"Line {entry.line} of {path} gives {image} the label `{label}`, and it has `{self.labels[image]}` "
                "already. One image has one label here."
            )
            raise DataError(message)


def paths_listed(path: Path) -> Iterator[Path]:
    """Yield the files that a list names, whether it has labels or not; those too that are not there.

    Raises:
        DataError: It cannot be read, or it is a table and no column has names of images.
    """
    index = ImageIndex(walk(path.parent) if is_table(path) else Tree(path.parent, ()))
    for entry in entries_of(path, index.has, labelled=False):
        yield index.find(entry.name) or _named(path, entry, outside=True) or path.parent / entry.name


def _lists_images(path: Path, index: ImageIndex) -> bool:
    """Return whether a file lists images of a folder with their labels."""
    if not is_table(path) and not (split_of(path.stem) or path.stem.lower() in ("labels", "list")):
        return False
    try:
        first = next(iter(entries_of(path, index.has)), None)
    except DataError:  # any other table: it is named among what is left out
        return False
    if first is None:
        return False
    return (index.find(first.name) or _named(path, first, outside=False, quiet=True)) is not None


def _check_splits(root: Path, lists: Sequence[Path]) -> None:
    """Raise `DataError` where it stays open what each of several lists is."""
    splits = [split_of(path.stem) for path in lists]
    if None in splits or len(set(splits)) < len(splits):
        names = "`, `".join(path.name for path in lists)
        message = (
            f"{root} has several lists of labels, `{names}`: name the one to read with --data, or call them as the "
            f"splits that they are ({', '.join(SPLITS)})."
        )
        raise DataError(message)


def _named(path: Path, entry: Entry, *, outside: bool, quiet: bool = False) -> Path | None:
    """Return the file that a path in a text file means, from the folder of that or from the working folder."""
    if is_table(path):
        return None
    name = Path(entry.name).expanduser()
    place = next((place for place in (path.parent / name, Path.cwd() / name) if place.exists()), None)
    if place is None or outside:
        return place
    absolute, own = Path(os.path.abspath(place)), Path(os.path.abspath(path.parent))  # noqa: PTH100 - links stay
    above = own.parent
    if absolute.is_relative_to(own) or (absolute.is_relative_to(above) and above not in {absolute, above.parent}):
        return place
    if quiet:
        return None
    message = (
        f"Line {entry.line} of {path} names {place}, which is neither below the folder of the list nor beside it. A "
        "list of somebody else's could name anything on this machine; if you trust it, -o data.outside=true reads what "
        "it names."
    )
    raise DataError(message)
