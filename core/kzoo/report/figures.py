"""The curves of a training as a matplotlib figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["curves"]

_COLUMNS = 3
_TRAIN, _VALIDATION = "#1f5fa8", "#d1600a"  # told apart by colour-blind readers and in gray
_MARK = "#666666"
_MANY = 16  # points of a curve that are not marked any more
_WIDE_RANGE = 30.0  # a loss that falls by more than this factor is drawn on a logarithmic axis

_FEW_DECADES = 1e3


def curves(history: Sequence[Mapping[str, Any]], best: int | None = None) -> Figure:
    """Return the curves of loss and metrics over the epochs, training and validation in one panel each.

    What is measured of validation data alone, such as an error rate of texts, has a panel behind those.

    Args:
        history: The logs of each epoch; a value that is no single number is left out.
        best: The best epoch, from 1, which is marked; None for none.
    """
    names = [name for name, value in history[0].items() if _is_number(value) and not name.startswith("val_")]
    measured = (name for logs in history for name, value in logs.items() if _is_number(value))
    names = list(dict.fromkeys([*names, *(name.removeprefix("val_") for name in measured)]))
    rows, columns = math.ceil(len(names) / _COLUMNS) or 1, min(len(names), _COLUMNS) or 1
    figure = Figure(figsize=(4.2 * columns, 3.2 * rows), layout="constrained")
    epochs = np.arange(1, len(history) + 1)
    for place, name in enumerate(names):
        axes = figure.add_subplot(rows, columns, place + 1)
        drawn = []
        for key, label, color in ((name, "training", _TRAIN), (f"val_{name}", "validation", _VALIDATION)):
            there = [number for number, logs in enumerate(history) if key in logs]
            line = [_number(history[number][key]) for number in there]
            if np.isfinite(line).any():
                marker = "o" if len(line) < _MANY else None
                axes.plot(epochs[there], line, color=color, label=label, marker=marker, markersize=3)
                drawn += [value for value in line if math.isfinite(value)]
        if drawn and best is not None and 1 <= best <= len(history):
            axes.axvline(best, color=_MARK, linestyle=":", linewidth=1, label=f"best epoch: {best}")
        if name == "loss" and drawn and min(drawn) > 0 and max(drawn) > _WIDE_RANGE * min(drawn):
            axes.set_yscale("log")
            # The usual ones write formulas, and a page's texts are shown as they are, see `as_png`.
            few = max(drawn) < _FEW_DECADES * min(drawn)  # their powers of ten may be one
            axes.yaxis.set_minor_locator(LogLocator(subs=(2, 5) if few else "auto"))
            axes.yaxis.set_major_formatter(_as_number)
            axes.yaxis.set_minor_formatter(_as_number if few else NullFormatter())
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if drawn:
            axes.legend(framealpha=0.8, edgecolor="none")  # the mark of the best epoch may be behind it
    return figure


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> float:
    return float(value) if _is_number(value) else math.nan


def _as_number(value: float, _: float | None = None) -> str:
    return f"{value:g}"
