"""Runs that are there already: which of them a grid can use as they are, and which it goes on with."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.plugins.registry import get_registry
from kzoo.runs.folder import list_runs
from kzoo.runs.lock import released
from kzoo.training.record import components_of
from kzoo.training.resuming import FREE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kzoo.comparing.grid import Job
    from kzoo.runs.config import RunConfig
    from kzoo.runs.folder import Run
    from kzoo.runs.manifest import Manifest

__all__ = ["Found", "find", "settings_of"]

_PATIENCE = 30.0
"""Seconds in which a process that was told to stop lets go of its run: a worker, after the comparison was killed."""

_FREE = FREE - {"train.epochs"}
"""Settings that may be other ones in a run that is used again: they change nothing that is compared."""


@dataclass
class Found:
    """What there is of a grid.

    Attributes:
        done: The run that was trained and tested already, by job.
        unfinished: The run to go on with, by job.
        notes: What must be said of runs that were passed over.
    """

    done: dict[Job, Run] = field(default_factory=dict)
    unfinished: dict[Job, Run] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find(jobs: Sequence[Job], root: Path, fingerprint: Callable[[RunConfig], Mapping[str, str]]) -> Found:
    """Return the runs under a folder that have the settings, the components and the data of jobs.

    Args:
        jobs: What is to be trained.
        root: The folder of runs.
        fingerprint: Returns the SHA-256 of each split of the data as it is now, for settings; it is asked only where
            there is a run that could be used.

    Raises:
        KzooError: The folder or the data cannot be read, or one of the runs is being trained by another process.
    """
    wanted = {settings_of(job.config.values): job for job in jobs}
    found = Found()
    for run in reversed(list_runs(root, jobs[0].config.pipeline)):  # the newest first
        try:
            record, config = run.manifest(), run.config()
        except KzooError as error:
            found.notes.append(f"The run {run.path} is passed over: {error}")
            continue
        job = wanted.get(settings_of(config.values))
        if job is None or job in found.done:
            continue
        status = run.status(record)
        if status == "running" and not released(run.path, _PATIENCE):
            message = (
                f"The run {run.path} of this comparison is being trained by another process right now. Wait for it, or "
                "stop it with Ctrl-C or SIGTERM there, and give the command again."
            )
            raise KzooError(message)
        if status == "running":
            record = run.manifest()
            status = run.status(record)
        others = list(_others(job, record, fingerprint))
        if others:
            found.notes.append(f"The run {run.path} has the settings of `{job.cell}`, and is not used: {others[0]}.")
        elif status == "done":
            found.done[job] = run
            found.unfinished.pop(job, None)
        elif job not in found.unfinished and run.state.path.is_dir():
            found.unfinished[job] = run
    return found


def settings_of(values: Mapping[str, Any]) -> str:
    """Return all settings that decide what comes of a run, as a text that is equal where they are."""
    found = {key: value for key, value in _flat(values) if key not in _FREE}
    return json.dumps(found, sort_keys=True, default=str)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _others(job: Job, record: Manifest, fingerprint: Callable[[RunConfig], Mapping[str, str]]) -> Iterator[str]:
    """Yield why a run of the same settings is not what a new one would be."""
    now = {what: (entry.qualified, entry.version) for what, entry in components_of(job.config, get_registry()).items()}
    then = {what: (found.get("name"), found.get("version")) for what, found in record.plugins.items()}
    for what in dict.fromkeys([*then, *now]):
        if then.get(what) != now.get(what):
            yield f"its {what} was {_said(then.get(what))}, and is {_said(now.get(what))} now"
    if record.callbacks:
        yield f"a program gave it callbacks of its own ({', '.join(record.callbacks)})"
    if any(one.get("forced") for one in record.resumed):
        yield "it was resumed with --force, so that it is not one training"
    if dict(record.data.fingerprint) != dict(fingerprint(job.config)):
        yield "its data was not what is there now"


def _said(component: tuple[str | None, str | None] | None) -> str:
    return f"{component[0]} {component[1]}" if component else "nothing"
