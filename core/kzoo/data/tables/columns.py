"""A first look at the columns of a table: what each holds, and how it is to be read."""

from __future__ import annotations

import itertools
import shlex
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from kzoo.data.tables.cells import Numbers, folded
from kzoo.data.tables.forms import PLAIN, Form, Told, is_known_unit, told
from kzoo.data.tables.signs import Signs
from kzoo.errors import DataError, in_short

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.csv_file import CsvFile

__all__ = ["FEWEST_IDENTIFIERS", "SeenColumn", "check_row", "look"]

FEWEST_IDENTIFIERS = 10
"""With as many texts that hardly ever come twice, a column names rows and no categories."""

_CHUNK = 4096  # rows looked at together
_MOST_KEPT = 1000  # different texts of a column that are counted
_NUMERIC = ("amount", "date", "time")


@dataclass
class SeenColumn:
    """What a first look at a column finds.

    Attributes:
        name: Its name.
        place: Where it stands in a row.
        numbers: How many of its cells are numbers.
        missing: How many say nothing.
        kinds: How many are neither, by what they may be.
        firsts: The line and the text of the first of each of these.
        different: The different texts among them, letters of both cases alike; up to a thousand.
        notes: What was decided that a user must know.
        goal: Whether it is what is to be predicted.
        signs: What its numbers show of the decimal sign.
    """

    name: str
    place: int
    goal: bool = False
    numbers: int = 0
    missing: int = 0
    kinds: Counter[Told] = field(default_factory=Counter)
    firsts: dict[Told, tuple[int, str]] = field(default_factory=dict)
    different: set[str] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)
    signs: Signs = field(default_factory=Signs)
    _first_number: tuple[int, str] = (0, "")
    _numbers_before: int = 0
    _counting: float | None = 0.0  # the last number while each is one more than that before it

    @property
    def texts(self) -> int:
        """How many cells are neither numbers nor missing."""
        return self.kinds.total()

    def add(self, lines: Sequence[int], cells: Sequence[str], numbers: Numbers) -> None:
        """Take note of some cells."""
        found, read = [], numbers.read
        for line, text in zip(lines, cells, strict=True):
            try:
                found.append(read(text))
            except ValueError:
                kind = told(text)
                self.kinds[kind] += 1
                if kind.kind == "amount":
                    self.signs.add(line, text, kind)
                self.firsts.setdefault(kind, (line, text.strip()))
                if len(self.different) < _MOST_KEPT:
                    self.different.add(folded(text))
                continue
            if found[-1] != found[-1]:
                continue
            self.signs.add(line, text)
            if not self.numbers:
                self.numbers, self._first_number = 1, (line, text.strip())
        values = [value for value in found if value == value]  # noqa: PLR0124 - NaN, and fast
        self.missing += len(found) - len(values)
        self._count(values)

    def _count(self, values: Sequence[float]) -> None:
        """Count numbers, and see whether they go on counting from the last ones."""
        self._numbers_before, before = self._numbers_before + len(values), self._numbers_before
        self.numbers = self._numbers_before
        if values and self._counting is not None:
            begin = values[0] if not before else self._counting + 1
            counts = values[0] == begin and values[-1] == begin + len(values) - 1
            self._counting = values[-1] if counts and values == [begin + n for n in range(len(values))] else None

    def form(self, file: CsvFile, decimal: str, *, forced: bool, padded: bool) -> Form | None:
        """Return how it writes its numbers, or None for a column of categories.

        Args:
            file: Where it is from.
            decimal: The decimal sign of the file, where it is known.
            forced: Whether the user says that it names categories.
            padded: Whether the user says that it holds numbers, also where zeros stand before them.

        Raises:
            DataError: It is empty, holds some cells of one sort and some of another, or names every row by itself.
        """
        if not self.numbers and not self.texts:
            message = f"The column `{self.name}` of {file.path} is empty: leave it out with {self._exclude}."
            raise DataError(message)
        if forced:
            return None
        if padded and self._all("code"):
            return Form("padded")
        if not self.texts:
            self._note_row_numbers()
            return self._grouped(file, decimal)
        if (found := self._numeric_form(file, decimal)) is not None:
            return found
        if padded:
            self._refuse(file, "texts, and data.numeric names it", self._last_kind())
        if self._is_answer():
            return Form("yes or no")
        self._check_names(file)
        return None

    def target_form(self, file: CsvFile, decimal: str) -> Form:
        """Return how a column writes what is to be predicted; refuse one that cannot be predicted as a number."""
        if not self.numbers and not self.texts:
            message = f"The target `{self.name}` of {file.path} is empty in every row. Name another with --target."
            raise DataError(message)
        found = self._numeric_form(file, decimal) if self.texts else self._grouped(file, decimal)
        if found is None or found.name in ("date", "time"):
            line, text = next(iter(self.firsts.values()))
            message = (
                f"The target `{self.name}` of {file.path} holds `{in_short(text)}` in line {line}, which is no "
                f"finite number.{Numbers.hint(text)} This pipeline predicts numbers; name another column with --target."
            )
            raise DataError(message)
        return found

    @property
    def is_of_numbers(self) -> bool:
        """Whether every cell is a number, an amount, or missing."""
        return self._all("amount")

    def _grouped(self, file: CsvFile, decimal: str) -> Form:
        """Return the form of a column in which all is plain numbers by itself; 1,234 may be one with thousands."""
        if where := self.signs.unclear(decimal, file.separator) if file.separator != "," else None:
            self._refuse_unclear(file, where)
        grouping = self.signs.grouping(decimal)
        return Form("amount", "", grouping) if grouping else PLAIN

    def _numeric_form(self, file: CsvFile, decimal: str) -> Form | None:
        """Return the form of a column whose cells all are amounts, or all dates, or all times of day; else None.

        Raises:
            DataError: Most of them are, and others are not; or amounts or dates that can be read in two ways.
        """
        count, filled = Counter[str](), self.numbers + self.texts
        for kind, many in self.kinds.items():
            count[kind.kind] += many
        if count["amount"] and count["amount"] + self.numbers == filled:
            units = {kind.detail for kind in self.kinds} | ({""} if self.numbers else set())
            if len(units) == 1:
                return self._amounts(file, units.pop(), decimal)
            if any(map(is_known_unit, units)):
                self._refuse_units(file)
        for name in ("date", "time"):
            if count[name] == filled:
                if len(self.kinds) > 1:
                    self._refuse(file, "dates with and without an offset from UTC", self._last_kind())
                return Form("date") if name == "date" else Form("time")
        if count["other date"] > filled / 2:
            where = next(where for kind, where in self.firsts.items() if kind.kind == "other date")
            self._refuse(
                file, "dates of which day and month cannot be told for sure", where, "Write them as 2024-12-31."
            )
        name = max(_NUMERIC, key=lambda one: count[one] or -1)
        most = max(count[name], self.numbers)
        if filled / 2 < most < filled and not self._all("code") and not self.goal:
            self._refuse_mixed(file, name if count[name] > self.numbers else "number", most)
        return None

    def _amounts(self, file: CsvFile, unit: str, decimal: str) -> Form:
        signs = {kind.grouping for kind in self.kinds} - {""}
        if len(signs) > 1:
            self._refuse(file, "thousands that are separated in different ways", self._last_kind(), "Write all alike.")
        grouping = next(iter(signs), "") or self.signs.grouping(decimal)
        if where := self.signs.unclear(decimal, file.separator):
            self._refuse_unclear(file, where)
        for kind, where in self.firsts.items():
            if kind.decimal == "," and file.separator == "," and grouping != ".":
                self._refuse(file, "numbers with a decimal comma", where)
        return Form("amount", unit, grouping)

    def _refuse_unclear(self, file: CsvFile, where: tuple[int, str]) -> NoReturn:
        how = "Or say" if Numbers.hint(where[1]) else "Say"
        how += " which sign separates decimals in this file: -o data.decimal=. (a point)"
        how += "." if file.separator == "," else " or -o data.decimal=, (a comma)."
        self._refuse(file, "numbers in which a sign may separate thousands or decimals", where, how)

    def _refuse_units(self, file: CsvFile) -> NoReturn:
        firsts = [(*where, kind.detail) for kind, where in self.firsts.items()]
        if self.numbers:
            firsts.append((*self._first_number, ""))
        line, text, unit = min(firsts)
        other = min((where for where in firsts if where[2] != unit), default=(line, text, unit))
        what = f"amounts of different units, `{in_short(text)}` in line {line} and others"
        self._refuse(file, what, other[:2], "Write all of them in one unit.")

    def _is_answer(self) -> bool:
        """Return whether it holds the two words of one pair, such as yes and no, and nothing else."""
        pairs = {kind.detail for kind in self.kinds}
        if self.numbers or len(pairs) > 1 or {kind.kind for kind in self.kinds} != {"yes or no"}:
            return False
        return len(self.different) > 1 or all(len(text) > 1 for text in self.different)  # `f` alone may be anything

    def _check_names(self, file: CsvFile) -> None:
        """Say that digits are taken as names; refuse texts that name rows."""
        code = Told("code")
        if code in self.kinds:
            line, text = self.firsts[code]
            why = "begins with 0" if text.lstrip("+-").startswith("0") else "has more digits than a number keeps"
            self.notes.append(
                f"`{self.name}`: its values are taken as names, not as numbers, since `{in_short(text)}` in "
                f"line {line} {why}"
            )
        filled = self.numbers + self.texts
        most = len(self.different) + (0 if code in self.kinds else self.numbers)
        if FEWEST_IDENTIFIERS <= len(self.different) < _MOST_KEPT and most > filled / 2:
            line, text = next(iter(self.firsts.values()))
            message = (
                f"The column `{self.name}` of {file.path} holds {len(self.different):,} different texts in {filled:,} "
                f"rows, such as `{in_short(text)}` in line {line}: it names rows and no categories, and each name "
                f"would be an input. Leave it out with {self._exclude}, or "
                f"take it all the same with {self._option('categorical')}."
            )
            if self._all("code"):
                message += f" Where it holds amounts, {self._option('numeric')} reads them as numbers."
            raise DataError(message)

    def _note_row_numbers(self) -> None:
        name = self.name.casefold().replace(" ", "_")
        known = ("id", "index", "row", "nr", "no", "no.", "number", "#")
        # The index that pandas writes has no name, and the next reading and writing gives it one.
        names_rows = name in known or name.endswith("_id") or name.startswith("unnamed:_")
        if names_rows and self.numbers >= FEWEST_IDENTIFIERS and self._counting is not None:
            self.notes.append(
                f"`{self.name}` counts the rows, and is taken as a number; if it says nothing else, leave it out with "
                f"{self._exclude}"
            )

    def _all(self, kind: str) -> bool:
        return all(one.kind == kind for one in self.kinds)

    def _last_kind(self) -> tuple[int, str]:
        """Return the first cell of the sort that was found last; it is another one than that found first."""
        return self._first_number if self.numbers and len(self.kinds) == 1 else list(self.firsts.values())[-1]

    def _refuse_mixed(self, file: CsvFile, name: str, most: int) -> NoReturn:
        others = [where for kind, where in self.firsts.items() if kind.kind != name]
        plural = {"number": "numbers", "amount": "amounts", "date": "dates", "time": "times of day"}[name]
        rest = self.numbers + self.texts - most
        self._refuse(
            file,
            f"{most:,} {plural} and {rest:,} {'texts' if name == 'number' else 'of another sort'}",
            others[0] if others else self._first_number,
            "Mend these cells or empty them.",
        )

    def _refuse(self, file: CsvFile, what: str, where: tuple[int, str], how: str = "") -> NoReturn:
        line, text = where
        otherwise = (
            "Or name another column with --target."
            if self.goal
            else f"Or leave the column out with {self._exclude}, or take all its values as categories with "
            f"{self._option('categorical')}."
        )
        said = " ".join(filter(None, (Numbers.hint(text).strip(), how, otherwise)))
        which = "target" if self.goal else "column"
        found = f"holds {what}, the first in line {line}: `{in_short(text)}`"
        message = f"The {which} `{self.name}` of {file.path} {found}. {said}"
        raise DataError(message)

    @property
    def _exclude(self) -> str:
        return self._option("exclude")

    def _option(self, key: str) -> str:
        return f"-o {shlex.quote(f'data.{key}={self.name}')}"


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


def check_row(file: CsvFile, line: int, cells: Sequence[str]) -> None:
    """Raise `DataError` for a row that has not as many cells as the header."""
    if fault := file.fault(cells):
        message = f"Line {line} of {file.path} {fault}."
        raise DataError(message)
