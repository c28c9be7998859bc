"""Tables as sources of predictions: one input for each row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.csv_file import TABLE_SUFFIXES, CsvFile
from kzoo.data.frames import Failure, Item, Part, Source
from kzoo.data.images import expand
from kzoo.data.tables.schema import RowReader, TableSchema
from kzoo.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Row", "TableSource", "open_tables"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Row(Item):
    """One row of a table.

    Attributes:
        values: Its numbers as `TableSchema.encode` takes them, float64 of shape (columns,).
    """

    values: np.ndarray

    def columns(self) -> dict[str, Any]:
        """Return the table, and the number of the row, counted from 1 without the header."""
        return {"table": str(self.path), "row": self.index + 1}


@dataclass(frozen=True, eq=False, kw_only=True)
class _BadRow(Failure):
    """A row that cannot be read."""

    def columns(self) -> dict[str, Any]:
        """Return the table, and the number of the row, counted from 1 without the header."""
        return {"table": str(self.path), "row": self.index + 1}


@dataclass(eq=False)
class TableSource(Source):
    """The rows of a file, its columns found by their names.

    Attributes:
        schema: The columns that the model takes. Others, the target among them, may be there and are not looked at.
        file: The file.

    Raises:
        DataError: The file lacks a column, and which.
        UsageError: A part of it is asked for in seconds.
    """

    schema: TableSchema = field(kw_only=True)
    file: CsvFile = field(kw_only=True)

    def __post_init__(self) -> None:
        if self.part.start or self.part.end is not None:
            message = "A table has no times: --start and --end are for videos and cameras."
            raise UsageError(message)
        self._places = self.schema.places(self.file.header, self.file.path)

    def __iter__(self) -> Iterator[Item]:
        """Yield the rows in order, and a `Failure` for each one that cannot be read."""
        path = self.file.path
        reader = RowReader(self.schema.columns, self._places, self.schema.numbers(self.file, self._places))
        wanted = 0
        for index, (line, cells) in enumerate(self.file.rows()):
            if self.closed or wanted == self.part.max_frames:
                break
            if index % self.part.every:
                continue
            wanted += 1
            fault = self.file.fault(cells)
            if not fault:
                try:
                    values = np.asarray(reader.read(line, cells))
                except DataError as error:
                    fault = str(error).rstrip(".")
                else:
                    yield Row(index=index, path=path, values=values)
                    continue
            yield _BadRow(index=index, path=path, error=f"{path}, line {line}: {fault}.")
        self.notes.extend(f"{path}, {note}." for note in reader.notes())


def open_tables(text: str, part: Part, schema: TableSchema) -> list[TableSource]:
    """Return the tables that a file, a folder or a pattern stands for.

    Raises:
        DataError: Nothing of that name exists, it holds no table, or a table lacks a column.
    """
    paths = expand(text, suffixes=TABLE_SUFFIXES, what="tables")
    return [TableSource(str(path), "table", part, schema=schema, file=CsvFile.open(path)) for path in paths]
