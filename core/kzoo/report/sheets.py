"""Sheets of test images with what was predicted of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.report.outcome import ClassOutcome

__all__ = ["MOST_IMAGES", "sheet"]

MOST_IMAGES = 24
"""A sheet holds no more than this."""

_COLUMNS = 6
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
