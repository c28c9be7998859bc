"""A saved model on images of the user's own."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.images import read_image
from kzoo.errors import DataError
from kzoo.saving import load_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kzoo.evaluation import SavedModel
    from kzoo.pipeline import Prediction

__all__ = ["ImagePrediction", "predict_images"]


@dataclass(frozen=True)
class ImagePrediction:
    """What came of one image: a prediction, or the reason why there is none.

    Attributes:
        path: The image.
        prediction: What the model says, or None.
        error: Why the image could not be read, or an empty text.
    """

    path: Path
    prediction: Prediction | None
    error: str = ""


def predict_images(saved: SavedModel, paths: Iterable[Path], *, batch_size: int = 64) -> Iterator[ImagePrediction]:
    """Yield one result for each image, in order; an unreadable one is reported and the rest go on.

    Raises:
        KzooError: The model cannot be loaded.
    """
    from kzoo.training.trainer import predictor

    pipeline = saved.pipeline()
    shape = tuple(saved.card["input_shape"])
    model = load_model(saved.path, compile=False)
    predict = predictor(model)
    names = saved.card["class_names"]
    waiting = iter(paths)
    while chunk := list(itertools.islice(waiting, batch_size)):
        read = [_read(path, pipeline, shape) for path in chunk]
        inputs = [item for item in read if isinstance(item, np.ndarray)]
        outputs = predict(np.stack(inputs)) if inputs else np.empty((0,))
        found = iter(pipeline.decode(outputs, names))
        for path, item in zip(chunk, read, strict=True):
            if isinstance(item, str):
                yield ImagePrediction(path, None, item)
            else:
                yield ImagePrediction(path, next(found))


def _read(path: Path, pipeline: Any, shape: tuple[int, ...]) -> np.ndarray | str:
    try:
        return pipeline.prepare(read_image(path), shape)  # type: ignore[no-any-return]
    except DataError as error:
        return str(error)
