"""Pictures of what a detector found: curves of precision over recall, and sheets of images."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kzoo.detection.confusion import pair
from kzoo.detection.voc import average_precision
from kzoo.tasks.task import Confusion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.tasks.boxes import BoxOutcome

__all__ = ["MOST_IMAGES", "confusion_that_occurs", "precision_recall", "sheet"]

MOST_IMAGES = 12
"""A sheet of images holds no more than this."""

_COLUMNS = 3
_MOST_CURVES = 10  # more colours than that are not told apart
_RIGHT, _WRONG, _MISSED = "#1a7f37", "#b00020", "#d1600a"


def precision_recall(outcome: BoxOutcome) -> Figure:
    """Return precision over recall at an overlap of 0.5: each of the commonest classes, and the mean of all."""
    figure = Figure(figsize=(6.4, 5.0), layout="constrained")
    axes = figure.add_subplot()
    known = [number for number, curve in enumerate(outcome.curves) if curve.objects]
    recall = np.linspace(0, 1, 101)
    every = np.array([_interpolated(outcome, number, recall) for number in known]).reshape(-1, len(recall))
    common = sorted(known, key=lambda number: -outcome.curves[number].objects)[:_MOST_CURVES]
    for number in common:
        curve = outcome.curves[number]
        label = f"{outcome.dataset.class_names[number]} {average_precision(curve):.2f}"
        axes.plot(recall, every[known.index(number)], linewidth=1, label=label)
    if len(known) > 1:
        mean = float(np.mean([average_precision(outcome.curves[number]) for number in known]))
        axes.plot(
            recall, every.mean(axis=0), color="black", linewidth=2.5, label=f"all {len(known)} classes {mean:.2f}"
        )
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.grid(alpha=0.3)
    if known:
        axes.legend(frameon=False, fontsize=8, title="average precision", title_fontsize=8)
    return figure


def confusion_that_occurs(confusion: Confusion) -> Confusion:
    """Return the part of a confusion matrix of the classes that occur or were found, and of nothing, the last."""
    counts = np.asarray(confusion.counts)
    shown = np.flatnonzero(counts.sum(axis=0) + counts.sum(axis=1) > 0)
    shown = np.union1d(shown, [len(counts) - 1])
    return Confusion([confusion.names[number] for number in shown.tolist()], counts[np.ix_(shown, shown)])


def sheet(outcome: BoxOutcome, chosen: Sequence[int]) -> Figure:
    """Return a sheet of images: boxes that are right in green, wrong in red, objects that were missed in dashed orange.

    Args:
        outcome: What was found.
        chosen: The numbers of the images to show, in order.
    """
    columns = min(_COLUMNS, max(1, len(chosen)))
    rows = math.ceil(len(chosen) / columns)
    figure = Figure(figsize=(4.2 * columns, 3.8 * rows), layout="constrained")
    for place, number in enumerate(chosen):
        image, found = outcome.dataset.images[number], outcome.found[number]
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.imshow(image.read())
        axes.set_axis_off()
        axes.autoscale(enable=False)
        pairs = pair(image, found, threshold=outcome.threshold)
        names = outcome.dataset.class_names
        for index, partner in zip(pairs.seen.tolist(), pairs.partner.tolist(), strict=True):
            label = int(found.labels[index])
            right = partner >= 0 and int(image.labels[partner]) == label
            text = f"{names[label]} {found.scores[index]:.0%}"
            _box(axes, found.boxes[index], _RIGHT if right else _WRONG, text)
        for index in pairs.missed.tolist():
            _box(axes, image.boxes[index], _MISSED, names[int(image.labels[index])], dashed=True)
        axes.set_title(f"{image.name}: {pairs.wrong} wrong" if pairs.wrong else image.name, fontsize=9)
    return figure


def _box(axes: Any, box: np.ndarray, color: str, text: str, *, dashed: bool = False) -> None:
    x1, y1, x2, y2 = (float(side) for side in box)
    style = "--" if dashed else "-"
    axes.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=color, linewidth=1.5, linestyle=style))
    label = {"facecolor": color, "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
    axes.text(x1, y1, text, fontsize=5, color="white", bbox=label, clip_on=True, verticalalignment="bottom")


def _interpolated(outcome: BoxOutcome, number: int, recall: np.ndarray) -> np.ndarray:
    """Return the best precision of a class at each recall or beyond."""
    curve = outcome.curves[number]
    best = np.append(np.maximum.accumulate(curve.precision[::-1])[::-1], 0.0)
    return np.asarray(best[np.searchsorted(curve.recall, recall, side="left")])
