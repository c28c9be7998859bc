"""Sheets of pictures before and after a restoration beside the truth, and how much each of them gained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kzoo.tasks.image_views import thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.tasks.images import ImageOutcome, RestoredPicture

__all__ = ["MOST_PICTURES", "gains", "sheet"]

MOST_PICTURES = 5
"""A sheet holds no more than this."""

_MARK = "#ffd400"
_BEFORE, _AFTER = "#d1600a", "#1f5fa8"  # told apart by colour-blind readers and in gray


def sheet(chosen: Sequence[RestoredPicture]) -> Figure:
    """Return a sheet with a row for each picture: before, after and the truth, and the same part of each magnified.

    The part is where the true picture has most edges; its place is marked.
    """
    ratios = [min(2.0, max(1.0, one.size[0] / one.size[1])) for one in chosen]
    figure = Figure(figsize=(13.8, 2.3 * sum(ratios) + 0.35 * len(ratios)), layout="constrained")
    axes = figure.subplots(len(chosen), 6, squeeze=False, gridspec_kw={"height_ratios": ratios})
    for row, one in zip(axes, chosen, strict=True):
        before, true, (top, left, side) = one.picture.damaged(), one.picture.clean(), one.place
        scale = true.shape[0] // before.shape[0]
        part = before[top // scale : (top + side) // scale, left // scale : (left + side) // scale]
        columns = [
            (f"{one.picture.name}\nbefore, {one.damaged['psnr']:.1f} dB", thinned(before), part),
            (f"after, {one.figures['psnr']:.1f} dB", one.view, one.part),
            ("the truth", thinned(true), true[top : top + side, left : left + side]),
        ]
        for (title, whole, magnified), above, beside in zip(columns, row[:3], row[3:], strict=True):
            _show(above, whole, one.size)
            above.add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=_MARK, linewidth=1))
            above.set_title(title, fontsize=8)
            _show(beside, magnified, (side, side))
            beside.set_title(title.rpartition("\n")[-1].partition(",")[0], fontsize=8)
    return figure


def gains(outcome: ImageOutcome) -> Figure:
    """Return how far each picture is from the truth before and after, those that were nearest first at the right."""
    before = np.array([one.damaged["psnr"] for one in outcome.pictures])
    after = np.array([one.figures["psnr"] for one in outcome.pictures])
    order = np.argsort(after, kind="stable")
    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    axes = figure.add_subplot()
    places = np.arange(1, len(order) + 1)
    axes.vlines(places, before[order], after[order], color="gray", linewidth=0.6, alpha=0.6)
    axes.scatter(places, before[order], s=9, color=_BEFORE, label="before")
    axes.scatter(places, after[order], s=9, color=_AFTER, label="after")
    axes.set_xlabel("test pictures, by what came of them")
    axes.set_ylabel("PSNR in dB")
    axes.set_title(f"{(after - before).mean():+.2f} dB on average", fontsize=9)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return figure


def _show(axes: Any, pixels: np.ndarray, shape: Sequence[int]) -> None:
    """Show a picture on axes that count the pixels of another size."""
    shown = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    extent = (-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")
    axes.set_axis_off()
