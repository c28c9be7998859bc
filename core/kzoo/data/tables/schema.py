"""What a model knows of the columns of its table, and how their cells become its inputs."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from kzoo.data.tables.cells import DOUBTFUL, Numbers, folded, is_missing
from kzoo.data.tables.forms import PLAIN, Form
from kzoo.data.tables.signs import foresee
from kzoo.errors import DataError, in_short

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from kzoo.data.csv_file import CsvFile

__all__ = ["UNKNOWN", "Categories", "Column", "RowReader", "TableSchema"]

UNKNOWN = -1.0
"""What stands for a category that training never saw: it is 0 in every column of its one-hot code."""


@dataclass(frozen=True)
class Column:
    """One column that a model takes.

    Attributes:
        name: Its name in the header.
        categories: The texts it held in training, sorted; empty for a column of numbers.
        fill: The median of the training rows, which takes the place of a missing number.
        indicator: Whether an input says that the cell is missing; so where cells were missing in training.
        form: How a column of numbers writes them.
    """

    name: str
    categories: tuple[str, ...] = ()
    fill: float = 0.0
    indicator: bool = False
    form: Form = PLAIN

    @property
    def words(self) -> str:
        """What is made of it, in a few words."""
        if not self.categories:
            return self.form.words
        return f"{len(self.categories)} categor{'y' if len(self.categories) == 1 else 'ies'}"

    @property
    def features(self) -> list[str]:
        """The names of the inputs that it becomes."""
        named = [f"{self.name}={category}" for category in self.categories] or [self.name]
        return [*named, f"{self.name} is missing"] if self.indicator else named

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return the inputs, shape (N, F), for a column of values from `RowReader`."""
        missing = np.isnan(values)
        if self.categories:
            found = (values[:, None] == np.arange(len(self.categories))).astype(np.float64)
        else:
            found = np.where(missing, self.fill, values)[:, None]
        return np.concatenate([found, missing[:, None]], axis=1) if self.indicator else found


