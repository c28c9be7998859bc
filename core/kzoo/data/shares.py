"""Examples that are set aside, of each class its share, so that a rare class vanishes from neither part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from kzoo.data.splits import Split

__all__ = ["FEW", "aside_of", "class_labels", "label_rows", "rare_classes", "set_aside"]

_MOST_TRIED = 1000  # examples of which the best is moved

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


def aside_of(
    split: Split, class_names: Sequence[str], count: int, seed: Sequence[int], paired: Literal["", "aside", "left"] = ""
) -> np.ndarray:
    """Return which ``count`` examples of a split are set aside, of each class or label its share; a boolean array.

    An example with shares of classes goes by the class that has most of them. All else as for `set_aside`.
    """
    labels, rows = class_labels(split, class_names), label_rows(split, class_names)
    if rows is None or not len(rows):
        return set_aside(labels, len(split), count, seed, paired)
    if np.isin(rows, (0, 1)).all():
        return _rows_aside(rows > 0, count, seed)
    return set_aside(np.argmax(rows, axis=1), len(rows), count, seed)


def _rows_aside(rows: np.ndarray, count: int, seed: Sequence[int]) -> np.ndarray:
    """Return which examples are set aside, so that each label has its share on both sides: the rarest label first.

    It is the iterative stratification of [Sechidis et al., 2011](https://doi.org/10.1007/978-3-642-23808-6_10) for two
    parts; then so many more are moved that exactly ``count`` are set aside, those that bring the labels nearest to
    their shares.

    Args:
        rows: Boolean, shape (N, L).
        count: How many of the N.
        seed: Decides which.
    """
    draw = np.random.default_rng(list(seed))
    total = len(rows)
    taken, open_ones = np.zeros(total, bool), np.ones(total, bool)
    order = draw.permutation(total)
    sizes = np.array([total - count, count], float)
    wanted = rows.sum(axis=0) * sizes[:, None] / total  # by part and label
    while (left := rows[open_ones].sum(axis=0)).any():
        label = int(np.where(left > 0, left, total + 1).argmin())
        for number in order[open_ones[order] & rows[order, label]]:
            part = int(max((0, 1), key=lambda one: (wanted[one, label], sizes[one])))
            taken[number] = part == 1
            open_ones[number] = False
            wanted[part, rows[number]] -= 1
            sizes[part] -= 1
    rest = order[open_ones[order]]
    taken[rest[: max(0, count - int(taken.sum()))]] = True
    off = rows[taken].sum(axis=0) - rows.sum(axis=0) * count / total
    while wrong := int(taken.sum()) - count:
        movable = order[taken[order] == (wrong > 0)][:_MOST_TRIED]
        after = off + np.where(wrong > 0, -1, 1) * rows[movable]
        best = int(np.square(after).sum(axis=1).argmin())
        taken[movable[best]], off = wrong < 0, after[best]
    return taken


def label_rows(split: Split, class_names: Sequence[str]) -> np.ndarray | None:
    """Return labels that are a number for each name, shape (N, L); None where they are something else."""
    labels = np.asarray(split.labels)
    rows = bool(class_names) and labels.shape == (len(split), len(class_names)) and labels.dtype.kind == "f"
    return labels if rows else None


def set_aside(
    labels: np.ndarray | None,
    total: int,
    count: int,
    seed: Sequence[int],
    paired: Literal["", "aside", "left"] = "",
) -> np.ndarray:
    """Return which ``count`` of ``total`` examples are set aside, drawn by the seed; a boolean array.

    Of each class as many are taken as its share says, rounded to the largest remainders, and one at least is left, as
    long as there are others to take. scikit-learn's `train_test_split` takes the same numbers of each class where it
    can, but refuses a class of one example and fewer examples than there are classes, and may leave none of a rare one.

    Args:
        labels: The class index of each example; None where any example is as good as another.
        total: The number of examples.
        count: How many are set aside, at most ``total``.
        seed: Decides which.
        paired: What is set aside, or what is left, has two examples of a class or none, as far as that can be: a
            single one gives its place to another class.
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
    if paired == "aside":
        wanted = _without_single_ones(wanted, most, members, tie)
    elif paired == "left":
        wanted = members - _without_single_ones(members - wanted, members, members, tie)
    for label, many in zip(classes, wanted, strict=True):
        taken[order[labels[order] == label][:many]] = True
    return taken


def _without_single_ones(counts: np.ndarray, most: np.ndarray, members: np.ndarray, tie: np.ndarray) -> np.ndarray:
    """Return as many examples in all, where no class has a single one as far as that can be.

    Args:
        counts: How many are taken of each class; that of classes with none, two or more changes only where a single
            one has nowhere else to go.
        most: How many may be.
        members: How many there are.
        tie: An order of the classes that decides between equal ones.
    """
    counts = counts.copy()
    alone = np.flatnonzero(counts == 1)
    # Those that have two to give come first, and of these the ones that keep two themselves.
    alone = alone[np.lexsort((tie[alone], members[alone] < 4, most[alone] < 2))]  # noqa: PLR2004
    while len(alone):
        taker = alone[0] if len(alone) > 1 and most[alone[0]] > 1 else None
        if taker is None:
            larger = np.flatnonzero((counts > 1) & (counts < most))
            if not len(larger):
                break
            taker = larger[np.lexsort((tie[larger], counts[larger] - most[larger]))[0]]
        counts[taker] += 1
        counts[alone[-1]] = 0
        alone = alone[counts[alone] == 1]
    richer = np.flatnonzero(counts > 2)  # noqa: PLR2004
    if len(alone) and most[alone[0]] > 1 and len(richer):
        counts[richer[np.lexsort((tie[richer], -counts[richer]))[0]]] -= 1
        counts[alone[0]] += 1
    return counts


def rare_classes(labels: np.ndarray, class_names: Sequence[str]) -> dict[str, int]:
    """Return the classes with fewer than `FEW` examples and less than half of the largest, the rarest first.

    Where all are as few, none is rare: there is little data.

    Args:
        labels: Class indices, shape (N,); or a row of labels or shares for each example, shape (N, K).
        class_names: The K names.
    """
    if labels.ndim > 1:
        counts = (labels > 0).sum(axis=0)
    else:
        counts = np.bincount(labels.astype(np.int64), minlength=len(class_names))[: len(class_names)]
    limit = min(FEW, counts.max() / 2)
    return {
        class_names[index]: int(counts[index]) for index in np.argsort(counts, kind="stable") if counts[index] < limit
    }
