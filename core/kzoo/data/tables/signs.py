"""Which sign a file writes decimals with, a point or a comma, as its own numbers show."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kzoo.data.tables.cells import Numbers, is_doubtful
from kzoo.data.tables.forms import is_price, told
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from kzoo.data.csv_file import CsvFile
    from kzoo.data.tables.forms import Told

__all__ = ["OTHER", "Signs", "decimal_sign", "foresee"]

OTHER = {",": ".", ".": ","}
"""The sign that separates thousands where the key is the decimal sign."""

_MOST_UNSEPARATED = 3  # digits of a whole number that has no thousands to separate


@dataclass
class Signs:
    """What the numbers of a column show of the two signs.

    Attributes:
        proofs: For a sign, the line and text of the first number that shows it to be the decimal one.
        doubtful: For a sign, those of the first number like 1,234, in which it separates thousands or decimals.
        small: Whether there are whole numbers up to 999.
        large: Whether there are larger ones, without any sign: thousands are not separated here.
        price: The line and text of the first price like $3.459, by gallons or without cents.
    """

    proofs: dict[str, tuple[int, str]] = field(default_factory=dict)
    doubtful: dict[str, tuple[int, str]] = field(default_factory=dict)
    small: bool = False
    large: bool = False
    price: tuple[int, str] | None = None

    def add(self, line: int, text: str, kind: Told | None = None) -> None:
        """Take note of a number, or of an amount and what is told of it."""
        if kind is not None:
            if proof := kind.decimal or OTHER.get(kind.grouping, ""):
                self.proofs.setdefault(proof, (line, text.strip()))
            elif kind.maybe:
                self.doubtful.setdefault(kind.maybe, (line, text.strip()))
                if is_price(kind.detail):
                    self.price = self.price or (line, text.strip())
            elif not kind.grouping:
                self._whole(text)
            return
        sign = "," if "," in text else "." if "." in text else ""
        if not sign:
            self._whole(text)
        elif sign not in self.proofs:  # a proof is enough, and most files have one early
            found = self.doubtful if is_doubtful(text) else self.proofs
            found.setdefault(sign, (line, text.strip()))

    def _whole(self, text: str) -> None:
        if self.small and self.large:
            return
        digits = re.search(r"\d+", text)
        if digits and len(digits[0]) > _MOST_UNSEPARATED:
            self.large = True
        elif digits:
            self.small = True

    def grouping(self, decimal: str) -> str:
        """Return the sign that separates thousands in numbers like 1,234, given the decimal one; empty for none."""
        other = OTHER.get(decimal, "")
        return other if other in self.doubtful else ""

    def unclear(self, decimal: str, separator: str) -> tuple[int, str] | None:
        """Return a number like 1,234 of which nothing says what its sign is, or None.

        Beside numbers up to 999 and none like 1234, it may well be the next larger one. Where all are like 1,234, the
        sign is the decimal one by the custom of the separator: a point anywhere, a comma beside semicolons. Tabs and
        bars say nothing of a comma, and nothing says it of a point in a price.
        """
        if decimal or self.large or not self.doubtful or (self.proofs and len(self.doubtful) == 1):
            return None
        if separator != ";" and "," in self.doubtful:
            return self.doubtful[","]
        if self.price or separator == ",":
            return self.price
        both = len(self.doubtful) > 1
        return next(iter(self.doubtful.values())) if self.small or both else None


def decimal_sign(file: CsvFile, columns: Iterable[Signs], said: str = "", default: str = "") -> str:
    """Return the decimal sign of a file, a comma or a point, or an empty text where nothing shows it.

    Args:
        file: The file.
        columns: What its columns of numbers show.
        said: What the user says it is.
        default: What it is where the file does not show it.

    Raises:
        DataError: It has both, or another one than the user says.
    """
    proofs: dict[str, tuple[int, str]] = {}
    for column in columns:
        for sign, where in column.proofs.items():
            proofs[sign] = min(where, proofs.get(sign, where))
    words = {",": "with a decimal comma", ".": "with a point"}
    if len(proofs) > 1:
        first, second = (f"`{text}` {words[sign]} in line {line}" for sign, (line, text) in sorted(proofs.items()))
        message = (
            f"{file.path} holds {first} and {second}: one of the two signs separates decimals in a file, and the "
            "other thousands. Write all its numbers alike."
        )
        raise DataError(message)
    found = next(iter(proofs), "")
    if found and said and found != said:
        line, text = proofs[found]
        message = (
            f"{file.path} holds `{text}` in line {line}, in which `{said}` does not separate decimals, as data.decimal "
            "says it does."
        )
        raise DataError(message)
    return found or said or default


def foresee(file: CsvFile, places: Sequence[int], default: str = "") -> Numbers:
    """Go through some columns of a file that are known to hold numbers; return what reads its numbers.

    Damage is left for the reading itself to find.

    Args:
        file: The file.
        places: Where the columns stand.
        default: The decimal sign where the file does not show it.

    Raises:
        DataError: The file has both decimal signs.
    """
    numbers, columns = Numbers(file.separator), [Signs() for _ in places]
    rows = file.rows()
    try:
        for line, cells in itertools.filterfalse(lambda row: file.fault(row[1]), rows):
            for signs, place in zip(columns, places, strict=True):
                _see(signs, numbers, line, cells[place])
    except DataError:
        pass  # the reading of the rows comes to the same place, and reports it there
    decimal = decimal_sign(file, columns, default=default)
    unclear = file.separator != "," and any(signs.unclear(decimal, file.separator) for signs in columns)
    return Numbers(file.separator, decimal, doubtful=unclear)


def _see(signs: Signs, numbers: Numbers, line: int, text: str) -> None:
    try:
        value = numbers.read(text, padded=True)
    except ValueError:
        kind = told(text)
        if kind.kind == "amount":
            signs.add(line, text, kind)
        return
    if value == value:  # noqa: PLR0124 - NaN
        signs.add(line, text)
