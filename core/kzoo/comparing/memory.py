"""The memory of this machine, shared out among runs that are trained at a time, by what the first of them takes."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

__all__ = ["Room", "available", "peak"]

_PLENTY = 4 * 2**30
"""Bytes for each run with which nobody waits for what the first one takes."""

_LEFT = 0.9  # of what is free; the rest is for everything else on the machine


def available() -> int | None:
    """Return how many bytes new processes could take without anything being swapped out; None where nobody can tell.

    Where the processes of a container may have less than the machine has, that counts.
    """
    found: list[int] = []
    with contextlib.suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):  # there is no such limit, or it is `max`
            found.append(max(int(Path(limit).read_text("utf-8")) - int(Path(used).read_text("utf-8")), 0))
    return min(found, default=None)


def peak() -> int:
    """Return the most bytes of memory that this process has had; 0 where the system does not tell."""
    try:
        import resource
    except ImportError:  # Windows
        return 0
    found = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found if sys.platform == "darwin" else found * 1024


class Room:
    """How many runs the memory holds at a time.

    With plenty of memory all begin at once. Else one begins, and the others when it has told what it takes.

    Args:
        most: How many there shall be.
        each: Bytes that one takes, where somebody said.
    """

    def __init__(self, most: int, each: int | None = None) -> None:
        self._most = most
        self._free = available()
        self._each = each or 0
        self._asked = each is not None
        self._warned = False

    @property
    def places(self) -> int:
        """How many runs may be trained at a time, at least 1."""
        if self._free is None or self._most == 1:
            return self._most
        if not self._each:
            return self._most if self._free >= self._most * _PLENTY else 1
        return min(self._most, max(1, int(self._free * _LEFT // self._each)))

    def took(self, each: int) -> str:
        """Take what a run has come to in its first epochs; return what to say where fewer fit, or an empty text."""
        if not self._asked:
            self._each = max(self._each, each)
        if self._warned or self.places == self._most or not self._each or self._free is None:
            return ""
        self._warned = True
        return (
            f"A run takes {self._each / 1e9:.1f} GB of memory, and {self._free / 1e9:.1f} GB were free: "
            f"{self.places} of them {'is' if self.places == 1 else 'are'} trained at a time, not {self._most}."
        )
