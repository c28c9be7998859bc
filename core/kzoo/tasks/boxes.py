"""Boxes: what a detector finds in pictures, beside what is there."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from kzoo.data.frames import Frame
from kzoo.detection.average_precision import coco_library, evaluate_boxes
from kzoo.detection.coco_results import coco_results
from kzoo.detection.confusion import confusion_matrix, pair
from kzoo.detection.truth import TruthImage, TruthSet
from kzoo.detection.voc import average_precision, eleven_point_average_precision, voc_curves
from kzoo.errors import DataError, KzooError
from kzoo.tasks.task import Confusion, Measured, Task

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matplotlib.figure import Figure

    from kzoo.detection.average_precision import BoxEvaluation
    from kzoo.detection.truth import Found, TruthImage
    from kzoo.detection.voc import ClassCurve

__all__ = ["BoxOutcome", "Detection", "PicturesWithBoxes", "boxes_found"]

_DECISION = 0.25
_MOST_COLUMNS = 12
"""A confusion matrix with more is left to the picture: detectors often have 80 classes."""

_NAMES = {
    "map": "AP",
    "map_50": "AP50",
    "map_75": "AP75",
    "map_small": "AP_small",
    "map_medium": "AP_medium",
    "map_large": "AP_large",
    "mar_1": "AR_1",
    "mar_10": "AR_10",
    "mar_100": "AR_100",
    "mar_small": "AR_small",
    "mar_medium": "AR_medium",
    "mar_large": "AR_large",
}


@dataclass(frozen=True, eq=False)
class BoxOutcome:
    """Boxes found in a test set.

    Attributes:
        dataset: The pictures and their true boxes.
        found: What was found in each, down to very low scores.
        threshold: The score above which a box counts where there must be a decision: precision, recall, confusion,
            worst pictures. Defaults to 0.25.
    """

    dataset: TruthSet
    found: Sequence[Found]
    threshold: float = 0.25

    @functools.cached_property
    def coco(self) -> BoxEvaluation:
        """The evaluation by COCO's rules."""
        truth = []
        for image in self.dataset.images:
            marks = {"crowd": image.crowd, "area": image.area}
            given = {name: value for name, value in marks.items() if value is not None}
            truth.append({"boxes": image.boxes, "labels": image.labels, **given})
        found = [{"boxes": one.boxes, "labels": one.labels, "scores": one.scores} for one in self.found]
        return evaluate_boxes(truth, found)

    @functools.cached_property
    def curves(self) -> list[ClassCurve]:
        """Precision and recall of every class at an overlap of 0.5, by Pascal VOC's rules."""
        return voc_curves(self.dataset.images, self.found, len(self.dataset.class_names))

    def metrics(self) -> dict[str, float]:
        """Return the figures over all classes; NaN where there is nothing to find."""
        summary = self.coco.summary()
        voc, voc07 = (
            [measure(curve) for curve in self.curves] for measure in (average_precision, eleven_point_average_precision)
        )
        found = {shown: float(summary[name]) for name, shown in _NAMES.items()}
        return {**found, "VOC_AP50": _mean(voc), "VOC07_AP50": _mean(voc07)}

    def measures(self) -> dict[str, float]:
        """Return the same: none of it needs a compiled loss."""
        return self.metrics()

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Return AP, AP50, AR, precision, recall and the number of objects, of each class that occurs or is found."""
        tables = self.coco.per_class()
        shown = {}
        for label, (name, curve) in enumerate(zip(self.dataset.class_names, self.curves, strict=True)):
            if not curve.objects and not (curve.scores > self.threshold).any():
                continue
            precision, recall = curve.at(self.threshold)
            own = tables.get(label, {})
            shown[name] = {
                "AP": own.get("map", float("nan")),
                "AP50": own.get("map_50", float("nan")),
                "AR_100": own.get("mar_100", float("nan")),
                "precision": precision,
                "recall": recall,
                "objects": curve.objects,
            }
        return shown

    def confusion(self) -> Confusion:
        """Return what each object was taken for; the last column counts objects missed, the last row boxes of nothing.

        See `kzoo.detection.confusion`.
        """
        names = (*self.dataset.class_names, "nothing")
        counts = confusion_matrix(self.dataset.images, self.found, len(names) - 1, threshold=self.threshold)
        return Confusion(names, counts, _MOST_COLUMNS)

    def figures(self) -> dict[str, Figure]:
        """Return precision over recall, what was taken for what, the worst pictures and some examples."""
        from kzoo.tasks.box_figures import MOST_IMAGES, confusion_that_occurs, precision_recall, sheet
        from kzoo.tasks.class_figures import confusion_matrix as drawn

        found = {
            "precision_recall": precision_recall(self),
            "confusion_of_boxes": drawn(confusion_that_occurs(self.confusion())),
        }
        if worst := self.worst(MOST_IMAGES):
            found["worst"] = sheet(self, worst)
        return {**found, "detected": sheet(self, self.examples(MOST_IMAGES))}

    def files(self) -> dict[str, str]:
        """Return all boxes in COCO's results format."""
        return {"coco": json.dumps(coco_results(self.dataset, self.found))}

    def examples(self, most: int) -> list[int]:
        """Return the numbers of pictures spread over the classes: the first of each class, the second, and so on."""
        turns: dict[int, list[int]] = {}
        for number, image in enumerate(self.dataset.images):
            for label in np.unique(image.labels).tolist():
                turns.setdefault(int(label), []).append(number)
        longest = max(map(len, turns.values()), default=0)
        ordered = [own[turn] for turn in range(longest) for _, own in sorted(turns.items()) if turn < len(own)]
        return list(dict.fromkeys([*ordered, *range(len(self.dataset.images))]))[:most]

    def worst(self, most: int) -> list[int]:
        """Return the numbers of the pictures with errors, those with most of them first."""
        pairs = zip(self.dataset.images, self.found, strict=True)
        wrong = np.array([pair(image, seen, threshold=self.threshold).wrong for image, seen in pairs], int)
        ranked = np.argsort(-wrong, kind="stable")
        return [int(number) for number in ranked[:most] if wrong[number]]


