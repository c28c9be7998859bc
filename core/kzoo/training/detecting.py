"""A detector over a whole test set, and over the validation split while it is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.data.frames import Frame
from kzoo.detection import DetectionOutcome
from kzoo.detection.average_precision import coco_library
from kzoo.errors import DataError, KzooError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from kzoo.detection import AnnotatedSet, Found
    from kzoo.pipeline import Forward, Pipeline

__all__ = ["EPOCH_FIGURES", "detector_outcome", "epoch_measure"]

EPOCH_FIGURES = {"val_ap": "map", "val_ap50": "map_50", "val_ap75": "map_75"}
"""What is logged of an epoch's average precision, and what COCO's rules call it."""

_DECISION = 0.25


def detector_outcome(
    pipeline: Pipeline,
    forward: Forward,
    card: Mapping[str, Any],
    dataset: AnnotatedSet,
    settings: Mapping[str, Any] | None = None,
) -> DetectionOutcome:
    """Return what a detector finds in the pictures of a set: exactly what ``kzoo predict`` would.

    Args:
        pipeline: Decodes its outputs.
        forward: The network.
        card: What is stored with it.
        dataset: The pictures; they are read one batch at a time.
        settings: Settings of the pipeline's predictor, instead of its ``evaluation_settings``.

    Raises:
        UsageError: The detector does not know a class of the set.
        DataError: A picture cannot be read, or there is none.
        KzooError: What measures boxes is not installed.
    """
    try:
        coco_library()
    except ImportError as error:
        raise KzooError(str(error)) from error
    settings = {**pipeline.evaluation_settings, **(settings or {})}
    dataset = dataset.in_classes(card["class_names"])
    if not dataset.images:
        message = f"There is no picture to measure on in {dataset.description}."
        raise DataError(message)
    predictor = pipeline.predictor(forward, card, **settings)
    found: list[Found] = []
    for first in range(0, len(dataset.images), predictor.batch_size):
        images = dataset.images[first : first + predictor.batch_size]
        frames = [
            Frame(index=first + place, path=image.path, pixels=image.read()) for place, image in enumerate(images)
        ]
        found += predictor.predict(frames)  # type: ignore[arg-type] # a detector's predictions are boxes
    predictor.close()
    return DetectionOutcome(dataset, found, max(_DECISION, float(settings.get("threshold", 0))))


def epoch_measure(
    pipeline: Pipeline, forward: Forward, card: Mapping[str, Any], dataset: AnnotatedSet, *, every: int, epochs: int
) -> Callable[[int], dict[str, float]]:
    """Return a function from an epoch's number, from 0, to its `EPOCH_FIGURES`; empty for epochs that are left out.

    Args:
        pipeline: As in `detector_outcome`.
        forward: The network, with the weights that it has at the time of a call.
        card: What will be stored with it.
        dataset: The pictures to measure on.
        every: Which epochs: each that is a multiple of this, and the last.
        epochs: How many there are.
    """

    def now(x: Any) -> Any:
        return forward(x)  # without the network itself, which a predictor would compile anew after every epoch

    def measure(epoch: int) -> dict[str, float]:
        if (epoch + 1) % every and epoch + 1 != epochs:
            return {}
        summary = detector_outcome(pipeline, now, card, dataset).coco.summary()
        return {shown: float(summary[name]) for shown, name in EPOCH_FIGURES.items()}

    return measure
