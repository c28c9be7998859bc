"""The regression pipeline: one number predicted from others, of a table of the user's own or of the sample."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from kzoo.data.tables import TableSchema, TableSettings, open_tables, read_table
from kzoo.errors import DataError, UsageError
from kzoo.pipeline import Pipeline, Predictor, ValuePrediction
from kzoo_zoo.regression import data

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np

    from kzoo.data.frames import Part, Source
    from kzoo.data.splits import Dataset, Split
    from kzoo.data.tables import Row
    from kzoo.pipeline import Forward, Prediction

__all__ = ["Regression"]

_MOST_ROWS = 1024
_GAUSSIAN = 2  # columns of an output: a mean and a variance


class Regression(Pipeline):
    """Numbers from the columns of a table."""

    name = "regression"
    task = "regression"
    unit: ClassVar[str] = "rows"
    has_real_data: ClassVar[bool] = False

    def __init__(self) -> None:
        self.schema: TableSchema | None = None

    def restore(self, card: Mapping[str, Any]) -> None:
        """Take up the columns that a model was trained on."""
        if schema := card.get("schema"):
            self.schema = TableSchema.from_dict(schema)

    def fetch_real(self, *, download: bool, progress: Any = None) -> Path:
        """Raise `DataError`: there is no data set that regression as such would mean."""
        del download, progress
        message = (
            "The pipeline `regression` has no data set of its own to download. Give it a table of yours with --data "
            "FILE.csv --target COLUMN, or its sample with --data sample."
        )
        raise DataError(message)

    def load_path(
        self,
        path: Path,
        *,
        target: str = "",
        exclude: str | Sequence[str] = (),
        categorical: str | Sequence[str] = (),
        max_categories: int = 50,
        test_fraction: float = 0.2,
    ) -> Dataset:
        """Read a table with a header.

        Args:
            path: The file.
            target: The column to predict; the last one where empty.
            exclude: Columns to leave out: a list, or names with commas between.
            categorical: Columns of numbers that name categories; likewise.
            max_categories: The most different texts in a column of texts.
            test_fraction: The part of the rows that is kept for the test.
        """
        if path.is_dir():
            message = f"{path} is a folder; name the table itself, as in --data {path}/table.csv."
            raise DataError(message)
        settings = TableSettings(str(target), _names(exclude), _names(categorical), max_categories, test_fraction)
        dataset, _ = read_table(path, settings, self.schema)
        return replace(dataset, notes=(*dataset.notes, *_blind_metrics(dataset)))

    def load_sample(self, *, target: str = "") -> Dataset:
        """Return the noisy function of one number; its only target is ``y``."""
        if self.schema not in (None, data.SAMPLE_SCHEMA):
            names = ", ".join(f"`{column.name}`" for column in self.schema.columns) if self.schema else ""
            message = f"The model was trained on the columns {names} of another table, which the sample does not have."
            raise DataError(message)
        if target not in ("", data.SAMPLE_SCHEMA.target):
            message = f"The sample has no column `{target}`: it is y over x. Name your own table with --data FILE.csv."
            raise UsageError(message)
        return data.load_sample()

    def build_model(
        self,
        input_shape: Sequence[int],
        num_classes: int,
        *,
        regularizer: Any = None,
        predicts: str = "values",
        network: str = "default",
        widths: Sequence[int] | None = None,
    ) -> Any:
        """Return the network of that name, ``default`` or ``classic``.

        Args:
            input_shape: The number of inputs.
            num_classes: The number of values to predict.
            regularizer: For the kernels of all layers, or None.
            predicts: What the loss wants: numbers, numbers above 0, or mean and variance.
            network: Which network.
            widths: The hidden layers of the default network; None for its own.
        """
        from kzoo_zoo.regression import model

        if network == "default":
            own = {} if widths is None else {"widths": widths}
            return model.build_default(input_shape, num_classes, regularizer, predicts=predicts, **own)
        if network != "classic":
            message = f"`model.network` must be default or classic, not {network!r}."
            raise UsageError(message)
        if widths is not None:
            message = "`model.widths` is a setting of the default network; the classic one has fixed widths."
            raise UsageError(message)
        return model.build_classic(input_shape, num_classes, regularizer, predicts=predicts)

    def adapt(self, model: Any, train: Split) -> None:
        """Normalize inputs and target of the default network by the training rows."""
        import numpy as np

        from kzoo_zoo.regression.model import adapt

        inputs, targets = train.fetch(np.arange(len(train)))
        adapt(model, np.asarray(inputs), np.asarray(targets))

    def prepare(self, frame: np.ndarray, input_shape: Sequence[int]) -> np.ndarray:
        """Raise `TypeError`: the inputs are rows of tables."""
        del frame, input_shape
        message = "The pipeline `regression` reads rows of tables, not pictures."
        raise TypeError(message)

    def values(self, outputs: np.ndarray) -> np.ndarray:
        """Return the predicted numbers, shape (N, 1); of mean and variance, the mean."""
        return outputs[:, :1]

    def decode(self, outputs: np.ndarray, class_names: Sequence[str]) -> list[ValuePrediction]:
        """Return the predicted number of each row by the target's name, and its deviation where that is predicted."""
        del class_names
        target = self._known().target
        if outputs.shape[-1] != _GAUSSIAN:
            return [ValuePrediction({target: float(row[0])}) for row in outputs]
        return [
            ValuePrediction({target: float(mean), f"{target} deviation": max(0.0, float(variance)) ** 0.5})
            for mean, variance in outputs
        ]

    def draw(self, frame: np.ndarray, prediction: Prediction) -> np.ndarray:
        """Raise `TypeError`: there is no picture to draw on."""
        del prediction
        return self.prepare(frame, ())

    def open_sources(self, text: str, part: Part) -> list[Source]:
        """Return the tables that a file, a folder or a pattern stands for."""
        return list(open_tables(text, part, self._known()))

    def predictor(self, forward: Forward | None, card: Mapping[str, Any]) -> Predictor:
        """Return what predicts the rows of tables."""
        if forward is None:
            return super().predictor(forward, card)
        return _RowPredictor(self, forward, self._known())

    def _known(self) -> TableSchema:
        if self.schema is None:
            message = (
                "`regression` is a pipeline, and it needs a trained model to predict. Train one with `kzoo run "
                "regression`, then name the run: `kzoo predict last TABLE.csv`."
            )
            raise UsageError(message)
        return self.schema


class _RowPredictor(Predictor):
    """Rows through a trained model, many at once."""

    batch_size = _MOST_ROWS

    def __init__(self, pipeline: Pipeline, forward: Forward, schema: TableSchema) -> None:
        super().__init__(pipeline)
        self._forward, self._schema = forward, schema

    def predict(self, frames: Sequence[Row]) -> Sequence[Prediction]:
        """Return the prediction of each row."""
        import numpy as np

        inputs = self._schema.encode(np.stack([row.values for row in frames]))
        return self.pipeline.decode(self._forward(inputs), ())


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


def _names(given: str | Sequence[str]) -> list[str]:
    """Return a list of names, or those of a text with commas between."""
    if isinstance(given, str):
        return [name.strip() for name in given.split(",") if name.strip()]
    return [str(name) for name in given]
