"""What it costs to list a distribution's components: a process of its own loads its plugins and nothing else.

Every command that shows a name pays for every plugin that is installed, so a plugin's module imports nothing heavy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kzoo.testing.report import CheckFailure

__all__ = ["HEAVY", "Cost", "measure"]

HEAVY = frozenset(
    {"PIL", "cv2", "jax", "keras", "matplotlib", "numpy", "pandas", "scipy", "sklearn", "tensorflow", "torch"}
)
"""What no plugin's module may import: each of these takes longer than all of a list command."""

_LIMIT_S = 120.0
_MARK = "kzoo-listing: "  # a plugin may write to stdout, too


@dataclass(frozen=True)
class Cost:
    """What loading the plugins of one distribution cost.

    Attributes:
        milliseconds: The time that importing its plugin modules and calling their hooks took.
        heavy: The heavy packages that were imported, each with the line of the plugin that led to it.
    """

    milliseconds: float
    heavy: dict[str, str]


def measure(distribution: str) -> Cost:
    """Load the plugins of an installed distribution in a process of its own, and return what it cost.

    Raises:
        CheckFailure: That process failed.
    """
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-P", "-m", "kzoo.testing.listing", distribution]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter and this module
            command, env=variables, capture_output=True, text=True, check=False, timeout=_LIMIT_S, errors="replace"
        )
    except subprocess.TimeoutExpired:
        message = f"listing it in a process of its own: saw no end after {_LIMIT_S:g} s"
        raise CheckFailure(message) from None
    said = [line for line in done.stdout.splitlines() if line.startswith(_MARK)]
    if not said:
        last = " ".join(done.stderr.split())[-300:]
        message = f"listing it in a process of its own: it ended with code {done.returncode}: {last}"
        raise CheckFailure(message)
    return Cost(**json.loads(said[-1].removeprefix(_MARK)))


class _Watch:
    """Stands before all finders of modules, finds nothing, and notes who looks for something heavy."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Note the line that asks for a heavy package."""
        del path, target
        if name in HEAVY:
            self.seen.setdefault(name, _place())


def _place() -> str:
    """Return the line of the plugin that led to this import: the outermost one that is neither ours nor Python's."""
    frame, places = sys._getframe(2), []  # noqa: SLF001 - there is no other way to ask who imports
    while frame is not None:
        file, package = frame.f_code.co_filename, str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if not file.startswith("<") and package not in {"__main__", "importlib", "kzoo", "pluggy"}:
            places.append(f"line {frame.f_lineno} of {Path(*Path(file).parts[-2:]).as_posix()}")
        frame = frame.f_back  # type: ignore[assignment]
    return places[-1] if places else "a place unknown"


def _load(distribution: str) -> Cost:
    from kzoo.plugins.discovery import discover
    from kzoo.plugins.entry_points import installed, origin

    points = [point for point in installed()[0] if origin(point.dist)[0] == distribution]
    before = set(sys.modules)
    watch = _Watch()
    sys.meta_path.insert(0, watch)
    start = time.perf_counter()
    discover(entry_points=points)
    milliseconds = (time.perf_counter() - start) * 1000
    sys.meta_path.remove(watch)
    # Some only ask whether a package is there: what counts is what was imported.
    heavy = {name: watch.seen.get(name, "a place unknown") for name in sorted((HEAVY & set(sys.modules)) - before)}
    return Cost(milliseconds, heavy)


if __name__ == "__main__":
    sys.stdout.write(f"\n{_MARK}{json.dumps(vars(_load(sys.argv[1])))}\n")
