"""What a run's settings mean for its pipeline: its own tables in their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.pipeline import BuildSettings, NoSettings
from kzoo.runs.config import AugmentSettings, DataSettings
from kzoo.settings import known_names, refuse_unknown

if TYPE_CHECKING:
    from kzoo.pipeline import Pipeline
    from kzoo.runs.config import RunConfig

__all__ = ["build_settings", "check_data_settings"]


def check_data_settings(config: RunConfig, pipeline: Pipeline) -> None:
    """Check what ``[data]`` holds for the pipeline's files or its sample, before any data is read.

    Raises:
        UsageError: A name that neither kzoo nor the pipeline knows, or a wrong value.
    """
    source = pipeline.source()
    tables = (source.path.settings, source.sample.settings)
    given = config.data_settings
    own = known_names(DataSettings)
    whose = f"The pipeline `{pipeline.name}`"
    refuse_unknown(given, [*own, *known_names(*tables)], prefix="data.", whose=whose, origin=config.origin)
    for table in tables:
        known = known_names(table)
        config.read(table, "data", {name: value for name, value in given.items() if name in known})


def build_settings(config: RunConfig, pipeline: Pipeline) -> BuildSettings:
    """Return the tables ``[model]`` and ``[augment]`` in the pipeline's types.

    Raises:
        UsageError: A name that the pipeline does not know, or a wrong value.
    """
    whose = f"The pipeline `{pipeline.name}`"
    read: list[Any] = []
    for name, tables in (
        ("model", (pipeline.model_settings,)),
        ("augment", (AugmentSettings, pipeline.augment_settings or NoSettings)),
    ):
        given = config.values[name]
        refuse_unknown(given, known_names(*tables), prefix=f"{name}.", whose=whose, origin=config.origin)
        for table in tables:
            known = known_names(table)
            read.append(config.read(table, name, {key: value for key, value in given.items() if key in known}))
    model, general, augment = read
    return BuildSettings(model=model, augment=augment if general.enabled and pipeline.augment_settings else None)
