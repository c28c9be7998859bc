"""The curves of a training as a matplotlib figure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, StrMethodFormatter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["curves"]

_COLUMNS = 3
_TRAIN, _VALIDATION = "#1f5fa8", "#d1600a"  # told apart by colour-blind readers and in gray
_MARK = "#666666"
_WIDE_RANGE = 30.0  # a loss that falls by more than this factor is drawn on a logarithmic axis


def curves(history: Sequence[Mapping[str, Any]], best: int | None = None) -> Figure:
    """Return the curves of loss and metrics over the epochs, training and validation in one panel each.

    Args:
        history: The logs of each epoch; a value that is no single number is left out.
        best: The best epoch, from 1, which is marked; None for none.
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
        if drawn and best is not None and 1 <= best <= len(history):
            axes.axvline(best, color=_MARK, linestyle=":", linewidth=1, label=f"best epoch: {best}")
        if name == "loss" and drawn and min(drawn) > 0 and max(drawn) > _WIDE_RANGE * min(drawn):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))  # its own has formulas, and nothing here is one
            axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if drawn:
            axes.legend(frameon=False)
    return figure


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: Any) -> float:
    return float(value) if _is_number(value) else math.nan
