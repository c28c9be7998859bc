"""Registers the optimizers and schedules; light: specs are imported when a list needs them, and targets on use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.plugin import hookimpl

if TYPE_CHECKING:
    from kzoo.plugin import OptimizerSpec, ScheduleSpec

__all__ = ["kzoo_optimizers"]


@hookimpl
def kzoo_optimizers() -> list[OptimizerSpec | ScheduleSpec]:
    """Return kzoo's own optimizers and learning-rate schedules."""
    from kzoo_plugins.optimizers.specs import adaptive, averaging, schedules, second_order

    return [*adaptive.OPTIMIZERS, *averaging.OPTIMIZERS, *second_order.OPTIMIZERS, *schedules.SCHEDULES]
