"""Frames -> the class of every pixel: made to fit the network, through it, and back to the frame's own size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.frames import Label, write_labels
from kzoo.data.frames.video import opencv
from kzoo.engine.forward import TENSORFLOW, Forward
from kzoo.errors import KzooError, UsageError
from kzoo.pipeline import Reader, picture_shape
from kzoo.tasks.mask_drawing import overlaid, palette_of
from kzoo.tasks.segments import Segments
from kzoo_zoo.segmentation.result_files import CocoMasks, MaskFolder
from kzoo_zoo.segmentation.split import fitted_picture, fitted_size, in_channels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.frames import Frame, Source
    from kzoo.pipeline import Prediction
    from kzoo_zoo.segmentation.settings import ReaderSettings

__all__ = ["SegmentationReader"]

_NAMED = 0.01  # classes with a smaller share of a picture get no name on it
_LOWEST = 0.5  # of the height, below which no name begins: in a small picture many would leave little of it
_BRIGHT = 140.0  # above it, black letters are easier to read than white ones


class SegmentationReader(Reader):
    """Tells the class of every pixel.

    Args:
        card: What is stored with the network: ``input_shape``, ``class_names``, ``box`` and ``colours``.
        forward: The network.
        settings: How.
    """

    def __init__(self, card: Mapping[str, Any], forward: Forward, settings: ReaderSettings) -> None:
        if settings.full and getattr(forward, "engine", TENSORFLOW) != TENSORFLOW:
            message = (
                "`full` lets the network see pictures of any size, and an exported one takes one size alone. Name "
                "the run or its .keras file, or leave it out."
            )
            raise UsageError(message)
        self.forward, self.settings = forward, settings
        self._network = forward
        self.input_shape = picture_shape(card)
        self.class_names = tuple(card["class_names"])
        self.box = _box_of(card, self.input_shape)
        self.colours = _colours_of(card, len(self.class_names))
        self.batch_size = settings.batch
        self._files: list[MaskFolder | CocoMasks] = []
        if settings.masks:
            self._files.append(MaskFolder(Path(settings.masks).expanduser()))
        if settings.coco:
            self._files.append(CocoMasks(Path(settings.coco).expanduser()))
        self._source = ""

    def load(self) -> None:
        """Load the network."""
        _ = self.forward.model
        if self.settings.full:
            from kzoo_zoo.segmentation.networks import of_any_size

            # Not watched: in another size than those of the training, details are always of another kind.
            self._network = Forward(self.forward.made(of_any_size))

    def start(self, source: Source) -> None:
        """Remember what the source is called, for the files of results."""
        self._source = source.name

    def predict(self, items: Sequence[Frame]) -> list[Segments]:
        """Return the classes of each frame's pixels."""
        groups = [[frame] for frame in items] if self.settings.full else [items]
        found = [segments for group in groups for segments in self._of_one_size(group)]
        for file in self._files:
            for frame, segments in zip(items, found, strict=True):
                file.add(frame, segments, self._source)
        return found

    def _of_one_size(self, frames: Sequence[Frame]) -> list[Segments]:
        box = frames[0].pixels.shape[:2] if self.settings.full else self.box
        channels = self.input_shape[-1]
        inputs = np.stack([fitted_picture(in_channels(frame.pixels, channels), box) for frame in frames])
        outputs = np.asarray(self._network(inputs))
        if self.settings.mirror:
            mirrored = np.asarray(self._network(np.ascontiguousarray(inputs[:, :, ::-1])))
            outputs = (outputs + mirrored[:, :, ::-1]) / 2
        return [self._segments(frame, output, box) for frame, output in zip(frames, outputs, strict=True)]

    def _segments(self, frame: Frame, output: np.ndarray, box: tuple[int, ...]) -> Segments:
        size = frame.pixels.shape[:2]
        height, width = fitted_size(size, box)
        output = np.ascontiguousarray(output[:height, :width], np.float32)  # what was added is cut off
        if (height, width) != size:
            output = opencv().resize(output, (size[1], size[0]), interpolation=opencv().INTER_LINEAR)
            output = output.reshape(*size, -1)  # OpenCV drops a last axis of 1
        if output.shape[-1] == 1:
            labels = (output[..., 0] > self.settings.threshold).astype(np.uint8)
            sure = np.where(labels, output[..., 0], 1 - output[..., 0])
        else:
            labels = output.argmax(axis=-1).astype(np.uint8)
            sure = output.max(axis=-1)
        classes = len(self.class_names)
        pixels = np.bincount(labels.ravel(), minlength=classes)
        total = np.bincount(labels.ravel(), weights=sure.ravel(), minlength=classes)
        return Segments(labels, self.class_names, total / np.maximum(pixels, 1), self.colours)

    def draw(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        """Return the frame with the colours of the classes over it, and the names of the largest with their shares."""
        assert isinstance(prediction, Segments)
        picture = overlaid(frame.pixels, prediction.labels, prediction.colours, strength=self.settings.strength)
        labels, line = [], 0.0
        size = min(max(12, min(picture.shape[:2]) // 32), 40)
        for name, share in prediction.shares.items():
            if share < _NAMED or line > _LOWEST:
                break
            red, green, blue = (int(part) for part in prediction.colours[prediction.class_names.index(name)])
            ink = (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > _BRIGHT else (255, 255, 255)
            labels.append(Label(f"{name} {share:.0%}", (0.0, line), ink, (red, green, blue)))
            line += 1.6 * size / max(128, picture.shape[0])
        return write_labels(picture, labels, size=size)

    def close(self) -> None:
        """Finish the files of results."""
        for file in self._files:
            file.close()


def _box_of(card: Mapping[str, Any], shape: Sequence[int]) -> tuple[int, int]:
    """Return height and width that pictures are made to fit into, before they are padded to the network's input.

    Raises:
        KzooError: The card says something that cannot be.
    """
    box = card.get("box", list(shape[:2]))
    fits = isinstance(box, (list, tuple)) and len(box) == 2 and all(type(side) is int for side in box)  # noqa: PLR2004
    if not fits or not all(0 < side <= whole for side, whole in zip(box, shape, strict=False)):
        message = f"The network's card says that its pictures fit into {box!r:.60}, and its input is {tuple(shape)}."
        raise KzooError(message)
    return box[0], box[1]


def _colours_of(card: Mapping[str, Any], count: int) -> np.ndarray:
    """Return the colours of the classes, uint8 of shape (K, 3): those of the card, or where it has none a palette.

    Raises:
        KzooError: The card has something else.
    """
    colours = card.get("colours")
    if colours is None:
        return palette_of(count)
    rows = colours if isinstance(colours, (list, tuple)) else []
    if len(rows) != count or not all(map(_is_colour, rows)):
        message = f"The network's card has no colour for each of its {count} classes: `colours` is {colours!r:.60}."
        raise KzooError(message)
    return np.array(rows, np.uint8)


def _is_colour(row: Any) -> bool:
    numbers = row if isinstance(row, (list, tuple)) else []
    return len(numbers) == 3 and all(type(n) is int and 0 <= n <= 255 for n in numbers)  # noqa: PLR2004 - red, green, blue
