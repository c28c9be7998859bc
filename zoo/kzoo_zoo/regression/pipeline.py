"""The regression pipeline: one number predicted from others, of a table of the user's own or of the sample."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from kzoo.data.csv_file import TABLE_SUFFIXES
from kzoo.data.split_names import split_of
from kzoo.data.tables import Row, TableSchema, TableSettings, open_tables, read_table
from kzoo.data.tables.cells import Numbers
from kzoo.data.tables.forms import PLAIN
from kzoo.data.tables.schema import RowReader as CellReader
from kzoo.data.walking import own_files
from kzoo.errors import DataError, UsageError
from kzoo.pipeline import (
    Built,
    DataSource,
    FromPath,
    FromSample,
    InputField,
    Pipeline,
    Reader,
    ValuePrediction,
    setting,
    settings,
)
from kzoo_zoo.regression import data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from kzoo.data.frames import Frame, Part, Source
    from kzoo.data.splits import Dataset, Reading, Split
    from kzoo.data.tables.schema import Column
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import BuildSettings, Prediction, Problem

__all__ = ["Regression"]

_MOST_ROWS = 1024
_GAUSSIAN = 2  # columns of an output: a mean and a variance


@settings
class RowNetworkSettings:
    """Which network, and how wide."""

    network: Annotated[Literal["default", "classic"], setting("Which network.")] = "default"
    widths: (
        Annotated[tuple[int, ...], setting("The hidden layers of the default network; null for its own.")] | None
    ) = None


@settings
class SampleSettings:
    """What can be said of the sample."""

    target: Annotated[str, setting("The column to predict; the sample has only y.")] = ""


class Regression(Pipeline):
    """Numbers from the columns of a table."""

    name = "regression"
    unit: ClassVar[str] = "rows"
    preprocessing: ClassVar[str] = (
        "the inputs of a row in the order of the card's schema, in their own units; the network scales them itself"
    )
    model_settings: ClassVar[type] = RowNetworkSettings

    def source(self, card: Mapping[str, Any] | None = None) -> DataSource:
        """Return tables, and a noisy wave; for a trained model, tables with the columns that it knows."""
        schema = _schema_of(card or {})
        return DataSource(
            path=FromPath(functools.partial(_read, schema), TableSettings),
            sample=FromSample(functools.partial(_sample, schema), SampleSettings),
            without_real="Give it your table with --data FILE.csv --target COLUMN, or its sample with --data sample.",
        )

    def build(self, problem: Problem, train: Split, settings: BuildSettings) -> Built:
        """Return the network that the settings name; the default one is told the means and deviations of the rows."""
        import numpy as np

        from kzoo_zoo.regression import model as networks

        chosen: RowNetworkSettings = settings.model
        own = {} if chosen.widths is None else {"widths": chosen.widths}
        if own and chosen.network != "default":
            message = "`model.widths` is a setting of the default network; the classic one has fixed widths."
            raise UsageError(message)
        build = getattr(networks, f"build_{chosen.network}")
        model = build(
            problem.input_shape, problem.outputs, problem.regularizer, predicts=problem.predicts or "values", **own
        )
        inputs, targets = train.fetch(np.arange(len(train)))
        networks.adapt(model, np.asarray(inputs), np.asarray(targets))
        return Built(model=model, card={"schema": dict(problem.schema)})

    def reader(self, card: Mapping[str, Any], forward: Forward | None, settings: Any) -> Reader:
        """Return what predicts the rows of tables."""
        del settings
        schema = _schema_of(card)
        if forward is None or schema is None:
            raise UsageError(self.untrained("TABLE.csv"))
        return RowReader(forward, schema)


class RowReader(Reader):
    """Rows through a trained model, many at once.

    Args:
        forward: The model.
        schema: The columns that it knows.
    """

    batch_size = _MOST_ROWS

    def __init__(self, forward: Forward, schema: TableSchema) -> None:
        self._forward, self._schema = forward, schema

    def open(self, text: str, part: Part) -> list[Source]:
        """Return the tables that a file, a folder or a pattern stands for."""
        return list(open_tables(text, part, self._schema))

    def item(self, value: Any, index: int = 0) -> Row:
        """Return a row that was given in Python as a mapping of columns to values; None is a missing value.

        Raises:
            UsageError: It is no mapping, or lacks a column.
            DataError: A value is no number where one is needed.
        """
        import numpy as np

        if not hasattr(value, "keys"):
            message = f"A row must be a mapping of columns to values, not {type(value).__name__}."
            raise UsageError(message)
        names = [column.name for column in self._schema.columns]
        if missing := [name for name in names if name not in value]:
            message = f"The row lacks {', '.join(f'`{name}`' for name in missing)}, which the model was trained on."
            raise UsageError(message)
        cells = [_cell(value[name]) for name in names]
        cell_reader = CellReader(self._schema.columns, range(len(names)), Numbers(","))
        return Row(index=index, values=np.asarray(cell_reader.read(index, cells)))

    def input_fields(self) -> list[InputField]:
        """Return a field for each column: the median of the training rows, or the first category, stands in it."""
        return [_field(column) for column in self._schema.columns]

    def load(self) -> None:
        """Load the model."""
        _ = self._forward.model

    def predict(self, items: Sequence[Row]) -> Sequence[Prediction]:
        """Return the predicted number of each row by the target's name, and its deviation where that is predicted."""
        import numpy as np

        outputs = self._forward(self._schema.encode(np.stack([row.values for row in items])))
        target = self._schema.target
        if outputs.shape[-1] != _GAUSSIAN:
            return [ValuePrediction({target: float(row[0])}) for row in outputs]
        return [
            ValuePrediction({target: float(mean), f"{target} deviation": max(0.0, float(variance)) ** 0.5})
            for mean, variance in outputs
        ]

    def draw(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        """Raise `TypeError`: there is no picture to draw on."""
        del frame, prediction
        message = "The pipeline `regression` reads rows of tables, not pictures."
        raise TypeError(message)


def _field(column: Column) -> InputField:
    if column.categories:
        default, gap = column.categories[0], ("",) if column.indicator else ()
        return InputField(name=column.name, choices=(*column.categories, *gap), default=default, words=column.words)
    plain = column.form == PLAIN  # what a median is in another form of writing, nobody could read
    return InputField(name=column.name, default=f"{column.fill:.6g}" if plain else "", words=column.words)


def _cell(value: Any) -> Any:
    """Return a value as a cell: a number as it is, all else as text, nothing for None."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return "" if value is None else str(value)


def _schema_of(card: Mapping[str, Any]) -> TableSchema | None:
    stored = card.get("schema")
    if not stored:
        return None
    try:
        schema = TableSchema.from_dict(stored)
    except ValueError as error:
        message = f"The model's file does not say what the columns of its table are: {error}. Train it anew."
        raise DataError(message) from error
    shape = tuple(card.get("input_shape", ()))
    if shape and shape != (len(schema.features),):
        message = (
            f"The model's file tells of {len(schema.features)} inputs from the columns of its table, but its network "
            f"takes {' x '.join(map(str, shape))}. Train it anew."
        )
        raise DataError(message)
    return schema


def _read(schema: TableSchema | None, path: Path, settings: TableSettings, reading: Reading) -> Dataset:
    """Read a table with a header; of a folder that is only measured on, its only one or its test."""
    if path.is_dir() and reading.whole:
        tables = [file for file in own_files(path) if file.suffix.lower() in TABLE_SUFFIXES]
        tests = [file for file in tables if split_of(file.stem) == "test"] or tables
        path = tests[0] if len(tests) == 1 else path
    if path.is_dir():
        message = f"{path} is a folder; name the table itself, as in --data {path}/table.csv."
        raise DataError(message)
    dataset, _ = read_table(path, settings, schema, whole=reading.whole, say=reading.say)
    return replace(dataset, notes=(*dataset.notes, *_blind_metrics(dataset)))


def _sample(schema: TableSchema | None, settings: SampleSettings) -> Dataset:
    """Return the noisy function of one number; its only target is ``y``."""
    if schema not in (None, data.SAMPLE_SCHEMA):
        names = ", ".join(f"`{column.name}`" for column in schema.columns)
        message = f"The model was trained on the columns {names} of another table, which the sample does not have."
        raise DataError(message)
    if settings.target not in ("", data.SAMPLE_SCHEMA.target):
        message = (
            f"The sample has no column `{settings.target}`: it is y over x. Name your own table with --data FILE.csv."
        )
        raise UsageError(message)
    return data.sample()


def _blind_metrics(dataset: Dataset) -> list[str]:
    """Return what a user must know of metrics that this target leads astray; Keras says nothing of it."""
    import numpy as np

    y = np.concatenate([np.asarray(split.labels).reshape(-1) for split in (dataset.train, dataset.test)])
    (name,) = dataset.output_names
    below, zero = int((y < 0).sum()), int((y == 0).sum())
    found = []
    if below:
        found.append(f"`{name}` is below 0 in {below:,} rows: `msle` takes these as 0, and predictions below 0 too.")
    if zero:
        found.append(f"`{name}` is 0 in {zero:,} rows: `mape` divides by it and becomes huge.")
    return found
