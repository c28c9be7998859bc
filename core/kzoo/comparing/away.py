"""Runs that are trained where no folder is shared: in a scratch folder there, and back through a store."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.cluster.storage import Storage
from kzoo.runs.folder import Run, list_runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["Fetched", "fetch_left", "trained_away"]

_EVERY = 30.0  # seconds between two times that a run is put into the store while it trains


class Fetched:
    """The store as whoever asked for the runs sees it.

    Args:
        url: Its address.
        root: The folder of runs that they come back to.
    """

    def __init__(self, url: str, root: Path) -> None:
        self._store = Storage(url)
        self.url = self._store.url
        self._root = root

    def give(self, run: Path) -> str:
        """Put a run there that is to go on, where it is not there already; return its name."""
        name = _name(run)
        if run.is_dir() and name not in self._store.names("run.json"):
            self._store.put(run, name)
        return name

    def take(self, name: str) -> Path:
        """Take a run out of the store into its place in the folder of runs, and return that."""
        path = self._root / name
        known = Run(path).number() if (path / "run.json").exists() else None
        if self._store.get(name, path):
            others = [run.number() or 0 for run in list_runs(self._root) if run.path != path]
            Run(path).update(number=known or max(others, default=0) + 1)  # it was the first one where it was trained
            self._store.remove(name)
        return path


def fetch_left(url: str, root: Path) -> list[str]:
    """Take all runs that a command which was killed has left in a store; return their names."""
    fetched = Fetched(url, root)
    names = Storage(url).names("run.json")
    for name in names:
        fetched.take(name)
    return names


@contextlib.contextmanager
def trained_away(
    task: Mapping[str, Any], answer: Callable[..., None]
) -> Iterator[tuple[dict[str, Any], Callable[..., None]]]:
    """Yield a task for a scratch folder here, and who is told of it: the run goes into the store as it goes on.

    Args:
        task: As `kzoo.comparing.executors.task_of` has it, with ``store``, and the name of the run as ``resume``.
        answer: Who is told of the run by its name.
    """
    store = Storage(task["store"])
    root = Path(tempfile.mkdtemp(prefix="kzoo-runs-"))
    name, last = task["resume"] or "", 0.0
    try:
        going_on = bool(name) and store.get(name, root / name)

        def told(event: str, **more: Any) -> None:
            nonlocal name, last
            if event == "begun":
                name = _name(Path(more["run"]))
            due = event != "warning" and (event != "epoch" or time.monotonic() - last > _EVERY)
            if name and due and (root / name).is_dir():
                store.put(root / name, name)
                last = time.monotonic()
            answer(event, **{**more, **({"run": name} if "run" in more else {})})

        yield {**task, "out": str(root), "resume": str(root / name) if going_on else None}, told
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _name(run: Path) -> str:
    return f"{run.parent.name}/{run.name}"
