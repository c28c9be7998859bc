"""The runs of a comparison given to a place that trains them, and what becomes of each told to whoever watches."""

from __future__ import annotations

import itertools
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kzoo.comparing.executors import ANEW, ENDS, executor_at, task_of
from kzoo.runs.folder import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kzoo.cluster.places import Place
    from kzoo.comparing.executors import Executor
    from kzoo.comparing.grid import Job

__all__ = ["Order", "Trained", "Watcher", "train_all"]

_WHOLE = ("done", "pruned")


class Watcher(Protocol):
    """Who is told how a comparison goes on."""

    def warn(self, text: str) -> None:
        """Take a message that must not be missed."""

    def began(self, job: Job) -> None:
        """Be told that a run is being trained from now on."""

    def epoch(self, job: Job, epoch: int, epochs: int, logs: Mapping[str, float]) -> None:
        """Be told of an epoch, from 1, that a run came through."""

    def ended(self, job: Job, status: str, run: Run | None) -> None:
        """Be told what became of a run: ``done``, ``reused``, ``pruned``, ``failed`` or ``stopped``."""


@dataclass(frozen=True)
class Order:
    """What is to be trained, and how.

    Attributes:
        jobs: The runs. Each is asked for when there is room to train it, when what became of those before was told to
            the watcher.
        resume: The run to go on with, by job, where there is one; looked at when the job is given out.
        root: The folder that runs go to.
        place: Where they are trained, and how many at a time.
        log: The file that takes what the workers write besides; None for nowhere.
        argv: The command line, for the records.
        resume_as: What becomes of a run that cannot go on, see `kzoo.comparing.executors.task_of`.
    """

    jobs: Iterable[Job]
    resume: Mapping[Job, Run]
    root: Path
    place: Place
    log: Path | None
    argv: Sequence[str] = ()
    resume_as: str = ANEW


@dataclass
class Trained:
    """What came of it.

    Attributes:
        runs: The run of each job that is done or was pruned.
        failures: Why a job failed, by job.
        begun: The run of each job that has one, whatever became of it.
        stopped: Whether somebody stopped it.
    """

    runs: dict[Job, Run] = field(default_factory=dict)
    failures: dict[Job, str] = field(default_factory=dict)
    begun: dict[Job, Run] = field(default_factory=dict)
    stopped: bool = False


def train_all(order: Order, watcher: Watcher, found: Trained | None = None) -> Trained:
    """Train all runs of an order, as many at a time as its place takes.

    A stop, by Ctrl-C or SIGTERM, is handed on: each run keeps the state that it goes on from. A second one ends them.

    Args:
        order: The runs.
        watcher: Who is told how it goes on.
        found: Where to put what comes of each run, before the watcher is told; by default a new one.

    Raises:
        KzooError: The place cannot be reached, or no process can be started.
    """
    found = found or Trained()
    coming = iter(order.jobs)
    if (first := next(coming, None)) is None:
        return found  # no cluster is started for nothing
    with executor_at(order.place, order.root, order.log) as executor:
        work = _Work(order, itertools.chain([first], coming), watcher, found, executor)
        try:
            work.through()
        except KeyboardInterrupt:
            found.stopped = True
            work.stop()
    return found


class _Work:
    """The runs of an order on their way through an executor."""

    def __init__(
        self, order: Order, coming: Iterator[Job], watcher: Watcher, found: Trained, executor: Executor
    ) -> None:
        self._order, self._watcher, self._found, self._executor = order, watcher, found, executor
        self._coming = coming
        self._again: deque[Job] = deque()
        self._working: set[Job] = set()
        self._lost: Counter[Job] = Counter()
        self._said: set[str] = set()

    def through(self) -> None:
        """Give every run to the executor as it has room; return when none is left."""
        self._begin()
        while self._working:
            job, told = self._executor.answer()
            if told["event"] == "lost" and self._lost[job] < self._executor.tries:
                self._retry(job, told["reason"])
            elif told["event"] in ENDS:
                self._take(job, told)
            else:
                self._hand_on(job, told)
            self._begin()

    def stop(self) -> None:
        """Have all runs stop, and take what is still told of them."""
        self._executor.stop()
        while self._working:
            job, told = self._executor.answer()
            if told["event"] in ENDS:
                self._take(job, {"event": "stopped"} if told["event"] == "lost" else told)

    def _begin(self) -> None:
        while not self._found.stopped and len(self._working) < self._executor.places:
            job = self._again.popleft() if self._again else next(self._coming, None)
            if job is None:
                return
            self._working.add(job)
            self._watcher.began(job)
            order, run = self._order, self._found.begun.get(job) or self._order.resume.get(job)
            self._executor.begin(job, task_of(job, order.root, run, order.argv, order.resume_as))

    def _retry(self, job: Job, reason: str) -> None:
        """Have a run begin again whose worker died, before what waits."""
        self._lost[job] += 1
        self._working.discard(job)
        self._again.append(job)
        how = "goes on from its state" if job in self._found.begun or job in self._order.resume else "begins anew"
        self._watcher.warn(f"`{job.cell}` with seed {job.seed} lost its worker, and {how} elsewhere: {reason}")

    def _hand_on(self, job: Job, told: Mapping[str, Any]) -> None:
        """Tell the watcher what a run in its training says."""
        if told["event"] == "begun":
            self._found.begun[job] = Run(Path(told["run"]))
        elif told["event"] == "epoch":
            self._watcher.epoch(job, told["epoch"], told["epochs"], told["logs"])
        elif told["text"] not in self._said:  # each of many runs says the same of the same data
            self._said.add(told["text"])
            self._watcher.warn(told["text"])

    def _take(self, job: Job, told: Mapping[str, Any]) -> None:
        """Record what became of a run."""
        self._working.discard(job)
        run = None
        if told["event"] in _WHOLE:
            run = self._found.runs[job] = Run(Path(told["run"]))
        elif told["event"] == "stopped":
            self._found.stopped = True
        else:
            self._found.failures[job] = told["reason"]
        self._watcher.ended(job, told["event"] if told["event"] in (*_WHOLE, "stopped") else "failed", run)
