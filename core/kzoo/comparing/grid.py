"""The grid of a comparison: which ways to train there are, under which names, with the settings of each run."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from kzoo.arguments import whole_number
from kzoo.errors import UsageError
from kzoo.plugins.reference import Reference
from kzoo.runs.configure import configure
from kzoo.training.checking import check_settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kzoo.runs.config import RunConfig

__all__ = ["Asked", "Grid", "Job", "alternatives", "grid_of"]

_COMPONENTS = ("loss", "optimizer", "regularizer")
_MOST_RUNS = 10_000
"""A grid with more is taken for a slip of the hand."""

_OPEN, _CLOSE = "([{", ")]}"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is to be compared.

    Attributes:
        pipeline: The pipeline's name; None where the settings file names it.
        losses: References of losses, each a way to train; none for that of the recipe.
        optimizers: Likewise.
        regularizers: Likewise; ``none`` for none.
        options: ``KEY=VALUE`` texts; one of several values with commas between, ``KEY=A,B``, is an axis of the grid.
        varied: Settings by dotted key, each with the values that are compared, as ``KEY=VALUE`` has them.
        own_flags: Flags that the pipeline adds, each with the ``KEY=VALUE`` that it means.
        metrics: References of metrics beside the recipe's.
        seeds: How many seeds each way is trained with.
        first_seed: The first of them; the others follow it.
        common: What `kzoo.runs.configure.configure` takes besides: ``recipe``, ``file``, ``epochs``, ``data``, ...
    """

    pipeline: str | None
    losses: Sequence[str] = ()
    optimizers: Sequence[str] = ()
    regularizers: Sequence[str] = ()
    options: Sequence[str] = ()
    varied: Mapping[str, Sequence[str]] = field(default_factory=dict)
    own_flags: Sequence[tuple[str, str]] = ()
    metrics: Sequence[str] = ()
    seeds: int = 5
    first_seed: int = 0
    common: Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Job:
    """One run of a grid.

    Attributes:
        cell: The name of the way to train.
        seed: Its seed.
        config: Its settings.
        more: What else the process is told that trains it, as plain data: `kzoo.comparing.worker`.
    """

    cell: str
    seed: int
    config: RunConfig
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Grid:
    """All runs of a comparison.

    Attributes:
        cells: The names of the ways to train; the others are compared with the first.
        seeds: The seeds.
        jobs: One for each of both, seed by seed, so that a comparison that is stopped has whole pairs.
    """

    cells: tuple[str, ...]
    seeds: tuple[int, ...]
    jobs: tuple[Job, ...]

    @property
    def pipeline(self) -> str:
        """The pipeline that all of them train."""
        return self.jobs[0].config.pipeline


def grid_of(asked: Asked) -> Grid:
    """Return the grid, with the settings of every run checked as ``kzoo run`` checks them.

    Raises:
        UsageError: Fewer than two ways to train, one of them twice, data that differs between them, too many runs, or
            settings that a run would refuse.
        KzooError: A settings file cannot be read.
    """
    seeds = whole_number(asked.seeds, "seeds")
    first = whole_number(asked.first_seed, "seed", least=0)
    axes, fixed = _axes(asked)
    count = seeds
    for _, values in axes:
        count *= len(values)
    if count > _MOST_RUNS:
        message = (
            f"That is a grid of {count:,} runs, and {_MOST_RUNS:,} are the most. Compare fewer ways, or fewer seeds."
        )
        raise UsageError(message)
    ways = [dict(chosen) for chosen in itertools.product(*([(key, one) for one in values] for key, values in axes))]
    if len(ways) < 2:  # noqa: PLR2004 - what is one compared with?
        message = (
            "There is only one way to train, and nothing to compare it with. Name two at least: --loss A --loss B, "
            "likewise --optimizer or --regularizer, or a setting with several values, -o KEY=A,B."
        )
        raise UsageError(message)
    varied = [key for key, values in axes if len(values) > 1]
    jobs, names = [], []
    for way in ways:
        made = _configured(asked, way, fixed)
        configs = [made(seed=seed) for seed in range(first, first + seeds)]
        check_settings(configs[0])
        names.append(_name(way, varied))
        jobs.append([Job(names[-1], config.seed, config) for config in configs])
    _check_distinct(names, [own[0] for own in jobs])
    _check_same_data([own[0] for own in jobs])
    by_seed = [job for several in zip(*jobs, strict=True) for job in several]
    return Grid(tuple(names), tuple(range(first, first + seeds)), tuple(by_seed))


