"""Where runs are trained: what every such place does for whoever gives runs to it, and what it tells of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Protocol

from kzoo.plugins.registry import plugin_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from kzoo.cluster.places import Place
    from kzoo.comparing.grid import Job
    from kzoo.runs.folder import Run

__all__ = ["ANEW", "ENDS", "EXACTLY", "FORCED", "Executor", "executor_at", "task_of"]

ENDS = frozenset({"done", "pruned", "failed", "stopped", "lost"})
"""What ends the work on a run: it is done, given up, failed, was stopped and kept its state; or its worker died."""


ANEW, EXACTLY, FORCED = "anew", "exactly", "forced"
"""How a worker goes on with a run, see `task_of`."""


class Executor(Protocol):
    """A place that trains runs.

    Attributes:
        places: How many runs it takes at a time; that may change while it works.
        tries: How often a run is begun again whose worker died.
    """

    @property
    def places(self) -> int:
        """How many runs it takes at a time; that may change while it works."""

    @property
    def tries(self) -> int:
        """How often a run is begun again whose worker died."""

    def begin(self, job: Job, task: Mapping[str, Any]) -> None:
        """Have a run trained, as `task_of` describes it."""

    def answer(self) -> tuple[Job, dict[str, Any]]:
        """Wait for the next thing that is told of a run, and return it.

        Its ``event`` is one of `ENDS`, ``begun`` (``run``: its folder), ``epoch`` (``epoch``, ``epochs``, ``logs``) or
        ``warning`` (``text``). A run that is ``done`` or ``pruned`` has ``run``, one that ``failed`` or is ``lost`` a
        ``reason``.
        """

    def stop(self) -> None:
        """Have all runs stop that are being trained; how each ended is told by `answer`."""


def executor_at(place: Place, root: Path, log: Path | None) -> AbstractContextManager[Executor]:
    """Return the executor of a place, to be entered; all that it started has ended when it is left.

    Args:
        place: Where.
        root: The folder that runs go to.
        log: The file that takes what workers write besides; None for nowhere.

    Raises:
        UsageError: There is no such place.
        KzooError: It cannot be reached, or no process be started.
    """
    if place.on:
        from kzoo.comparing.on_ray import ray_executor

        return ray_executor(place, root, log)
    from kzoo.comparing.workers import local_executor

    return local_executor(place, log)


def task_of(
    job: Job, root: Path, resume: Run | None = None, argv: Sequence[str] = (), resume_as: str = ANEW
) -> dict[str, Any]:
    """Return what a worker must know to train a run, as plain data.

    Args:
        job: The run.
        root: The folder that runs go to.
        resume: The run to go on with.
        argv: The command line, for the record.
        resume_as: What becomes of a run that cannot go on: it is trained `ANEW`, or it fails, `EXACTLY`, where its
            settings are those of the job; `FORCED` goes on also where something else is not as it was.
    """
    return {
        "values": job.config.values,
        "origins": job.config.origins,
        "out": str(root),
        "resume": None if resume is None else str(resume.path),
        "argv": list(argv),
        "resume_as": resume_as,
        "plugins": asdict(plugin_choice()),
        "more": dict(job.more),
    }
