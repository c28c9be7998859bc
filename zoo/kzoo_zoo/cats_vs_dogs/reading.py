"""What a trained network says of photos: their class, their labels, or how much of them each class has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from kzoo.errors import KzooError, UsageError
from kzoo.pipeline import ClassPrediction, ImageClassReader, LabelsPrediction, SharesPrediction, setting, settings
from kzoo.tasks.label_measures import UNDECIDED, best_thresholds, said_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.frames import Frame
    from kzoo.data.splits import Split
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import Prediction, Reader

__all__ = ["MANY_LABELS", "LabelReader", "ShareReader", "ThresholdSettings", "found_thresholds", "reader_of"]

MANY_LABELS = "multilabel"
_BATCH_SIZE = 128
_BARS_PART, _BAR_PART, _SHADE = 0.3, 0.8, 0.45  # of the height, of the room of a bar, of the brightness behind them
_BAR_COLOUR = (120, 190, 255)


@settings
class ThresholdSettings:
    """From which probability on a label is said."""

    threshold: (
        Annotated[
            float,
            setting(
                "For many labels: the probability from which on any label is said; null for the one of each label that "
                "was best on validation data.",
                ge=0,
                le=1,
            ),
        ]
        | None
    ) = None


def found_thresholds(forward: Forward, validation: Split) -> dict[str, list[float]]:
    """Return what is stored with a network of many labels: for each the threshold with the best F1."""
    from kzoo.engine.outputs import outputs_of

    probabilities = outputs_of(forward, validation, _BATCH_SIZE)
    return {"thresholds": best_thresholds(np.asarray(validation.labels) > 0, probabilities)}


def reader_of(card: Mapping[str, Any], forward: Forward, chosen: ThresholdSettings) -> Reader:
    """Return the reader for the task of a trained network.

    Raises:
        UsageError: A threshold was given for a network that says one class.
    """
    if card.get("task") == MANY_LABELS:
        return LabelReader(card, forward, chosen.threshold)
    if chosen.threshold is not None:
        message = (
            "`threshold` is the probability from which on a label is said, and this model was trained for the task "
            f"{card.get('task') or 'classification'}, not for many labels. Leave it out."
        )
        raise UsageError(message)
    return ShareReader(card, forward) if card.get("task") == "distribution" else ImageClassReader(card, forward)


class LabelReader(ImageClassReader):
    """Each photo by itself through a network that gives a probability for each label.

    Args:
        card: What is stored with the network: ``input_shape``, ``class_names`` and ``thresholds``.
        forward: The network.
        threshold: The one for all labels that takes the place of those; None for these.

    Attributes:
        thresholds: The probability from which on each label is said.
    """

    def __init__(self, card: Mapping[str, Any], forward: Forward, threshold: float | None = None) -> None:
        super().__init__(card, forward)
        stored = card.get("thresholds") if threshold is None else None
        if stored is not None and not _are_thresholds(stored, len(self.class_names)):
            message = (
                f"The model's card has no threshold for each of its {len(self.class_names)} labels, but "
                f"{str(stored)[:80]}: it is damaged. `--threshold 0.5` says them all the same."
            )
            raise KzooError(message)
        even = [UNDECIDED if threshold is None else threshold] * len(self.class_names)
        self.thresholds: Sequence[float] = even if stored is None else stored

    def predict(self, items: Sequence[Frame]) -> list[Any]:
        """Return the labels of each photo, with the probability of all."""
        outputs = np.asarray(self.forward(np.stack([self.prepare(frame.pixels) for frame in items])))
        return [self._labels(row) for row in outputs]

    def _labels(self, row: np.ndarray) -> LabelsPrediction:
        named = {name: float(p) for name, p in zip(self.class_names, row, strict=True)}
        said = [self.class_names[at] for at in np.flatnonzero(said_of(row, self.thresholds))]
        least = dict(zip(self.class_names, self.thresholds, strict=True))
        return LabelsPrediction(tuple(sorted(said, key=lambda name: -named[name])), named, least)


def _are_thresholds(stored: Any, count: int) -> bool:
    """Return whether these are so many numbers from 0 to 1."""
    numbers = isinstance(stored, (list, tuple)) and all(type(one) in (int, float) for one in stored)
    return numbers and len(stored) == count and all(0 <= one <= 1 for one in stored)


class ShareReader(ImageClassReader):
    """Each photo by itself through a network that gives every class its share."""

    def classified(self, inputs: np.ndarray) -> list[ClassPrediction]:
        """Return what the network says of its inputs."""
        return [
            SharesPrediction(one.label, one.index, one.probability, one.probabilities)
            for one in super().classified(inputs)
        ]

    def draw(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        """Return the photo with the histogram along its lower edge and the class that has most in the corner."""
        assert isinstance(prediction, SharesPrediction)
        return super().draw(type(frame)(index=frame.index, pixels=_with_bars(frame.pixels, prediction)), prediction)


def _with_bars(pixels: np.ndarray, prediction: SharesPrediction) -> np.ndarray:
    """Return the picture with a bar for each class on its darkened lower edge."""
    drawn = np.array(pixels)
    height, width = drawn.shape[:2]
    most = max(1, round(_BARS_PART * height))
    drawn[-most:] = drawn[-most:] * _SHADE
    shares = list(prediction.probabilities.values())
    edges = np.linspace(0, width, len(shares) + 1)
    for share, left, right in zip(shares, edges[:-1], edges[1:], strict=True):
        tall = round(share * most)
        if tall:
            drawn[-tall:, round(left) : max(round(left) + 1, round(left + _BAR_PART * (right - left)))] = _BAR_COLOUR
    return drawn
