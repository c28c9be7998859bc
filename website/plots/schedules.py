"""A schedule over the steps of a run."""

from __future__ import annotations

import numpy as np

from kzoo.plugins.build import Context, build
from kzoo.plugins.reference import Reference
from website.plots.drawing import Panel

STEPS = 1000


def panels(entry):
    """Return the learning rate over a run of 1,000 steps, with the arguments of the component's example."""
    context = Context(total_steps=STEPS)
    schedule = build("schedule", Reference(entry.name, dict(entry.spec.example)), context=context)
    steps = np.arange(0, STEPS + 1, 5)
    rates = [float(schedule(int(step))) for step in steps]
    return [Panel(f"{STEPS:,} steps", "step", "learning rate", [("", steps, rates)])]


CAPTION = "The learning rate over a run of 1,000 steps, with the arguments of the example."
