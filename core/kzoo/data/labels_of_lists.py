"""Rows of a list of labels: the image that each names, its label, and its split where a column says it."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.data.csv_file import CsvFile
from kzoo.data.decoding import IMAGE_SUFFIXES
from kzoo.data.split_names import split_word
from kzoo.data.texts import LONGEST, reason_of, text_of
from kzoo.errors import DataError, in_short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["LIST_SUFFIXES", "Entry", "ImageTable", "entries_of", "is_table"]

_TABLES = frozenset({".csv", ".tsv"})
LIST_SUFFIXES = _TABLES | {".txt", ".lst"}
"""How the names of lists end."""

_IMAGE_NAMES = frozenset(
    {"image", "images", "img", "file", "filename", "filepath", "filepaths", "path", "paths", "imagename", "imagepath"}
    | {"imageid", "imgname", "imgpath", "imgid", "id", "idcode", "name", "picture", "photo", "fname", "imagefile"}
)
_LABEL_NAMES = frozenset(
    {"label", "labels", "class", "classes", "classname", "classid", "category", "target", "breed", "species", "y"}
    | {"diagnosis", "level", "tag", "tags", "categories", "targets", "count"}
)
_SPLIT_NAMES = frozenset({"split", "set", "subset", "dataset", "partition"})
_TRIED = 5  # rows in which images are looked for, to tell their column
_PAIR = 2


@dataclass(frozen=True)
class Entry:
    """One row.

    Attributes:
        line: Its line in the file, from 1.
        name: What it calls the image.
        label: The label as it is written; None where the list has none, so that the image's folder says it.
        split: What a column says of the split, or None.
    """

    line: int
    name: str
    label: str | None = None
    split: str | None = None


def is_table(path: Path) -> bool:
    """Return whether a list is a table by its name; any other is a text file of paths."""
    return path.suffix.lower() in _TABLES


def entries_of(
    path: Path, is_there: Callable[[str], bool], *, labelled: bool = True, called: bool = False
) -> Iterator[Entry]:
    """Yield the rows of a list.

    Args:
        path: A table with a header, or a text file with a path in each line and perhaps a label behind it.
        is_there: Returns whether there is an image of this name.
        labelled: Whether a table must have labels.
        called: Whether the column of labels must be called so; else it may be the other one of two.

    Raises:
        DataError: It cannot be read, or it is a table and no column has names of images or none has labels.
    """
    yield from _of_table(path, is_there, labelled=labelled, called=called) if is_table(path) else _of_lines(path)


@dataclass(frozen=True)
class ImageTable:
    """A table that says something of images, one or more rows for each.

    Attributes:
        file: The text file.
        header: The names of its columns; empty texts where it has none.
        image: The column with names of images; None where no column has names of images that are there.
        label: The column that is called as labels are; None where none is.
        split: The column that is called as splits are; None where none is.
        tried: The first rows, which were looked at.
        rest: The other rows.
    """

    file: CsvFile
    header: tuple[str, ...]
    image: int | None
    label: int | None
    split: int | None
    tried: tuple[tuple[int, list[str]], ...]
    rest: Iterator[tuple[int, list[str]]]

    @classmethod
    def open(cls, path: Path, is_there: Callable[[str], bool]) -> ImageTable:
        """Look at the first rows of a table.

        Args:
            path: The table.
            is_there: Returns whether there is an image of this name.

        Raises:
            DataError: It cannot be read.
        """
        file = CsvFile.open(path)
        rows, header = file.rows(), list(file.header)
        tried = list(itertools.islice(rows, _TRIED))
        image = _image_column(header, [cells for _, cells in tried] or [header], is_there)
        if image is not None and is_there(header[image]):  # there is no header: the first line is a row
            tried, header = [(1, header), *tried], [""] * len(header)
        label = _column(header, _LABEL_NAMES - {header[image].lower()} if image is not None else _LABEL_NAMES)
        return cls(file, tuple(header), image, label, _column(header, _SPLIT_NAMES), tuple(tried), rows)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line and the cells of each row, once.

        Raises:
            DataError: A row has another number of cells than the header, or it says a split that there is not where
                others say one that there is.
        """
        says_splits, strange = False, None
        for line, cells in itertools.chain(self.tried, self.rest):
            if fault := self.file.fault(cells):
                message = f"Line {line} of {self.file.path} {fault}."
                raise DataError(message)
            if word := self._split_word(cells):
                says_splits, strange = says_splits or bool(split_word(word)), strange or _unknown(line, word)
            if says_splits and strange:
                message = (
                    f"Line {strange[0]} of {self.file.path} has {in_short(strange[1])!r} in the column "
                    f"`{self.header[self.split or 0]}`, which says no split, and other lines have one that does. Write "
                    "train, val or test there, or take out the lines that are for none of them."
                )
                raise DataError(message)
            yield line, cells

    def split_of(self, cells: Sequence[str]) -> str | None:
        """Return the split that a row says, or None."""
        return split_word(self._split_word(cells))

    def _split_word(self, cells: Sequence[str]) -> str:
        """Return what stands in the column of splits; an empty text where there is none."""
        return "" if self.split is None or self.split in (self.image, self.label) else cells[self.split].strip()

    @property
    def others(self) -> tuple[int, ...]:
        """The columns that neither name images nor splits; the index without a name that pandas writes is none."""
        named = (place for place, name in enumerate(self.header) if name)
        return tuple(place for place in named if place not in (self.image, self.split))