@dataclass(frozen=True)
class TableSchema:
    """All that is kept with a model, so that every table becomes its inputs in the very same way.

    Numbers are taken as they are, and a missing one is the median of the training rows. Texts are one-hot; a missing
    or unknown one is 0 throughout. Where cells of a column were missing in training, one more input says so.

    Attributes:
        target: The column that is predicted.
        columns: The columns it is predicted from, in the order of the inputs.
        target_form: How the target writes its numbers.
        decimal: The decimal sign of the table it was learned from, where that showed it or the user said it; another
            table that does not show its own is taken to have the same.
    """

    target: str
    columns: tuple[Column, ...]
    target_form: Form = PLAIN
    decimal: str = ""

    @property
    def features(self) -> list[str]:
        """The names of the model's inputs."""
        return [name for column in self.columns for name in column.features]

    def encode(self, values: np.ndarray) -> np.ndarray:
        """Return the model's inputs, float64 of shape (N, F), for rows of `RowReader`, of shape (N, columns)."""
        parts = [column.encode(values[:, number]) for number, column in enumerate(self.columns)]
        return np.concatenate(parts, axis=1)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, for JSON."""
        return asdict(replace(self, columns=list(self.columns)))  # type: ignore[arg-type] # as JSON has it

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TableSchema:
        """Return what `to_dict` told; raise `ValueError` where it did not."""
        return msgspec.convert(data, cls)

    def places(self, header: Sequence[str], path: Path, *, target: bool = False) -> list[int]:
        """Return where the columns, and the target behind them, stand in a header.

        Raises:
            DataError: Some are missing, and which.
        """
        wanted = [column.name for column in self.columns] + ([self.target] if target else [])
        if missing := [name for name in wanted if name not in header]:
            message = (
                f"{path} lacks {_ticked(missing)}, which the model was trained on. Its columns: {_ticked(header)}."
            )
            raise DataError(message)
        return [header.index(name) for name in wanted]

    def numbers(self, file: CsvFile, places: Sequence[int], said: str = "") -> Numbers:
        """Return what reads the numbers of another table; its own columns show the decimal sign.

        Args:
            file: The table.
            places: Where the columns stand, and the target behind them where it is read.
            said: The decimal sign where the table does not show it; that of the training table where empty.
        """
        forms = [None if column.categories else column.form for column in self.columns] + [self.target_form]
        wanted = [
            place
            for form, place in zip(forms, places, strict=False)  # without the target's, as it may be
            if form is not None and form.name in ("number", "padded", "amount")
        ]
        if file.separator == "," and all(form is None or form.grouping != "." for form in forms):
            return Numbers(",")  # a comma between decimals is not read there, so that a point is one
        return foresee(file, wanted, said or ("" if file.separator == "," else self.decimal))


def _ticked(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


class Categories:
    """The texts of one column, each with its index; the same text in other letters is the same category.

    Args:
        names: The categories that are known.

    Attributes:
        names: All of them, each as it was first written.
        alike: How the others were written that were taken for one of them, with the name of that one.
    """

    def __init__(self, names: Sequence[str] = ()) -> None:
        self.names = list(names)
        self.alike: dict[str, str] = {}
        self._spelled = {name: index for index, name in enumerate(self.names)}
        self._folded: dict[str, int] = {}
        for index, name in enumerate(self.names):
            self._folded[folded(name)] = -1 if folded(name) in self._folded else index  # told apart by their letters

    def index(self, text: str, *, learning: bool) -> int | None:
        """Return the index of a text, or None for one that is not known; while learning, it becomes a category."""
        if (found := self._spelled.get(text)) is not None:
            return found
        key = folded(text)
        found = self._folded.get(key, -1)
        if found < 0:
            if not learning:
                return None
            found = self._folded[key] = len(self.names)
            self.names.append(text)
        else:
            self.alike[text] = self.names[found]
        self._spelled[text] = found
        return found


class RowReader:
    """Turns the cells of a row into one number for each column: the number, the index of the category, NaN for none.

    Args:
        columns: The columns.
        places: Where each stands in the row.
        numbers: Reads the numbers of this file.
        forms: For a table to learn from, how each column writes its numbers, None for one of categories; every new text
            becomes a category. None for a model that has learned: a new text is `UNKNOWN`.

    Attributes:
        learning: Whether new texts become categories.
        names: The names of the columns.
        categories: The categories of each column of texts; None for a column of numbers.
        forms: How each column writes its numbers.
        unknown: For each column that held a text or a gap that training never saw, how often, and the line and text of
            the first.
        filled: Likewise for missing numbers.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        places: Sequence[int],
        numbers: Numbers,
        forms: Sequence[Form | None] | None = None,
    ) -> None:
        self.learning = forms is not None
        self._columns = list(columns)
        self.names = [column.name for column in columns]
        self._places = list(places)
        self._numbers = numbers
        self.forms = list(forms or [None if column.categories else column.form for column in columns])
        self.categories = [
            Categories(column.categories) if form is None else None
            for column, form in zip(columns, self.forms, strict=True)
        ]
        self.unknown: dict[str, tuple[int, int, str]] = {}
        self.filled: dict[str, tuple[int, int, str]] = {}
        self._noticed: list[tuple[dict[str, tuple[int, int, str]], str, str]] = []
        self._readers = [self._reader(number) for number in range(len(self._columns))]

    def read(self, line: int, cells: Sequence[Any]) -> list[float]:
        """Return the values of a row, whose cells are texts, or numbers where somebody gave them in Python.

        Raises:
            DataError: A cell is no number where one is needed; the message names column and text, not the file.
        """
        self._noticed.clear()
        values = [reader(cells[place]) for reader, place in zip(self._readers, self._places, strict=True)]
        for found, name, text in self._noticed:  # not before: of a row that is refused, nothing else is to be said
            count, first, example = found.get(name, (0, line, text))
            found[name] = (count + 1, first, example)
        return values

    def notes(self) -> list[str]:
        """Return what a user must know of the rows read so far."""
        found = [
            f"`{name}`: {count} time{'s' if count > 1 else ''} a text that training never saw, first "
            f"`{in_short(text)}` in line {line}; it counts as none of the known ones"
            for name, (count, line, text) in self.unknown.items()
        ]
        found += [
            f"`{name}`: {count} missing number{'s' if count > 1 else ''}, first in line {line}, where training had "
            "none; the median of training is taken"
            for name, (count, line, _) in self.filled.items()
        ]
        if self.learning:
            found += [
                f"`{name}`: `{in_short(text)}` is taken for `{in_short(known.alike[text])}`"
                + (f", and {len(known.alike) - 1} more spellings of one text as one" if len(known.alike) > 1 else "")
                for name, known in zip(self.names, self.categories, strict=True)
                if known and (text := next(iter(known.alike), None)) is not None
            ]
        return found

    def _reader(self, number: int) -> Callable[[Any], float]:
        column, known, form = self._columns[number], self.categories[number], self.forms[number]
        name, parse = column.name, (form or PLAIN).parser(self._numbers)
        plain = form in (None, PLAIN)

        def number_of(cell: Any) -> float:
            try:
                value = parse(cell) if cell.__class__ is str else _given(cell)
            except ValueError as error:
                doubtful = DOUBTFUL if str(error) == DOUBTFUL else "is no finite number"
                why = doubtful if plain else str(error)
                message = f"column `{name}` holds `{in_short(str(cell))}`, which {why}.{Numbers.hint(str(cell))}"
                raise DataError(message) from error
            if value != value and not (self.learning or column.indicator):  # noqa: PLR0124 - NaN, and fast
                self._noticed.append((self.filled, name, str(cell)))
            return value

        def category_of(cell: Any) -> float:
            assert known is not None
            text = str(cell).strip()
            if is_missing(text):
                if not (self.learning or column.indicator):
                    self._noticed.append((self.unknown, name, text))
                return float("nan")
            found = known.index(text, learning=self.learning)
            if found is None:
                self._noticed.append((self.unknown, name, text))
                return UNKNOWN
            return found

        return category_of if known is not None else number_of


def _given(number: Any) -> float:
    """Return a number that was given in Python; raise ``ValueError`` for one that is infinite."""
    if math.isinf(number):
        message = "is infinite"
        raise ValueError(message)
    return float(number)
