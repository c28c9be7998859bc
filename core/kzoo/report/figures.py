"""Diagrams as matplotlib figures: curves of a training, a confusion matrix, predicted against true values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.report.outcome import ValueOutcome

__all__ = ["confusion", "curves", "values"]

_COLUMNS = 3
_TRAIN, _VALIDATION = "#1f5fa8", "#d1600a"  # told apart by colour-blind readers and in gray
_MOST_CELLS_WITH_NUMBERS = 30 * 30
_WIDE_RANGE = 30.0  # a loss that falls by more than this factor is drawn on a logarithmic axis


def curves(history: Sequence[Mapping[str, Any]]) -> Figure:
    """Return the curves of loss and metrics over the epochs, training and validation in one panel each.

    Args:
        history: The logs of each epoch; a value that is no single number is left out.
    """
    names = [name for name, value in history[0].items() if _is_number(value) and not name.startswith("val_")]
    rows, columns = math.ceil(len(names) / _COLUMNS) or 1, min(len(names), _COLUMNS) or 1
    figure = Figure(figsize=(4.2 * columns, 3.2 * rows), layout="constrained")
    epochs = np.arange(1, len(history) + 1)
    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, place + 1)
        drawn = []
        for key, label, color in ((name, "training", _TRAIN), (f"val_{name}", "validation", _VALIDATION)):
            line = [_number(logs.get(key)) for logs in history]
            if np.isfinite(line).any():
                axes.plot(epochs, line, color=color, label=label, marker="o" if len(line) < 16 else None, markersize=3)  # noqa: PLR2004
                drawn += [value for value in line if math.isfinite(value)]
        if name == "loss" and drawn and min(drawn) > 0 and max(drawn) > _WIDE_RANGE * min(drawn):
            axes.set_yscale("log")
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if drawn:
            axes.legend(frameon=False)
    return figure


def confusion(counts: np.ndarray, class_names: Sequence[str]) -> Figure:
    """Return a confusion matrix: each row as shares of its true class in colour, the counts as numbers.

    Args:
        counts: Shape (K, K), the true class in the row.
        class_names: The K names.
    """
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


def values(outcome: ValueOutcome) -> Figure:
    """Return predicted against true values, and where there is a single input, both over it."""
    outputs = len(outcome.names)
    inputs = outcome.inputs
    panels = 1 if inputs is None else 2
    figure = Figure(figsize=(4.6 * panels, 4.2 * outputs), layout="constrained")
    for row, name in enumerate(outcome.names):
        true, predicted = outcome.true[:, row], outcome.predicted[:, row]
        axes = figure.add_subplot(outputs, panels, row * panels + 1)
        low, high = float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))
        axes.plot([low, high], [low, high], color="gray", linewidth=1, label="exact")
        axes.scatter(true, predicted, s=12, alpha=0.6, color=_TRAIN)
        axes.set_xlabel(f"true {name}")
        axes.set_ylabel(f"predicted {name}")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        if inputs is not None:
            order = np.argsort(inputs)
            axes = figure.add_subplot(outputs, panels, row * panels + 2)
            axes.scatter(inputs[order], true[order], s=12, alpha=0.6, color="gray", label="true")
            axes.plot(inputs[order], predicted[order], color=_VALIDATION, label="predicted")
            axes.set_xlabel(outcome.input_name)
            axes.set_ylabel(name)
            axes.grid(alpha=0.3)
            axes.legend(frameon=False)
    return figure


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> float:
    return float(value) if _is_number(value) else math.nan
