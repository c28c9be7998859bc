"""What a study is to do, checked before anything is trained: its space, its metric, the settings around them."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import re
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described, whole_number
from kzoo.comparing.matching import settings_of
from kzoo.errors import UsageError
from kzoo.models.saved import find_pipeline
from kzoo.plugins.reference import Reference
from kzoo.plugins.registry import get_registry
from kzoo.plugins.signatures import arguments_of
from kzoo.runs.choices import fitting_task, possible_tasks
from kzoo.runs.config import RunConfig
from kzoo.runs.configure import configure
from kzoo.settings.reading import unknown_name
from kzoo.tasks import task_named
from kzoo.training.checking import check_settings
from kzoo.tuning.defaults import bare, value_of
from kzoo.tuning.metric import Metric, metric_of, with_metric
from kzoo.tuning.samplers import grid_of_axes, pruner_of, sampler_of
from kzoo.tuning.space import COMPONENTS, space_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from kzoo.tuning.space import Axis

__all__ = ["Asked", "Plan", "plan_of"]

TRIALS = 20
"""How many trials a study has where neither their number nor a time is given."""

_MOST_CHECKED = 300
"""Combinations that are looked at before anything is trained; of more, each value with the first of the others."""

_STUDY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s?)?")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for.

    Attributes:
        pipeline: The pipeline's name; None where the settings file names it.
        search: What is searched, as `kzoo.tuning.space` reads it.
        trials: How many trials the study is to have in all; None for `TRIALS`, or with a ``budget`` for any number.
        budget: After what time no new trial begins: ``30m``; None for never.
        metric: What of each epoch is made better: ``val_accuracy``; None for that of the task.
        sampler: What proposes settings, by `kzoo.tuning.samplers.SAMPLERS`, with arguments.
        pruner: What ends trials early, by `kzoo.tuning.samplers.PRUNERS`, with arguments.
        database: The address of Optuna's storage; None for a file in the study's folder.
        study: The name of the study; None for one that follows from what is asked for.
        seeds: With how many new seeds the winner and the default are trained at the end; 0 for none.
        seed: The seed of all trials.
        options: ``KEY=VALUE`` texts, which hold for all trials and for the default.
        own_flags: Flags that the pipeline adds, each with the ``KEY=VALUE`` that it means.
        common: What `kzoo.runs.configure.configure` takes besides: ``recipe``, ``file``, ``loss``, ``epochs``, ...
    """

    pipeline: str | None
    search: Sequence[str]
    trials: int | None = None
    budget: str | None = None
    metric: str | None = None
    sampler: str = "tpe"
    pruner: str = "median"
    database: str | None = None
    study: str | None = None
    seeds: int = 5
    seed: int = 0
    options: Sequence[str] = ()
    own_flags: Sequence[tuple[str, str]] = ()
    common: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Plan:
    """A study that can be begun.

    Attributes:
        asked: What was asked for.
        axes: What is searched.
        metric: What is made better.
        default: The settings without what is searched, with the seed of the trials.
        limit: How many trials there are in all; None for any number.
        budget: Seconds after which no new trial begins; None for never.
        made: Returns settings from ``KEY=VALUE`` texts and a seed.
    """

    asked: Asked
    axes: Sequence[Axis]
    metric: Metric
    default: RunConfig
    limit: int | None
    budget: float | None
    made: Callable[[Mapping[str, str], int], RunConfig]

    @property
    def pipeline(self) -> str:
        """The pipeline that is tuned."""
        return self.default.pipeline

    @property
    def name(self) -> str:
        """The name of the study."""
        return self.asked.study or f"{self.pipeline}-{hashlib.sha256(self.fixed.encode()).hexdigest()[:8]}"

    @property
    def fixed(self) -> str:
        """What all trials of a study share, as a text that is equal where it is the same."""
        return json.dumps({"space": self.space, **self.around}, sort_keys=True)

    @property
    def space(self) -> dict[str, str]:
        """What is searched, by setting, as it is written."""
        return {axis.key: str(axis) for axis in self.axes}

    @property
    def around(self) -> dict[str, str]:
        """What decides beside the space what a trial comes to."""
        return {"metric": self.metric.name, "settings": settings_of(self.default.values)}

    def settings(self, values: Mapping[str, Any], *, seed: int | None = None, origin: str = "") -> RunConfig:
        """Return the settings with these values of what is searched.

        Args:
            values: By setting, as Optuna has them.
            seed: Another one than that of the trials.
            origin: Where the values came from, for the comments in a file of settings.

        Raises:
            UsageError: They do not fit together.
        """
        texts = {axis.key: axis.option(values[axis.key]).partition("=")[2] for axis in self.axes}
        found = self.made(texts, self.default.seed if seed is None else seed)
        inside = tuple(f"{key}." for key in texts)
        named = {
            key: origin if origin and (key in texts or key.startswith(inside)) else old
            for key, old in found.origins.items()
        }
        return RunConfig(found.values, named)

    def extremes(self) -> Iterator[RunConfig]:
        """Yield settings at the ends of what is searched: all that can be told of it without a training.

        Raises:
            UsageError: In between, where a run would refuse them.
        """
        ends = [axis.ends() for axis in self.axes]
        if math.prod(map(len, ends)) <= _MOST_CHECKED:
            several: Iterable[Sequence[Any]] = itertools.product(*ends)
        else:
            first = [values[0] for values in ends]
            several = (
                [value if at == place else one for at, one in enumerate(first)]
                for place, values in enumerate(ends)
                for value in values
            )
        for values in several:
            chosen = {axis.key: value for axis, value in zip(self.axes, values, strict=True)}
            try:
                config = self.settings(chosen, origin="--search")
                check_settings(config)
                _check_arguments(config, self.axes)
            except UsageError as error:
                meant = (axis for axis in self.axes if f"`{axis.key}` must be a whole number" in str(error))
                axis = next(meant, None)
                hint = f" A range of whole numbers is written {axis}:int." if axis and not axis.whole else ""
                message = f"{error}{hint}"
                raise UsageError(message) from error
            yield config

    def default_values(self) -> dict[str, Any] | None:
        """Return the values that the default settings have of what is searched; None where one of them is not in it."""
        found = {}
        keys = [axis.key for axis in self.axes]
        for axis in self.axes:
            value = value_of(self.default, axis.key, keys)
            place = None if value is None else axis.place_of(value)
            if place is None and value is not None and axis.key in COMPONENTS:
                place = next((one for one in axis.choices if bare(one, axis.key, keys) == value), None)
            if place is None:
                return None
            found[axis.key] = place
        return found

    def sampler(self, number: int) -> Any:
        """Return the sampler for a trial."""
        return sampler_of(self.asked.sampler, self.axes, seed=self.default.seed, number=number)


