"""What a run's settings mean for its pipeline: its own tables in their types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError
from kzoo.pipeline import BuildSettings, NoSettings
from kzoo.runs.config import DataSettings
from kzoo.settings import known_names, read_settings, refuse_unknown

if TYPE_CHECKING:
    from kzoo.pipeline import Pipeline
    from kzoo.runs.config import RunConfig

__all__ = ["ENABLED", "build_settings", "check_data_settings"]

ENABLED = "enabled"
"""The key of ``[augment]`` that turns all changes at random off."""


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
    given = {name: value for name, value in config.values["augment"].items() if name != ENABLED}
    enabled = config.values["augment"].get(ENABLED, True)
    if not isinstance(enabled, bool):
        key = f"augment.{ENABLED}"
        message = f"`{key}` must be true or false, not {enabled!r}{config.origin(key)}."
        raise UsageError(message)
    read: list[Any] = []
    for name, table, values in (
        ("model", pipeline.model_settings, config.values["model"]),
        ("augment", pipeline.augment_settings or NoSettings, given),
    ):
        prefix = f"{name}."
        refuse_unknown(values, known_names(table), prefix=prefix, whose=whose, origin=config.origin)
        read.append(read_settings(table, values, prefix=prefix, origin=config.origin))
    model, augment = read
    return BuildSettings(model=model, augment=augment if enabled and pipeline.augment_settings else None)
