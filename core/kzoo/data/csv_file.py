"""A table in a text file: its encoding, its separator, its header and its rows."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from kzoo.data.limits import check_regular
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["MAX_COLUMNS", "MAX_RECORD", "TABLE_SUFFIXES", "CsvFile"]

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".tab", ".txt"})
"""Names that end so are taken for tables when a folder is searched; a file named by itself may have any name."""

MAX_RECORD = 4 * 10**6
"""The most characters of one row; more is no table, and would be read into memory whole."""
MAX_COLUMNS = 10_000

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_LOOKED_AT = 1 << 16  # characters from which the separator is told
_RECORDS = 20
_NUL_PART = 8  # of so many bytes of UTF-16, at least one is zero where the text has separators, digits or Latin letters
_SAID = re.compile(r'"?sep=(?P<sign>.)"?\s*', re.IGNORECASE)  # what spreadsheets write before the header


@dataclass(frozen=True)
class CsvFile:
    """A text file that holds a table with a header.

    Attributes:
        path: The file.
        encoding: UTF-8, with or without a byte order mark, or UTF-16 with one.
        separator: A comma, a semicolon, a tab or a bar.
        header: The names of the columns. A first column without a name, which is the index that pandas writes, is
            called by an empty text.
        skipped: The lines before the header: one where the file begins with ``sep=;``, which says the separator.
    """

    path: Path
    encoding: str
    separator: str
    header: tuple[str, ...]
    skipped: int = 0

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
            separator, skipped = _said_separator(path, text), 1
            if not separator:
                separator, skipped = _separator(text, whole=whole), 0
            first = next((cells for _, cells in _records(path, encoding, separator, skipped)), [])
            if not first:
                message = f"{path} holds nothing but the line that says its separator: a table needs a header and rows."
                raise DataError(message)
        return cls(path, encoding, separator, _checked_header(path, first), skipped)

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
            yield from itertools.islice(_records(self.path, self.encoding, self.separator, self.skipped), 1, None)

    def fault(self, cells: Sequence[str]) -> str:
        """Return what is wrong with the number of cells of a row, or an empty text."""
        if len(cells) == len(self.header):
            return ""
        return f"has {len(cells)} cells where the header has {len(self.header)} (separated by {self.separators})"


def _encoding(path: Path) -> str:
    check_regular(path)
    with _reading(path), path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    if start[:2] == b"PK":
        message = f"{path} is a zip archive or a spreadsheet, not text: save the table as CSV (UTF-8)."
        raise DataError(message)
    found = next((name for mark, name in _MARKS if start.startswith(mark)), "")
    if not found and max(start[0::2].count(0), start[1::2].count(0)) > len(start) / _NUL_PART:
        message = (
            f"{path} is text in UTF-16 without a byte order mark, as its zero bytes show: save it as UTF-8, or with "
            "the mark."
        )
        raise DataError(message)
    return found or "utf-8"


def _beginning(path: Path, encoding: str) -> tuple[str, bool]:
    """Return the first characters of a file, and whether they are all of it."""
    with path.open(encoding=encoding, newline="") as file:
        text = file.read(_LOOKED_AT)
        return text, not file.read(1)


def _said_separator(path: Path, text: str) -> str:
    """Return the separator that the first line says, or an empty text where it says none."""
    found = _SAID.fullmatch(text.splitlines()[0])
    if found is None:
        return ""
    if found["sign"] not in _SEPARATORS:
        message = (
            f"{path} says in its first line that `{found['sign']}` separates its columns; kzoo reads tables that are "
            f"separated by {', '.join(_SEPARATORS.values())}."
        )
        raise DataError(message)
    return found["sign"]


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


def _records(path: Path, encoding: str, separator: str, skipped: int = 0) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding=encoding, newline="") as file:
        for _ in range(skipped):
            file.readline(_LOOKED_AT)
        lines = _Lines(file, path, skipped)
        # Strict: a quote that text follows closes no cell, and what stands between two such may be many rows.
        reader = csv.reader(lines, delimiter=separator, strict=True)
        line = 1 + skipped
        while True:
            try:
                cells = next(reader, None)
            except csv.Error as error:
                message = (
                    f"The row that begins in line {line} of {path} is damaged: in line {reader.line_num + skipped}, "
                    f"{error}. A quote at the beginning of a cell that is never closed, or closed in the middle of "
                    'another, does this; write a quote inside a quoted cell twice (`""`).'
                )
                raise DataError(message) from error
            if cells is None:
                return
            if any(cells) or len(cells) > 1:  # nothing but separators: a row of missing values
                yield line, cells
            line = reader.line_num + 1 + skipped
            lines.read = 0


class _Lines:
    """The lines of a file, of which no row may take more than `MAX_RECORD` characters.

    Attributes:
        read: The characters of the present row so far.
    """

    def __init__(self, file: IO[str], path: Path, number: int) -> None:
        self._file, self._path, self._number = file, path, number
        self.read = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._file.readline(MAX_RECORD + 1 - self.read)
        if not line:
            raise StopIteration
        self._number += 1
        self.read += len(line)
        if self.read > MAX_RECORD:
            message = (
                f"The row of {self._path} that ends in line {self._number} or later has more than {MAX_RECORD:,} "
                "characters: that is no table. A quote that is never closed does this, too."
            )
            raise DataError(message)
        return line


def _checked_header(path: Path, cells: Sequence[str]) -> tuple[str, ...]:
    if len(cells) > MAX_COLUMNS:
        message = (
            f"{path} has {len(cells):,} columns, and the limit is {MAX_COLUMNS:,}. If they are right, leave out those "
            "that say nothing before the table is written."
        )
        raise DataError(message)
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
