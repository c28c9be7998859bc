"""Sheets of pictures of text with what was read, and how sure the reading was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from kzoo.tasks.class_figures import show_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.tasks.texts import ReadLine

__all__ = ["MOST_LINES", "confidences", "sheet"]

MOST_LINES = 20
"""A sheet holds no more than this."""

_COLUMNS = 2
_LONGEST = 44  # characters of a title
_BINS = 20
_RIGHT, _WRONG = "#1f5fa8", "#d1600a"  # told apart by colour-blind readers and in gray


def sheet(chosen: Sequence[ReadLine]) -> Figure:
    """Return a sheet of pictures, above each what was read with its probability, and the true text where it differs."""
    rows = -(-len(chosen) // _COLUMNS)
    figure = Figure(figsize=(9.6, 1.25 * rows), layout="constrained")
    for place, one in enumerate(chosen):
        axes = figure.add_subplot(rows, _COLUMNS, place + 1)
        show_image(axes, one.pixels())
        title = f"{_plain(one.said) or '(nothing)'}   {one.confidence:.0%}"
        title = title if one.right else f"{title}\nis {_plain(one.true)}"
        axes.set_title(title, fontsize=8, color="black" if one.right else "#b00020", parse_math=False)
    return figure


def confidences(lines: Sequence[ReadLine]) -> Figure:
    """Return how many texts were read right and wrong by how sure the reading was."""
    right = np.array([one.right for one in lines], bool)
    sure = np.array([one.confidence for one in lines])
    edges = np.linspace(0, 1, _BINS + 1)
    counts = [np.histogram(sure[part], edges)[0] for part in (right, ~right)]
    figure = Figure(figsize=(6.5, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(edges[:-1], counts[0], 1 / _BINS, align="edge", color=_RIGHT, label="right")
    axes.bar(edges[:-1], counts[1], 1 / _BINS, bottom=counts[0], align="edge", color=_WRONG, label="wrong")
    axes.set_xlim(0, 1)
    axes.set_xlabel("probability of the text that was read")
    axes.set_ylabel("lines")
    axes.set_title(f"{right.mean():.1%} right, {sure.mean():.1%} sure on average", fontsize=9)
    axes.legend(frameon=False, loc="upper left")
    return figure


def _plain(text: str) -> str:
    """Return a text as a title has room for it."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
