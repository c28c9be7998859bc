"""Pictures of many labels: how well each is ranked, which are said together, and sheets of test images."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from kzoo.tasks.class_figures import MOST_IMAGES, confusion_matrix, shortened, tiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.tasks.many_labels import LabelsOutcome

__all__ = ["MOST_IMAGES", "precision_bars", "said_together", "sheet"]

_MOST_BARS = 60
_MOST_IN_A_TITLE = 3
_COLOUR = "#1f5fa8"


def precision_bars(outcome: LabelsOutcome) -> Figure:
    """Return the average precision of each label that occurs, the best first; of more than 60 the 60 most frequent."""
    precision, support = outcome.average_precision, outcome.true.sum(axis=0)
    known = np.flatnonzero(~np.isnan(precision))
    frequent = known[np.argsort(-support[known], kind="stable")][:_MOST_BARS]
    shown = frequent[np.argsort(precision[frequent], kind="stable")]  # the last is drawn on top
    figure = Figure(figsize=(6.4, 1.2 + 0.24 * max(len(shown), 4)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(range(len(shown)), precision[shown], color=_COLOUR)
    names = [f"{shortened(outcome.names[at])} ({support[at]:,})" for at in shown]
    axes.set_yticks(range(len(shown)), names, fontsize=8)
    axes.set_xlim(0, 1)
    axes.margins(y=0.01)
    left_out = f", the {_MOST_BARS} most frequent of {len(known)} labels" if len(known) > len(shown) else ""
    axes.set_xlabel(f"average precision{left_out}")
    return figure


def said_together(outcome: LabelsOutcome) -> Figure:
    """Return of the examples with the label of a row the share that is said to have that of a column."""
    return confusion_matrix(outcome.confusion(), outcome.true.sum(axis=0), ("has the label", "is said to have"))


def sheet(outcome: LabelsOutcome, chosen: Sequence[int]) -> Figure:
    """Return a sheet of test images with the labels that are said of each, and those that it has where they differ.

    Args:
        outcome: What was predicted; its images must be known.
        chosen: The numbers of the examples to show, in order.
    """
    assert outcome.image is not None
    tiles = []
    for number in chosen:
        said, true = outcome.said[number], outcome.true[number]
        right = bool((said == true).all())
        text = _named(outcome, said)
        tiles.append((int(number), text if right else f"{text}\nhas {_named(outcome, true)}", right))
    return tiled(outcome.image, tiles)


def _named(outcome: LabelsOutcome, which: np.ndarray) -> str:
    names = [shortened(outcome.names[int(at)]) for at in np.flatnonzero(which)]
    more = [f"+{len(names) - _MOST_IN_A_TITLE}"] if len(names) > _MOST_IN_A_TITLE else []
    return ", ".join([*names[:_MOST_IN_A_TITLE], *more]) or "no label"