def _unknown(line: int, word: str) -> tuple[int, str] | None:
    """Return a line and its word where that says no split."""
    return None if split_word(word) else (line, word)


def _of_table(path: Path, is_there: Callable[[str], bool], *, labelled: bool, called: bool) -> Iterator[Entry]:
    table = ImageTable.open(path, is_there)
    image, label = table.image, table.label
    if label is None and len(table.header) == _PAIR and image is not None and not called:
        label = 1 - image
    if image is None or (labelled and label in (None, image)):
        columns = ", ".join(f"`{name}`" for name in table.file.header)
        what = "names of images that are there" if image is None else "their labels"
        message = (
            f"No column of {path} has {what}; it has {in_short(columns)}. Call the columns `image` and `label`; the "
            "images are looked for in the folder of the table and below."
        )
        raise DataError(message)
    for line, cells in table.rows():
        split = None if label == table.split else table.split_of(cells)
        yield Entry(line, cells[image].strip(), None if label is None else cells[label].strip(), split)


def _of_lines(path: Path) -> Iterator[Entry]:
    """Yield the lines of a text file: a path, and perhaps a blank, a tab or a comma and a label behind it."""
    try:
        text = text_of(path, 8 * LONGEST)
    except (OSError, UnicodeDecodeError) as error:
        message = f"The list {path} cannot be read: {reason_of(error)}."
        raise DataError(message) from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, label = _parted(line.strip())
        yield Entry(number, name, label)


def _parted(line: str) -> tuple[str, str | None]:
    """Return the path and the label of a line; a path may have blanks in it, and it ends as an image's name does.

    Example:
        >>> [_parted(line) for line in ("a b/1.jpg", "a/1.jpg 3", "1.png,big cat", "a/1 dog")]
        [('a b/1.jpg', None), ('a/1.jpg', '3'), ('1.png', 'big cat'), ('a/1', 'dog')]
    """
    if line.lower().endswith(tuple(IMAGE_SUFFIXES)):
        return line, None
    ends = "|".join(re.escape(suffix) for suffix in sorted(IMAGE_SUFFIXES, key=len, reverse=True))
    found = re.fullmatch(rf"(?i)(.*?(?:{ends}))[\s,;]+(.*)", line) or re.fullmatch(r"(.*\S)[\s,;]+(\S+)", line)
    return (found[1], found[2].strip()) if found else (line, None)


def _image_column(header: Sequence[str], rows: Sequence[Sequence[str]], is_there: Callable[[str], bool]) -> int | None:
    """Return the column that names images: one in which all of the first rows do, else one that is called so."""
    fitting = [row for row in rows if len(row) == len(header)]
    counts = [sum(bool(row[column]) and is_there(row[column]) for row in fitting) for column in range(len(header))]
    called = _column(header, _IMAGE_NAMES)
    if called is not None and counts[called]:
        return called
    best = max(range(len(header)), key=counts.__getitem__, default=None)
    return best if best is not None and counts[best] else called


def _column(header: Sequence[str], names: frozenset[str]) -> int | None:
    """Return the first column that is called so, signs and capitals apart."""
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in header]
    return next((place for place, name in enumerate(plain) if name in names), None)
