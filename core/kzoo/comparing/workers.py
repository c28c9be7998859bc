"""Worker processes on this machine: each trains one run at a time, and one that dies takes only that with it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from kzoo.comparing.executors import ENDS
from kzoo.comparing.memory import Room
from kzoo.errors import KzooError
from kzoo.processor import share_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from kzoo.cluster.places import Place
    from kzoo.comparing.grid import Job

__all__ = ["LocalExecutor", "local_executor", "threads_of"]

_MODULE = "kzoo.comparing.worker"


def threads_of(workers: int) -> int:
    """Return the threads of each of several workers, which share the processors out; 0, for all, of a single one."""
    return 0 if workers == 1 else share_of(workers)


@contextlib.contextmanager
def local_executor(place: Place, log: Path | None) -> Iterator[LocalExecutor]:
    """Yield worker processes, all of which have ended when the block has; after an error at once.

    Raises:
        KzooError: The log cannot be written.
    """
    with _log(log) as file:
        executor = LocalExecutor(place, file)
        try:
            yield executor
        except BaseException:
            executor.end(patient=False)
            raise
        executor.end(patient=True)


class LocalExecutor:
    """Worker processes that share the processors and the memory of this machine.

    Args:
        place: How many, and what each takes.
        log: Where they write what is no answer.
    """

    tries = 0

    def __init__(self, place: Place, log: Any) -> None:
        self._most = place.jobs or 1
        self._threads = threads_of(self._most) if place.cpus is None else place.cpus
        self._room = Room(self._most, place.memory)
        self._log = log
        self._workers: list[_Worker] = []
        self._warnings: deque[tuple[Job, dict[str, Any]]] = deque()
        self._answers: queue.Queue[tuple[_Worker, dict[str, Any]]] = queue.Queue()

    @property
    def places(self) -> int:
        """How many runs are trained at a time: what was asked for, where the memory holds that."""
        return self._room.places

    def begin(self, job: Job, task: Mapping[str, Any]) -> None:
        """Have a worker train a run, a new one where none is free.

        Raises:
            KzooError: No process can be started.
        """
        worker = next((one for one in self._workers if one.job is None and not one.over), None)
        if worker is None:
            worker = _Worker(self._answers, self._log, alone=self._most == 1)
            self._workers.append(worker)
        worker.give(job, {**task, "threads": self._threads})

    def answer(self) -> tuple[Job, dict[str, Any]]:
        """Wait for what a worker tells of its run."""
        if self._warnings:
            return self._warnings.popleft()
        while True:
            worker, told = self._answers.get()
            if told["event"] == "ended":
                worker.over = True
            job = worker.job
            if job is None:
                continue
            if told["event"] == "ended":
                told = {"event": "lost", "reason": f"The process that trained it ended {_how(worker.process.wait())}."}
            if told["event"] == "epoch" and (said := self._room.took(told.pop("memory", 0))):
                self._warnings.append((job, {"event": "warning", "text": said}))
            if told["event"] in ENDS:
                worker.job = None
                worker.over = worker.over or told["event"] == "stopped"  # it ends by itself
            return job, told

    def stop(self) -> None:
        """Have all workers stop what they do and end."""
        for worker in self._workers:
            worker.stop()

    def end(self, *, patient: bool) -> None:
        """End all workers: what they wait for does not come any more."""
        for worker in self._workers:
            worker.end(patient=patient)


def _how(code: int) -> str:
    if code >= 0:
        return f"with exit code {code}"
    with contextlib.suppress(ValueError):
        return f"by {signal.Signals(-code).name}, as the system does where memory is short"
    return f"by signal {-code}"


class _Worker:
    """One process, and the thread that hands on what it answers."""

    def __init__(self, answers: queue.Queue[tuple[_Worker, dict[str, Any]]], log: Any, *, alone: bool) -> None:
        # TensorFlow takes all memory of a GPU for the first process that looks at it.
        shared = {} if alone else {"TF_FORCE_GPU_ALLOW_GROWTH": "true"}
        self.job: Job | None = None
        self.over = False
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

    def give(self, job: Job, task: Mapping[str, Any]) -> None:
        """Have it train a run."""
        self.job = job
        assert self.process.stdin is not None
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
def _log(path: Path | None) -> Iterator[Any]:
    if path is None:
        yield subprocess.DEVNULL
        return
    try:
        file = path.open("a", encoding="utf-8")
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
    with file:
        yield file
