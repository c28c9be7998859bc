"""Photos of digits to classes, each prepared as MNIST's digits were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.frames import write_text
from kzoo.data.frames.video import opencv
from kzoo.pipeline import ClassPrediction, ImageClassReader
from kzoo_zoo.mnist.data import DIGITS
from kzoo_zoo.mnist.preparing import FRAME, PreparedDigit, prepared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.frames import Frame
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import Prediction

__all__ = ["DigitPrediction", "DigitReader"]

_INSET = 0.3  # the side of what the network sees, as a part of the picture's shorter one
_FOUND = (255, 140, 0)


@dataclass(frozen=True)
class DigitPrediction(ClassPrediction):
    """A digit, and what was made of the photo before it was read.

    Attributes:
        seen: What the network saw.
    """

    seen: PreparedDigit = field(default_factory=lambda: PreparedDigit(np.zeros((FRAME, FRAME), np.uint8)))

    @property
    def doubts(self) -> Sequence[str]:
        """What could not be told for sure when the photo was prepared."""
        return self.seen.notes

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return class and probability, the next ones, and what was read."""
        return {**super().columns(top), "read": self.seen.words}

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return the same as of any class, and what was made of the photo."""
        box = None if self.seen.box is None else list(self.seen.box)
        return {**super().to_dict(top), "prepared": {"ink": self.seen.ink or None, "box": box, "as": self.seen.words}}

    def rows(self) -> list[dict[str, Any]]:
        """Return one row with the probability of every class, and what was read."""
        return [{**row, "read": self.seen.words} for row in super().rows()]


class DigitReader(ImageClassReader):
    """Reads photos of single digits, or of other signs; see `kzoo_zoo.mnist.preparing`.

    Args:
        card: What is stored with the network, ``digits`` among it where it knows that these are what it learned from.
        forward: The network.
    """

    def __init__(self, card: Mapping[str, Any], forward: Forward) -> None:
        super().__init__(card, forward)
        self._digits = bool(card.get(DIGITS, True))  # older cards do not say

    def predict(self, items: Sequence[Frame]) -> list[ClassPrediction]:
        """Return the most probable class of what each photo shows, with the probability of all."""
        seen = [prepared(frame.pixels, digits=self._digits) for frame in items]
        found = self.classified(np.stack([one.pixels for one in seen])[..., None])
        return [
            DigitPrediction(one.label, one.index, one.probability, one.probabilities, seen=digit)
            for one, digit in zip(found, seen, strict=True)
        ]

    def draw(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        """Return the photo with a frame around the digit, what the network saw in its corner, and the answer."""
        assert isinstance(prediction, DigitPrediction)
        seen, pixels = prediction.seen, frame.pixels
        if seen.box is None:
            return write_text(pixels, prediction.text)
        pixels = pixels.copy()
        cv2 = opencv()
        left, top, width, height = seen.box
        thick = max(1, min(pixels.shape[:2]) // 150)
        cv2.rectangle(pixels, (left, top), (left + width, top + height), _FOUND, thick)
        side = int(_INSET * min(pixels.shape[:2]))
        if side >= FRAME:
            inset = cv2.resize(seen.pixels, (side, side), interpolation=cv2.INTER_NEAREST)
            pixels[-side:, -side:] = np.repeat(inset[..., None], 3, axis=2)
            cv2.rectangle(pixels, (pixels.shape[1] - side, pixels.shape[0] - side),
                          (pixels.shape[1] - 1, pixels.shape[0] - 1), _FOUND, thick)  # fmt: skip
        return write_text(pixels, prediction.text)
