"""Whether a run would take its settings: names, values and components, before any data is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo.models.saved import find_pipeline
from kzoo.plugins.registry import get_registry
from kzoo.runs.choices import build_settings, check_data_settings, fitting_task

if TYPE_CHECKING:
    from kzoo.runs.config import RunConfig

__all__ = ["check_settings"]


def check_settings(config: RunConfig) -> None:
    """Refuse settings that the pipeline does not have and components that do not fit it, as a run would.

    Raises:
        UsageError: What does not exist or fit.
        KzooError: The pipeline cannot be imported.
    """
    spec = get_registry().pipeline(config.pipeline).spec
    fitting_task(config, (spec.task, *spec.other_tasks), get_registry())
    pipeline = find_pipeline(config.pipeline)
    check_data_settings(config, pipeline)
    build_settings(config, pipeline)
