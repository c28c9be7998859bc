"""Frames -> objects: resized, through the network in batches, decoded, overlaps suppressed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.pipeline import Predictor
from kzoo_zoo.yolov3.decoding import candidates
from kzoo_zoo.yolov3.detections import Detections
from kzoo_zoo.yolov3.letterbox import Letterbox
from kzoo_zoo.yolov3.settings import Settings
from kzoo_zoo.yolov3.suppression import suppress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo.data.frames import Frame, Source
    from kzoo.pipeline import Pipeline
    from kzoo_zoo.yolov3.decoding import Candidates, HeadLike
    from kzoo_zoo.yolov3.result_files import CocoResults, YoloText

__all__ = ["YoloPredictor"]


class YoloPredictor(Predictor):
    """Finds objects.

    Args:
        pipeline: The pipeline it belongs to.
        forward: The network, from a batch of inputs to the heads' raw outputs.
        heads: Its heads, in the order of the outputs.
        input_shape: Height, width and channels of its input.
        class_names: The names of its classes.
        settings: How detections are made of its outputs.
        files: Where they are also written.
        batch_size: The most frames that go through the network at once. Defaults to 8: on a CPU more gain nothing.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        forward: Callable[[np.ndarray], Any],
        heads: Sequence[HeadLike],
        input_shape: Sequence[int],
        class_names: Sequence[str],
        settings: Settings | None = None,
        files: Sequence[CocoResults | YoloText] = (),
        batch_size: int = 8,
    ) -> None:
        super().__init__(pipeline)
        self.forward, self.heads, self.input_shape = forward, heads, tuple(input_shape)
        self.class_names = tuple(class_names)
        self.settings = settings or Settings()
        self.batch_size = batch_size
        self._files = files
        self._source = ""

    def start(self, source: Source) -> None:
        """Remember what the source is called, for the files of results."""
        self._source = source.name

    def predict(self, frames: Sequence[Frame]) -> list[Detections]:
        """Return the objects in each frame."""
        height, width, channels = self.input_shape
        inputs = np.empty((len(frames), height, width, channels), np.float32)
        fitted = [Letterbox.of(frame.pixels.shape, (height, width), self.settings.resize) for frame in frames]
        for place, (frame, box) in enumerate(zip(frames, fitted, strict=True)):
            box.apply_to(frame.pixels, inputs[place])
        found = self.detections(self.forward(inputs), fitted)
        for file in self._files:
            for frame, objects in zip(frames, found, strict=True):
                file.add(frame, objects, self._source)
        return found

    def detections(self, outputs: Any, fitted: Sequence[Letterbox]) -> list[Detections]:
        """Return the objects that the network's raw outputs tell of, one `Detections` for each picture."""
        seen = candidates(
            outputs, self.heads, self.input_shape, threshold=self.settings.threshold, classes=self.settings.classes
        )
        return [self._best(one, box) for one, box in zip(seen, fitted, strict=True)]

    def close(self) -> None:
        """Finish the files of results."""
        for file in self._files:
            file.close()

    def _best(self, seen: Candidates, box: Letterbox) -> Detections:
        height, width = self.input_shape[:2]
        boxes = box.undo(seen.boxes * np.array([width, height, width, height], np.float32))
        settings = self.settings
        # In pixels of the frame: a frame that was stretched overlaps as it is seen.
        kept, scores = suppress(
            boxes,
            seen.labels,
            seen.scores,
            iou=settings.iou,
            soft=settings.soft,
            agnostic=settings.agnostic,
            threshold=settings.threshold,
            most=settings.most,
        )
        return Detections(boxes[kept], seen.labels[kept], scores, self.class_names, box.frame)
