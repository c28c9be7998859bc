"""A comparison from runs to its verdict: a grid that is trained, or runs that exist, judged and written down."""

from __future__ import annotations

import datetime as dt
import functools
import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo._version import __version__
from kzoo.comparing import words
from kzoo.comparing.away import fetch_left
from kzoo.comparing.folder import RECORD, ComparisonFolder, folder_for, plan_of
from kzoo.comparing.gathering import Entry, Gathered, directions_of, entries_of, gather
from kzoo.comparing.judging import judge
from kzoo.comparing.matching import find, settings_of
from kzoo.comparing.measuring import values_of
from kzoo.comparing.page import fragment, write_files
from kzoo.comparing.processes import Order, train_all
from kzoo.engine.interrupt import as_ctrl_c
from kzoo.errors import KzooError, UsageError
from kzoo.models.saved import find_pipeline
from kzoo.runs.folder import Run, find_run, list_runs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.cluster.places import Place
    from kzoo.comparing.grid import Grid, Job
    from kzoo.comparing.judging import Judgement
    from kzoo.comparing.processes import Trained, Watcher
    from kzoo.engine.listener import Listener
    from kzoo.runs.config import RunConfig

__all__ = ["Comparison", "check_data", "compare_grid", "compare_runs", "runs_meant"]