def alternatives(text: str) -> list[str]:
    """Return the values in a text with commas between; a comma in brackets or quotes belongs to its value.

    Example:
        >>> alternatives("1e-3,1e-4"), alternatives("[1,2],[3]"), alternatives('focal(gamma=2,alpha=1),"a,b"')
        (['1e-3', '1e-4'], ['[1,2]', '[3]'], ['focal(gamma=2,alpha=1)', '"a,b"'])
    """
    found, depth, quote = [""], 0, ""
    for sign in text:
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'":
            quote = sign
        elif sign in _OPEN or sign in _CLOSE:
            depth += 1 if sign in _OPEN else -1
        elif sign == "," and not depth:
            found.append("")
            continue
        found[-1] += sign
    return [one.strip() for one in found]


def _axes(asked: Asked) -> tuple[list[tuple[str, Sequence[str]]], list[str]]:
    """Return what is varied, each with its values, and the options that are not."""
    given = zip(_COMPONENTS, (asked.losses, asked.optimizers, asked.regularizers), strict=True)
    axes: list[tuple[str, Sequence[str]]] = [(name, list(values)) for name, values in given if values]
    fixed = []
    for option in asked.options:
        key, equals, text = option.partition("=")
        values = alternatives(text)
        if not equals or len(values) == 1:
            fixed.append(option)
            continue
        if any(not one for one in values):
            message = f"-o `{option}` has an empty value between two commas. Write a list in brackets: {key}=[A,B]."
            raise UsageError(message)
        axes.append((key.strip(), values))
    axes += [(key, list(values)) for key, values in asked.varied.items()]
    for key, _ in axes:
        if key in ("seed", "report"):
            message = f"`{key}` is no way to train that could be compared. `seeds` says how many seeds there are."
            raise UsageError(message)
    return axes, fixed


def _configured(asked: Asked, way: Mapping[str, str], fixed: Sequence[str]) -> Any:
    """Return the function from a seed to the settings of a run."""
    components: dict[str, Any] = {name: way[name] for name in _COMPONENTS if name in way}
    options = [*fixed, *(f"{key}={value}" for key, value in way.items() if key not in _COMPONENTS)]
    return partial(
        configure,
        asked.pipeline,
        metrics=asked.metrics,
        options=options,
        own_flags=asked.own_flags,
        **components,
        **asked.common,
    )


def _name(way: Mapping[str, str], varied: Sequence[str]) -> str:
    """Return what a way to train is called: what of it is varied."""
    parts = []
    for key in varied:
        value = str(Reference.parse(way[key])) if key in _COMPONENTS else way[key]
        parts.append(value if key in ("loss", "optimizer") and varied[0] == key else f"{key}={value}")
    return " ".join(parts)


def _check_distinct(names: Sequence[str], jobs: Sequence[Job]) -> None:
    """Raise `UsageError` where two ways to train are one."""
    seen: dict[str, str] = {}
    for name, job in zip(names, jobs, strict=True):
        key = json.dumps(_with_floats(job.config.values), sort_keys=True, default=str)
        if key in seen:
            message = f"`{seen[key]}` and `{name}` are the same settings: there is nothing to compare. Leave out one."
            raise UsageError(message)
        seen[key] = name


def _with_floats(value: Any) -> Any:
    """Return plain data in which 2 and 2.0 are one number."""
    if isinstance(value, dict):
        return {key: _with_floats(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_with_floats(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _check_same_data(jobs: Sequence[Job]) -> None:
    """Raise `UsageError` where ways to train would be given different data, which cannot be paired."""
    first = jobs[0].config.values["data"]
    for job in jobs[1:]:
        for key in _differing(first, job.config.values["data"]):
            message = (
                f"`data.{key}` is not the same in `{jobs[0].cell}` and `{job.cell}`: runs are paired by their data, "
                "and these would be trained or tested on different examples. Compare runs on the same data."
            )
            raise UsageError(message)


def _differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    yield from (key for key in dict.fromkeys([*one, *other]) if one.get(key) != other.get(key))
