"""Registers the optimizers and schedules; light, since targets are imported only on use."""

from __future__ import annotations

from kzoo.plugin import OptimizerSpec, ScheduleSpec, hookimpl

__all__ = ["kzoo_optimizers"]


@hookimpl
def kzoo_optimizers() -> list[OptimizerSpec | ScheduleSpec]:
    """Return kzoo's own optimizers and learning-rate schedules."""
    return [
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
