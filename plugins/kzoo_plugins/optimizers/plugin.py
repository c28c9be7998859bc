"""Registers the optimizers and schedules; light, since targets are imported only on use."""

from __future__ import annotations

from kzoo.plugin import OptimizerSpec, ScheduleSpec, hookimpl
from kzoo_plugins.optimizers.specs import adaptive, averaging, schedules, second_order

__all__ = ["kzoo_optimizers"]


@hookimpl
def kzoo_optimizers() -> list[OptimizerSpec | ScheduleSpec]:
    """Return kzoo's own optimizers and learning-rate schedules."""
    return [*adaptive.OPTIMIZERS, *averaging.OPTIMIZERS, *second_order.OPTIMIZERS, *schedules.SCHEDULES]
