"""Pictures of classes: the confusion matrix, and sheets of test images with what was predicted of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo.tasks.classes import ClassOutcome
    from kzoo.tasks.task import Confusion

__all__ = ["MOST_IMAGES", "confusion_matrix", "sheet", "shortened", "show_image", "tiled"]

MOST_IMAGES = 24
"""A sheet holds no more than this."""

_COLUMNS = 6
_MOST_CELLS_WITH_NUMBERS = 30 * 30
_GRAY = 2  # dimensions of an image without channels

_LARGEST = 40.0  # inches of the side of a confusion matrix
_POINTS = 72  # in an inch
_FILLED = 0.75  # of the side of the figure, by the matrix itself; axes and names have the rest
_NAME_TEXT, _NUMBER_TEXT, _SMALLEST_TEXT = 10.0, 8.0, 4.0  # points
_LINE = 0.75  # of the side of a cell is the size of a text whose lines do not touch
_DIGIT = 0.68  # of the size of a text is the width of a digit, with some air
_LONGEST_NAME = 30  # characters
_SLANT, _SLANTED = 45, 30  # degrees of names that are written slanted, and the most classes whose names are


def sheet(outcome: ClassOutcome, chosen: Sequence[int]) -> Figure:
    """Return a sheet of test images, each with its predicted class and probability, and the true class if another.

    Args:
        outcome: What was predicted; its images must be known.
        chosen: The numbers of the examples to show, in order.
    """
    assert outcome.image is not None
    predicted, tiles = outcome.predicted, []
    for number in chosen:
        said, true = int(predicted[number]), int(outcome.true[number])
        text = f"{outcome.class_names[said]} {outcome.probabilities[number, said]:.0%}"
        right = said == true
        tiles.append((number, text if right else f"{text}\nis {outcome.class_names[true]}", right))
    return tiled(outcome.image, tiles)


def tiled(image: Callable[[int], Any], tiles: Sequence[tuple[int, str, bool]]) -> Figure:
    """Return a sheet of images with a text above each, black where it is right and red where not.

    Args:
        image: Returns the pixels of an image by its number.
        tiles: Number, text and whether that is right, in order.
    """
    columns = min(_COLUMNS, max(len(tiles), 1))
    rows = math.ceil(len(tiles) / columns)
    figure = Figure(figsize=(1.9 * columns, 2.2 * rows), layout="constrained")
    for place, (number, title, right) in enumerate(tiles):
        axes = figure.add_subplot(rows, columns, place + 1)
        show_image(axes, image(int(number)))
        axes.set_title(title, fontsize=8, color="black" if right else "#b00020")
    return figure


def show_image(axes: Any, image: Any) -> None:
    """Show an image, gray or in colours, without ticks."""
    pixels = np.asarray(image)
    pixels = pixels[..., 0] if pixels.ndim > _GRAY and pixels.shape[-1] == 1 else pixels
    axes.imshow(pixels, cmap="gray" if pixels.ndim == _GRAY else None)
    axes.set_axis_off()


def confusion_matrix(
    confusion: Confusion, totals: np.ndarray | None = None, axis_names: tuple[str, str] = ("true", "predicted")
) -> Figure:
    """Return a confusion matrix: each row as shares of its true class in colour, the counts as numbers.

    It grows with the number of classes, up to a side of `_LARGEST` inches; from there on its texts shrink, and where
    they would be too small to read, only every so many classes have their names on the axes.

    Args:
        confusion: The counts.
        totals: What the shares of each row are of, shape (R,); by default its sum.
        axis_names: What rows and columns are called.
    """
    counts, class_names = np.asarray(confusion.counts), confusion.names
    size = len(class_names)
    side = min(3.0 + 0.45 * size, max(18.0, 0.16 * size), _LARGEST)
    figure = Figure(figsize=(side + 1.0, side), layout="constrained")
    axes = figure.add_subplot()
    whole = np.asarray(counts.sum(axis=1) if totals is None else totals)[:, None]
    shares = np.divide(counts, whole, out=np.zeros(counts.shape), where=whole > 0)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, fraction=0.046, label="share of the true class" if totals is None else "share")
    points = _POINTS * _FILLED * side / size  # of the side of a cell
    step = math.ceil(_SMALLEST_TEXT / (_LINE * points))
    names = float(np.clip(_LINE * points * step, _SMALLEST_TEXT, _NAME_TEXT))
    shown = range(0, size, step)
    labels = [shortened(class_names[at]) for at in shown]
    turned = max(map(len, labels)) > 2  # noqa: PLR2004
    # Upright where there are many: slanted names take more of the axis than their height.
    angle = (90 if size > _SLANTED else _SLANT) if turned else 0
    axes.set_xticks(shown, labels, rotation=angle, ha="right" if angle == _SLANT else "center", fontsize=names)
    axes.set_yticks(shown, labels, fontsize=names)
    axes.set_xlabel(axis_names[1])
    axes.set_ylabel(axis_names[0])
    longest = max(len(f"{count:,}") for count in counts.flat) if size else 1
    numbers = min(_NUMBER_TEXT, points / (_DIGIT * longest))
    if numbers >= _SMALLEST_TEXT and counts.size <= _MOST_CELLS_WITH_NUMBERS:
        for row, column in np.ndindex(counts.shape):
            if counts[row, column]:
                shade = "white" if shares[row, column] > 0.5 else "black"  # noqa: PLR2004
                written = f"{counts[row, column]:,}"
                axes.text(column, row, written, ha="center", va="center", color=shade, fontsize=numbers)
    return figure


def shortened(name: str) -> str:
    """Return a class's name as an axis has room for it."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."
