"""Sheets of pictures with their masks: the truth, what was said, and where that is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from kzoo.tasks.mask_drawing import overlaid
from kzoo.tasks.mask_measures import NO_CLASS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.tasks.mask_outcome import MaskOutcome, SegmentedPicture

__all__ = ["MOST_PICTURES", "errors", "sheet"]

MOST_PICTURES = 6
"""A sheet holds no more than this."""

_MOST_NAMED = 24
_WRONG = (214, 40, 40)
_LARGEST = 480  # pixels of the longer side of what is shown


def sheet(outcome: MaskOutcome, chosen: Sequence[int]) -> Figure:
    """Return a sheet with a row for each picture: the truth over it, what was said over it, and the errors in red.

    Args:
        outcome: What was said.
        chosen: The numbers of the pictures to show, in order.
    """
    rows = [outcome.pictures[number] for number in chosen]
    ratios = [one.size[0] / one.size[1] for one in rows]
    figure = Figure(figsize=(9.6, sum(3.1 * min(ratio, 2.0) + 0.3 for ratio in ratios) + 0.8), layout="constrained")
    axes = figure.subplots(len(rows), 3, squeeze=False, gridspec_kw={"height_ratios": ratios})
    shown = np.zeros(len(outcome.class_names), bool)
    for row, one in zip(axes, rows, strict=True):
        pixels, true, said = _small(one, outcome)
        shown[np.unique(true[true != NO_CLASS])] = True
        shown[np.unique(said)] = True
        pictures = (
            overlaid(pixels, true, outcome.colours),
            overlaid(pixels, said, outcome.colours),
            errors(pixels, true, said),
        )
        titles = (one.picture.name, f"mean IoU {one.iou:.2f}", f"{_share_wrong(one):.1%} of the pixels wrong")
        for ax, picture, title in zip(row, pictures, titles, strict=True):
            ax.imshow(picture)
            ax.set_axis_off()
            ax.set_title(title, fontsize=8)
    named = [index for index in np.flatnonzero(shown).tolist() if index < _MOST_NAMED]
    patches = [Patch(color=outcome.colours[index] / 255, label=outcome.class_names[index]) for index in named]
    figure.legend(handles=patches, loc="outside lower center", ncols=6, fontsize=7, frameon=False)
    return figure


def errors(pixels: np.ndarray, true: np.ndarray, said: np.ndarray) -> np.ndarray:
    """Return a picture in gray with its wrong pixels in red, and those without a class dark."""
    gray = np.repeat(pixels.mean(axis=-1, keepdims=True), 3, axis=-1)
    wrong = (true != said) & (true != NO_CLASS)
    shown = np.where((true == NO_CLASS)[..., None], 0.35 * gray, gray)
    shown[wrong] = 0.25 * shown[wrong] + 0.75 * np.array(_WRONG)
    return np.rint(shown).astype(np.uint8)


def _small(one: SegmentedPicture, outcome: MaskOutcome) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pixels, true and predicted mask, every so many rows and columns of a large picture left out."""
    step = max(1, -(-max(one.size) // _LARGEST))
    true = outcome.true(one)
    return tuple(part[::step, ::step] for part in (one.picture.read(), true, one.predicted))  # type: ignore[return-value]


def _share_wrong(one: SegmentedPicture) -> float:
    total = one.counts.sum()
    return float(1 - np.trace(one.counts) / total) if total else 0.0
