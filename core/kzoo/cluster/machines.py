"""The machines of a cluster: what each has, and whether it computes as this one does."""

from __future__ import annotations

import contextlib
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.cluster.connecting import in_words
from kzoo.errors import KzooError, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kzoo.cluster.connecting import Cluster
    from kzoo.cluster.places import Place

__all__ = ["Machine", "Share", "check_machines", "compare", "machines_of", "machines_with", "marked", "shared_out"]

_COMPARED = ("kzoo", "keras", "tensorflow", "numpy", "python")
"""What decides about the bits of a result; that Ray's own version is the same, Ray sees to."""

_PATIENCE = 300.0  # seconds in which a machine must start a process


@dataclass(frozen=True)
class Share:
    """What of a machine one piece of work takes; Ray gives out no more than there is.

    Attributes:
        cpus: Processors.
        gpus: GPUs; a part of one, where several share it.
        memory: Bytes; 0 where nobody said.
    """

    cpus: int
    gpus: float = 0.0
    memory: int = 0

    def options(self) -> dict[str, Any]:
        """Return it as Ray's options of a task."""
        asked: dict[str, Any] = {"num_cpus": self.cpus, "num_gpus": self.gpus}
        return {**asked, "memory": self.memory} if self.memory else asked


@dataclass(frozen=True)
class Machine:
    """A machine of a cluster that is there.

    Attributes:
        node: Ray's name of it.
        host: Its own name.
        cpus: Its processors, as it gives them to Ray.
        gpus: Its GPUs.
        memory: Bytes that Ray gives out.
    """

    node: str
    host: str
    cpus: int
    gpus: float
    memory: int

    def holds(self, share: Share) -> int:
        """Return how often it has room for a share, when nothing else runs."""
        parts = [self.cpus // max(share.cpus, 1)]
        parts += [int(self.gpus / share.gpus)] if share.gpus else []
        parts += [self.memory // share.memory] if share.memory else []
        return int(min(parts))


def machines_of(cluster: Cluster) -> list[Machine]:
    """Return the machines of a cluster that are alive."""
    found = []
    for node in cluster.ray.nodes():
        if node["Alive"]:
            has = node.get("Resources", {})
            found.append(
                Machine(
                    node["NodeID"],
                    node.get("NodeManagerHostname", ""),
                    int(has.get("CPU", 0)),
                    float(has.get("GPU", 0)),
                    int(has.get("memory", 0)),
                )
            )
    return found


def shared_out(place: Place, machines: Sequence[Machine]) -> tuple[int, Share]:
    """Return how many pieces of work are done at a time on a cluster, and what each takes.

    Where nobody says it, there is one for each GPU, or for each machine where there are no GPUs; and the processors
    are shared out among them.
    """
    with_gpus = [machine for machine in machines if machine.gpus]
    gpus = float(bool(with_gpus)) if place.gpus is None else place.gpus
    able = with_gpus if gpus else [machine for machine in machines if machine.cpus]
    if not able:
        return place.jobs or 1, Share(place.cpus or 1, gpus, place.memory or 0)
    if place.cpus is not None:
        share = Share(place.cpus, gpus, place.memory or 0)
        return place.jobs or max(1, sum(machine.holds(share) for machine in able)), share
    jobs = place.jobs or (int(sum(machine.gpus for machine in able) / gpus) if gpus else len(able))
    on_each = -(-jobs // len(able))  # as many on each machine as on the others, or one less
    return jobs, Share(max(1, min(machine.cpus for machine in able) // on_each), gpus, place.memory or 0)


def machines_with(machines: Sequence[Machine], share: Share) -> list[Machine]:
    """Return the machines that have room for a share; raise `KzooError` where none has: Ray would wait for ever."""
    found = [machine for machine in machines if machine.holds(share)]
    if not found:
        asked = f"{share.cpus} processors"
        asked += f", {share.gpus:g} GPUs" if share.gpus else ""
        asked += f", {share.memory / 1e9:.1f} GB" if share.memory else ""
        there = "; ".join(
            f"{machine.host} has {machine.cpus} processors, {machine.gpus:g} GPUs and {machine.memory / 1e9:.1f} GB"
            for machine in machines[:5]
        )
        message = f"No machine of the cluster has {asked} for one piece of work: {there or 'there is none'}."
        raise KzooError(message)
    return found


def check_machines(
    cluster: Cluster, machines: Sequence[Machine], *, there: Path | None = None, lacking: str = ""
) -> None:
    """Look at each machine before anything is given to it.

    Args:
        cluster: The cluster.
        machines: Those that work goes to.
        there: A file or folder that must be there too; None for none.
        lacking: What is said of a machine where it is not, behind its name.

    Raises:
        KzooError: kzoo or what it computes with is of another version there or is missing, or the file is not there.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    looking = _looking()
    here = looking(None)
    look = cluster.ray.remote(looking)
    seen = None if there is None else str(there)
    asked = []
    for machine in machines:
        on_it = NodeAffinitySchedulingStrategy(machine.node, soft=False)
        asked.append(look.options(num_cpus=0, max_retries=0, scheduling_strategy=on_it).remote(seen))
    for machine, reference in zip(machines, asked, strict=True):
        try:
            found = cluster.ray.get(reference, timeout=_PATIENCE)
        except Exception as error:
            message = f"{machine.host} cannot be worked with: {in_words(words_of(error))}"
            raise KzooError(message) from error
        compare(machine.host, here, found)
        if not found["sees"]:
            message = f"{machine.host} {lacking}"
            raise KzooError(message)


@contextlib.contextmanager
def marked(folder: Path) -> Iterator[Path]:
    """Yield an empty file in a folder by which another machine can tell whether its folder of that name is the same.

    Raises:
        KzooError: The folder cannot be written.
    """
    mark = folder / f".seen-{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
    try:
        yield mark
    finally:
        with contextlib.suppress(OSError):
            mark.unlink(missing_ok=True)


def compare(host: str, here: Mapping[str, Any], there: Mapping[str, Any]) -> None:
    """Raise `KzooError` where a machine would not compute what this one does, by what `_looking` tells of both."""
    if there["kzoo"] is None:
        message = (
            f"kzoo is not installed on {host}, where {there['executable']} looked for it. Install the same there: "
            f"`pip install 'kzoo[ray]=={here['kzoo']}'`, with the plugins that the runs need."
        )
        raise KzooError(message)
    others = [f"{name} is {there[name]} there and {here[name]} here" for name in _COMPARED if there[name] != here[name]]
    if others:
        message = (
            f"{host} would not compute what this machine does: {', '.join(others)}. Install the same versions on all "
            "machines."
        )
        raise KzooError(message)


def _looking() -> Callable[[str | None], dict[str, Any]]:
    """Return a function that tells the versions of a machine and whether it sees a file.

    It is made in here so that it is sent as it is: a machine without kzoo could not import it by its name.
    """

    def look(mark: str | None) -> dict[str, Any]:
        import importlib.metadata
        import os
        import platform
        import sys

        found: dict[str, Any] = {"executable": sys.executable, "python": platform.python_version()}
        for name in ("kzoo", "keras", "tensorflow", "numpy"):
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = None
        return {**found, "sees": mark is None or os.path.exists(mark)}  # noqa: PTH110 - the less it needs

    return look
