"""Segmentation: the class of every pixel, beside what is true."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from kzoo.data.frames import Frame
from kzoo.errors import DataError, KzooError, UsageError
from kzoo.tasks.mask_measures import NO_CLASS
from kzoo.tasks.mask_outcome import MaskedPicture, MaskOutcome, SegmentedPicture, segmented
from kzoo.tasks.task import Measured, Task

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from kzoo.tasks.mask_outcome import MaskedPicture

__all__ = ["PicturesWithMasks", "Segmentation"]


@runtime_checkable
class PicturesWithMasks(Protocol):
    """A split that knows its pictures and masks as they are, before they are made of one size."""

    @property
    def pictures(self) -> Sequence[MaskedPicture]:
        """The pictures of all examples, in their order."""


class Segmentation(Task):
    """A class for every pixel; networks end in the softmax over the classes at each, or the sigmoid of one mask."""

    name: ClassVar[str] = "segmentation"
    names_classes: ClassVar[bool] = True
    weighs: ClassVar[str] = "pixel"
    predicts: ClassVar[str] = "classes"
    quality: ClassVar[str] = "mean_iou"
    compared: ClassVar[Mapping[str, str]] = {
        "mean_iou": "higher",
        "mean_dice": "higher",
        "pixel_accuracy": "higher",
        "boundary_f1": "higher",
    }
    pictures: ClassVar[Mapping[str, str]] = {
        "confusion_of_pixels": "Which class the pixels of each class were taken for",
        "worst_masks": "The pictures with the least mean IoU: the truth, what was said, and where that is wrong",
        "segmented": "Test pictures: the truth, what was said, and where that is wrong",
    }
    photos: ClassVar[Collection[str]] = ("worst_masks", "segmented")
    files: ClassVar[Collection[str]] = ("coco",)
    epoch_figures: ClassVar[Mapping[str, str]] = {
        "val_mean_iou": "mean_iou",
        "val_mean_dice": "mean_dice",
        "val_pixel_accuracy": "pixel_accuracy",
    }
    own_measures: ClassVar[bool] = True

    def fit_loss(self, loss: Any, predicts: str) -> Any:
        """Return the loss, made to leave out pixels without a class, and given logits where it takes those.

        Raises:
            UsageError: It ignores a class of its own choice.
        """
        del predicts
        from kzoo.wrappers.pixels import OfPixels, ignoring

        if getattr(loss, "part_names", ()):  # a sum of losses, each of which was fitted
            return loss
        try:
            again = ignoring(loss)
        except ValueError as error:
            raise UsageError(_ignores_itself("loss", loss.name, str(error))) from error
        return OfPixels(loss if again is None else again)

    def fit_metric(self, metric: Any, targets: Collection[str], label_form: str, num_classes: int) -> Any:
        """Return the metric, made to leave out pixels without a class.

        Raises:
            UsageError: It ignores a class of its own choice.
        """
        del label_form, num_classes
        from kzoo.wrappers.pixels import PixelMetric, ignoring

        if hasattr(metric, "part"):  # a part of a loss, which was fitted
            return metric
        try:
            again = ignoring(metric)
        except ValueError as error:
            raise UsageError(_ignores_itself("metric", metric.name, str(error))) from error
        return PixelMetric(metric if again is None else again, sparse="dense" not in targets)

    def specimen(self, count: int, outputs: int, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
        """Return masks of stripes and even probabilities, shape (count, 8, 9, outputs), one pixel having no class."""
        del num_classes
        shape = (count, 8, 9)
        classes = np.broadcast_to(np.arange(shape[-1]) % max(2, outputs), shape)
        y_true = classes[..., None].astype(np.float32) if outputs == 1 else np.eye(outputs, dtype=np.float32)[classes]
        y_true[:, 0, 0] = NO_CLASS if outputs == 1 else 0
        return y_true, np.full((*shape, outputs), 1 / max(2, outputs), np.float32)

    def measure(self, measured: Measured) -> MaskOutcome:
        """Return what a network says of the pictures of a split, in their own sizes, as ``kzoo predict`` would.

        Raises:
            UsageError: The network does not know a class of the data.
            DataError: A picture or mask cannot be read, or there is none.
            KzooError: The pipeline does not tell the pictures.
        """
        split = measured.test
        if not isinstance(split, PicturesWithMasks):
            message = (
                f"The examples ({measured.description}) do not tell their pictures and masks: a split for "
                "segmentation needs `pictures`, see `kzoo.tasks.masks.PicturesWithMasks`."
            )
            raise KzooError(message)
        if not len(split.pictures):
            message = f"There is no picture to measure on in {measured.description}."
            raise DataError(message)
        names = tuple(measured.known_classes or measured.class_names)
        moved = _moved(measured.class_names, names, measured.description)
        found: list[SegmentedPicture] = []
        colours = np.zeros((0, 3), np.uint8)
        for picture, _, segments in measured.said_of(split.pictures, _frame):
            found.append(segmented(picture, segments, moved, len(names)))
            colours = segments.colours
        return MaskOutcome(found, names, colours, moved)


def _frame(number: int, picture: MaskedPicture) -> Frame:
    return Frame(index=number, path=picture.path, pixels=picture.read())


def _moved(names: Sequence[str], known: Sequence[str], description: str) -> np.ndarray:
    """Return the network's class index for each label of the data, uint8 of shape (256,)."""
    if unknown := [name for name in names if name not in known]:
        message = (
            f"The data ({description}) has classes that the network does not know: {', '.join(unknown[:10])}. It knows "
            f"{', '.join(known[:10])}{', ...' * (len(known) > 10)}. Give data with its classes; where only the names "  # noqa: PLR2004
            "differ, name them with -o data.classes=FILE."
        )
        raise UsageError(message)
    moved = np.full(NO_CLASS + 1, NO_CLASS, np.uint8)
    moved[: len(names)] = [known.index(name) for name in names]
    return moved


def _ignores_itself(kind: str, name: str, fault: str) -> str:
    return (
        f"The {kind} `{name}` is not taken: its {fault}, and here the data says which pixels have no class. Name them "
        "once for loss and measures: -o data.ignore=VALUE, or several as in -o data.ignore=[255,0]."
    )
