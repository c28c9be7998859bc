"""Frames -> objects: resized, through the network in batches, decoded, overlaps suppressed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.pipeline import Reader
from kzoo.tasks.detections import Detections
from kzoo_zoo.yolov3.decoding import candidates
from kzoo_zoo.yolov3.drawing import draw
from kzoo_zoo.yolov3.letterbox import Letterbox
from kzoo_zoo.yolov3.settings import Decisions
from kzoo_zoo.yolov3.suppression import suppress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo.data.frames import Frame, Source
    from kzoo.pipeline import Prediction
    from kzoo_zoo.yolov3.decoding import Candidates, HeadLike
    from kzoo_zoo.yolov3.result_files import CocoResults, YoloText

__all__ = ["DetectorReader", "Loaded"]


@dataclass(frozen=True)
class Loaded:
    """A network that is ready to look at pictures.

    Attributes:
        forward: The network, from a batch of inputs to the heads' raw outputs.
        heads: Its heads, in the order of the outputs.
        input_shape: Height, width and channels of its input.
        class_names: The names of its classes.
        decisions: How detections are made of its outputs.
    """

    forward: Callable[[np.ndarray], Any]
    heads: Sequence[HeadLike]
    input_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    decisions: Decisions = field(default_factory=Decisions)


class DetectorReader(Reader):
    """Finds objects.

    Args:
        network: Returns the network; called when predicting begins.
        files: Where the objects are also written.
        batch_size: The most frames that go through the network at once. Defaults to 8: on a CPU more gain nothing.
    """

    def __init__(
        self, network: Callable[[], Loaded], files: Sequence[CocoResults | YoloText] = (), batch_size: int = 8
    ) -> None:
        self.batch_size = batch_size
        self._make, self._files = network, files
        self._network: Loaded | None = None
        self._source = ""

    @property
    def network(self) -> Loaded:
        """The network, loaded if it was not yet."""
        if self._network is None:
            self._network = self._make()
        return self._network

    def load(self) -> None:
        """Load the network."""
        _ = self.network

    def start(self, source: Source) -> None:
        """Remember what the source is called, for the files of results."""
        self._source = source.name

    def predict(self, items: Sequence[Frame]) -> list[Detections]:
        """Return the objects in each frame."""
        network, frames = self.network, items
        height, width, channels = network.input_shape
        inputs = np.empty((len(frames), height, width, channels), np.float32)
        fitted = [Letterbox.of(frame.pixels.shape, (height, width), network.decisions.resize) for frame in frames]
        for place, (frame, box) in enumerate(zip(frames, fitted, strict=True)):
            box.apply_to(frame.pixels, inputs[place])
        found = self.detections(network.forward(inputs), fitted)
        for file in self._files:
            for frame, objects in zip(frames, found, strict=True):
                file.add(frame, objects, self._source)
        return found

    def detections(self, outputs: Any, fitted: Sequence[Letterbox]) -> list[Detections]:
        """Return the objects that the network's raw outputs tell of, one `Detections` for each picture."""
        network = self.network
        decisions = network.decisions
        seen = candidates(
            outputs, network.heads, network.input_shape, threshold=decisions.threshold, classes=decisions.classes
        )
        return [self._best(one, box) for one, box in zip(seen, fitted, strict=True)]

    def draw(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        """Return the frame with boxes, names and scores, a colour for each class."""
        assert isinstance(prediction, Detections)
        return draw(frame.pixels, prediction)

    def close(self) -> None:
        """Finish the files of results."""
        for file in self._files:
            file.close()

    def _best(self, seen: Candidates, box: Letterbox) -> Detections:
        network = self.network
        height, width = network.input_shape[:2]
        boxes = box.undo(seen.boxes * np.array([width, height, width, height], np.float32))
        decisions = network.decisions
        # In pixels of the frame: a frame that was stretched overlaps as it is seen.
        kept, scores = suppress(
            boxes,
            seen.labels,
            seen.scores,
            iou=decisions.iou,
            soft=decisions.soft,
            agnostic=decisions.agnostic,
            threshold=decisions.threshold,
            most=decisions.most,
        )
        return Detections(boxes[kept], seen.labels[kept], scores, network.class_names, box.frame)
