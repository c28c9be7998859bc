"""A first look at the columns of a table: which hold numbers, which texts, and which neither."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.data.tables.cells import Numbers
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.tables.files import CsvFile

__all__ = ["SeenColumn", "check_row", "look"]

_CHUNK = 4096  # rows looked at together


@dataclass
class SeenColumn:
    """What a first look at a column finds.

    Attributes:
        name: Its name.
        place: Where it stands in a row.
        numbers: How many of its cells are numbers.
        missing: How many say nothing.
        texts: How many are neither.
        first_text: The line and the text of the first of these.
    """

    name: str
    place: int
    numbers: int = 0
    missing: int = 0
    texts: int = 0
    first_text: tuple[int, str] = (0, "")

    def add(self, lines: Sequence[int], cells: Sequence[str], numbers: Numbers) -> None:
        """Take note of some cells."""
        for line, text in zip(lines, cells, strict=True):
            try:
                value = numbers.read(text)
            except ValueError:
                self.texts += 1
                self.first_text = self.first_text if self.first_text[0] else (line, text)
                continue
            if value != value:  # noqa: PLR0124 - NaN, and fast
                self.missing += 1
            else:
                self.numbers += 1

    def is_text(self, file: CsvFile, *, forced: bool) -> bool:
        """Return whether it is a column of texts; refuse one that is neither texts nor numbers, or empty."""
        if not self.numbers and not self.texts:
            message = f"The column `{self.name}` of {file.path} is empty: leave it out with {self._exclude}."
            raise DataError(message)
        if forced or not self.texts:
            return forced
        if self.numbers > self.texts or Numbers.hint(self.first_text[1]):
            line, text = self.first_text
            message = (
                f"The column `{self.name}` of {file.path} holds {self.numbers:,} numbers and {self.texts:,} texts, "
                f"the first in line {line}: `{text}`.{Numbers.hint(text)} Mend these cells or empty them, leave the "
                f"column out with {self._exclude}, or take all its values as categories with "
                f"-o data.categorical={self.name}."
            )
            raise DataError(message)
        return True

    def check_target(self, file: CsvFile) -> None:
        """Refuse a column that cannot be predicted as a number."""
        if self.texts:
            line, text = self.first_text
            message = (
                f"The target `{self.name}` of {file.path} holds `{text}` in line {line}, which is no finite number."
                f"{Numbers.hint(text)} This pipeline predicts numbers; name another column with --target."
            )
            raise DataError(message)
        if not self.numbers:
            message = f"The target `{self.name}` of {file.path} is empty in every row. Name another with --target."
            raise DataError(message)

    @property
    def _exclude(self) -> str:
        return f"-o data.exclude={self.name}"


def look(file: CsvFile, columns: Sequence[SeenColumn]) -> None:
    """Go through a whole file once and take note of what its columns hold."""
    numbers = Numbers(file.separator)
    rows = file.rows()
    while chunk := list(itertools.islice(rows, _CHUNK)):
        for line, cells in chunk:
            check_row(file, line, cells)
        lines = [line for line, _ in chunk]
        across = list(zip(*(cells for _, cells in chunk), strict=True))
        for column in columns:
            column.add(lines, across[column.place], numbers)
    if not any((column.numbers, column.missing, column.texts) != (0, 0, 0) for column in columns):
        message = f"{file.path} has a header and no rows."
        raise DataError(message)
    if numbers.mixed:
        message = f"{file.path} {numbers.mixed}: write all its numbers alike."
        raise DataError(message)


def check_row(file: CsvFile, line: int, cells: Sequence[str]) -> None:
    """Raise `DataError` for a row that has not as many cells as the header."""
    if fault := file.fault(cells):
        message = f"Line {line} of {file.path} {fault}."
        raise DataError(message)
