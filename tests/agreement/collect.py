"""All cases there are: those in the golden files, and those of the live references."""

from __future__ import annotations

import functools
import importlib
from pathlib import Path

from agreement.case import GOLDEN, read


@functools.cache
def cases_of(kind):
    """Return the cases of one kind, by component name."""
    found = {}
    for case in _all():
        if case.kind == kind:
            found.setdefault(case.name, []).append(case)
    return found


@functools.cache
def _all():
    found = []
    for path in sorted(GOLDEN.glob("*.npz")):
        found += read(path)
    for path in sorted(Path(__file__).parent.glob("live_*.py")):
        found += importlib.import_module(f"agreement.{path.stem}").cases()
    return found
