"""What a model knows of the columns of its table, and how their cells become its inputs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.tables.cells import Numbers, is_missing
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["UNKNOWN", "Column", "RowReader", "TableSchema"]

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
    """

    name: str
    categories: tuple[str, ...] = ()
    fill: float = 0.0
    indicator: bool = False

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
    """

    target: str
    columns: tuple[Column, ...]

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
        return {"target": self.target, "columns": [asdict(column) for column in self.columns]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TableSchema:
        """Return what `to_dict` told."""
        columns = [Column(**{**entry, "categories": tuple(entry["categories"])}) for entry in data["columns"]]
        return cls(data["target"], tuple(columns))

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


def _ticked(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


class RowReader:
    """Turns the cells of a row into one number for each column: the number, the index of the category, NaN for none.

    Args:
        columns: The columns.
        places: Where each stands in the row.
        numbers: Reads the numbers of this file.
        texts: For a table to learn from, which columns hold texts; every new text becomes a category. None for a model
            that has learned: a new text is `UNKNOWN`.

    Attributes:
        learning: Whether new texts become categories.
        names: The names of the columns.
        categories: For each column of texts, the index of each text; None for a column of numbers.
        unknown: For each column that held a text or a gap that training never saw, how often, and the line and text of
            the first.
        filled: Likewise for missing numbers.
    """

    def __init__(
        self, columns: Sequence[Column], places: Sequence[int], numbers: Numbers, texts: Sequence[bool] | None = None
    ) -> None:
        self.learning = texts is not None
        self._columns = list(columns)
        self.names = [column.name for column in columns]
        self._places = list(places)
        self._numbers = numbers
        self.categories: list[dict[str, int] | None] = [
            {text: index for index, text in enumerate(column.categories)} if is_text else None
            for column, is_text in zip(columns, texts or [bool(c.categories) for c in columns], strict=True)
        ]
        self.unknown: dict[str, tuple[int, int, str]] = {}
        self.filled: dict[str, tuple[int, int, str]] = {}
        self._noticed: list[tuple[dict[str, tuple[int, int, str]], str, str]] = []
        self._readers = [self._reader(number) for number in range(len(self._columns))]

    def read(self, line: int, cells: Sequence[str]) -> list[float]:
        """Return the values of a row.

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
            f"`{name}`: {count} time{'s' if count > 1 else ''} a text that training never saw, first `{text}` in line "
            f"{line}; it counts as none of the known ones"
            for name, (count, line, text) in self.unknown.items()
        ]
        found += [
            f"`{name}`: {count} missing number{'s' if count > 1 else ''}, first in line {line}, where training had "
            "none; the median of training is taken"
            for name, (count, line, _) in self.filled.items()
        ]
        return found

    def _reader(self, number: int) -> Callable[[str], float]:
        column, known = self._columns[number], self.categories[number]
        name, parse = column.name, self._numbers.read

        def number_of(text: str) -> float:
            try:
                value = parse(text)
            except ValueError as error:
                message = f"column `{name}` holds `{text}`, which is no finite number.{Numbers.hint(text)}"
                raise DataError(message) from error
            if value != value and not (self.learning or column.indicator):  # noqa: PLR0124 - NaN, and fast
                self._noticed.append((self.filled, name, text))
            return value

        def category_of(text: str) -> float:
            assert known is not None
            text = text.strip()
            if is_missing(text):
                if not (self.learning or column.indicator):
                    self._noticed.append((self.unknown, name, text))
                return float("nan")
            if text in known:
                return known[text]
            if self.learning:
                known[text] = len(known)
                return known[text]
            self._noticed.append((self.unknown, name, text))
            return UNKNOWN

        return number_of if known is None else category_of
