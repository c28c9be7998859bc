"""A reader and sources -> predictions, one for each input, while they come."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.data.frames import Failure, Frame, Item
from kzoo.errors import KzooError, UsageError
from kzoo.inference.evaluation import reader_of
from kzoo.inference.faults import naming
from kzoo.models.saved import find_model, find_pipeline
from kzoo.plugins.registry import get_registry
from kzoo.runs.folder import DEFAULT_ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    import numpy as np

    from kzoo.data.frames import Source
    from kzoo.models.saved import SavedModel
    from kzoo.pipeline import Pipeline, Prediction, Reader

__all__ = ["Predicting", "Result", "drawn", "find_predicting", "predict_source", "predicted"]

_MOST_BYTES = 64 * 2**20
"""Fewer inputs than the reader takes go into one call where their pixels need more: 32 frames of 4K are 800 MB."""


@dataclass(frozen=True, eq=False)
class Result:
    """What came of one input.

    Attributes:
        item: The input; a `kzoo.data.frames.Failure` where it could not be read.
        prediction: What the reader says, or None.
        seconds: The time that it took, from the pixels to the prediction; of a batch, each input's share.
        doubts: What speaks against the prediction, as sentences.
    """

    item: Item
    prediction: Prediction | None
    seconds: float = 0.0
    doubts: tuple[str, ...] = ()

    @property
    def error(self) -> str:
        """Why there is no prediction, or an empty text."""
        return self.item.error if isinstance(self.item, Failure) else ""


@dataclass(frozen=True)
class Predicting:
    """What is asked for predictions: a trained model, or a pipeline that needs none.

    Attributes:
        pipeline: The pipeline.
        saved: The model, or None.
    """

    pipeline: Pipeline
    saved: SavedModel | None

    def reader(self, settings: Mapping[str, Any] | None = None) -> Reader:
        """Return the reader; the model, and TensorFlow with it, is loaded by `Reader.load`.

        Args:
            settings: Those of the pipeline's `reader_settings`, by name.

        Raises:
            UsageError: The pipeline has no such setting, or predicts nothing without a model.
        """
        return self.readers(settings)()

    def readers(self, settings: Mapping[str, Any] | None = None) -> Callable[[], Reader]:
        """Return what makes readers that have one model in common, which is loaded once; otherwise as `reader`."""
        card = {} if self.saved is None else self.saved.card.for_reader()
        forward = None if self.saved is None else self.saved.forward()
        return lambda: reader_of(self.pipeline, card, forward, settings or {})


def find_predicting(
    text: str,
    root: Path = DEFAULT_ROOT,
    engine: str = "",
    export: Callable[[SavedModel, str], Path] | None = None,
) -> Predicting:
    """Return what ``text`` means: a run or the file of a model, or a pipeline by its name.

    Args:
        text: A run, a file or a pipeline.
        root: The folder that runs are in.
        engine: What is to run a model, as for `find_model`.
        export: Likewise.

    Raises:
        UsageError: It is neither.
    """
    if not Path(text).exists() and get_registry().known(text, "pipeline"):
        if engine:
            message = f"`--engine {engine}` is for a trained model, and `{text}` is a pipeline. Name a run or a file."
            raise UsageError(message)
        return Predicting(find_pipeline(text), None)
    saved = find_model(text, root, engine, export)
    return Predicting(saved.pipeline(), saved)


def predict_source(reader: Reader, source: Source) -> Generator[Result, None, None]:
    """Yield one result for each input of a source, in order; an unreadable one is reported and the rest go on.

    A camera's frames are predicted one by one, the latest first to be asked for; all else goes in batches.
    """
    reader.start(source)
    size = 1 if source.live else max(1, reader.batch_size)
    for chunk in _chunks(source, size):
        inputs = [item for item in chunk if not isinstance(item, Failure)]
        began = time.perf_counter()
        found, doubts = predicted(reader, inputs) if inputs else ([], [])
        took = (time.perf_counter() - began) / max(1, len(inputs))
        answers = iter(zip(found, doubts, strict=True))
        for item in chunk:
            if isinstance(item, Failure):
                yield Result(item, None)
            else:
                prediction, against = next(answers)
                yield Result(item, prediction, took, against)
    reader.finish(source)


def predicted(reader: Reader, inputs: Sequence[Any]) -> tuple[Sequence[Prediction], list[tuple[str, ...]]]:
    """Return what a reader says of inputs, and what speaks against each answer: what it tells, and what was far off.

    Raises:
        KzooError: It gives another number of predictions.
    """
    with naming("", reader):
        found = reader.predict(inputs)
    if len(found) != len(inputs):
        message = (
            f"`{type(reader).__module__}.{type(reader).__name__}` returned {len(found)} predictions for "
            f"{len(inputs)} inputs."
        )
        raise KzooError(message)
    far = [""] * len(inputs) if reader.watch is None else reader.watch.take(len(inputs))
    return found, [(*getattr(one, "doubts", ()), *filter(None, [off])) for one, off in zip(found, far, strict=True)]


def drawn(reader: Reader, result: Result) -> np.ndarray | None:
    """Return the picture of a result with its prediction drawn on it; None where there is neither."""
    if result.prediction is None or not isinstance(result.item, Frame):
        return None
    return reader.draw(result.item, result.prediction)


def _chunks(source: Source, size: int) -> Iterator[Sequence[Item]]:
    chunk: list[Item] = []
    room = 0
    for item in source:
        chunk.append(item)
        room += item.pixels.nbytes if isinstance(item, Frame) else 0
        if len(chunk) == size or room >= _MOST_BYTES:
            yield chunk
            chunk, room = [], 0
    if chunk:
        yield chunk
