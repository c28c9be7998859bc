"""A trained model that stays loaded: predict pictures, arrays and rows one after the other, measure it on data."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.data.frames import Failure, Part
from kzoo.data.labels_of_lists import LIST_SUFFIXES
from kzoo.engine import runtime
from kzoo.engine.forward import TENSORFLOW
from kzoo.engine.listener import Silent
from kzoo.errors import DataError
from kzoo.inference.evaluation import Measuring, evaluate, measuring_of, reader_of
from kzoo.inference.faults import naming
from kzoo.inference.predicting import predict_source, predicted
from kzoo.models.saved import find_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kzoo.engine.listener import Listener
    from kzoo.inference.evaluation import Evaluation
    from kzoo.models.card import ModelCard
    from kzoo.models.saved import SavedModel
    from kzoo.pipeline import Prediction, Reader
    from kzoo.runs.folder import Run

__all__ = ["OpenedModel", "open_model"]


class OpenedModel:
    """A trained model; it is loaded when it is first needed, and then kept.

    Args:
        saved: The model on the disk.
    """

    def __init__(self, saved: SavedModel) -> None:
        self._saved = saved
        self._pipeline = saved.pipeline()
        self._forward = saved.forward()
        self._readers: dict[str, Reader] = {}

    @property
    def card(self) -> ModelCard:
        """What is stored with it: pipeline, task, classes, shape of the inputs."""
        return self._saved.card

    @property
    def path(self) -> Path:
        """The ``.keras`` or ``.onnx`` file."""
        return self._saved.path

    @property
    def run(self) -> Run | None:
        """The run it came from, or None."""
        return self._saved.run

    @property
    def model(self) -> Any:
        """The Keras model, without its loss and optimizer; of another engine what that has of it, such as a session."""
        return self._forward.model

    def predict(self, source: Any, **settings: Any) -> Any:
        """Return what the model says of one input, or of several.

        Args:
            source: A picture as a path, an array of shape (H, W, 3), (H, W, 1) or (H, W), uint8, or a PIL image; a row
                of a table as a mapping of columns to values; a list of these, or an array of pictures of shape
                (N, H, W, C), for several. A path may also be what ``kzoo predict`` takes: a folder, a pattern, a
                video, a table.
            **settings: Of the pipeline's reader, as ``--key value`` of ``kzoo predict``.

        Returns:
            One `kzoo.pipeline.Prediction` for one picture or row; a list of them for a list, an array of several, or a
            path that means several inputs.

        Raises:
            DataError: Something cannot be read; a file of a folder too, which ends it.
            UsageError: The pipeline has no such setting, or cannot read such an input.
        """
        reader = self._reader(settings)
        if isinstance(source, (str, Path)):
            return self._predict_path(reader, source)
        several = isinstance(source, (list, tuple)) or getattr(source, "ndim", 0) == 4  # noqa: PLR2004 - N, H, W, C
        found: list[Prediction] = []
        items: list[Any] = []
        for index, one in enumerate(source if several else [source]):
            if isinstance(one, (str, Path)):
                found += self._flush(reader, items)
                told = self._predict_path(reader, one)
                found += told if isinstance(told, list) else [told]
            else:
                items.append(reader.item(one, index))
        found += self._flush(reader, items)
        return found if several else found[0]

    def evaluate(
        self,
        data: str | Path | None = None,
        *,
        batch_size: int | None = None,
        listener: Listener | None = None,
        **settings: Any,
    ) -> Evaluation:
        """Measure the model on the test split of its own data, or on other data as a whole.

        Args:
            data: ``real``, ``sample``, ``auto`` or a path; None for the data that its run used.
            batch_size: Examples in one step; by default that of the run.
            listener: Who is told what happens; by default warnings go through `warnings`.
            **settings: Of the pipeline's reader, where the task is measured by what that says.

        Raises:
            UsageError: ``data`` is no word or path, such as an array, or ``batch_size`` no whole number of at least 1.
            KzooError: A component's distribution is missing, or the data cannot be used.
        """
        if self._saved.engine == TENSORFLOW:
            runtime.start()
        return evaluate(
            self._saved,
            data=data,
            listener=listener or Silent(),
            batch_size=batch_size,
            settings=settings,
            measuring=lambda: self._measuring,
        )

    @functools.cached_property
    def _measuring(self) -> Measuring:
        """The model compiled with its loss and metrics, which is kept so that measuring again compiles nothing."""
        without_loss = self._saved.task().own_measures or self._saved.engine != TENSORFLOW
        return Measuring(self._forward) if without_loss else measuring_of(self._saved)

    def _reader(self, settings: Mapping[str, Any]) -> Reader:
        key = repr(sorted(settings.items()))
        if key not in self._readers:
            reader = reader_of(self._pipeline, self.card.for_reader(), self._forward, settings)
            with naming(str(self.path), reader):
                reader.load()
            self._readers[key] = reader
        return self._readers[key]

    def _predict_path(self, reader: Reader, path: str | Path) -> Any:
        """Return the prediction of a single picture, or those of all that a path means."""
        found: list[Prediction] = []
        sources = reader.open(str(path), Part())
        for source in sources:
            for result in predict_source(reader, source):
                if isinstance(result.item, Failure) or result.prediction is None:
                    raise DataError(result.error or f"{path} could not be predicted.")
                _warn(result.item.place, result.doubts)
                found.append(result.prediction)
        of_list = Path(path).suffix.lower() in LIST_SUFFIXES and all(source.kind == "images" for source in sources)
        single = len(found) == 1 and not of_list and (Path(path).is_file() or "://" in str(path))
        return found[0] if single else found

    @staticmethod
    def _flush(reader: Reader, items: list[Any]) -> list[Prediction]:
        """Return the predictions of inputs that were gathered, and forget these."""
        found: list[Prediction] = []
        for first in range(0, len(items), reader.batch_size):
            answers, doubts = predicted(reader, items[first : first + reader.batch_size])
            found += answers
            for number, against in enumerate(doubts, first):
                _warn(f"input {number}", against)
        items.clear()
        return found

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.card.pipeline} ({self.card.task}) from {self.path}>"


def _warn(what: str, doubts: Sequence[str]) -> None:
    for doubt in doubts:
        warnings.warn(f"{what}: {doubt.rstrip('.')}.", stacklevel=4)


def open_model(
    model: str | Path, engine: str = "", export: Callable[[SavedModel, str], Path] | None = None
) -> OpenedModel:
    """Return a trained model that stays loaded.

    Args:
        model: A run (its folder, its name, or ``last``), a ``.keras`` file that kzoo saved, an ``.onnx`` file that
            it exported, or an address on the hub, ``hf://NAME/REPO@REVISION``.
        engine: What is to run it, as for `kzoo.models.saved.find_model`.
        export: Likewise.

    Of a run that did not come to its end a Python warning says so.

    Raises:
        KzooError: There is no such model, or it does not say which pipeline reads its inputs.
    """
    saved = find_model(str(model), engine=engine, export=export)
    for said in filter(None, (saved.caution(), saved.changed())):
        warnings.warn(said, stacklevel=3)
    return OpenedModel(saved)
