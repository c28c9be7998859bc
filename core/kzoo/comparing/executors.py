"""Where runs are trained: what every such place does for whoever gives runs to it, and what it tells of them."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from kzoo.arguments import whole_number
from kzoo.errors import UsageError
from kzoo.plugins.registry import plugin_choice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from kzoo.comparing.grid import Job
    from kzoo.runs.folder import Run

__all__ = ["ANEW", "ENDS", "EXACTLY", "FORCED", "Executor", "Place", "executor_at", "place_asked", "task_of"]

ENDS = frozenset({"done", "failed", "stopped", "lost"})
"""What ends the work on a run: it is done; it failed; it was stopped and kept its state; who trained it died."""


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
        ``warning`` (``text``). A run that is ``done`` has ``run``, one that ``failed`` or is ``lost`` a ``reason``.
        """

    def stop(self) -> None:
        """Have all runs stop that are being trained; how each ended is told by `answer`."""


@dataclass(frozen=True)
class Place:
    """Where runs are to be trained, and with what.

    Attributes:
        jobs: How many at a time; None for as many as there are machines (or GPUs), and one on this machine.
        on: Empty for processes of this machine; ``ray`` or ``ray://HOST`` for a cluster.
        cpus: Processors of each run; None for an equal share.
        gpus: GPUs of each run, on a cluster; None for one, where there are any.
        memory: Bytes that each run takes; None where nobody said.
        storage: An fsspec address that all machines reach, where they share no folder.
    """

    jobs: int | None = None
    on: str = ""
    cpus: int | None = None
    gpus: float | None = None
    memory: int | None = None
    storage: str = ""

    def __post_init__(self) -> None:
        if self.on:
            from kzoo.cluster.connecting import checked

            checked(self.on)
        elif self.gpus is not None or self.storage:
            given = "--gpus" if self.gpus is not None else "--storage"
            message = f"{given} is for a cluster: name it with --on ray or --on ray://HOST."
            raise UsageError(message)


def place_asked(
    *,
    jobs: int | None = None,
    on: str = "",
    cpus: int | None = None,
    gpus: float | None = None,
    memory: str | int | None = None,
) -> Place:
    """Return the place that a person or a program asks for.

    Raises:
        UsageError: A number that is none, a size of memory that cannot be read, or what does not go together.
    """
    if gpus is not None and not (0 <= gpus < 1 or float(gpus).is_integer()):
        message = f"`gpus` must be a part of one GPU or a whole number of them, not {gpus:g}."
        raise UsageError(message)
    return Place(
        jobs=None if jobs is None else whole_number(jobs, "jobs"),
        on=on,
        cpus=None if cpus is None else whole_number(cpus, "cpus"),
        gpus=None if gpus is None else float(gpus),
        memory=None if memory is None else _bytes_of(memory),
    )


def _bytes_of(memory: str | int) -> int:
    """Return a size of memory in bytes: a number of them, or a text such as ``500MB``, ``4GB`` or ``4GiB``."""
    found = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(|[kmgt]i?b?|b)\s*", str(memory).lower())
    size = 0
    if found:
        base = 1024 if "i" in found[2] else 1000
        size = int(
            float(found[1]) * base ** ("kmgt".index(found[2][0]) + 1 if found[2][:1] in "kmgt" and found[2] else 0)
        )
    if size < _LEAST_MEMORY:
        message = (
            f"`memory` must be a size such as 4GB or 800MB, of at least {_LEAST_MEMORY // 10**6} MB, not `{memory}`."
        )
        raise UsageError(message)
    return size


_LEAST_MEMORY = 100 * 10**6
"""TensorFlow alone takes more: less is a slip, as of a unit."""


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
    }
