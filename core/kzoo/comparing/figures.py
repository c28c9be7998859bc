"""Pictures of a comparison: intervals side by side, and learning curves with bands."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from kzoo.comparing.statistics import mean_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.comparing.gathering import Gathered
    from kzoo.comparing.judging import Judged, Judgement

__all__ = ["CAPTIONS", "drawn"]

CAPTIONS = {
    "intervals": "Each measure: the seeds as points, their mean and its 95 % interval",
    "differences": "Paired differences to the first, each with its 95 % interval: one that holds 0 shows nothing",
    "curves": "Learning curves on the validation data: means over the seeds and their 95 % bands",
}
"""The pictures in the order in which they are shown, with what each shows."""

_COLORS = ("#1f5fa8", "#d1600a", "#1a7f37", "#8250a8", "#b00020", "#666666", "#0a8f8f", "#a87b1f")
_MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")  # told apart without colours
_COLUMNS = 2
_LONGEST_NAME = 40


def drawn(judgement: Judgement, gathered: Gathered) -> dict[str, Figure]:
    """Return the pictures by name, those of `CAPTIONS` that there is something to draw for."""
    found = {"intervals": _panels(judgement, differences=False)}
    if any(row.difference and row.difference.n for row in judgement.rows):
        found["differences"] = _panels(judgement, differences=True)
    if (curves := _curves(gathered)) is not None:
        found["curves"] = curves
    return found


def _panels(judgement: Judgement, *, differences: bool) -> Figure:
    """Return a panel for each measure with a line for each way to train, the first on top."""
    measures = judgement.measures
    rows = math.ceil(len(measures) / _COLUMNS)
    lines = max(len(judgement.of(measure)) for measure in measures)
    figure = Figure(figsize=(5.6 * min(len(measures), _COLUMNS), (1.3 + 0.42 * lines) * rows), layout="constrained")
    for place, measure in enumerate(measures):
        axes = figure.add_subplot(rows, min(len(measures), _COLUMNS), place + 1)
        shown = [row for row in judgement.of(measure) if row.difference or not differences]
        for at, row in enumerate(shown):
            number = at + differences  # a way to train has its colour in every picture
            _line(axes, at, row, number, differences=differences)
        axes.set_yticks(range(len(shown)), [_short(row.cell) for row in shown], fontsize=8)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        if differences:
            axes.axvline(0.0, color="#666666", linewidth=1)
        better = "more" if shown[0].better == "higher" else "less"
        axes.set_title(f"{measure}{' difference' if differences else ''}, {better} is better", fontsize=9)
        axes.tick_params(axis="x", labelsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.grid(alpha=0.3, axis="x")
    return figure


def _line(axes: Any, at: int, row: Judged, number: int, *, differences: bool) -> None:
    color, mark = _COLORS[number % len(_COLORS)], _MARKS[number % len(_MARKS)]
    mean = row.difference if differences else row.mean
    if mean is None or not mean.n:
        return
    if not differences:
        values = [value for value in row.values.values() if math.isfinite(value)]
        axes.scatter(values, [at + 0.22] * len(values), s=10, color=color, alpha=0.45)
    if mean.low is not None and mean.high is not None:
        axes.plot([mean.low, mean.high], [at, at], color=color, linewidth=2)
    axes.plot([mean.mean], [at], mark, color=color, markersize=6)


def _curves(gathered: Gathered) -> Figure | None:
    """Return a panel for each metric of the validation data that all ways to train have; None where there is none.

    Losses are left out: those of different losses are not on one scale.
    """
    histories = _histories(gathered)
    names = [name for name in _common(histories) if name.startswith("val_") and not name.endswith("loss")]
    if not names:
        return None
    rows, columns = math.ceil(len(names) / _COLUMNS), min(len(names), _COLUMNS)
    figure = Figure(figsize=(5.6 * columns, 3.6 * rows), layout="constrained")
    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, place + 1)
        for number, (cell, several) in enumerate(histories.items()):
            color = _COLORS[number % len(_COLORS)]
            length = max(map(len, several))
            at = [[history[epoch][name] for history in several if epoch < len(history)] for epoch in range(length)]
            means = [mean_of([float(value) for value in values]) for values in at]
            epochs = np.arange(1, length + 1)
            mark = _MARKS[number % len(_MARKS)] if length < 16 else None  # noqa: PLR2004 - as in a run's curves
            axes.plot(epochs, [one.mean for one in means], color=color, label=_short(cell), marker=mark, markersize=4)
            low, high = (
                [math.nan if end is None else end for end in ends]
                for ends in ([one.low for one in means], [one.high for one in means])
            )
            axes.fill_between(epochs, low, high, color=color, alpha=0.15, linewidth=0)
        axes.set_title(name.removeprefix("val_"), fontsize=9)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend(frameon=False, fontsize=8)
    return figure


def _histories(gathered: Gathered) -> dict[str, list[Sequence[Mapping[str, Any]]]]:
    """Return the logs of the epochs of each run, by the way to train."""
    found: dict[str, list[Sequence[Mapping[str, Any]]]] = {}
    for cell in gathered.cells:
        own = [
            entry.record.training.history for entry in gathered.entries if entry.cell == cell and entry.record.training
        ]
        found[cell] = [history for history in own if history]
    return {cell: several for cell, several in found.items() if several}


def _common(histories: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]) -> list[str]:
    """Return the numbers that every epoch of every run has, in their order."""
    logs = [log for several in histories.values() for history in several for log in history]
    if not logs:
        return []
    return [name for name in logs[0] if all(_is_number(log.get(name)) for log in logs)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."
