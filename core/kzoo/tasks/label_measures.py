"""What the probabilities of many labels are worth, and from which probability on each label is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UNDECIDED", "average_precisions", "best_thresholds", "label_scores", "said_of"]

UNDECIDED = 0.5
"""The threshold of a label of which validation data can say nothing."""


def average_precisions(true: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the average precision of each label, as scikit-learn calculates it, shape (L,); NaN without an example.

    It is the precision at each example that has the label, the more probable ones before it counted, averaged.

    Args:
        true: Boolean, shape (N, L).
        probabilities: Shape (N, L).
    """
    from sklearn.metrics import average_precision_score

    found = np.full(true.shape[1], np.nan)
    for label in np.flatnonzero(true.any(axis=0)):
        found[label] = average_precision_score(true[:, label], probabilities[:, label])
    return found


def said_of(probabilities: np.ndarray, thresholds: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return which labels are said: those whose probability reaches their threshold; boolean, shape (N, L)."""
    reached: np.ndarray = np.asarray(probabilities) >= np.asarray(thresholds, np.float64)
    return reached


def label_scores(true: np.ndarray, said: np.ndarray) -> dict[str, float]:
    """Return F1 over all answers (micro), the mean F1 of the labels (macro), and how often all labels are right.

    F1 is that of scikit-learn, 0 where a label neither occurs nor is said; exact match is its accuracy of rows.

    Args:
        true: Boolean, shape (N, L).
        said: Likewise.
    """
    from sklearn.metrics import f1_score

    return {
        "f1_micro": float(f1_score(true, said, average="micro", zero_division=0.0)),
        "f1_macro": float(f1_score(true, said, average="macro", zero_division=0.0)),
        "exact_match": float((true == said).all(axis=1).mean()),
    }


def best_thresholds(true: np.ndarray, probabilities: np.ndarray) -> list[float]:
    """Return for each label the probability from which on it is best said: where its F1 is largest.

    It lies half way between two probabilities that occur. A label that no example has, or every one, gets `UNDECIDED`.

    Args:
        true: Boolean, shape (N, L), of examples that were not learned from.
        probabilities: Shape (N, L).
    """
    return [
        _best(own, scores) if own.any() and not own.all() else UNDECIDED
        for own, scores in zip(true.T, np.asarray(probabilities, np.float64).T, strict=True)
    ]


def _best(true: np.ndarray, scores: np.ndarray) -> float:
    order = np.argsort(-scores, kind="stable")
    ranked, right = scores[order], np.cumsum(true[order])
    # After the last of equal probabilities: between them there is no threshold.
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    f1 = 2 * right[ends] / (ends + 1 + right[-1])
    chosen = int(ends[np.argmax(f1)])
    below = ranked[chosen + 1] if chosen + 1 < len(ranked) else 0.0
    return float((ranked[chosen] + below) / 2)
