"""A predictor and sources -> predictions, one for each input, while they come."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.data.frames import Failure, Frame, Item
from kzoo.errors import KzooError
from kzoo.inference.evaluation import find_model
from kzoo.models.saving import load_model
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo.runs.folder import DEFAULT_ROOT
from kzoo.settings.predict_settings import check_settings, predict_settings

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    import numpy as np

    from kzoo.data.frames import Source
    from kzoo.inference.evaluation import SavedModel
    from kzoo.pipeline import Pipeline, Prediction, Predictor

__all__ = ["Result", "Target", "annotated", "check_settings", "find_target", "predict_settings", "predict_source"]

_MOST_BYTES = 64 * 2**20
"""Fewer inputs than the predictor takes go into one call where their pixels need more: 32 frames of 4K are 800 MB."""


@dataclass(frozen=True, eq=False)
class Result:
    """What came of one input.

    Attributes:
        item: The input; a `kzoo.data.frames.Failure` where it could not be read.
        prediction: What the predictor says, or None.
        seconds: The time that it took, from the pixels to the prediction; of a batch, each input's share.
    """

    item: Item
    prediction: Prediction | None
    seconds: float = 0.0

    @property
    def error(self) -> str:
        """Why there is no prediction, or an empty text."""
        return self.item.error if isinstance(self.item, Failure) else ""


@dataclass(frozen=True)
class Target:
    """What is asked for predictions: a trained model, or a pipeline that needs none.

    Attributes:
        pipeline: The pipeline.
        saved: The model, or None.
    """

    pipeline: Pipeline
    saved: SavedModel | None

    def predictor(self, settings: Mapping[str, Any] | None = None) -> Predictor:
        """Return the predictor; this loads the model, and TensorFlow with it.

        Args:
            settings: Keyword-only arguments of the pipeline's `predictor`, by name.

        Raises:
            UsageError: The pipeline has no such setting, or predicts nothing without a model.
            KzooError: The model cannot be loaded.
        """
        settings = settings or {}
        check_settings(self.pipeline, settings)
        if self.saved is None:
            return self.pipeline.predictor(None, {}, **settings)
        from kzoo.training.trainer import predictor

        forward = predictor(load_model(self.saved.path, compile=False))
        return self.pipeline.predictor(forward, self.saved.card, **settings)


def find_target(text: str, root: Path = DEFAULT_ROOT) -> Target:
    """Return what ``text`` means: a run or a ``.keras`` file, or a pipeline by its name.

    Raises:
        UsageError: It is neither.
    """
    registry = get_registry()
    if not Path(text).exists() and text.replace("-", "_") in registry.names("pipeline"):
        return Target(load_target(registry.get("pipeline", text))(), None)
    saved = find_model(text, root)
    return Target(saved.pipeline(), saved)


def predict_source(predictor: Predictor, source: Source) -> Generator[Result, None, None]:
    """Yield one result for each input of a source, in order; an unreadable one is reported and the rest go on.

    A camera's frames are predicted one by one, the latest first to be asked for; all else goes in batches.
    """
    predictor.start(source)
    size = 1 if source.live else max(1, predictor.batch_size)
    for chunk in _chunks(source, size):
        inputs = [item for item in chunk if not isinstance(item, Failure)]
        began = time.perf_counter()
        found = predictor.predict(inputs) if inputs else []
        took = (time.perf_counter() - began) / max(1, len(inputs))
        if len(found) != len(inputs):
            message = (
                f"The pipeline `{predictor.pipeline.name}` returned {len(found)} predictions for {len(inputs)} inputs."
            )
            raise KzooError(message)
        predictions = iter(found)
        for item in chunk:
            failed = isinstance(item, Failure)
            yield Result(item, None if failed else next(predictions), 0.0 if failed else took)
    predictor.finish(source)


def annotated(predictor: Predictor, result: Result) -> np.ndarray | None:
    """Return the picture of a result with its prediction drawn on it; None where there is neither."""
    if result.prediction is None or not isinstance(result.item, Frame):
        return None
    return predictor.draw(result.item, result.prediction)


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
