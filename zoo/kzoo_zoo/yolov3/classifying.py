"""Pictures -> classes, with a classifier of Darknet's."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.class_names import read_names
from kzoo.data.frames.video import opencv
from kzoo.errors import UsageError
from kzoo.pipeline import ImageClassReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.engine.forward import Forward
    from kzoo_zoo.yolov3.settings import DetectorSettings

__all__ = ["DarknetClassReader"]

_OF_BOTH = frozenset({"names", "batch"})
_GRAY = 1  # channels


class DarknetClassReader(ImageClassReader):
    """Each picture by itself through a network that ends in the probabilities of classes.

    Args:
        card: What is stored with the network.
        forward: The network, which takes float32 in [0, 1].
        settings: Those of a detector; of them, a classifier has only ``names`` and ``batch``.

    Raises:
        UsageError: Another one is set, or there are not as many names as classes.
    """

    def __init__(self, card: Mapping[str, Any], forward: Forward, settings: DetectorSettings) -> None:
        for field in dataclasses.fields(settings):
            if field.name not in _OF_BOTH and getattr(settings, field.name) != field.default:
                option = f"--{field.name.replace('_', '-')}"
                message = f"{option}: it is for detectors, and this network tells what a whole picture shows."
                raise UsageError(message)
        super().__init__(card, forward)
        self.batch_size = settings.batch
        if settings.names:
            names = list(read_names(Path(settings.names).expanduser(), numbered=True))
            if len(names) != len(self.class_names):
                message = f"The network has {len(self.class_names)} classes, and {len(names)} names are given for them."
                raise UsageError(message)
            self.class_names = names

    def prepare(self, pixels: np.ndarray) -> np.ndarray:
        """Return an RGB picture as Darknet gives it to its classifiers: the middle of it, float32 in [0, 1].

        It is resized to what just covers the input, and what stands over on two sides is cut off.
        """
        height, width, channels = self.input_shape
        cv2 = opencv()
        if channels == _GRAY:
            pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        factor = max(height / pixels.shape[0], width / pixels.shape[1])
        sides = max(width, round(pixels.shape[1] * factor)), max(height, round(pixels.shape[0] * factor))
        resized = cv2.resize(pixels, sides, interpolation=cv2.INTER_LINEAR)
        top, left = (sides[1] - height) // 2, (sides[0] - width) // 2
        cut = resized[top : top + height, left : left + width].reshape(height, width, channels)
        return np.asarray(cut * np.float32(1 / 255))
