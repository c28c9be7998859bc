"""The hooks: seven for specs and one for old names. A plugin implements those it needs; each takes no argument."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kzoo.plugin import (
        CommandSpec,
        FormerName,
        LossSpec,
        MetricSpec,
        OptimizerSpec,
        PipelineSpec,
        RegularizerSpec,
        ScheduleSpec,
        TrackerSpec,
    )

__all__ = [
    "FORMER_NAMES",
    "HOOKS",
    "kzoo_commands",
    "kzoo_former_names",
    "kzoo_losses",
    "kzoo_metrics",
    "kzoo_optimizers",
    "kzoo_pipelines",
    "kzoo_regularizers",
    "kzoo_trackers",
]

hookspec = pluggy.HookspecMarker("kzoo")


@hookspec
def kzoo_losses() -> Iterable[LossSpec]:
    """Return the losses that this plugin publishes."""
    return ()


@hookspec
def kzoo_metrics() -> Iterable[MetricSpec]:
    """Return the metrics that this plugin publishes."""
    return ()


@hookspec
def kzoo_optimizers() -> Iterable[OptimizerSpec | ScheduleSpec]:
    """Return the optimizers and the learning-rate schedules that this plugin publishes."""
    return ()


@hookspec
def kzoo_regularizers() -> Iterable[RegularizerSpec]:
    """Return the regularizers that this plugin publishes."""
    return ()


@hookspec
def kzoo_trackers() -> Iterable[TrackerSpec]:
    """Return the trackers of runs that this plugin publishes."""
    return ()


@hookspec
def kzoo_pipelines() -> Iterable[PipelineSpec]:
    """Return the pipelines that this plugin publishes."""
    return ()


@hookspec
def kzoo_commands() -> Iterable[CommandSpec]:
    """Return the commands that this plugin adds to the command line."""
    return ()


@hookspec
def kzoo_former_names() -> Iterable[FormerName]:
    """Return the names of another library that this plugin has an answer to."""
    return ()


FORMER_NAMES = "kzoo_former_names"
"""The hook that returns no specs."""

HOOKS: dict[str, tuple[str, ...]] = {
    "kzoo_losses": ("loss",),
    "kzoo_metrics": ("metric",),
    "kzoo_optimizers": ("optimizer", "schedule"),
    "kzoo_regularizers": ("regularizer",),
    "kzoo_trackers": ("tracker",),
    "kzoo_pipelines": ("pipeline",),
    "kzoo_commands": ("command",),
    FORMER_NAMES: (),
}
"""Which kinds of spec each hook may return."""
