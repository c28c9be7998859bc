"""The processor, as its system tells it."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from pathlib import Path

__all__ = ["computes_in_bfloat16", "instructions", "processor_name", "share_of", "usable_processors"]

_BFLOAT16 = frozenset({"avx512_bf16", "amx_bf16"})
"""Instructions that multiply in bfloat16; oneDNN uses them, and without them it is slower than float32."""


def processor_name() -> str:
    """Return the name of the processor, or an empty text."""
    return _told("model name") or platform.processor()


def instructions() -> frozenset[str]:
    """Return the sets of instructions that the processor has, as Linux names them; empty where that is not told."""
    return frozenset((_told("flags") or _told("Features")).split())


def computes_in_bfloat16() -> bool:
    """Return whether the processor has instructions for bfloat16."""
    return bool(_BFLOAT16 & instructions())


def usable_processors() -> int:
    """Return the number of processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on macOS and Windows
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def share_of(processes: int) -> int:
    """Return the processors of each of several processes that share those of this one out; at least one."""
    return max(1, usable_processors() // processes)


def _told(name: str) -> str:
    """Return the first line of that name of what Linux tells of its processors."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if found := re.search(rf"(?m)^{name}\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8")):
            return found[1].strip()
    return ""