def plan_of(asked: Asked) -> Plan:
    """Return what is to be done, with all that can be searched checked as ``kzoo run`` checks its settings.

    Raises:
        UsageError: A setting, a value, a component, a metric, a sampler or a pruner that does not exist or fit.
        KzooError: A settings file cannot be read, or Optuna is not installed.
    """
    axes = space_of(asked.search)
    whole_number(asked.seeds, "seeds", least=0)
    seed = whole_number(asked.seed, "seed", least=0)
    if asked.trials is not None:
        whole_number(asked.trials, "trials")
    if asked.study is not None and not _STUDY.fullmatch(asked.study):
        message = f"`study` must be a name of letters, digits, `.`, `_` and `-`, not {described(asked.study)}."
        raise UsageError(message)
    budget = None if asked.budget is None else seconds_of(asked.budget)
    registry = get_registry()
    bare = _configured(asked, {}, seed)
    tasks = possible_tasks(bare, find_pipeline(bare.pipeline), registry)
    metric = metric_of(asked.metric, bare, task_named(fitting_task(bare, tasks, registry)), axes, registry)

    def made(texts: Mapping[str, str], seed: int) -> RunConfig:
        return with_metric(_configured(asked, texts, seed), metric)

    limit = asked.trials
    if Reference.parse(asked.sampler).name == "grid":
        size = math.prod(len(values) for values in grid_of_axes(axes).values())
        limit = size if limit is None else min(limit, size)
    elif limit is None and budget is None:
        limit = TRIALS
    plan = Plan(asked, axes, metric, made({}, seed), limit, budget, made)
    check_settings(plan.default)
    for _ in plan.extremes():
        pass
    plan.sampler(0)
    pruner_of(asked.pruner, epochs=plan.default.train.epochs)
    return plan


def seconds_of(text: str) -> float:
    """Return the seconds in a text such as ``90s``, ``30m``, ``1h30m``; a number by itself is seconds.

    Raises:
        UsageError: It is none.
    """
    found = _DURATION.fullmatch(text.strip()) if text.strip() else None
    seconds = (
        sum(float(one or 0) * size for one, size in zip(found.groups(), (3600, 60, 1), strict=True)) if found else 0
    )
    if not seconds:
        message = f"`budget` must be a time, such as 90s, 30m or 1h30m, not {described(text)}."
        raise UsageError(message)
    return seconds


def _configured(asked: Asked, texts: Mapping[str, str], seed: int) -> RunConfig:
    """Return the settings with these values of what is searched; arguments of a component are laid over it."""
    common = {**asked.common, **{key: texts[key] for key in COMPONENTS if key in texts}}
    return partial(
        configure,
        asked.pipeline,
        options=asked.options,
        own_flags=[*asked.own_flags, *(("--search", f"{k}={v}") for k, v in texts.items() if k not in COMPONENTS)],
        seed=seed,
        **common,
    )()


def _check_arguments(config: RunConfig, axes: Sequence[Axis]) -> None:
    """Raise `UsageError` where a component has no argument that is searched; it is not imported for that."""
    registry = get_registry()
    for axis in axes:
        kind, _, argument = axis.key.partition(".")
        table = config.values.get(kind)
        if kind not in COMPONENTS or not table:
            continue
        reference = Reference.from_mapping(table)
        entry = registry.get(kind, reference.name)
        known = [one.name for one in arguments_of(getattr(entry.spec, "target", ""))]
        given = [argument.partition(".")[0]] if argument else list(Reference.parse(reference.name).kwargs)
        for name in given:
            if known and name not in known:
                whose = f"The {kind} `{entry.name}` (from {entry.origin})"
                raise UsageError(unknown_name(name, known, whose=whose, where=" (from --search)"))
