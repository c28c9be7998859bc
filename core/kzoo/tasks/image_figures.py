"""Sheets of pictures before and after a restoration beside the truth, and how much each of them gained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from kzoo.data.frames.video import opencv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.tasks.images import ImageOutcome, RestoredPicture

__all__ = ["MOST_PICTURES", "gains", "most_detailed", "sheet"]

MOST_PICTURES = 5
"""A sheet holds no more than this."""

_PART = 3  # the magnified part has this share of the shorter side
_LEAST_PART = 32
_COARSE = 1.5  # pixels: what is finer is texture, of which little is to be seen
_LARGEST = 720  # pixels of the longer side of what is shown
_MARK = "#ffd400"
_BEFORE, _AFTER = "#d1600a", "#1f5fa8"  # told apart by colour-blind readers and in gray


def sheet(chosen: Sequence[RestoredPicture]) -> Figure:
    """Return a sheet with two rows for each picture: before, after and the truth, and the same part of each magnified.

    The part is where the true picture has most edges; its place is marked.
    """
    rows = [(one.picture.damaged(), one.said, one.picture.clean(), one) for one in chosen]
    ratios = [min(2.0, true.shape[0] / true.shape[1]) for _, _, true, _ in rows]
    heights = [height for ratio in ratios for height in (ratio, 1.0)]
    figure = Figure(figsize=(9.6, 3.1 * sum(heights) + 0.4 * len(heights)), layout="constrained")
    axes = figure.subplots(2 * len(rows), 3, squeeze=False, gridspec_kw={"height_ratios": heights})
    for number, (damaged, said, true, one) in enumerate(rows):
        top, left, side = most_detailed(true)
        titles = (
            f"{one.picture.name}: before, {one.damaged['psnr']:.1f} dB",
            f"after, {one.figures['psnr']:.1f} dB",
            "the truth",
        )
        for column, (pixels, title) in enumerate(zip((damaged, said, true), titles, strict=True)):
            scale = true.shape[0] // pixels.shape[0]
            whole, part = axes[2 * number, column], axes[2 * number + 1, column]
            _show(whole, pixels, true.shape)
            whole.add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=_MARK, linewidth=1))
            whole.set_title(title, fontsize=8)
            rows_of, columns_of = (slice(at // scale, (at + side) // scale) for at in (top, left))
            _show(part, pixels[rows_of, columns_of], (side, side))
    return figure


def most_detailed(pixels: np.ndarray) -> tuple[int, int, int]:
    """Return row, column and side of the square part of a picture that has most edges, at multiples of 4."""
    cv2 = opencv()
    height, width = pixels.shape[:2]
    side = min(height, width, max(_LEAST_PART, min(height, width) // _PART)) // 4 * 4 or min(height, width)
    gray = pixels.astype(np.float32).mean(axis=-1)
    smooth = cv2.GaussianBlur(gray, (0, 0), _COARSE)
    edges = np.hypot(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    sums = cv2.integral(edges)
    found = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    found = found[::4, ::4]
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    return int(row) * 4, int(column) * 4, side


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
    step = max(1, -(-max(pixels.shape[:2]) // _LARGEST))
    shown = pixels[::step, ::step]
    shown = shown[..., 0] if shown.shape[-1] == 1 else shown
    extent = (-0.5, shape[1] - 0.5, shape[0] - 0.5, -0.5)
    axes.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="nearest")
    axes.set_axis_off()
