"""A table in a text file: its encoding, its separator, its header and its rows."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["TABLE_SUFFIXES", "CsvFile"]

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"})
"""Names that end so are taken for tables when a folder is searched; a file named by itself may have any name."""

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_LOOKED_AT = 1 << 16  # characters from which the separator is told
_RECORDS = 20


@dataclass(frozen=True)
class CsvFile:
    """A text file that holds a table with a header.

    Attributes:
        path: The file.
        encoding: UTF-8, with or without a byte order mark, or UTF-16 with one.
        separator: A comma, a semicolon, a tab or a bar.
        header: The names of the columns. A first column without a name, which is the index that pandas writes, is
            called by an empty text.
    """

    path: Path
    encoding: str
    separator: str
    header: tuple[str, ...]

    @classmethod
    def open(cls, path: Path) -> CsvFile:
        """Look at the beginning of a file.

        Raises:
            DataError: It cannot be read, is no text, or its header has no names, or one name twice.
        """
        encoding = _encoding(path)
        with _reading(path):
            text, whole = _beginning(path, encoding)
            if not text.strip():
                message = f"{path} is empty: a table needs a header and rows."
                raise DataError(message)
            separator = _separator(text, whole=whole)
            first = next(cells for _, cells in _records(path, encoding, separator))
        return cls(path, encoding, separator, _checked_header(path, first))

    @property
    def separators(self) -> str:
        """What separates the columns, in words."""
        return _SEPARATORS[self.separator]

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the line that each row begins in, counted from 1, and its cells; blank lines are left out.

        The number of cells is not looked at: see `check`.

        Raises:
            DataError: The file is damaged from here on.
        """
        with _reading(self.path):
            yield from itertools.islice(_records(self.path, self.encoding, self.separator), 1, None)

    def fault(self, cells: Sequence[str]) -> str:
        """Return what is wrong with the number of cells of a row, or an empty text."""
        if len(cells) == len(self.header):
            return ""
        return f"has {len(cells)} cells where the header has {len(self.header)} (separated by {self.separators})"


def _encoding(path: Path) -> str:
    with _reading(path), path.open("rb") as file:
        start = file.read(4)
    if start[:2] == b"PK":
        message = f"{path} is a zip archive or a spreadsheet, not text: save the table as CSV (UTF-8)."
        raise DataError(message)
    return next((name for mark, name in _MARKS if start.startswith(mark)), "utf-8")


def _beginning(path: Path, encoding: str) -> tuple[str, bool]:
    """Return the first characters of a file, and whether they are all of it."""
    with path.open(encoding=encoding, newline="") as file:
        text = file.read(_LOOKED_AT)
        return text, not file.read(1)


def _separator(text: str, *, whole: bool) -> str:
    """Return the separator that makes the first records alike, with the most columns."""
    best, most = "", 1
    for separator in _SEPARATORS:
        records = [r for r in itertools.islice(csv.reader(text.splitlines(True), delimiter=separator), _RECORDS) if r]
        if not whole and len(records) < _RECORDS:
            records = records[:-1] or records  # the last one may be cut off
        columns = len(records[0])
        alike = all(len(record) == columns for record in records)
        if alike and columns > most:
            best, most = separator, columns
    # A row that is too short or too long is its own error, and must not make the whole file one column.
    return best or max(_SEPARATORS, key=text.splitlines()[0].count)


def _records(path: Path, encoding: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding=encoding, newline="") as file:
        reader = csv.reader(file, delimiter=separator)
        line = 1
        for cells in reader:
            if any(cells):
                yield line, cells
            elif len(cells) > 1:
                yield line, cells  # nothing but separators: a row of missing values
            line = reader.line_num + 1


def _checked_header(path: Path, cells: Sequence[str]) -> tuple[str, ...]:
    names = tuple(cell.strip() for cell in cells)
    if all(_is_number(name) for name in names):
        message = f"The first line of {path} holds numbers only ({', '.join(names[:5])}): it must name the columns."
        raise DataError(message)
    for number, name in enumerate(names[1:], 2):
        if not name:
            message = f"Column {number} of {path} has no name in the header (first line): name it or remove it."
            raise DataError(message)
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        places = [str(number) for number, name in enumerate(names, 1) if name == twice[0]]
        message = (
            f"The header of {path} names `{twice[0]}` {len(places)} times (columns {', '.join(places)}): rename one."
        )
        raise DataError(message)
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


class _reading:  # noqa: N801 - a context manager, named like a function
    """Says in one sentence what is wrong with a file that cannot be read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, UnicodeError):
            message = f"{self._path} is not text in UTF-8 ({error}): save it as CSV in UTF-8, or it is no table at all."
            raise DataError(message) from error
        if isinstance(error, csv.Error):
            message = f"{self._path} is damaged as a table: {error}. A quote that is never closed does this, too."
            raise DataError(message) from error
        if isinstance(error, OSError):
            message = f"{self._path} cannot be read: {error.strerror or error}."
            raise DataError(message) from error
