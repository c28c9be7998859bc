"""Runs that were trained, put beside each other: which way to train each is of, and whether they can be paired."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from kzoo.comparing.matching import settings_of
from kzoo.errors import KzooError, UsageError
from kzoo.plugins.reference import Reference
from kzoo.tasks import task_named
from kzoo.training.resuming import FREE, other_data, other_surroundings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kzoo.runs.folder import Run
    from kzoo.runs.manifest import Manifest
    from kzoo.tasks import Task

__all__ = ["SECONDS", "Entry", "Gathered", "check_pairs", "directions_of", "entries_of", "gather"]

SECONDS = "seconds"
"""The name of the time that the training took among the measures."""

_COMPONENTS = ("loss", "optimizer", "regularizer")


@dataclass(frozen=True, eq=False)
class Entry:
    """One run in its place.

    Attributes:
        cell: The name of the way to train.
        seed: Its seed, which pairs it with the runs of other ways.
        run: Its folder.
        record: Its record.
    """

    cell: str
    seed: int
    run: Run
    record: Manifest


@dataclass(frozen=True)
class Gathered:
    """Runs beside each other.

    Attributes:
        entries: The runs.
        cells: The names of the ways to train, in order.
        notes: What must be said of them.
    """

    entries: Sequence[Entry]
    cells: Sequence[str]
    notes: list[str] = field(default_factory=list)

    @property
    def seeds(self) -> list[int]:
        """All seeds, in order."""
        return sorted({entry.seed for entry in self.entries})

    @property
    def task(self) -> Task:
        """The task of all of them."""
        return task_named(self.entries[0].record.task)


def entries_of(runs: Sequence[Run], named: Mapping[Path, str] | None = None) -> Gathered:
    """Return runs by their ways to train: those whose settings differ in nothing but the seed are of one way.

    Args:
        runs: In the order in which the ways are to stand; the first is what the others are compared with.
        named: What the way of each run is called, by its resolved folder, where a comparison has said that before.

    Raises:
        UsageError: There are fewer than two ways to train among them.
        KzooError: A run cannot be read.
    """
    notes, kept = [], []
    for run in runs:
        record = run.manifest()
        status = run.status(record)
        if status != "done":
            notes.append(
                f"The run {run.name} is left out: it is {status}. `kzoo run --resume {run.path}` goes on with it."
            )
        else:
            kept.append((run, record, run.config()))
    groups: dict[str, list[tuple[Run, Manifest, Mapping[str, Any]]]] = {}
    for run, record, config in kept:
        values = {key: value for key, value in config.values.items() if key != "seed"}
        way = named[run.path.resolve()] if named else settings_of(values)
        groups.setdefault(way, []).append((run, record, values))
    if len(groups) < 2:  # noqa: PLR2004 - what is one compared with?
        have = "have the same settings but for their seeds" if groups else "are not done"
        left = f" {notes[0]}" if notes else ""
        message = (
            f"There is nothing to compare: the {len(runs)} run(s) {have}. Name runs with different settings.{left}"
        )
        raise UsageError(message)
    names = list(groups) if named else _names([own[0][2] for own in groups.values()])
    entries: list[Entry] = []
    for name, own in zip(names, groups.values(), strict=True):
        by_seed: dict[int, Entry] = {}
        for run, record, _ in own:
            seed = record.seed if record.seed is not None else 0
            if seed in by_seed:
                older = by_seed[seed].run.name
                notes.append(f"`{name}` was trained twice with seed {seed}: {run.name} is taken, {older} is not.")
            by_seed[seed] = Entry(name, seed, run, record)
        entries += by_seed.values()
    return Gathered(entries, names, notes)


def check_pairs(gathered: Gathered) -> None:
    """Refuse runs that cannot be paired: of other pipelines or tasks, or trained or tested on different data.

    Raises:
        KzooError: Which two runs, and what is not the same in them.
    """
    first = gathered.entries[0]
    by_seed: dict[int, Entry] = {}
    for entry in gathered.entries:
        for what in ("pipeline", "task"):
            one, other = getattr(first.record, what), getattr(entry.record, what)
            if one != other:
                message = (
                    f"The runs {first.run.name} and {entry.run.name} cannot be compared: the {what} of one is `{one}`, "
                    f"that of the other `{other}`."
                )
                raise KzooError(message)
        pair = by_seed.setdefault(entry.seed, entry)
        differing = [*other_data(pair.record, entry.record), *_other_sets(first.record, entry.record)]
        if differing:
            message = (
                f"The runs {pair.run.name} and {entry.run.name} cannot be compared: {differing[0]}. Runs are paired by "
                "their data; compare those that were trained and tested on the same."
            )
            raise KzooError(message)
        if not entry.record.data.fingerprint:
            message = (
                f"The run {entry.run.name} has no fingerprint of its data, so nobody can tell what to pair it with."
            )
            raise KzooError(message)


def gather(gathered: Gathered) -> Gathered:
    """Return the same runs, checked to be pairs, with all that is to be said of them.

    Raises:
        KzooError: As `check_pairs`.
        UsageError: No way to train has a seed that the first one has too.
    """
    check_pairs(gathered)
    first, others = gathered.cells[0], gathered.cells[1:]
    if not any(_shared(gathered, cell) for cell in others):
        listed = "; ".join(f"`{cell}` has {_listed(_seeds_of(gathered, cell))}" for cell in gathered.cells)
        message = (
            f"There is nothing to compare: no run has a seed that a run of `{first}` has, to be its pair ({listed})."
        )
        raise UsageError(message)
    return replace(gathered, notes=[*gathered.notes, *_remarks(gathered)])


def directions_of(gathered: Gathered) -> dict[str, str]:
    """Return the measures to judge by, each with which way it is better: those of the task, and the time.

    Time is not judged where runs were trained on different machines or with different threads.
    """
    found = dict(gathered.task.compared)
    return found if _other_machines(gathered) else {**found, SECONDS: "lower"}


def _other_sets(first: Manifest, other: Manifest) -> Iterator[str]:
    """Yield what says that data is another set, where other seeds draw other splits from it."""
    if first.data.used != other.data.used:
        yield f"one is of the data `{first.data.used}`, the other of `{other.data.used}`"
    if dict(first.data.sizes) != dict(other.data.sizes):
        yield f"one has {dict(first.data.sizes)} examples, the other {dict(other.data.sizes)}"


def _other_machines(gathered: Gathered) -> bool:
    first = gathered.entries[0].record.environment
    keys = ("host", "cpu", "cpus", "threads", "devices")
    return any(entry.record.environment.get(key) != first.get(key) for entry in gathered.entries for key in keys)


def _remarks(gathered: Gathered) -> Iterator[str]:
    """Yield what a reader must know of the runs."""
    entries = gathered.entries
    first = entries[0].record
    bare = replace(first, plugins={}, callbacks=[])
    told: dict[str, int] = {}
    for entry in entries[1:]:
        for words in other_surroundings(bare, replace(entry.record, plugins={}, callbacks=[])):
            told[words] = told.get(words, 0) + 1
    yield from (f"In {count} of {len(entries)} runs, {words}." for words, count in told.items())
    if _other_machines(gathered):
        yield "The runs were trained on different machines or with different threads: time is not judged."
    first_seeds = _seeds_of(gathered, gathered.cells[0])
    for cell in gathered.cells[1:]:
        alone = first_seeds ^ _seeds_of(gathered, cell)
        if alone:
            yield (
                f"`{cell}` and `{gathered.cells[0]}` are no pair for the seeds {_listed(alone)}, which one of them "
                "lacks: their difference leaves these out."
            )
    yield from _of_weights(gathered)
    if first.data.used == "sample":
        yield "The runs were trained on the embedded sample: the results say nothing about the real task."


def _of_weights(gathered: Gathered) -> Iterator[str]:
    """Yield where pairs did not begin with the same weights."""
    begins: dict[tuple[str, int], str] = {}
    for entry in gathered.entries:
        begins[entry.cell, entry.seed] = entry.record.training.initial_weights if entry.record.training else ""
    first = gathered.cells[0]
    for cell in gathered.cells[1:]:
        pairs = [(begins[first, seed], begins[cell, seed]) for seed in _shared(gathered, cell)]
        if any(one != other for one, other in pairs if one and other):
            yield f"`{cell}` begins with other weights than `{first}`: its network has another form."


def _seeds_of(gathered: Gathered, cell: str) -> set[int]:
    return {entry.seed for entry in gathered.entries if entry.cell == cell}


def _shared(gathered: Gathered, cell: str) -> list[int]:
    """Return the seeds that a way to train shares with the first, in order."""
    return sorted(_seeds_of(gathered, cell) & _seeds_of(gathered, gathered.cells[0]))


def _listed(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(seeds)))


def _names(several: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what each of several settings is called: what of it the others do not have."""
    flat = [dict(_leaves(values)) for values in several]
    keys = dict.fromkeys(key for values in flat for key in values)
    varied = [key for key in keys if len({repr(values.get(key)) for values in flat}) > 1]
    varied = list(dict.fromkeys(varied))
    found = []
    for values in flat:
        parts = [
            str(values[key])
            if key in ("loss", "optimizer") and varied[0] == key
            else f"{key}={values.get(key, 'none')}"
            for key in varied
        ]
        found.append(" ".join(parts))
    return found


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield settings by dotted key, a component as its reference, without those that change nothing."""
    for key, value in values.items():
        whole = f"{prefix}{key}"
        if whole in FREE - {"train.epochs"}:
            continue
        if whole in _COMPONENTS and value:
            yield whole, str(Reference.from_mapping(value))
        elif isinstance(value, dict):
            yield from _leaves(value, f"{whole}.")
        else:
            yield whole, value
