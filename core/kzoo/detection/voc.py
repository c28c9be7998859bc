"""Average precision by the rules of Pascal VOC: at one overlap, over the curve or over eleven recalls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kzoo.detection.overlap import box_iou

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.detection.truth import Found, TruthImage

__all__ = ["ClassCurve", "average_precision", "eleven_point_average_precision", "voc_curves"]

_IGNORED = -1


@dataclass(frozen=True, eq=False)
class ClassCurve:
    """How precision and recall of one class change as the threshold of the score falls.

    Attributes:
        scores: Of the class's found boxes, falling, shape (N,).
        precision: Of the boxes up to there, shape (N,).
        recall: Of the boxes up to there, shape (N,).
        objects: How many there are to find.
    """

    scores: np.ndarray
    precision: np.ndarray
    recall: np.ndarray
    objects: int

    def at(self, threshold: float) -> tuple[float, float]:
        """Return precision and recall of the boxes whose score is above a threshold; NaN where they mean nothing."""
        count = int((self.scores > threshold).sum())
        recall = (float(self.recall[count - 1]) if count else 0.0) if self.objects else float("nan")
        return float(self.precision[count - 1]) if count else float("nan"), recall


def voc_curves(
    truth: Sequence[TruthImage], found: Sequence[Found], classes: int, *, iou: float = 0.5
) -> list[ClassCurve]:
    """Return the curve of every class.

    In the order of the scores, a found box is right if the true box of its class in its picture that it overlaps most
    is overlapped by at least ``iou`` and was not found before. Where that true box is difficult or a crowd, the found
    box counts neither way. Coordinates are continuous: a box from 0 to 10 is 10 wide, where the devkit of 2007 says 11.

    Args:
        truth: The pictures.
        found: What was found in each.
        classes: The number of classes.
        iou: The overlap. Defaults to 0.5.

    References:
        - [Everingham et al., 2010](https://doi.org/10.1007/s11263-009-0275-4), The Pascal Visual Object
          Classes challenge
    """
    scores: list[list[np.ndarray]] = [[] for _ in range(classes)]
    verdicts: list[list[np.ndarray]] = [[] for _ in range(classes)]
    objects = np.zeros(classes, int)
    for image, seen in zip(truth, found, strict=True):
        spared = _spared(image)
        objects += np.bincount(np.asarray(image.labels)[~spared], minlength=classes)
        for label in np.unique(seen.labels).tolist():
            own, true = np.asarray(seen.labels) == label, np.asarray(image.labels) == label
            ranked = np.argsort(-np.asarray(seen.scores)[own], kind="stable")
            boxes = np.asarray(seen.boxes)[own][ranked]
            scores[label].append(np.asarray(seen.scores)[own][ranked])
            verdicts[label].append(_verdicts(boxes, np.asarray(image.boxes)[true], spared[true], iou))
    return [_curve(*parts) for parts in zip(scores, verdicts, objects.tolist(), strict=True)]


def average_precision(curve: ClassCurve) -> float:
    """Return the area under a curve whose precision never rises with recall, VOC's measure since 2010.

    NaN where there is nothing to find.

    Example:
        >>> import numpy as np
        >>> curve = ClassCurve(np.array([0.9, 0.8]), np.array([1.0, 0.5]), np.array([0.5, 0.5]), 2)
        >>> average_precision(curve)
        0.5
    """
    if not curve.objects:
        return float("nan")
    recall = np.concatenate([[0.0], curve.recall])
    precision = np.maximum.accumulate(curve.precision[::-1])[::-1]
    return float((np.diff(recall) * precision).sum())


def eleven_point_average_precision(curve: ClassCurve) -> float:
    """Return the mean of the best precision at recalls of at least 0, 0.1, ..., 1, VOC's measure of 2007.

    NaN where there is nothing to find.
    """
    if not curve.objects:
        return float("nan")
    # 0.3 is 3 of 10, whatever floats say.
    reached = [curve.precision[curve.recall >= step / 10 - 1e-12] for step in range(11)]
    return float(np.mean([part.max(initial=0.0) for part in reached]))


def _spared(image: TruthImage) -> np.ndarray:
    """Return which objects nobody must find."""
    spared = np.zeros(len(image.labels), bool)
    for marks in (image.difficult, image.crowd):
        spared |= False if marks is None else np.asarray(marks, bool)
    return spared


def _verdicts(boxes: np.ndarray, true: np.ndarray, spared: np.ndarray, iou: float) -> np.ndarray:
    """Return for each found box of one class, the best first: 1 right, 0 wrong, -1 neither."""
    verdicts = np.zeros(len(boxes), int)
    if not len(true):
        return verdicts
    overlaps = box_iou(boxes, true)
    taken = np.zeros(len(true), bool)
    for number, row in enumerate(overlaps):
        best = int(row.argmax())
        if row[best] < iou:
            continue
        if spared[best]:
            verdicts[number] = _IGNORED
        elif not taken[best]:
            taken[best] = True
            verdicts[number] = 1
    return verdicts


def _curve(scores: list[np.ndarray], verdicts: list[np.ndarray], objects: int) -> ClassCurve:
    if not scores:
        return ClassCurve(np.zeros(0), np.zeros(0), np.zeros(0), objects)
    score, verdict = np.concatenate(scores), np.concatenate(verdicts)
    ranked = np.argsort(-score, kind="stable")
    ranked = ranked[verdict[ranked] != _IGNORED]
    right = np.cumsum(verdict[ranked] == 1)
    count = np.arange(1, len(ranked) + 1)
    return ClassCurve(score[ranked], right / count, right / max(objects, 1), objects)
