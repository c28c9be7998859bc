"""Whether a run would take its settings: names, values and components, before any data is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.models.saved import find_pipeline
from kzoo.plugins.registry import get_registry
from kzoo.runs.choices import build_settings, check_data_settings, fitting_task, possible_tasks

if TYPE_CHECKING:
    from kzoo.runs.config import RunConfig

__all__ = ["check_built", "check_settings"]


def check_settings(config: RunConfig) -> None:
    """Refuse settings that the pipeline does not have and components that do not fit it, as a run would.

    Raises:
        UsageError: What does not exist or fit.
        KzooError: The pipeline cannot be imported.
    """
    pipeline = find_pipeline(config.pipeline)
    fitting_task(config, possible_tasks(config, pipeline, get_registry()), get_registry())
    check_data_settings(config, pipeline)
    build_settings(config, pipeline)


def check_built(config: RunConfig) -> None:
    """Refuse components whose constructors do not take their arguments, as a run would; this starts TensorFlow.

    Raises:
        UsageError: What is refused.
        KzooError: A component or the pipeline cannot be imported, or fails in another way.
    """
    from kzoo.engine import runtime
    from kzoo.plugins.build import Context, build
    from kzoo.plugins.foreign_code import watching
    from kzoo.training.assembly import Assembly
    from kzoo.training.record import components_of

    registry = get_registry()
    pipeline = find_pipeline(config.pipeline)
    task = fitting_task(config, possible_tasks(config, pipeline, registry), registry)
    runtime.start()
    with watching(list(components_of(config, registry).values()), "before the training"):
        parts = Assembly(config, pipeline, task, registry)
        context = Context(task, parts.label_form, _STEPS)
        build("optimizer", config.optimizer, context=context, registry=registry)


_STEPS = 1000
"""Steps of a training that nobody takes, for schedules that must know how many there are."""