@runtime_checkable
class PicturesWithBoxes(Protocol):
    """A split that knows its pictures as they are, with all their true boxes."""

    @property
    def pictures(self) -> Sequence[TruthImage]:
        """The pictures of all examples, in their order."""

    @property
    def category_ids(self) -> tuple[int, ...]:
        """The number of each class in a COCO annotations file; empty where there is no such file."""


class Detection(Task):
    """Objects and the boxes around them."""

    name: ClassVar[str] = "detection"
    quality: ClassVar[str] = "AP50"
    compared: ClassVar[Mapping[str, str]] = {"AP": "higher", "AP50": "higher", "AP75": "higher"}
    names_classes: ClassVar[bool] = True
    pictures: ClassVar[Mapping[str, str]] = {
        "precision_recall": "Precision over recall at an overlap of 0.5",
        "confusion_of_boxes": "What each object was taken for",
        "worst": "The images with the most errors: green right, red wrong, dashed missed",
        "detected": "Test images as detected, the first of each class: green right, red wrong, dashed missed",
    }
    photos: ClassVar[Collection[str]] = ("worst", "detected")
    files: ClassVar[Collection[str]] = ("coco",)
    epoch_figures: ClassVar[Mapping[str, str]] = {"val_ap": "AP", "val_ap50": "AP50", "val_ap75": "AP75"}
    own_measures: ClassVar[bool] = True

    def check_measurable(self) -> None:
        """Raise `KzooError` where what calculates average precision is not installed."""
        try:
            coco_library()
        except ImportError as error:
            raise KzooError(str(error)) from error

    def measure(self, measured: Measured) -> BoxOutcome:
        """Return what a detector finds in the pictures of a split: exactly what ``kzoo predict`` would.

        Raises:
            UsageError: The detector does not know a class of the set.
            DataError: A picture cannot be read, or there is none.
            KzooError: What measures boxes is not installed, or the pipeline does not tell the pictures.
        """
        split = measured.test
        if not isinstance(split, PicturesWithBoxes):
            message = (
                f"The examples ({measured.description}) do not tell their pictures and boxes: a split of a detector "
                "needs `pictures` and `category_ids`, see `kzoo.tasks.boxes.PicturesWithBoxes`."
            )
            raise KzooError(message)
        truth = TruthSet(split.pictures, tuple(measured.class_names), measured.description, split.category_ids)
        return boxes_found(measured, truth)


def _frame(number: int, image: TruthImage) -> Frame:
    return Frame(index=number, path=image.path, pixels=image.read())


def boxes_found(measured: Measured, truth: TruthSet) -> BoxOutcome:
    """Return what the pipeline's reader finds in pictures, which are read one batch at a time."""
    Detection().check_measurable()
    truth = truth.in_classes(measured.known_classes or measured.class_names)
    if not truth.images:
        message = f"There is no picture to measure on in {truth.description}."
        raise DataError(message)
    found: list[Found] = [one for _, _, one in measured.said_of(truth.images, _frame)]
    return BoxOutcome(truth, found, max(_DECISION, float(measured.settings.get("threshold", 0))))


def _mean(values: list[float]) -> float:
    known = [value for value in values if value == value]  # noqa: PLR0124 - NaN
    return float(np.mean(known)) if known else float("nan")
