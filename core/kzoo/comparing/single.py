"""One run that is trained at another place than this process: on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.comparing.away import fetch_left
from kzoo.comparing.comparison import check_data
from kzoo.comparing.executors import EXACTLY, FORCED
from kzoo.comparing.grid import Job
from kzoo.comparing.processes import Order, train_all
from kzoo.engine.interrupt import as_ctrl_c
from kzoo.errors import KzooError
from kzoo.training.checking import check_settings
from kzoo.training.result import RunResult

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from kzoo.cluster.places import Place
    from kzoo.engine.listener import Listener
    from kzoo.runs.config import RunConfig
    from kzoo.runs.folder import Run
    from kzoo.training.resuming import Resume

__all__ = ["train_at"]


def train_at(
    place: Place,
    config: RunConfig,
    *,
    root: Path,
    listener: Listener,
    argv: Sequence[str] = (),
    resume: Resume | None = None,
) -> RunResult:
    """Train one run at a place, as `kzoo.training.run.train` does here; what it came to has no model and no history.

    Args:
        place: Where.
        config: All settings.
        root: The folder that runs go to.
        listener: Who is told what happens.
        argv: The command line, for the record.
        resume: A run to go on with, whose settings ``config`` has, in place of a new one.

    Raises:
        UsageError: A component or setting that does not exist or fit.
        KzooError: The place cannot be reached, or the run failed there, for the reasons of `kzoo.training.run.train`.
        KeyboardInterrupt: It was stopped before there was a run.
    """
    check_settings(config)
    if resume is None:
        check_data(config, place)
    if place.store:
        for name in fetch_left(place.store, root):
            listener.say(f"An earlier command left the run {name} in {place.store}; it is in {root} now.")
    job = Job(str(config.loss), config.seed, config)
    known = {} if resume is None else {job: resume.run}
    how = FORCED if resume is not None and resume.force else EXACTLY
    with as_ctrl_c():
        found = train_all(Order([job], known, root, place, None, argv, how), _Told(listener))
    if job in found.failures:
        run = found.begun.get(job)
        raise KzooError(found.failures[job] + (f" The run is {run.path}." if run else ""))
    run = found.runs.get(job) or found.begun.get(job)
    if run is None:
        raise KeyboardInterrupt
    record = run.manifest()
    return RunResult(run, record.status, dict(record.test_results), completed=tuple(record.completed))


class _Told:
    """Tells a listener what a `kzoo.comparing.processes.Watcher` is told of the only run."""

    def __init__(self, listener: Listener) -> None:
        self._listener = listener

    def warn(self, text: str) -> None:
        self._listener.warn(text)

    def began(self, job: Job) -> None:
        self._listener.say(f"{job.config.pipeline}, loss {job.cell}, seed {job.seed}: waiting for a worker.")

    def epoch(self, job: Job, epoch: int, epochs: int, logs: Mapping[str, float]) -> None:
        del job
        self._listener.say(
            f"epoch {epoch}/{epochs}  " + "  ".join(f"{name} {value:.4g}" for name, value in logs.items())
        )

    def ended(self, job: Job, status: str, run: Run | None) -> Any:
        """Say nothing: the caller shows the result."""
