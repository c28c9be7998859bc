"""Pictures of numbers: predicted against true ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from kzoo.tasks.values import ValueOutcome

__all__ = ["values"]

_POINTS, _LINE = "#1f5fa8", "#d1600a"  # told apart by colour-blind readers and in gray


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
        axes.scatter(true, predicted, s=12, alpha=0.6, color=_POINTS)
        axes.set_xlabel(f"true {name}")
        axes.set_ylabel(f"predicted {name}")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        if inputs is not None:
            order = np.argsort(inputs)
            axes = figure.add_subplot(outputs, panels, row * panels + 2)
            axes.scatter(inputs[order], true[order], s=12, alpha=0.6, color="gray", label="true")
            axes.plot(inputs[order], predicted[order], color=_LINE, label="predicted")
            axes.set_xlabel(outcome.input_name)
            axes.set_ylabel(name)
            axes.grid(alpha=0.3)
            axes.legend(frameon=False)
    return figure
