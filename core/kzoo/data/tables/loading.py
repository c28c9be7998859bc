"""From a table in a file to a data set of numbers: which columns are what, which rows are kept for the test."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from kzoo.data.csv_file import CsvFile
from kzoo.data.splits import ArraySplit, Dataset
from kzoo.data.tables.cells import Numbers, is_missing
from kzoo.data.tables.columns import SeenColumn, check_row, look
from kzoo.data.tables.forms import PLAIN
from kzoo.data.tables.schema import Column, RowReader, TableSchema
from kzoo.data.tables.signs import decimal_sign
from kzoo.errors import DataError, UsageError, in_short

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kzoo.data.splits import Say
    from kzoo.data.tables.options import TableSettings

__all__ = ["read_table"]

_CHUNK = 4096  # rows read together
_MOST_TOLD = 30  # columns
_FEWEST = 2  # one row to learn from and one to test on


def read_table(
    path: Path,
    settings: TableSettings,
    schema: TableSchema | None = None,
    *,
    whole: bool = False,
    say: Say | None = None,
) -> tuple[Dataset, TableSchema]:
    """Read a table into a data set of numbers, and return what a model must know to read others the same way.

    A column in which every cell is a number, or missing, is one of numbers; so is one in which all are amounts of one
    unit, dates, times of day, or yes and no. One in which at most half of them are is one of texts; any other is
    refused, since it is either by mistake, and so is one whose texts hardly ever come twice, since it names rows.
    Medians and categories are those of the rows that are not kept for the test. Rows without a target are left out,
    which the description says.

    Args:
        path: The file.
        settings: How to read it.
        schema: What a trained model knows of its columns; it is then followed, and ``settings`` decides only on the
            test rows.
        whole: Whether the table is only measured on: every row is one for the test.
        say: Called with a line that tells what was made of each column, where it is not known yet.

    Returns:
        Inputs float64 of shape (N, F), labels float32 of shape (N, 1).

    Raises:
        DataError: The table cannot be used; the message names column and line.
        UsageError: A setting names a column that does not exist.
    """
    file, followed = CsvFile.open(path), schema is not None
    if schema is None:
        roles = _roles(file, settings)
        columns = [SeenColumn(name, file.header.index(name)) for name in roles.inputs]
        goal = SeenColumn(roles.target, file.header.index(roles.target), goal=True)
        look(file, [*columns, goal])
        decimal = _decimal(file, [*columns, goal], settings)
        numbers = Numbers(file.separator, decimal)
        forms = [
            c.form(file, decimal, forced=c.name in settings.categories, padded=c.name in settings.numbers)
            for c in columns
        ]
        target, place, target_form = roles.target, goal.place, goal.target_form(file, decimal)
        reader = RowReader([Column(c.name) for c in columns], [c.place for c in columns], numbers, forms)
        notes = [*roles.notes, *(note for column in columns for note in column.notes)]
    else:
        *places, place = schema.places(file.header, path, target=True)
        numbers = schema.numbers(file, [*places, place], settings.decimal)
        reader = RowReader(schema.columns, places, numbers)
        target, notes, target_form = schema.target, [], schema.target_form
    rows = _read(file, reader, place, target, target_form.parser(numbers), settings)
    if rows.without_target:
        notes.append(f"{rows.without_target} row(s) without `{target}` left out (first in line {rows.first_without})")
    test = _test_rows(len(rows.targets), path, settings, whole=whole)
    if schema is None:
        if len(np.unique(rows.targets)) == 1:
            message = f"`{target}` is {rows.targets[0]:g} in every row of {path}: there is nothing to learn."
            raise DataError(message)
        schema, rows.values = _fit(file, reader, target, rows.values, ~test)
        schema = replace(schema, target_form=target_form, decimal=decimal)
        if say is not None:
            say(_told_columns(path, schema))
    notes += reader.notes()
    with np.errstate(over="ignore"):  # infinities are refused below
        labels = rows.targets.astype(np.float32)[:, None]
    inputs = schema.encode(rows.values)
    asked = bool(settings.target) or followed
    return _dataset(path, schema, (inputs, labels), test, notes, asked=asked), schema


def _told_columns(path: Path, schema: TableSchema) -> str:
    """Return what was made of each column, in one line."""
    told = [f"`{column.name}`: {column.words}" for column in schema.columns[:_MOST_TOLD]]
    if len(schema.columns) > _MOST_TOLD:
        told.append(f"and {len(schema.columns) - _MOST_TOLD:,} more columns, see `data.schema` in run.json")
    return f"Columns of {path.name}: {'; '.join(told)}. To predict: `{schema.target}`, {schema.target_form.words}."


def _dataset(
    path: Path,
    schema: TableSchema,
    arrays: tuple[np.ndarray, np.ndarray],
    test: np.ndarray,
    notes: Sequence[str],
    *,
    asked: bool,
) -> Dataset:
    inputs, labels = arrays
    if not np.isfinite(labels).all():
        message = f"`{schema.target}` in {path} is beyond the range of 32-bit floats: give it in another unit."
        raise DataError(message)
    texts = sum(bool(column.categories) for column in schema.columns)
    kinds = [
        f"{count} of {kind}" for count, kind in ((len(schema.columns) - texts, "numbers"), (texts, "texts")) if count
    ]
    chosen = f"`{schema.target}` from columns: {' and '.join(kinds)}, {len(schema.features)} inputs"
    said = [chosen, *([] if asked else ["the target is the last column, since --target names none"]), *notes]
    kept = "all measured on" if test.all() else f"{test.sum():,} kept for the test"
    return Dataset(
        train=ArraySplit(inputs[~test], labels[~test]),
        test=ArraySplit(inputs[test], labels[test]),
        class_names=(),
        description=f"{len(labels):,} rows of {path.name}, {kept}: {'; '.join(said)}",
        location=str(path),
        notes=tuple(f"{path.name}: {note}." for note in notes),
        input_names=tuple(schema.features),
        output_names=(schema.target,),
        schema=schema.to_dict(),
        declares_test=False,
    )


@dataclass
class _Roles:
    """Which columns are inputs and which is the target, and what was decided without being asked."""

    target: str
    inputs: list[str]
    notes: list[str]


def _roles(file: CsvFile, settings: TableSettings) -> _Roles:
    notes = []
    for name, key in (
        (settings.target, "target"),
        *((name, "exclude") for name in settings.excluded),
        *((name, "categorical") for name in settings.categories),
        *((name, "numeric") for name in settings.numbers),
    ):
        if name and name not in file.header:
            listed = ", ".join(f"`{column}`" for column in file.header)
            message = f"`data.{key}` names the column `{name}`, which {file.path} does not have. It has: {listed}."
            raise UsageError(message)
    left_out = set(settings.excluded)
    if "" in file.header:
        left_out.add("")
        notes.append("the first column, which has no name, left out as an index")
    names = [name for name in file.header if name not in left_out]
    target = settings.target or (names[-1] if names else "")
    if settings.target and settings.target in left_out:
        message = f"`data.exclude` leaves out `{target}`, which is the target."
        raise UsageError(message)
    inputs = [name for name in names if name != target]
    if not inputs:
        message = (
            f"{file.path} has no column to predict `{target}` from (its columns are separated by {file.separators})."
        )
        raise DataError(message)
    return _Roles(target, inputs, notes)


@dataclass
class _Rows:
    """The rows of a file as numbers."""

    values: np.ndarray
    targets: np.ndarray
    without_target: int
    first_without: int


def _decimal(file: CsvFile, columns: Sequence[SeenColumn], settings: TableSettings) -> str:
    """Return the decimal sign of a file to learn from, where it is known."""
    if settings.decimal == file.separator:
        message = f"data.decimal says that a comma separates decimals in {file.path}, but it separates the columns."
        raise UsageError(message)
    seen = [column.signs for column in columns if column.is_of_numbers and column.name not in settings.categories]
    return decimal_sign(file, seen, settings.decimal)


def _read(
    file: CsvFile,
    reader: RowReader,
    place: int,
    target: str,
    read_target: Callable[[str], float],
    settings: TableSettings,
) -> _Rows:
    """Go through a file and read its rows."""
    parts: list[np.ndarray] = []
    targets: list[float] = []
    without, first = 0, 0
    rows = file.rows()
    while chunk := list(itertools.islice(rows, _CHUNK)):
        values = []
        for line, cells in chunk:
            check_row(file, line, cells)
            if is_missing(cells[place]):
                without, first = without + 1, first or line
                continue
            try:
                values.append(reader.read(line, cells))
                targets.append(read_target(cells[place]))
            except DataError as error:
                message = f"Line {line} of {file.path}: {error}"
                raise DataError(message) from error
            except ValueError as error:
                shown = in_short(cells[place])
                message = f"Line {line} of {file.path}: `{target}` is `{shown}`, which {_why(error)}."
                raise DataError(message) from error
        _check_categories(file, reader, settings)
        parts.append(np.asarray(values, dtype=np.float64).reshape(len(values), len(reader.categories)))
    found = np.concatenate(parts) if parts else np.empty((0, len(reader.categories)))
    return _Rows(found, np.asarray(targets), without, first)


def _why(error: ValueError) -> str:
    """Return why a cell is no number, as the end of a sentence: forms say it, plain numbers do not."""
    said = str(error)
    return said if said.startswith(("is ", "has ")) else "is no finite number"


def _check_categories(file: CsvFile, reader: RowReader, settings: TableSettings) -> None:
    """Refuse a column of texts that names no categories."""
    for name, known in zip(reader.names, reader.categories, strict=True):
        if reader.learning and known is not None and len(known.names) > settings.max_categories:
            message = (
                f"The column `{name}` of {file.path} holds more than {settings.max_categories} different texts, such "
                f"as `{in_short(known.names[0])}`: that is no set of categories. Leave it out with "
                f"-o data.exclude={name}, or allow more with -o data.max_categories=N."
            )
            raise DataError(message)


def _test_rows(count: int, path: Path, settings: TableSettings, *, whole: bool) -> np.ndarray:
    """Return which rows are kept for the test; it depends on their number alone."""
    if whole and count:
        return np.ones(count, dtype=bool)
    if count < _FEWEST:
        message = (
            f"{path} has {count} row(s) that hold a target: one is needed to learn from and another to test on, at "
            "least."
        )
        raise DataError(message)
    kept = np.zeros(count, dtype=bool)
    most = min(max(1, round(count * settings.test_fraction)), count - 1)
    kept[np.random.default_rng(0x7E57).permutation(count)[:most]] = True
    return kept


def _fit(
    file: CsvFile, reader: RowReader, target: str, values: np.ndarray, train: np.ndarray
) -> tuple[TableSchema, np.ndarray]:
    """Return the schema that the training rows give, and all rows in its terms."""
    columns, found = [], values.copy()
    for number, (name, known) in enumerate(zip(reader.names, reader.categories, strict=True)):
        seen = values[train, number]
        missing = np.isnan(seen)
        if missing.all():
            message = (
                f"The column `{name}` of {file.path} is empty in all rows that are not kept for the test: leave it out "
                f"with -o data.exclude={name}."
            )
            raise DataError(message)
        if known is None:
            fill = float(np.median(seen[~missing]))
            columns.append(Column(name, (), fill, bool(missing.any()), reader.forms[number] or PLAIN))
            continue
        present = {int(index) for index in np.unique(seen[~missing])}
        categories = tuple(sorted(text for index, text in enumerate(known.names) if index in present))
        order = np.full(len(known.names) + 1, -1.0)  # the last for rows of the test whose text training does not see
        for index, text in enumerate(known.names):
            if text in categories:
                order[index] = categories.index(text)
        kept = ~np.isnan(values[:, number])
        found[kept, number] = order[values[kept, number].astype(int)]
        columns.append(Column(name, categories, 0.0, bool(missing.any())))
    return TableSchema(target, tuple(columns)), found
