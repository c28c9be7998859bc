"""Pictures of shares of classes: their means, and test images with their histograms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from kzoo.tasks.class_figures import shortened, show_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.tasks.histograms import SharesOutcome

__all__ = ["MOST_IMAGES", "histogram_sheet", "mean_shares"]

MOST_IMAGES = 12
"""A sheet holds no more than this."""

_COLUMNS = 4
_TRUE, _PREDICTED = "#8c8c8c", "#1f5fa8"
_MOST_NAMES = 12


def mean_shares(outcome: SharesOutcome) -> Figure:
    """Return the mean share of each class over all test examples, true beside predicted."""
    figure = Figure(figsize=(max(4.8, 1.5 + 0.5 * len(outcome.names)), 3.6), layout="constrained")
    axes = figure.add_subplot()
    _bars(axes, outcome.true.mean(axis=0), outcome.predicted.mean(axis=0))
    axes.set_xticks(range(len(outcome.names)), [shortened(name) for name in outcome.names], rotation=45, ha="right")
    axes.set_ylabel("mean share")
    axes.legend()
    return figure


def histogram_sheet(outcome: SharesOutcome, chosen: Sequence[int]) -> Figure:
    """Return test images, each above its histogram: the true shares gray, the predicted ones blue.

    Args:
        outcome: What was predicted; its images must be known.
        chosen: The numbers of the examples to show, in order.
    """
    assert outcome.image is not None
    columns = min(_COLUMNS, max(len(chosen), 1))
    rows = math.ceil(len(chosen) / columns)
    figure = Figure(figsize=(2.4 * columns, 3.4 * rows), layout="constrained")
    grid = figure.add_gridspec(2 * rows, columns, height_ratios=[2, 1] * rows)
    few = len(outcome.names) <= _MOST_NAMES
    for place, number in enumerate(chosen):
        row, column = divmod(place, columns)
        axes = figure.add_subplot(grid[2 * row, column])
        show_image(axes, outcome.image(int(number)))
        axes.set_title(f"EMD {outcome.distances[number]:.2f}", fontsize=8)
        below = figure.add_subplot(grid[2 * row + 1, column])
        _bars(below, outcome.true[number], outcome.predicted[number])
        below.set_ylim(0, 1)
        below.set_yticks([])
        names = [shortened(name) for name in outcome.names] if few else []
        below.set_xticks(range(len(names)), names, fontsize=6, rotation=45, ha="right")
    return figure


def _bars(axes: Any, true: np.ndarray, predicted: np.ndarray) -> None:
    places = np.arange(len(true))
    axes.bar(places - 0.2, true, 0.4, color=_TRUE, label="true")
    axes.bar(places + 0.2, predicted, 0.4, color=_PREDICTED, label="predicted")
