"""Examples that are set aside, of each class its share, so that a rare class vanishes from neither part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.data.splits import Split

__all__ = ["FEW", "class_labels", "rare_classes", "set_aside"]

FEW = 10
"""A class with fewer examples to learn from, and less than half as many as the largest, is named in a warning."""


def class_labels(split: Split, class_names: Sequence[str]) -> np.ndarray | None:
    """Return the class index of each example, shape (N,), or None where labels are not one class for each example."""
    if not class_names:
        return None
    labels = np.asarray(split.labels)
    if labels.ndim == 2 and labels.shape[1] == 1:  # noqa: PLR2004 - a column
        labels = labels[:, 0]
    if labels.shape != (len(split),) or labels.dtype.kind not in "iu":
        return None
    return labels


def set_aside(labels: np.ndarray | None, total: int, count: int, seed: Sequence[int]) -> np.ndarray:
    """Return which ``count`` of ``total`` examples are set aside, drawn by the seed; a boolean array.

    Of each class as many are taken as its share says, rounded to the largest remainders, and one at least is left, as
    long as there are others to take. scikit-learn's `train_test_split` takes the same numbers of each class where it
    can, but refuses a class of one example and fewer examples than there are classes, and may leave none of a rare one.

    Args:
        labels: The class index of each example; None where any example is as good as another.
        total: The number of examples.
        count: How many are set aside, at most ``total``.
        seed: Decides which.
    """
    draw = np.random.default_rng(list(seed))
    taken = np.zeros(total, dtype=bool)
    order = draw.permutation(total)
    if labels is None:
        taken[order[:count]] = True
        return taken
    classes, members = np.unique(labels, return_counts=True)
    most = members - 1 if count <= total - len(classes) else members
    share = count * members / total
    wanted = np.minimum(np.floor(share).astype(int), most)
    tie = draw.permutation(len(classes))
    while missing := count - wanted.sum():
        open_classes = np.flatnonzero(wanted < most)
        by_need = open_classes[np.lexsort((tie[open_classes], -(share - wanted)[open_classes]))]
        wanted[by_need[:missing]] += 1
    for label, many in zip(classes, wanted, strict=True):
        taken[order[labels[order] == label][:many]] = True
    return taken


def rare_classes(labels: np.ndarray, class_names: Sequence[str]) -> dict[str, int]:
    """Return the classes with fewer than `FEW` examples and less than half of the largest, the rarest first.

    Where all are as few, none is rare: there is little data.
    """
    counts = np.bincount(labels.astype(np.int64), minlength=len(class_names))[: len(class_names)]
    limit = min(FEW, counts.max() / 2)
    return {
        class_names[index]: int(counts[index]) for index in np.argsort(counts, kind="stable") if counts[index] < limit
    }
