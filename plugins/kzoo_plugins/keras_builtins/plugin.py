"""Registers Keras's own components under their Keras names, and the names that TensorFlow Addons had for components.

It is light, since specs are imported when a list needs them, and targets on use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.plugin import hookimpl

if TYPE_CHECKING:
    from kzoo.plugin import FormerName, LossSpec, MetricSpec, OptimizerSpec, RegularizerSpec, ScheduleSpec

__all__ = ["kzoo_former_names", "kzoo_losses", "kzoo_metrics", "kzoo_optimizers", "kzoo_regularizers"]


@hookimpl
def kzoo_losses() -> list[LossSpec]:
    """Return Keras's losses."""
    from kzoo_plugins.keras_builtins.hidden_faults import with_hidden_faults
    from kzoo_plugins.keras_builtins.known_failures import with_known_failures
    from kzoo_plugins.keras_builtins.losses import LOSSES

    return with_known_failures(with_hidden_faults(LOSSES))


@hookimpl
def kzoo_metrics() -> list[MetricSpec]:
    """Return Keras's metrics."""
    from kzoo_plugins.keras_builtins.hidden_faults import with_hidden_faults
    from kzoo_plugins.keras_builtins.known_failures import with_known_failures
    from kzoo_plugins.keras_builtins.metrics import METRICS

    return with_known_failures(with_hidden_faults(METRICS))


@hookimpl
def kzoo_optimizers() -> list[OptimizerSpec | ScheduleSpec]:
    """Return Keras's optimizers and learning-rate schedules."""
    from kzoo_plugins.keras_builtins.known_failures import with_known_failures
    from kzoo_plugins.keras_builtins.optimizers import OPTIMIZERS, SCHEDULES

    return [*with_known_failures(OPTIMIZERS), *with_known_failures(SCHEDULES)]


@hookimpl
def kzoo_regularizers() -> list[RegularizerSpec]:
    """Return Keras's regularizers."""
    from kzoo_plugins.keras_builtins.known_failures import with_known_failures
    from kzoo_plugins.keras_builtins.regularizers import REGULARIZERS

    return with_known_failures(REGULARIZERS)


@hookimpl
def kzoo_former_names() -> list[FormerName]:
    """Return the names of TensorFlow Addons; kzoo's own components and Keras's have taken their place."""
    from kzoo_plugins.former_names import FORMER_NAMES

    return FORMER_NAMES
