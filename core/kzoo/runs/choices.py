"""What a run's settings mean for its pipeline: its own tables in their types, and components that fit its task."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, UsageError
from kzoo.pipeline import BuildSettings, NoSettings
from kzoo.plugins.build import check_fits
from kzoo.plugins.finite import check_finite
from kzoo.plugins.nested import with_inner
from kzoo.runs.comparison import comparison_of
from kzoo.runs.config import AugmentSettings, DataSettings
from kzoo.settings import known_names, refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.pipeline import Pipeline
    from kzoo.plugin import ComponentSpec
    from kzoo.plugins.reference import Reference
    from kzoo.plugins.registry import Entry, Registry
    from kzoo.runs.config import RunConfig

__all__ = ["build_settings", "check_components", "check_data_settings", "fitting_task", "possible_tasks"]

_START = "train.start_from"


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
    start = config.train.start_from
    return BuildSettings(
        model=model,
        augment=augment if general.enabled and pipeline.augment_settings else None,
        start=_model_file(start, config) if start else None,
    )


def _model_file(text: str, config: RunConfig) -> Path:
    """Return the file of a trained model; raise `UsageError` where there is none."""
    path = Path(text).expanduser()
    if path.suffix != ".keras" or not path.is_file():
        message = (
            f"`train.start_from` must be the path of a .keras file, and `{text}` is none{config.origin(_START)}. "
            "`--from RUN` finds that of a run."
        )
        raise UsageError(message)
    return path


def check_components(config: RunConfig, task: str, registry: Registry) -> list[str]:
    """Check the names of all components and that they fit the task; return the cautions to say, before Keras is there.

    Components inside others are checked as well.

    Raises:
        UsageError: A name that does not exist, a component for other tasks, with those that fit, a number that must be
            finite and is not, or losses in one loss that want labels or predictions in different forms.
    """
    asked = [("loss", config.loss), ("optimizer", config.optimizer)]
    asked += [("metric", metric) for metric in config.metrics]
    asked += [("regularizer", config.regularizer)] if config.regularizer else []
    asked += [("tracker", tracker) for tracker in config.track]
    cautions: dict[str, None] = {}
    for outer_kind, outer in asked:
        for kind, reference in with_inner(outer_kind, outer, registry):
            entry = _fitting(kind, reference, outer, task, registry)
            whole = {"metric": "metrics", "tracker": "track"}.get(outer_kind, outer_kind)
            own = reference is outer and whole == outer_kind  # which has a table whose keys have origins
            origin = partial(_origin, config, f"{whole}." if own else whole)
            check_finite(entry, reference.kwargs, whose=f"{whole}." if own else "", origin=origin)
            _check_applies(entry)
            caution = entry.spec.cautions.get(task)
            if caution:
                cautions[f"`{entry.name}`: {caution}"] = None
    comparison_of(config.loss, task, registry)
    return list(cautions)


def _origin(config: RunConfig, place: str, argument: str) -> str:
    """Return where an argument came from, of a table that ``place`` begins, or of the setting that holds it all."""
    return config.origin(f"{place}{argument}" if place.endswith(".") else place)


def _fitting(kind: str, reference: Reference, outer: Reference, task: str, registry: Registry) -> Entry[ComponentSpec]:
    """Return the entry of a component that fits the task; raise `UsageError`, which names what it is inside of."""
    try:
        return check_fits(kind, reference, task, registry)
    except UsageError as error:
        if reference is outer:
            raise
        message = f"Inside `{outer}`: {error}"
        raise UsageError(message) from error


def possible_tasks(config: RunConfig, pipeline: Pipeline, registry: Registry) -> tuple[str, ...]:
    """Return the tasks that a run may be for: the one that its settings ask for, else all of its pipeline's.

    Raises:
        KzooError: The settings ask for one that the pipeline does not have.
    """
    entry = registry.pipeline(config.pipeline)
    known = (entry.spec.task, *entry.spec.other_tasks)
    asked = pipeline.task_of(config.data_settings)
    if asked and asked not in known:
        message = (
            f"The pipeline `{entry.name}` of {entry.origin} says in its `task_of` that the task is {asked!r}, and its "
            f"spec has {', '.join(known)}."
        )
        raise KzooError(message)
    return (asked,) if asked else known


def fitting_task(config: RunConfig, tasks: Sequence[str], registry: Registry) -> str:
    """Return the first of a pipeline's tasks that all components fit.

    Raises:
        UsageError: There is none; says what does not fit the first one.
    """
    first: UsageError | None = None
    for task in tasks:
        try:
            check_components(config, task, registry)
        except UsageError as error:
            first = first or error
        else:
            return task
    assert first is not None, "a pipeline has a task"
    raise first


def _check_applies(entry: Entry) -> None:
    """Raise `UsageError` for a regularizer of what a layer puts out, where its spec does not say of which layer."""
    if getattr(entry.spec, "applies_to", "weights") == "activity" and not getattr(entry.spec, "layer", ""):
        message = (
            f"The regularizer `{entry.name}` (from {entry.origin}) is for what a layer puts out and does not say of "
            "which layer, and a run sets the regularizer of the kernels. Use it in a network of your own, as in "
            f'`keras.layers.Dense(64, activity_regularizer=kzoo.regularizer("{entry.name}"))`; '
            "`kzoo list-regularizers` shows the others."
        )
        raise UsageError(message)
