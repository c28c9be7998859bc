"""Curves as SVG for a page: its colours are the page's, light or dark, and its letters those of the reader's system."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

# Colours that stand for the page's, and what the page writes for them.
INK, FAINT = "#010101", "#020202"
LINES = ("#030303", "#040404", "#050505", "#060606")
_PAGE = {
    INK: "currentColor",
    FAINT: "var(--kz-faint)",
    **{color: f"var(--kz-line-{at})" for at, color in enumerate(LINES, 1)},
}
_DASHES = ("-", "--", "-.", ":")  # lines are told apart without colours too


@dataclass
class Panel:
    """One pair of axes.

    Attributes:
        title: What it shows, in a few words.
        x: What is on the axis below, with its unit.
        y: What is on the axis at the left.
        curves: Labels, each with the two coordinates of its points; a label may be empty.
        log: Whether the axis at the left is logarithmic.
        bars: Draw bars instead of curves.
        paint: What else is drawn on the axes.
    """

    title: str
    x: str
    y: str
    curves: Sequence[tuple[str, Any, Any]] = ()
    log: bool = False
    bars: bool = False
    paint: Callable[[Any], None] | None = field(default=None, repr=False)


def svg(panels: Sequence[Panel], describes: str, name: str) -> str:
    """Return the panels side by side, or below each other on a narrow page, as a figure of HTML.

    Args:
        panels: The panels.
        describes: What the picture shows, for those who cannot see it.
        name: A name for the marks within the picture, which must differ from those of others on the page.
    """
    drawn = "".join(_one(panel, f"{name}-{at}") for at, panel in enumerate(panels))
    return f'<figure class="kz-plot" role="img" aria-label="{_quoted(describes)}">{drawn}</figure>'


def _one(panel: Panel, name: str) -> str:
    settings = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "text.color": INK,
        "axes.edgecolor": FAINT,
        "axes.labelcolor": INK,
        "axes.titlesize": 10,
        "axes.labelsize": 9.5,
        "xtick.color": FAINT,
        "ytick.color": FAINT,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "font.size": 9,
        "text.parse_math": False,
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(4.1, 3.0), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        axes.patch.set_visible(False)
        axes.grid(color=FAINT, alpha=0.25, linewidth=0.6)
        axes.set_axisbelow(True)
        _draw(axes, panel)
        axes.set_title(panel.title, loc="left")
        axes.set_xlabel(panel.x)
        axes.set_ylabel(panel.y)
        if panel.log:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
        if any(label for label, *_ in panel.curves):
            axes.legend(frameon=False, fontsize=8.5)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _for_page(text.getvalue())


def _draw(axes: Any, panel: Panel) -> None:
    if panel.paint:
        panel.paint(axes)
    for at, (label, *points) in enumerate(panel.curves):
        x, y = (np.asarray(one, float) for one in points)
        color = LINES[at % len(LINES)]
        if panel.bars:
            width = 0.8 / len(panel.curves)
            axes.bar(x + width * (at - (len(panel.curves) - 1) / 2), y, width, color=color, label=label or None)
            axes.set_xticks(x)
        else:
            axes.plot(x, y, color=color, linestyle=_DASHES[at % len(_DASHES)], linewidth=1.8, label=label or None)


def _for_page(text: str) -> str:
    """Return a picture as it stands within a page: without prologue, styles of its own, colours and fonts."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<style[^>]*>.*?</style>", "", text, flags=re.DOTALL)  # it would hold for the whole page
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' (?:width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]*; ?", "", text)
    text = re.sub(r'<g id="[^"]*"', "<g", text)  # each picture of a page has the same
    text = text.replace("<defs> </defs>", "")
    # Coordinates, in the tags, have two decimals; the numbers at the axes, between them, have all that they need.
    text = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d+\.\d{2})\d+", r"\1", tag[0]), text)
    for color, page in _PAGE.items():
        text = text.replace(color, page)
    text = text.replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "").replace("xlink:href", "href")
    return re.sub(r"\s*\n\s*", " ", text).strip()


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