@dataclass(frozen=True, repr=False)
class Comparison:
    """What came of a comparison.

    Attributes:
        folder: Its folder.
        gathered: The runs in their places.
        judgement: What is said of them.
        failures: Why a run of the grid failed, by its way to train and its seed.
        notes: What must be known beside the numbers.
        began: When, in UTC.
        argv: The command line.
    """

    folder: ComparisonFolder
    gathered: Gathered
    judgement: Judgement
    failures: Mapping[tuple[str, int], str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    began: str = ""
    argv: Sequence[str] = ()

    @property
    def pipeline(self) -> str:
        """The pipeline."""
        return self.gathered.entries[0].record.pipeline

    @property
    def cells(self) -> list[str]:
        """The names of the ways to train; the others are compared with the first."""
        return list(self.gathered.cells)

    @property
    def pairs(self) -> int:
        """The largest number of pairs in a difference."""
        return max((row.difference.n for row in self.judgement.rows if row.difference), default=0)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """A flat row for each measure and way to train: mean, interval, difference, test, verdict."""
        return [row.to_dict() for row in self.judgement.rows]

    @property
    def runs(self) -> list[dict[str, Any]]:
        """A row for each run: its way to train, seed, folder and measures."""
        return [
            {
                "cell": entry.cell,
                "seed": entry.seed,
                "run": entry.run.name,
                "path": str(entry.run.path),
                **{row.measure: row.values.get(entry.seed) for row in self.judgement.rows if row.cell == entry.cell},
            }
            for entry in self.gathered.entries
        ]

    @property
    def summary(self) -> list[str]:
        """What follows of each way to train beside the first, a sentence each."""
        return words.summary(self.judgement, self.cells)

    @property
    def command(self) -> str:
        """The command line that made it."""
        return shlex.join(self.argv) if self.argv else "kzoo.compare(...)"

    @property
    def report(self) -> Path:
        """Its page, ``compare.html``."""
        return self.folder.page_path

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "comparison": str(self.folder.path),
            "pipeline": self.pipeline,
            "task": self.gathered.task.name,
            "cells": self.cells,
            "seeds": self.gathered.seeds,
            "tests": self.judgement.tests,
            "measures": self.rows,
            "runs": self.runs,
            "failures": [{"cell": cell, "seed": seed, "error": why} for (cell, seed), why in self.failures.items()],
            "summary": self.summary,
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        return f"<kzoo comparison {self.folder.path.name}: {' '.join(self.summary)}; report {self.report}>"

    def _repr_html_(self) -> str:
        return fragment(self)


def compare_grid(
    grid: Grid,
    *,
    root: Path,
    place: Place,
    watcher: Watcher,
    listener: Listener,
    argv: Sequence[str] = (),
    logged: Mapping[str, str] | None = None,
) -> Comparison:
    """Train what of a grid is not there yet, and judge it.

    Args:
        grid: The runs.
        root: The folder that runs go to, and in which those that can be used are looked for.
        place: Where they are trained, and how many at a time.
        watcher: Who is told how it goes on.
        listener: Who is told of data that is read and of runs that are measured.
        argv: The command line, for the records.
        logged: What is logged after each epoch and judged beside the measures, each with which way it is better.

    Raises:
        UsageError: The data is named by a path that does not exist on this machine, which trains the runs.
        KzooError: The folder cannot be written, the data cannot be read, or too few runs came to their end.
        KeyboardInterrupt: Somebody stopped it; the same call goes on with it.
    """
    check_data(grid.jobs[0].config, place)
    plan = plan_of([f"{job.cell}\0{settings_of(job.config.values)}" for job in grid.jobs])
    folder = folder_for(root, plan, grid.pipeline, grid.cells)
    began = _now()
    with folder.held(), as_ctrl_c():
        if place.store:
            fetch_left(place.store, root)
        found = find(grid.jobs, root, functools.partial(_fingerprint, listener=listener, known={}))
        for note in found.notes:
            watcher.warn(note)
        record = _opening(plan, grid, began, argv) | ({"logged": dict(logged)} if logged else {})
        folder.write({**record, "status": "running", "runs": _places(folder, found.done)})
        for job in grid.jobs:
            if job in found.done:
                watcher.ended(job, "reused", found.done[job])
        missing = [job for job in grid.jobs if job not in found.done]
        order = Order(missing, found.unfinished, root, place, folder.path / "workers.log", argv)
        try:
            trained = train_all(order, watcher)
        except KeyboardInterrupt:
            folder.write({**record, "status": "interrupted", "runs": _places(folder, found.done)})
            raise
        runs = {job: found.done.get(job) or trained.runs.get(job) for job in grid.jobs}
        whole = {job: run for job, run in runs.items() if run is not None}
        if trained.stopped:
            folder.write({**record, "status": "interrupted", "runs": _places(folder, whole)})
            message = f"The comparison was stopped with {len(whole)} of {len(grid.jobs)} runs done."
            raise KeyboardInterrupt(message)
        failures = {(job.cell, job.seed): why for job, why in trained.failures.items()}
        try:
            gathered = _in_places(grid, whole, folder, trained)
        except KzooError:
            told = [{"cell": cell, "seed": seed, "error": why} for (cell, seed), why in failures.items()]
            folder.write({**record, "status": "failed", "failures": told, "runs": _places(folder, whole)})
            raise
        return _judged(folder, gathered, record, listener, failures=failures)


def compare_runs(
    runs: Sequence[Run], *, root: Path, listener: Listener, argv: Sequence[str] = (), folder: Path | None = None
) -> Comparison:
    """Judge runs that exist.

    Args:
        runs: In the order in which the ways to train are to stand.
        root: The folder of runs, in which the comparison gets its own.
        listener: Who is told of runs that are measured.
        argv: The command line, for the record.
        folder: The comparison that these runs are of, which is written again; None for a new one.

    Raises:
        UsageError: There are fewer than two ways to train among them.
        KzooError: They cannot be paired, or a run or a folder cannot be read or written.
    """
    gathered = gather(entries_of(runs, ComparisonFolder(folder).named() if folder else None))
    plan = plan_of([str(run.path.resolve()) for run in runs])
    pipeline = gathered.entries[0].record.pipeline
    place = ComparisonFolder(folder) if folder else folder_for(root, plan, pipeline, gathered.cells)
    before = place.record() if folder else {}
    record = {
        "kzoo": __version__,
        "plan": before.get("plan", plan),
        "began": before.get("began") or _now(),
        "argv": before.get("argv") or list(argv),
        "pipeline": pipeline,
        "cells": list(gathered.cells),
        **({"logged": before["logged"]} if before.get("logged") else {}),
    }
    # What failed is no run to judge, and stays in the record of the comparison that asked for it.
    failures = {(one["cell"], one["seed"]): one["error"] for one in before.get("failures", ())}
    with place.held():
        return _judged(place, gathered, record, listener, failures=failures)


def runs_meant(names: Sequence[str], root: Path) -> tuple[list[Run], Path | None]:
    """Return the runs that words on a command line mean, and the comparison that they are of, if they are of one.

    Args:
        names: Runs, by all that `kzoo.runs.folder.find_run` takes; or a single folder, of a comparison or of runs.
        root: The folder of runs.

    Raises:
        UsageError: There is no such run, or a single one is named.
        KzooError: A folder or a record cannot be read.
    """
    path = Path(names[0]).expanduser()
    if len(names) == 1 and path.is_dir() and not (path / "run.json").exists():
        if (path / RECORD).exists():
            folder = ComparisonFolder(path)
            gone = [place for place in folder.runs() if not (place / "run.json").exists()]
            if gone:
                message = f"The run {gone[0]} of the comparison {path} is not there any more."
                raise KzooError(message)
            return [Run(place) for place in folder.runs()], path
        runs = list_runs(path) or [Run(one) for one in sorted(path.iterdir()) if (one / "run.json").is_file()]
        if not runs:
            message = (
                f"{path} is no folder of runs and none of a comparison: there is neither a run.json nor a {RECORD}."
            )
            raise UsageError(message)
        return runs, None
    if len(names) == 1:
        run = find_run(names[0], root)
        message = f"{run.name} is one run, and there is nothing to compare it with. Name several, or a folder of them."
        raise UsageError(message)
    return [find_run(name, root) for name in names], None


def _judged(
    folder: ComparisonFolder,
    gathered: Gathered,
    record: Mapping[str, Any],
    listener: Listener,
    *,
    failures: Mapping[tuple[str, int], str] | None = None,
) -> Comparison:
    """Judge runs, and write all files of the comparison."""
    logged = record.get("logged", {})
    directions = {**logged, **directions_of(gathered)}
    judgement = judge(values_of(gathered, directions, listener, logged=logged), directions)
    notes = [f"The run of `{cell}` with seed {seed} failed: {why}" for (cell, seed), why in (failures or {}).items()]
    notes += gathered.notes
    found = Comparison(
        folder, gathered, judgement, failures or {}, notes, str(record["began"]), [str(one) for one in record["argv"]]
    )
    places = _places(folder, {entry: entry.run for entry in gathered.entries})
    told = {key: value for key, value in found.to_dict().items() if key not in ("comparison", "runs")}
    try:
        write_files(found)
    except OSError as error:
        raise folder.refused(error) from error
    status = "failed" if failures else "done"
    rows = [{**place, **row, "path": place["path"]} for place, row in zip(places, found.runs, strict=True)]
    folder.write({**record, **told, "status": status, "ended": _now(), "runs": rows})
    return found


def _in_places(grid: Grid, runs: Mapping[Job, Run], folder: ComparisonFolder, trained: Trained) -> Gathered:
    """Return the runs of a grid in their places; raise `KzooError` where no pair came to its end."""
    cells = [cell for cell in grid.cells if any(job.cell == cell for job in runs)]
    # Those of the first way come first, so that it is the first one too where the folder is judged again.
    ordered = sorted(runs.items(), key=lambda one: cells.index(one[0].cell))
    entries = [Entry(job.cell, job.seed, run, run.manifest()) for job, run in ordered]
    if len(cells) < 2:  # noqa: PLR2004 - what is one compared with?
        message = f"There is nothing to compare: {_failed(grid, folder, trained)}"
        raise KzooError(message)
    notes = []
    if cells[0] != grid.cells[0]:
        gone = "`, `".join(grid.cells[: grid.cells.index(cells[0])])
        notes.append(f"No run of `{gone}` is done, so the others are compared with `{cells[0]}`.")
    try:
        return gather(Gathered(entries, cells, notes))
    except UsageError as error:  # each seed was asked for in every way, so that runs failed
        message = f"{error} {_failed(grid, folder, trained)}"
        raise KzooError(message) from error


def _failed(grid: Grid, folder: ComparisonFolder, trained: Trained) -> str:
    """Return how many runs of a grid failed, and why the first of them did."""
    job, why = next(iter(trained.failures.items()))
    return (
        f"{len(trained.failures)} of {len(grid.jobs)} runs failed. The first, `{job.cell}` with seed {job.seed}: {why} "
        f"What the processes wrote is in {folder.path / 'workers.log'}."
    )


def _opening(plan: str, grid: Grid, began: str, argv: Sequence[str]) -> dict[str, Any]:
    return {
        "kzoo": __version__,
        "plan": plan,
        "began": began,
        "argv": list(argv),
        "pipeline": grid.pipeline,
        "cells": list(grid.cells),
        "seeds": list(grid.seeds),
    }


def _places(folder: ComparisonFolder, runs: Mapping[Any, Run]) -> list[dict[str, Any]]:
    """Return the runs as the record names them, by their paths from the folder of the comparison."""
    return [
        {"cell": where.cell, "seed": where.seed, "path": os.path.relpath(run.path.resolve(), folder.path.resolve())}
        for where, run in runs.items()
    ]


def check_data(config: RunConfig, place: Place) -> None:
    """Raise `UsageError` where runs would look on this machine for data at a path that does not exist."""
    from kzoo.data.sources import check_there
    from kzoo.training.run import request_of

    if not place.on.startswith("ray://"):  # whose machines have the data, and this one need not
        check_there(find_pipeline(config.pipeline).source(), request_of(config))


def _fingerprint(config: RunConfig, *, listener: Listener, known: dict[str, Mapping[str, str]]) -> Mapping[str, str]:
    """Return the SHA-256 of each split of the data that a run of these settings would get now."""
    from kzoo.data.sources import load_splits
    from kzoo.training.run import request_of

    request = request_of(config)
    key = repr(request)
    if key not in known:
        known[key] = load_splits(find_pipeline(config.pipeline).source(), request, listener).fingerprint
    return known[key]


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
