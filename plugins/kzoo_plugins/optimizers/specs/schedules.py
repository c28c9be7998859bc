"""Learning-rate schedules."""

from __future__ import annotations

from kzoo.plugin import ScheduleSpec

__all__ = ["SCHEDULES"]

SCHEDULES: list[ScheduleSpec] = [
    ScheduleSpec(
        name="one_cycle",
        target="kzoo_plugins.optimizers.schedules:OneCycle",
        summary="Rises to the highest learning rate, then falls far below the first; the 1cycle policy.",
        aliases=("onecycle",),
        example={"max_learning_rate": 0.01, "total_steps": 1000},
        steps_argument="total_steps",
        reference="Smith, Topin 2017, https://arxiv.org/abs/1708.07120",
    ),
]
