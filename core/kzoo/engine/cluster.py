"""Which processes train one model together: what ``TF_CONFIG`` says of them, read without TensorFlow.

``TF_CONFIG`` is the JSON text by which TensorFlow's programs learn of each other; Slurm, Kubernetes' training operator
and the clouds' services set it for every process that they start::

    {"cluster": {"worker": ["host-a:2222", "host-b:2222"]}, "task": {"type": "worker", "index": 0}}
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["LOCAL_WORKER", "VARIABLE", "Cluster", "cluster_of", "config_of", "is_local_worker"]

VARIABLE = "TF_CONFIG"

LOCAL_WORKER = "KZOO_LOCAL_WORKER"
"""Set in the processes that kzoo itself starts on one machine: the threads that each of them may take, 0 for all."""

_JOBS = ("chief", "worker")  # in the order in which TensorFlow numbers them
_FORM = '{"cluster": {"worker": ["host-a:2222", "host-b:2222"]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True)
class Cluster:
    """The processes of one training, seen from one of them.

    Attributes:
        addresses: Host and port of each, the chief's first.
        index: Which of them this process is, from 0.
    """

    addresses: tuple[str, ...]
    index: int

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.addresses)

    @property
    def is_chief(self) -> bool:
        """Whether this one writes the run."""
        return self.index == 0

    def check_names(self) -> None:
        """Raise `KzooError` where nobody knows the host of an address: TensorFlow would wait for it without a word."""
        for address in self.addresses:
            host = address.rpartition(":")[0].strip("[]")
            try:
                socket.getaddrinfo(host, None)
            except OSError as error:
                message = (
                    f"{VARIABLE} names the worker `{address}`, and its host cannot be found: "
                    f"{error.strerror or error}. Mend the name, or begin when that machine is there."
                )
                raise KzooError(message) from error


def cluster_of(environment: Mapping[str, str] | None = None) -> Cluster | None:
    """Return what ``TF_CONFIG`` says of this process; None where it is not set, or names this process alone.

    Raises:
        UsageError: It is not of that form, or means another way to train than workers with one chief.
    """
    text = (os.environ if environment is None else environment).get(VARIABLE, "")
    if not text.strip():
        return None
    try:
        told = json.loads(text)
        jobs = told.get("cluster") or {}
        task = told.get("task") or {}
        others = sorted(name for name, members in jobs.items() if name not in _JOBS and members)
        members = {name: [str(one) for one in jobs.get(name) or ()] for name in _JOBS}
        kind, index = str(task.get("type", "worker")), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError) as error:
        message = f"{VARIABLE} is not of the form {_FORM}: {error}. Unset it to train with this process alone."
        raise UsageError(message) from error
    if others or kind not in _JOBS:
        what = ", ".join(f"`{name}`" for name in others) or f"the task `{kind}`"
        message = (
            f"{VARIABLE} names {what}, and kzoo trains with processes of the kind `worker` alone, with or without a "
            f"`chief`, that share each batch: {_FORM}."
        )
        raise UsageError(message)
    addresses = tuple(one for name in _JOBS for one in members[name])
    if len(addresses) < 2:  # noqa: PLR2004 - more than this one
        return None
    if not 0 <= index < len(members[kind]):
        message = f"{VARIABLE} says that this process is {kind} {index}, and names {len(members[kind])} of that kind."
        raise UsageError(message)
    return Cluster(addresses, index + (len(members["chief"]) if kind == "worker" else 0))


def config_of(addresses: Sequence[str], index: int) -> str:
    """Return the ``TF_CONFIG`` of one of several processes.

    Example:
        >>> cluster_of({"TF_CONFIG": config_of(["a:1", "b:1"], 1)})
        Cluster(addresses=('a:1', 'b:1'), index=1)
    """
    told: dict[str, Any] = {"cluster": {"worker": list(addresses)}, "task": {"type": "worker", "index": index}}
    return json.dumps(told)


def is_local_worker() -> bool:
    """Return whether another kzoo started this process as one of several, and looks after it."""
    return LOCAL_WORKER in os.environ
