"""Worker processes: each trains one run at a time, and one that dies takes only that with it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from kzoo.errors import KzooError
from kzoo.plugins.registry import plugin_choice
from kzoo.runs.folder import Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from kzoo.comparing.grid import Job

__all__ = ["Order", "Trained", "Watcher", "threads_of", "train_all", "usable_processors"]

_MODULE = "kzoo.comparing.worker"


class Watcher(Protocol):
    """Who is told how it goes on."""

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
        jobs: The runs. Each is asked for when a process is free to train it, when what became of those before was
            told to the watcher.
        resume: The run to go on with, by job, where there is one; looked at when the job is given to a process.
        root: The folder that runs go to.
        workers: How many processes train at a time.
        log: The file that takes what the processes write besides.
        argv: The command line, for the records.
    """

    jobs: Iterable[Job]
    resume: Mapping[Job, Run]
    root: Path
    workers: int
    log: Path
    argv: Sequence[str] = ()


@dataclass
class Trained:
    """What came of it.

    Attributes:
        runs: The run of each job that is done or was pruned.
        failures: Why a job failed, by job.
        stopped: Whether somebody stopped it.
    """

    runs: dict[Job, Run] = field(default_factory=dict)
    failures: dict[Job, str] = field(default_factory=dict)
    stopped: bool = False


def usable_processors() -> int:
    """Return the number of processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def threads_of(workers: int) -> int:
    """Return the threads of each of several workers, which share the processors out; 0, for all, of a single one."""
    return 0 if workers == 1 else max(1, usable_processors() // workers)


def train_all(order: Order, watcher: Watcher, found: Trained | None = None) -> Trained:
    """Train all runs of an order, as many at a time as it has workers.

    A stop, by Ctrl-C or SIGTERM, is handed on: each run keeps the state that it goes on from. A second one ends them.

    Args:
        order: The runs.
        watcher: Who is told how it goes on.
        found: Where to put what comes of each run, before the watcher is told; by default a new one.

    Raises:
        KzooError: No process can be started.
    """
    found = found or Trained()
    answers: queue.Queue[tuple[_Worker, dict[str, Any]]] = queue.Queue()
    with _log(order.log) as log, _all_ended() as workers:
        try:
            _work_through(order, watcher, found, workers, answers, log)
        except KeyboardInterrupt:
            found.stopped = True
            _stop(workers, answers, found, watcher)
    return found


def _work_through(
    order: Order,
    watcher: Watcher,
    found: Trained,
    workers: list[_Worker],
    answers: queue.Queue[tuple[_Worker, dict[str, Any]]],
    log: Any,
) -> None:
    """Give every job to a worker; return when none of them works any more."""
    coming = iter(order.jobs)
    said: set[str] = set()
    while len(workers) < order.workers and (job := next(coming, None)):
        workers.append(_Worker(answers, log, alone=order.workers == 1))
        workers[-1].give(job, order, watcher)
    while any(worker.job for worker in workers):
        worker, told = answers.get()
        if worker.job is None or _hand_on(worker.job, told, watcher, said):
            continue
        _take(worker, told, found, watcher)
        if told["event"] == "stopped" or not (job := next(coming, None)):
            continue
        if told["event"] == "ended":  # it died, and another one takes its place
            worker = _Worker(answers, log, alone=order.workers == 1)
            workers.append(worker)
        worker.give(job, order, watcher)


def _hand_on(job: Job, told: Mapping[str, Any], watcher: Watcher, said: set[str]) -> bool:
    """Tell the watcher what a run in its training says; return whether it was that."""
    if told["event"] == "epoch":
        watcher.epoch(job, told["epoch"], told["epochs"], told["logs"])
    elif told["event"] != "warning":
        return False
    elif told["text"] not in said:  # each of many runs says the same of the same data
        said.add(told["text"])
        watcher.warn(told["text"])
    return True


def _take(worker: _Worker, told: Mapping[str, Any], found: Trained, watcher: Watcher) -> None:
    """Record what became of the run that a worker had."""
    job, worker.job = worker.job, None
    assert job is not None
    run = None
    if told["event"] in ("done", "pruned"):
        run = found.runs[job] = Run(Path(told["run"]))
    elif told["event"] == "failed":
        found.failures[job] = told["reason"]
    elif told["event"] == "stopped":
        found.stopped = True
    else:
        found.failures[job] = f"The process that trained it ended {_how(worker.process.wait())}."
    watcher.ended(job, told["event"] if told["event"] in ("done", "pruned", "stopped") else "failed", run)


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"by {signal.Signals(-code).name}, as the system does where memory is short"
    return f"by signal {-code}"


def _stop(
    workers: Sequence[_Worker],
    answers: queue.Queue[tuple[_Worker, dict[str, Any]]],
    found: Trained,
    watcher: Watcher,
) -> None:
    """Have all workers stop, and take what they still say."""
    for worker in workers:
        worker.stop()
    while any(worker.job for worker in workers):
        worker, told = answers.get()
        if told["event"] in ("done", "pruned", "failed", "stopped", "ended") and worker.job:
            if told["event"] == "ended":
                told = {"event": "stopped"}
            _take(worker, told, found, watcher)


class _Worker:
    """One process, and the thread that hands on what it answers."""

    def __init__(self, answers: queue.Queue[tuple[_Worker, dict[str, Any]]], log: Any, *, alone: bool) -> None:
        # TensorFlow takes all memory of a GPU for the first process that looks at it.
        shared = {} if alone else {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        self.job: Job | None = None
        # In a session of its own: Ctrl-C in a terminal is for us, who hand it on once.
        try:
            self.process = subprocess.Popen(  # noqa: S603 - this very Python
                [sys.executable, "-P", "-m", _MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                env={**shared, **os.environ},
                start_new_session=True,
            )
        except OSError as error:
            message = f"No process could be started to train in: {error.strerror or error}."
            raise KzooError(message) from error
        self._answers = answers
        threading.Thread(target=self._listen, daemon=True).start()

    def give(self, job: Job, order: Order, watcher: Watcher) -> None:
        """Have it train a run."""
        self.job = job
        run = order.resume.get(job)
        task = {
            "values": job.config.values,
            "origins": job.config.origins,
            "out": str(order.root),
            "resume": None if run is None else str(run.path),
            "argv": list(order.argv),
            "threads": threads_of(order.workers),
            "plugins": asdict(plugin_choice()),
            "more": dict(job.more),
        }
        assert self.process.stdin is not None
        watcher.began(job)
        with contextlib.suppress(BrokenPipeError):  # that it has ended is told by its stdout
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()

    def stop(self) -> None:
        """Have it stop what it does and end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def end(self, *, patient: bool) -> None:
        """Have it end: what it waits for does not come any more."""
        with contextlib.suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        if not patient:
            self.process.kill()
        self.process.wait()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as answers:
            for line in answers:
                self._answers.put((self, json.loads(line)))
        self._answers.put((self, {"event": "ended"}))


@contextlib.contextmanager
def _all_ended() -> Iterator[list[_Worker]]:
    """Yield a list of workers, all of which have ended when the block has; after an error at once."""
    workers: list[_Worker] = []
    try:
        yield workers
    except BaseException:
        for worker in workers:
            worker.end(patient=False)
        raise
    for worker in workers:
        worker.end(patient=True)


@contextlib.contextmanager
def _log(path: Path) -> Iterator[Any]:
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
    with file:
        yield file
