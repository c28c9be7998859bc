"""Where something is to be computed, and how much of a machine each piece of it takes: as a person asks for it."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from kzoo.arguments import whole_number
from kzoo.errors import UsageError

__all__ = ["CLIENT_PORT", "Place", "checked", "place_asked"]

CLIENT_PORT = 10001
"""The port of ``ray://HOST`` where none is named."""

_LEAST_MEMORY = 100 * 10**6
"""TensorFlow alone takes more: less is a slip, as of a unit."""


@dataclass(frozen=True)
class Place:
    """Where something is to be computed, and with what.

    Attributes:
        jobs: How many pieces of work, such as runs, at a time; None for one on this machine, and on a cluster one for
            each GPU or, where there are none, for each machine.
        on: Empty for processes of this machine; ``ray`` or ``ray://HOST`` for a cluster.
        cpus: Processors of each; None for an equal share.
        gpus: GPUs of each, on a cluster; None for one, where there are any.
        memory: Bytes of memory that each takes; None where nobody said.
        store: The address of a store that all machines reach, as fsspec has it; empty where they share folders.
    """

    jobs: int | None = None
    on: str = ""
    cpus: int | None = None
    gpus: float | None = None
    memory: int | None = None
    store: str = ""

    def __post_init__(self) -> None:
        if self.on:
            checked(self.on)
        elif self.gpus is not None or self.store:
            given = "--store" if self.store else "--gpus"
            message = f"{given} is for a cluster: name it with --on ray or --on ray://HOST."
            raise UsageError(message)


def place_asked(
    *,
    jobs: int | None = None,
    on: str = "",
    cpus: int | None = None,
    gpus: float | None = None,
    memory: str | int | None = None,
    store: str = "",
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
        store=store,
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


def checked(on: str) -> str:
    """Return the name of a place to compute on, ``ray`` or ``ray://HOST[:PORT]``, as it was given.

    Raises:
        UsageError: It is none.
    """
    if on == "ray":
        return on
    if on.startswith("ray://"):
        parts = urlsplit(on)
        with contextlib.suppress(ValueError):  # a port that is no number
            if parts.hostname and (parts.port or CLIENT_PORT) and not parts.path.strip("/"):
                return on
    message = (
        f"`--on {on}` names no place to compute on. `ray` is a cluster on this machine, or the one that RAY_ADDRESS "
        "names; `ray://HOST` or `ray://HOST:PORT` is a cluster by its head."
    )
    raise UsageError(message)
