"""Pictures of classes: the confusion matrix, and sheets of test images with what was predicted of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.tasks.classes import ClassOutcome
    from kzoo.tasks.task import Confusion

__all__ = ["MOST_IMAGES", "confusion_matrix", "sheet"]

MOST_IMAGES = 24
"""A sheet holds no more than this."""

_COLUMNS = 6
_MOST_CELLS_WITH_NUMBERS = 30 * 30
_GRAY = 2  # dimensions of an image without channels


def sheet(outcome: ClassOutcome, chosen: Sequence[int]) -> Figure:
    """Return a sheet of test images, each with its predicted class and probability, and the true class if another.

    Args:
        outcome: What was predicted; its images must be known.
        chosen: The numbers of the examples to show, in order.
    """
    assert outcome.image is not None
    columns = min(_COLUMNS, max(len(chosen), 1))
    rows = math.ceil(len(chosen) / columns)
    figure = Figure(figsize=(1.9 * columns, 2.2 * rows), layout="constrained")
    predicted = outcome.predicted
    for place, number in enumerate(chosen):
        axes = figure.add_subplot(rows, columns, place + 1)
        pixels = np.asarray(outcome.image(int(number)))
        pixels = pixels[..., 0] if pixels.ndim > _GRAY and pixels.shape[-1] == 1 else pixels
        axes.imshow(pixels, cmap="gray" if pixels.ndim == _GRAY else None)
        axes.set_axis_off()
        said, true = int(predicted[number]), int(outcome.true[number])
        text = f"{outcome.class_names[said]} {outcome.probabilities[number, said]:.0%}"
        right = said == true
        title = text if right else f"{text}\nis {outcome.class_names[true]}"
        axes.set_title(title, fontsize=8, color="black" if right else "#b00020")
    return figure


def confusion_matrix(confusion: Confusion) -> Figure:
    """Return a confusion matrix: each row as shares of its true class in colour, the counts as numbers."""
    counts, class_names = np.asarray(confusion.counts), confusion.names
    size = len(class_names)
    side = min(3.0 + 0.45 * size, 18.0)
    figure = Figure(figsize=(side + 1.0, side), layout="constrained")
    axes = figure.add_subplot()
    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, fraction=0.046, label="share of the true class")
    axes.set_xticks(range(size), class_names, rotation=45 if max(map(len, class_names)) > 2 else 0, ha="right")  # noqa: PLR2004
    axes.set_yticks(range(size), class_names)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    if counts.size <= _MOST_CELLS_WITH_NUMBERS:
        for row, column in np.ndindex(counts.shape):
            if counts[row, column]:
                shade = "white" if shares[row, column] > 0.5 else "black"  # noqa: PLR2004
                axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", color=shade, fontsize=8)
    return figure
