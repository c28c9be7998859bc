"""Runs as tasks of Ray: each is trained in a worker of the cluster, wherever there is room, and told of from there."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.cluster.connecting import connected, in_words
from kzoo.cluster.machines import check_machines, machines_of, machines_with, marked, shared_out
from kzoo.cluster.surroundings import surroundings, take_on, threads_for
from kzoo.comparing.away import Fetched, trained_away
from kzoo.comparing.executors import ENDS
from kzoo.errors import KzooError, words_of
from kzoo.processor import usable_processors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kzoo.cluster.connecting import Cluster
    from kzoo.cluster.machines import Share
    from kzoo.cluster.places import Place
    from kzoo.comparing.grid import Job

__all__ = ["RayExecutor", "ray_executor", "train_remotely"]

_LOOK = 0.5  # seconds between looks at what runs have told
_TRIES = 3  # of a run whose worker died
_AGAIN = 300.0  # seconds after which those that have not heard of a stop are told again: a call of Ray may swallow it


@contextlib.contextmanager
def ray_executor(place: Place, root: Path, log: Path | None) -> Iterator[RayExecutor]:
    """Yield an executor on a cluster; one that was started for it has ended when the block has.

    Raises:
        KzooError: The cluster cannot be reached, its machines are of other versions, or none holds such a run.
    """
    with connected(place.on, processors=max(usable_processors(), place.cpus or 1)) as cluster:
        machines = machines_of(cluster)
        jobs, share = shared_out(place, machines)
        fitting = machines_with(machines, share)
        root = root.absolute()
        with marked(root) as mark:
            lacking = (
                f"has no folder {root}, or not the one of this machine, so that runs would not come back. Name one "
                "that all machines share with --out DIR, as on a network drive, or a store that all reach with "
                "--store URL."
            )
            check_machines(cluster, fitting, there=None if place.store else mark, lacking=lacking)
        from ray.util.queue import Queue

        store = Fetched(place.store, root) if place.store else None
        executor = RayExecutor(cluster, jobs, share, root, Queue(actor_options={"num_cpus": 0}), store)
        try:
            yield executor
        finally:
            executor.end()
            if cluster.logs is not None and log is not None:
                _keep_logs(cluster.logs, log)


class RayExecutor:
    """Tasks of Ray, one for each run.

    Ray's own retries are not used: a run that is begun again must be told which folder it goes on with, and whoever
    watches must be told that it was.

    Args:
        cluster: The cluster.
        jobs: How many runs at a time.
        share: What each takes of a machine.
        root: The folder of runs, the same one on all machines unless there is a store.
        told: A `ray.util.queue.Queue` for what runs tell before they end.
        store: What runs come back through, where machines share no folder.
    """

    tries = _TRIES

    def __init__(
        self, cluster: Cluster, jobs: int, share: Share, root: Path, told: Any, store: Fetched | None = None
    ) -> None:
        self._ray, self._on, self._root, self._share = cluster.ray, cluster.on, root, share
        self.places = jobs
        self._train = cluster.ray.remote(train_remotely).options(max_retries=0, **share.options())
        self._told, self._store = told, store
        self._working: dict[Any, tuple[str, Job]] = {}
        self._answers: deque[tuple[Job, dict[str, Any]]] = deque()
        self._runs: dict[str, str] = {}
        self._begun = 0
        self._asked_to_stop: float | None = None

    def begin(self, job: Job, task: Mapping[str, Any]) -> None:
        """Give a run to the cluster."""
        self._begun += 1
        name = str(self._begun)
        told = {
            **task,
            "out": str(self._root),
            "resume": task["resume"] and self._reached(Path(task["resume"]).absolute()),
            "store": self._store.url if self._store else "",
            "cpus": self._share.cpus,
            "surroundings": surroundings(shares_gpu=0 < self._share.gpus < 1),
        }
        self._working[self._train.remote(told, name, self._told)] = name, job

    def answer(self) -> tuple[Job, dict[str, Any]]:
        """Wait for what is told of a run, or for its end."""
        while not self._answers:
            if self._asked_to_stop is not None and time.monotonic() - self._asked_to_stop > _AGAIN:
                self.stop()
            try:
                ended, _ = self._ray.wait(list(self._working), timeout=_LOOK)
                self._listen()
            except (self._ray.exceptions.RayError, ConnectionError) as error:
                message = (
                    f"The cluster `{self._on}` was lost: {in_words(words_of(error))} What was trained is in "
                    f"{self._root}; the same command goes on with it."
                )
                raise KzooError(message) from error
            for reference in ended:
                name, job = self._working.pop(reference)
                told = self._end_of(reference)
                if told["event"] != "lost":
                    self._fetch(name, told)
                self._answers.append((job, told))
        return self._answers.popleft()

    def stop(self) -> None:
        """Have all runs stop; those that wait for a machine never begin."""
        self._asked_to_stop = time.monotonic()
        for reference in self._working:
            self._ray.cancel(reference, force=False)

    def end(self) -> None:
        """End what still runs, as after an error."""
        for reference in self._working:
            with contextlib.suppress(Exception):  # the cluster may be what failed
                self._ray.cancel(reference, force=True)
        with contextlib.suppress(Exception):
            self._told.shutdown(force=True)

    def _reached(self, run: Path) -> str:
        """Return what a worker finds a run by."""
        return self._store.give(run) if self._store else str(run)

    def _fetch(self, name: str, told: dict[str, Any]) -> None:
        """Have the run that has ended in the folder of runs."""
        run = told.get("run") or self._runs.pop(name, None)
        if self._store and run:
            told["run"] = str(self._store.take(run))

    def _listen(self) -> None:
        """Take what runs have told since."""
        jobs = dict(self._working.values())
        size = self._told.qsize()
        for name, event in self._told.get_nowait_batch(size) if size else ():
            if self._store and event["event"] == "begun":
                self._runs[name] = event["run"]
                event["run"] = str(self._root / event["run"])
            if name in jobs:
                self._answers.append((jobs[name], event))

    def _end_of(self, reference: Any) -> dict[str, Any]:
        """Return how the work on a run ended."""
        errors = self._ray.exceptions
        try:
            found: dict[str, Any] = self._ray.get(reference)
        except (errors.TaskCancelledError, KeyboardInterrupt):
            return {"event": "stopped"}
        except errors.RayTaskError as error:
            return {"event": "failed", "reason": in_words(words_of(error))}
        except errors.RayError as error:
            return {"event": "lost", "reason": _how(error)}
        return found


def train_remotely(task: Mapping[str, Any], name: str, told: Any) -> dict[str, Any]:
    """Train a run in a worker of Ray; return the event that it ended with.

    Args:
        task: What `kzoo.comparing.executors.task_of` returns; besides the processors that it has (``cpus``) and the
            ``surroundings`` of whoever asked.
        name: What the run's events go by.
        told: The queue that takes them.
    """
    from kzoo.comparing.worker import train_task
    from kzoo.runs.lock import released

    take_on(task["surroundings"])
    ended: dict[str, Any] = {"event": "stopped"}

    def answer(event: str, **more: Any) -> None:
        nonlocal ended
        if event in ENDS:
            ended = {"event": event, **more}
        else:
            told.put((name, {"event": event, **more}))

    whole = {**task, "threads": threads_for(task["cpus"])}
    if task["store"]:
        with trained_away(whole, answer) as (there, tell):
            train_task(there, tell)
        return ended
    if task["resume"]:
        released(Path(task["resume"]), _RELEASE)
    train_task(whole, answer)
    return ended


_RELEASE = 30.0  # seconds in which the lock of a run whose worker died is let go of, as by a server of files


def _how(error: BaseException) -> str:
    """Return how a worker died, in a sentence."""
    kind = type(error).__name__
    words = {
        "OutOfMemoryError": "Ray ended it since the memory of its machine was short",
        "NodeDiedError": "its machine is gone",
        "LocalRayletDiedError": "Ray on its machine is gone",
        "WorkerCrashedError": "its process died",
    }
    return f"{words.get(kind, in_words(words_of(error)).rstrip('.'))} ({kind})."


def _keep_logs(folder: Path, log: Path) -> None:
    """Put what the workers of this machine wrote where those without Ray write, before it is gone with the cluster."""
    try:
        with log.open("ab") as file:
            for path in sorted(folder.glob("worker-*")):
                file.write(path.read_bytes())
    except OSError as error:
        message = f"{log} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
