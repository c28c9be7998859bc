"""What a detector found on a test set, beside what is there: all figures and pictures are made from this."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.detection.average_precision import evaluate_boxes
from kzoo.detection.confusion import confusion_matrix, pair
from kzoo.detection.voc import average_precision, eleven_point_average_precision, voc_curves

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.detection.average_precision import BoxEvaluation
    from kzoo.detection.truth import AnnotatedSet, Found
    from kzoo.detection.voc import ClassCurve

__all__ = ["DetectionOutcome"]

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
class DetectionOutcome:
    """Boxes found in a test set.

    Attributes:
        dataset: The pictures and their true boxes.
        found: What was found in each, down to very low scores.
        threshold: The score above which a box counts where there must be a decision: precision, recall, confusion,
            worst pictures. Defaults to 0.25.
    """

    dataset: AnnotatedSet
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

    def confusion(self) -> np.ndarray:
        """Return what each object was taken for, shape (K + 1, K + 1); see `kzoo.detection.confusion`."""
        classes = len(self.dataset.class_names)
        return confusion_matrix(self.dataset.images, self.found, classes, threshold=self.threshold)

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


def _mean(values: list[float]) -> float:
    known = [value for value in values if value == value]  # noqa: PLR0124 - NaN
    return float(np.mean(known)) if known else float("nan")
