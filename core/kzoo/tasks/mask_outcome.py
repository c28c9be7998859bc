"""What was said of pictures with masks: their overlaps and boundaries, as figures, pictures and files."""

from __future__ import annotations

import functools
import json
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from kzoo.errors import DataError
from kzoo.tasks.mask_measures import NO_CLASS, boundary_counts, boundary_f1, overlaps, pixel_counts
from kzoo.tasks.segments import coco_segments
from kzoo.tasks.task import Confusion

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from kzoo.tasks.mask_measures import BoundaryCounts
    from kzoo.tasks.segments import Segments

__all__ = ["MaskOutcome", "MaskedPicture", "SegmentedPicture", "segmented"]

_MOST_COLUMNS = 12
"""A confusion matrix with more is left to the picture."""


@runtime_checkable
class MaskedPicture(Protocol):
    """A picture with its true mask, both in their own size, read when they are asked for."""

    @property
    def name(self) -> str:
        """What it is called in tables and pictures."""

    @property
    def path(self) -> Path | None:
        """Its file; None where it is in memory."""

    def read(self) -> np.ndarray:
        """Return the pixels, RGB, uint8 of shape (H, W, 3)."""

    def mask(self) -> np.ndarray:
        """Return the class index of every pixel, uint8 of shape (H, W); `NO_CLASS` where there is none."""


@dataclass(frozen=True, eq=False)
class SegmentedPicture:
    """What was said of one picture.

    Attributes:
        picture: The picture and its true mask.
        counts: Which class was taken for which, in pixels, shape (K, K).
        boundaries: How near the boundaries are.
        packed: The predicted class of every pixel, packed; see `predicted`.
        size: Height and width.
    """

    picture: MaskedPicture
    counts: np.ndarray
    boundaries: BoundaryCounts
    packed: bytes
    size: tuple[int, int]

    @property
    def predicted(self) -> np.ndarray:
        """The predicted class of every pixel, uint8 of shape (H, W)."""
        return np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(self.size)

    @property
    def iou(self) -> float:
        """The mean IoU over the classes that the picture has or is said to have; NaN where it has none."""
        return _mean(overlaps(self.counts)["iou"])


@dataclass(frozen=True, eq=False)
class MaskOutcome:
    """Masks predicted for a test split.

    Attributes:
        pictures: What was said of each picture.
        class_names: The K names.
        colours: The colour of each class, uint8 of shape (K, 3).
        moved: The class index here of each label in the pictures' true masks, uint8 of shape (256,).
    """

    pictures: Sequence[SegmentedPicture]
    class_names: Sequence[str]
    colours: np.ndarray
    moved: np.ndarray = field(default_factory=lambda: np.arange(NO_CLASS + 1, dtype=np.uint8))

    def true(self, one: SegmentedPicture) -> np.ndarray:
        """Return the true class of every pixel of a picture, uint8 of shape (H, W)."""
        return np.asarray(self.moved[one.picture.mask()])

    @functools.cached_property
    def counts(self) -> np.ndarray:
        """Which class was taken for which over all pictures, in pixels, int64 of shape (K, K)."""
        classes = len(self.class_names)
        return np.sum([one.counts for one in self.pictures], axis=0, initial=0, dtype=np.int64) + np.zeros(
            (classes, classes), np.int64
        )

    @functools.cached_property
    def boundary(self) -> np.ndarray:
        """The boundary F1 of each class, shape (K,)."""
        return boundary_f1([one.boundaries for one in self.pictures], len(self.class_names))

    def metrics(self) -> dict[str, float]:
        """Return mean IoU, mean Dice, pixel accuracy and mean boundary F1 of all pictures together.

        IoU, Dice and accuracy are of the pixels of all pictures, boundary F1 is the mean over pictures; the means are
        over the classes that occur or are predicted. NaN where no pixel has a class.
        """
        found, total = overlaps(self.counts), self.counts.sum()
        return {
            "mean_iou": _mean(found["iou"]),
            "mean_dice": _mean(found["dice"]),
            "pixel_accuracy": float(np.trace(self.counts) / total) if total else float("nan"),
            "boundary_f1": _mean(self.boundary),
        }

    def measures(self) -> dict[str, float]:
        """Return the same: none of it needs a compiled loss."""
        return self.metrics()

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Return IoU, Dice, precision, recall, boundary F1 and the share of the true pixels of each class by name."""
        found = {**overlaps(self.counts), "boundary_f1": self.boundary}
        shares = self.counts.sum(axis=1) / max(1, self.counts.sum())
        return {
            name: {**{what: float(values[index]) for what, values in found.items()}, "share": float(shares[index])}
            for index, name in enumerate(self.class_names)
        }

    def confusion(self) -> Confusion:
        """Return which class was taken for which, in pixels."""
        return Confusion(self.class_names, self.counts, _MOST_COLUMNS)

    def figures(self) -> dict[str, Figure]:
        """Return what was taken for what, the worst pictures and some examples, each beside the truth."""
        from kzoo.tasks.class_figures import confusion_matrix
        from kzoo.tasks.mask_figures import MOST_PICTURES, sheet

        found = {"confusion_of_pixels": confusion_matrix(self.confusion())}
        if worst := self.worst(MOST_PICTURES):
            found["worst_masks"] = sheet(self, worst)
        spread = np.unique(np.linspace(0, len(self.pictures) - 1, MOST_PICTURES).astype(int))
        return {**found, "segmented": sheet(self, spread.tolist())}

    def files(self) -> dict[str, str]:
        """Return all masks in COCO's results format: one record for each class of each picture, as run lengths."""
        records = []
        for number, one in enumerate(self.pictures):
            predicted = one.predicted
            for index in np.unique(predicted).tolist():
                name = {"file_name": one.picture.name, "category_name": self.class_names[index]}
                segmentation = coco_segments(predicted == index)
                records.append({"image_id": number, "category_id": index, "segmentation": segmentation, **name})
        return {"coco": json.dumps(records)}

    def worst(self, most: int) -> list[int]:
        """Return the numbers of the pictures with the least mean IoU, the worst first; those that are all right not."""
        scores = np.array([one.iou for one in self.pictures])
        order = np.argsort(np.where(np.isnan(scores), np.inf, scores), kind="stable")
        return [int(number) for number in order[:most] if scores[number] < 1]


def segmented(picture: MaskedPicture, segments: Segments, moved: np.ndarray, num_classes: int) -> SegmentedPicture:
    """Return what was said of a picture beside what is true.

    Args:
        picture: The picture and its true mask.
        segments: What was said.
        moved: As of `MaskOutcome`.
        num_classes: The number of classes that the network knows.

    Raises:
        DataError: The mask is of another size than the picture.
    """
    true, predicted = moved[picture.mask()], segments.labels
    if true.shape != predicted.shape:
        message = (
            f"The mask of {picture.name} has {true.shape[1]} x {true.shape[0]} pixels, and the picture "
            f"{predicted.shape[1]} x {predicted.shape[0]}."
        )
        raise DataError(message)
    return SegmentedPicture(
        picture=picture,
        counts=pixel_counts(true, predicted, num_classes),
        boundaries=boundary_counts(true, predicted, num_classes),
        packed=zlib.compress(predicted.tobytes(), 1),
        size=(predicted.shape[0], predicted.shape[1]),
    )


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")
