"""What each object was taken for: found and true boxes paired by their overlap, whatever their classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kzoo.detection.overlap import box_iou

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.detection.truth import Found, TruthImage

__all__ = ["Pairs", "confusion_matrix", "pair"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Found boxes and the true boxes that they were paired with.

    Attributes:
        seen: Indices of found boxes whose score is high enough, shape (N,).
        partner: For each of these the index of its true box, or -1, shape (N,).
        missed: Indices of the true boxes that have no partner.
        wrong: How many errors that is: objects missed, boxes of nothing, wrong classes.
    """

    seen: np.ndarray
    partner: np.ndarray
    missed: np.ndarray
    wrong: int


def pair(image: TruthImage, found: Found, *, threshold: float = 0.25, iou: float = 0.5) -> Pairs:
    """Return which found box belongs to which true box: pairs that overlap more come first, each box has one partner.

    Difficult objects and crowds need not be found, and boxes on them are left out.

    Args:
        image: The true boxes.
        found: The found boxes.
        threshold: Boxes of a lower score are left out. Defaults to 0.25.
        iou: The least overlap of a pair. Defaults to 0.5.
    """
    spared = np.zeros(len(image.labels), bool)
    for marks in (image.difficult, image.crowd):
        spared |= False if marks is None else np.asarray(marks, bool)
    seen = np.flatnonzero(np.asarray(found.scores) > threshold)
    overlaps = box_iou(np.asarray(found.boxes)[seen], image.boxes, crowd=image.crowd)
    partner = np.full(len(seen), -1)
    taken = np.zeros(len(image.labels), bool)
    rows, columns = np.nonzero(overlaps >= iou)
    same = np.asarray(found.labels)[seen][rows] == np.asarray(image.labels)[columns]
    for at in np.lexsort((~same, -overlaps[rows, columns])).tolist():
        row, column = rows[at], columns[at]
        if partner[row] < 0 and not taken[column]:
            partner[row], taken[column] = column, True
    on_spared = (overlaps * spared >= iou).any(axis=-1) if len(image.labels) else np.zeros(len(seen), bool)
    kept = ~(on_spared & ((partner < 0) | spared[partner] if len(spared) else partner < 0))
    seen, partner = seen[kept], partner[kept]
    missed = np.flatnonzero(~taken & ~spared)
    paired = partner >= 0
    confused = int((np.asarray(found.labels)[seen[paired]] != np.asarray(image.labels)[partner[paired]]).sum())
    return Pairs(seen, partner, missed, len(missed) + int((~paired).sum()) + confused)


def confusion_matrix(
    truth: Sequence[TruthImage], found: Sequence[Found], classes: int, *, threshold: float = 0.25, iou: float = 0.5
) -> np.ndarray:
    """Return the counts, shape (K + 1, K + 1): the true class in the row, the found one in the column.

    The last column counts objects that were missed, the last row boxes of nothing.
    """
    counts = np.zeros((classes + 1, classes + 1), int)
    for image, seen in zip(truth, found, strict=True):
        pairs = pair(image, seen, threshold=threshold, iou=iou)
        true = np.where(pairs.partner >= 0, np.append(image.labels, classes)[pairs.partner], classes)
        np.add.at(counts, (true.astype(int), np.asarray(seen.labels)[pairs.seen]), 1)
        np.add.at(counts, (np.asarray(image.labels, int)[pairs.missed], classes), 1)
    return counts
