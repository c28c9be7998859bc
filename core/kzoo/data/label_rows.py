"""Rows of a list that say many labels of an image, or a share of each class: a column for each, or all in one."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.data.labels_of_lists import ImageTable, entries_of, is_table
from kzoo.errors import DataError, in_short

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "COUNTS",
    "DISTRIBUTION",
    "MANY",
    "MEANINGS",
    "NUMBERS",
    "ONE",
    "ImageRow",
    "RowList",
    "meaning_of",
    "read_rows",
]

ONE, MANY, DISTRIBUTION, COUNTS = "one", "many", "distribution", "counts"
MEANINGS = (ONE, MANY, DISTRIBUTION, COUNTS)
"""What the labels of images can be: one class for each, any number of labels, shares of classes, counts of these."""

NUMBERS = "numbers"
"""What is said of columns of numbers that are neither all 0 or 1 nor shares: only a user knows what they are."""

_SIGNS = re.compile(r"[;|]")
_PLURALS = frozenset({"labels", "classes", "tags", "categories", "targets"})
_ANSWERS = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}
_TOLERANCE = 1e-3
"""A row of shares may sum to this much more or less than 1, as where they are rounded; it is then made 1."""
_LOOKED_AT = 1000  # rows from which it is told what they mean
_MOSTLY = 0.9  # of the cells of columns of numbers are numbers
_FEWEST = 2  # columns of classes among which shares are divided


@dataclass(frozen=True)
class ImageRow:
    """What one row says of an image.

    Attributes:
        line: Its line in the file, from 1.
        name: What it calls the image.
        values: A number for each name of the list; of one column of labels, the labels themselves.
        split: What a column says of the split, or None.
    """

    line: int
    name: str
    values: tuple[float, ...] | tuple[str, ...]
    split: str | None = None


@dataclass(frozen=True)
class RowList:
    """A list read.

    Attributes:
        path: The file.
        names: The names of the columns of numbers; None where a single column holds labels.
        rows: Its rows.
        column: The name of the single column.
    """

    path: Path
    names: tuple[str, ...] | None
    rows: tuple[ImageRow, ...]
    column: str = ""


def meaning_of(path: Path, is_there: Callable[[str], bool]) -> str:
    """Return what the labels of a list are, one of `MEANINGS`, as far as the list shows it.

    A column of labels that has ``;`` or ``|`` in a cell has many of them. Of several columns of numbers, all 0 or 1,
    each is a label; where the numbers of rows sum to 1, they are a distribution.

    Args:
        path: The list.
        is_there: Returns whether there is an image of this name.

    Returns:
        Also `NUMBERS`; an empty text where nothing is said of images.

    Raises:
        DataError: It cannot be read, or blanks in a column such as ``labels`` leave open what is one label.
    """
    if not is_table(path):
        return ONE
    table = ImageTable.open(path, is_there)
    if table.image is None:
        return ""
    looked_at = [cells for (_, cells), _ in zip(table.rows(), range(_LOOKED_AT), strict=False)]
    place = table.others[0] if table.label is None and len(table.others) == 1 else table.label
    if place is not None:
        return _of_column(path, table.header[place], [cells[place] for cells in looked_at])
    return _of_columns([[cells[place].strip().lower() for place in table.others] for cells in looked_at])


def _of_columns(rows: list[list[str]]) -> str:
    """Return what several columns say, a wrong cell here and there aside; an empty text where they are no numbers."""
    values = [[_ANSWERS[cell] if cell in _ANSWERS else _number(cell) for cell in row] for row in rows]
    known = [value for row in values for value in row if value is not None]
    if not rows or len(rows[0]) < _FEWEST or len(known) < _MOSTLY * len(rows) * len(rows[0]):
        return ""
    if all(value in (0, 1) for value in known):
        return MANY
    sums = [sum(value or 0 for value in row) for row in values]
    return DISTRIBUTION if min(known) >= 0 and any(abs(one - 1) <= _TOLERANCE for one in sums) else NUMBERS


def _of_column(path: Path, column: str, cells: list[str]) -> str:
    if any(_SIGNS.search(cell) for cell in cells):
        return MANY
    blank = next((cell.strip() for cell in cells if " " in cell.strip()), "")
    if column.lower() in _PLURALS and blank:
        message = (
            f"The column `{column}` of {path} has cells with blanks, such as `{in_short(blank)}`, and it stays open "
            "whether these are one label or several. Say it: -o data.labels=many reads each word as a label, -o "
            "data.labels=one the whole cell. Labels that are separated by `;` or `|` need no word."
        )
        raise DataError(message)
    return ONE


def read_rows(path: Path, meaning: str, is_there: Callable[[str], bool]) -> RowList:
    """Return the rows of a list, whose values are checked.

    Args:
        path: The list: a table, or of many labels also a text file with a path and labels in each line.
        meaning: ``many``, ``distribution`` or ``counts``.
        is_there: Returns whether there is an image of this name.

    Raises:
        DataError: It cannot be read, lacks columns, or a value is not what it must be; the line and the column are
            named.
    """
    if not is_table(path):
        return _of_lines(path, meaning, is_there)
    table = ImageTable.open(path, is_there)
    if table.image is None:
        columns = ", ".join(f"`{name}`" for name in table.file.header)
        message = (
            f"No column of {path} has names of images that are there; it has {in_short(columns)}. Call it `image`; the "
            "images are looked for in the folder of the table and below."
        )
        raise DataError(message)
    if meaning == MANY and (table.label is not None or (len(table.others) == 1 and not _are_answers(table))):
        return _of_labels(path, table)
    _check_columns(path, table, meaning)
    names = tuple(table.header[place] for place in table.others)
    read = _answer if meaning == MANY else _amount
    rows = []
    for line, cells in table.rows():
        values = tuple(read(path, line, table.header[place], cells[place]) for place in table.others)
        if meaning != MANY:
            values = _shares(path, line, values, counted=meaning == COUNTS)
        rows.append(ImageRow(line, cells[table.image].strip(), values, table.split_of(cells)))
    return RowList(path, names, tuple(rows))


def _are_answers(table: ImageTable) -> bool:
    """Return whether the only other column holds answers, 0 or 1, and is so a label itself."""
    return all(cells[table.others[0]].strip().lower() in _ANSWERS for _, cells in table.tried)


def _check_columns(path: Path, table: ImageTable, meaning: str) -> None:
    """Raise `DataError` where a table has no columns of labels or classes."""
    fewest = 1 if meaning == MANY else _FEWEST
    if len(table.others) >= fewest and all(table.header[place] for place in table.others):
        return
    what = "a column for each label (0 or 1), or one called `labels`" if meaning == MANY else "a column for each class"
    found = ", ".join(f"`{table.header[place]}`" for place in table.others) or "none"
    message = (
        f"{path} has no columns that say {'the labels' if meaning == MANY else 'how much each class has'}: expected "
        f"{what} beside the names of images, under a header. Beside them it has {found}."
    )
    raise DataError(message)


def _of_labels(path: Path, table: ImageTable) -> RowList:
    """Return the rows of a table with all labels in one column, separated by ``;`` or ``|``, else by blanks."""
    place = table.others[0] if table.label is None else table.label
    found = list(table.rows())
    separated = any(_SIGNS.search(cells[place]) for _, cells in found)
    assert table.image is not None
    rows = tuple(
        ImageRow(line, cells[table.image].strip(), _labels(cells[place], by_signs=separated), table.split_of(cells))
        for line, cells in found
    )
    return RowList(path, None, rows, table.header[place] or str(place + 1))


def _of_lines(path: Path, meaning: str, is_there: Callable[[str], bool]) -> RowList:
    if meaning != MANY:
        message = (
            f"{path} is a list of paths, and shares of classes are read from a table: a CSV with the column `image` "
            "and a column for each class."
        )
        raise DataError(message)
    entries = list(entries_of(path, is_there))
    separated = any(_SIGNS.search(entry.label or "") for entry in entries)
    rows = tuple(ImageRow(entry.line, entry.name, _labels(entry.label or "", by_signs=separated)) for entry in entries)
    return RowList(path, None, rows, "label")


def _labels(cell: str, *, by_signs: bool) -> tuple[str, ...]:
    """Return the labels in a cell, each once; none of an empty one."""
    parts: Iterator[str] = (part.strip() for part in (_SIGNS.split(cell) if by_signs else cell.split()))
    return tuple(dict.fromkeys(part for part in parts if part))


def _answer(path: Path, line: int, column: str, cell: str) -> float:
    found = _ANSWERS.get(cell.strip().lower())
    if found is None:
        message = (
            f"Line {line} of {path} has {_shown(cell)} in the column `{column}`, and a label is there or not: 1 or 0. "
            "Shares of classes that sum to 1 are read with -o data.labels=distribution, counts with "
            "-o data.labels=counts."
        )
        raise DataError(message)
    return found


def _amount(path: Path, line: int, column: str, cell: str) -> float:
    found = _number(cell)
    if found is None or found < 0:
        what = "below 0" if found is not None else "no finite number"
        message = (
            f"Line {line} of {path} has {_shown(cell)} in the column `{column}`, which is {what}: a share or a count "
            "of a class is a number of at least 0. A column that is no class must be left out of the table."
        )
        raise DataError(message)
    return found


def _shares(path: Path, line: int, values: tuple[float, ...], *, counted: bool) -> tuple[float, ...]:
    """Return shares that sum to 1."""
    total = math.fsum(values)
    if not counted and abs(total - 1) > _TOLERANCE:
        message = (
            f"The numbers in line {line} of {path} sum to {total:.6g}, and the shares of the classes of one image sum "
            "to 1. If they are counts, such as answers of people, say so: -o data.labels=counts divides each row by "
            "its sum."
        )
        raise DataError(message)
    if not total or not math.isfinite(total):
        message = f"The counts in line {line} of {path} sum to {total:.6g}: nothing is said of that image."
        raise DataError(message)
    return tuple(value / total for value in values)


def _number(cell: str) -> float | None:
    """Return a finite number, or None."""
    try:
        found = float(cell)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _shown(cell: str) -> str:
    return f"`{in_short(cell.strip())}`" if cell.strip() else "nothing"
