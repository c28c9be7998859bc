"""The processor, as its system tells it."""

from __future__ import annotations

import contextlib
import os
import platform
import re
from pathlib import Path

__all__ = ["computes_in_bfloat16", "instructions", "processor_name", "usable_processors"]

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


def usable_processors() -> int | None:
    """Return how many processors this process may use, or None where nobody knows."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _told(name: str) -> str:
    """Return the first line of that name of what Linux tells of its processors."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if found := re.search(rf"(?m)^{name}\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8")):
            return found[1].strip()
    return ""
