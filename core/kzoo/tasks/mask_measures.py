"""How far predicted masks are right: overlap of each class, pixels, and boundaries. Plain numbers, without Keras."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["NO_CLASS", "TOLERANCE", "BoundaryCounts", "boundary_counts", "boundary_f1", "overlaps", "pixel_counts"]

NO_CLASS = 255
"""The label of a pixel that has no class, and counts in nothing; so there are at most 255 classes."""

TOLERANCE = 0.0075
"""How far a predicted boundary may lie from a true one, as a part of the picture's diagonal."""


def pixel_counts(true: np.ndarray, predicted: np.ndarray, num_classes: int) -> np.ndarray:
    """Return how many pixels of each class were taken for which, int64 of shape (K, K): true in rows.

    Args:
        true: Class indices, any shape; pixels of `NO_CLASS` do not count.
        predicted: Class indices of the same shape.
        num_classes: The number of classes K.
    """
    counts = true != NO_CLASS
    pairs = true[counts].astype(np.int64) * num_classes + predicted[counts]
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def overlaps(counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return IoU, Dice, precision and recall of each class, float64 of shape (K,); NaN where there is none to measure.

    Formula, with the pixels of a class that are right (TP), predicted and not true (FP), true and not predicted (FN):

    ```
    iou = TP / (TP + FP + FN),  dice = 2 TP / (2 TP + FP + FN),  precision = TP / (TP + FP),  recall = TP / (TP + FN)
    ```

    Args:
        counts: As from `pixel_counts`, or the sum of several.
    """
    right = np.diag(counts).astype(np.float64)
    true, predicted = counts.sum(axis=1), counts.sum(axis=0)

    def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.asarray(np.divide(part, whole, out=np.full(len(right), np.nan), where=whole > 0))

    return {
        "iou": share(right, true + predicted - right),
        "dice": share(2 * right, true + predicted),
        "precision": share(right, predicted),
        "recall": share(right, true),
    }


@dataclass(frozen=True, eq=False)
class BoundaryCounts:
    """The boundaries of one picture, int64 of shape (K,) each.

    Attributes:
        true: How many pixels the true boundary of each class has.
        predicted: How many the predicted one has.
        found: Pixels of the true boundary that a predicted one of the class is near to.
        right: Pixels of the predicted boundary that a true one is near to.
    """

    true: np.ndarray
    predicted: np.ndarray
    found: np.ndarray
    right: np.ndarray

    def f1(self) -> np.ndarray:
        """Return the F1 score of each class, shape (K,): NaN where neither boundary is there, 0 where one alone is."""
        precision = self.right / np.maximum(self.predicted, 1)
        recall = self.found / np.maximum(self.true, 1)
        both = precision + recall
        score = np.divide(2 * precision * recall, both, out=np.zeros(len(both)), where=both > 0)
        return np.where(self.true + self.predicted > 0, score, np.nan)


def boundary_counts(
    true: np.ndarray, predicted: np.ndarray, num_classes: int, tolerance: float = TOLERANCE
) -> BoundaryCounts:
    """Return how near the boundaries of predicted masks are to the true ones.

    A pixel is on the boundary of its class where one of its four neighbours is of another class. Pixels without a class
    are in no mask and make no boundary, nor does the edge of the picture.

    Args:
        true: Class indices of shape (H, W); `NO_CLASS` where there is none.
        predicted: Class indices of shape (H, W).
        num_classes: The number of classes K.
        tolerance: How far apart they may be, as a part of the diagonal; at least one pixel is allowed.

    References:
        - [Csurka et al., 2013](https://doi.org/10.5244/C.27.32), What is a good evaluation measure for semantic
          segmentation?
    """
    from kzoo.data.frames.video import opencv

    cv2 = opencv()
    reach = max(1.0, tolerance * float(np.hypot(*true.shape)))
    said = np.where(true == NO_CLASS, NO_CLASS, predicted)
    edges, seen_edges = _edges(true), _edges(said)
    found = {name: np.zeros(num_classes, np.int64) for name in ("true", "predicted", "found", "right")}
    for label in np.union1d(np.unique(true[edges]), np.unique(said[seen_edges])).tolist():
        own, other = edges & (true == label), seen_edges & (said == label)
        found["true"][label], found["predicted"][label] = own.sum(), other.sum()
        if not own.any() or not other.any():
            continue
        for name, line, lines in (("found", own, other), ("right", other, own)):
            away = cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
            found[name][label] = (away[line] <= reach + 1e-4).sum()  # it is of float32
    return BoundaryCounts(**found)


def boundary_f1(pictures: list[BoundaryCounts], num_classes: int) -> np.ndarray:
    """Return the boundary F1 of each class, the mean over the pictures that have it, shape (K,); NaN where none has."""
    scores = np.array([picture.f1() for picture in pictures]).reshape(-1, num_classes)
    known = ~np.isnan(scores)
    total, count = np.where(known, scores, 0).sum(axis=0), known.sum(axis=0)
    return np.asarray(np.divide(total, count, out=np.full(num_classes, np.nan), where=count > 0))


def _edges(labels: np.ndarray) -> np.ndarray:
    """Return which pixels of a map of classes have a neighbour of another class; booleans of shape (H, W)."""
    found = np.zeros(labels.shape, bool)
    for axis in (0, 1):
        first = [slice(None)] * 2
        second = [slice(None)] * 2
        first[axis], second[axis] = slice(None, -1), slice(1, None)
        one, other = labels[tuple(first)], labels[tuple(second)]
        apart = (one != other) & (one != NO_CLASS) & (other != NO_CLASS)
        found[tuple(first)] |= apart
        found[tuple(second)] |= apart
    return found
