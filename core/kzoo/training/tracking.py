"""The trackers of a run: each is told of every epoch once, and what fails in one of them ends nothing."""

from __future__ import annotations

import contextlib
import copy
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.engine.interrupt import came_from_a_signal
from kzoo.errors import KzooError
from kzoo.plugins.build import build
from kzoo.plugins.foreign_code import place_of, reason_of
from kzoo.streams import stdout_to_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kzoo.plugin import TrackerSpec
    from kzoo.plugins.registry import Entry, Registry
    from kzoo.runs.config import RunConfig
    from kzoo.runs.folder import Run
    from kzoo.runs.state import SavedState
    from kzoo.tracker import Tracker

__all__ = ["Tracking", "numbers_of"]

_FILES = ("config.toml", "metrics.csv", "run.json", "model.keras", "report.html")
"""What of a run is handed to trackers at its end, besides its pictures."""


@dataclass
class _Tracked:
    """One tracker, and how far its tracked run is.

    Attributes:
        entry: What it was made of.
        tracker: The tracker; None once it has failed.
        id: What it finds its tracked run again by.
        logged: The last epoch that its tracked run holds.
    """

    entry: Entry[TrackerSpec]
    tracker: Tracker | None
    id: str = ""
    logged: int = 0

    @property
    def record(self) -> dict[str, Any]:
        """What ``run.json`` has of it; the last epoch where it failed, since what came later is not there."""
        found: dict[str, Any] = {"version": self.entry.version, "id": self.id}
        return found if self.tracker else {**found, "logged": self.logged}


class Tracking:
    """The trackers of one run.

    Args:
        config: The settings of the run; None for no trackers.
        registry: Where their names are looked up.
        warn: Called with a sentence where one of them fails.

    Raises:
        UsageError: An unknown tracker or argument.
        KzooError: What a tracker needs is not installed.
    """

    def __init__(
        self,
        config: RunConfig | None = None,
        registry: Registry | None = None,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self._config, self._warn = config, warn or (lambda _: None)
        self._run: Run | None = None
        self._history: list[dict[str, Any]] = []
        self._begun = False
        self._tracked: list[_Tracked] = []
        if config is not None and registry is not None:
            for reference in config.track:
                tracker = build("tracker", reference, registry=registry)
                self._tracked.append(_Tracked(registry.tracker(reference.name), tracker))

    def attach(self, run: Run, begin: SavedState | None) -> None:
        """Take the run that is tracked, and the state that its training goes on from, if it does."""
        self._run, self._history = run, begin.data["place"]["history"] if begin else []

    def start(self) -> None:
        """Begin, or go on; tell what is missing of the epochs before."""
        assert self._run is not None, "there is a run to track"
        known = {name: _place(record, len(self._history)) for name, record in self._run.manifest().trackers.items()}
        if not self._tracked and not known:
            return
        self._begun = True
        for one in self._tracked:
            self._start(one, self._run, known.get(one.entry.qualified))
        self._record({name: place["step"] for name, place in known.items()})
        for epoch, logs in enumerate(self._history, 1):
            self.log(epoch, logs)

    def _start(self, one: _Tracked, run: Run, place: dict[str, Any] | None) -> None:
        """Start one tracker, which goes on from a place, or begins where there is none."""
        assert one.tracker is not None, "it was just made"
        if place is not None:
            one.id, one.logged = place["id"], place["step"]
        found = self._call(one, "when it was started", one.tracker.start, self._told_at_start(run, place))
        if one.tracker is None:
            return
        one.id = found if isinstance(found, str) else ""
        held = self._call(one, "when it was asked what it holds", getattr, one.tracker, "logged")
        if place is not None and isinstance(held, int):
            one.logged = held

    def log(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Tell what came of an epoch, from 1, to those that do not hold it."""
        for one in self._tracked:
            if one.tracker is not None and epoch > one.logged:
                self._call(one, f"when it was told of epoch {epoch}", one.tracker.log, epoch, numbers_of(logs))
                if one.tracker is not None:
                    one.logged = epoch

    def finish(self, status: str, results: Mapping[str, Any]) -> None:
        """Hand over the files of the run, and end; nothing is done where it did not begin."""
        if not self._begun:
            return
        assert self._run is not None, "it began with one"
        for one in self._tracked:
            for path in _files(self._run.path):
                if one.tracker is not None:
                    self._call(one, f"when it was given {path.name}", one.tracker.artifact, path)
            if one.tracker is not None:
                self._call(one, "when it was ended", one.tracker.finish, status, numbers_of(results))

    def _told_at_start(self, run: Run, tracked: Mapping[str, Any] | None) -> dict[str, Any]:
        assert self._config is not None, "there are trackers"
        told = {**run.manifest().to_dict(), "settings": dict(self._config.values), "tracked": tracked}
        return copy.deepcopy({**told, "folder": str(run.path.absolute()), "name": run.name})

    def _call(self, one: _Tracked, doing: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a tracker; where it fails, warn and leave it out from here on."""
        try:
            with stdout_to_stderr():
                return function(*arguments)
        except BaseException as error:
            if isinstance(error, GeneratorExit) or came_from_a_signal(error):
                raise
            reason = str(error).rstrip(".") if isinstance(error, KzooError) else reason_of(error)
            one.tracker = None
            self._warn(
                f"The tracker `{one.entry.name}` of {one.entry.origin} failed {doing}: {reason}"
                f"{place_of(error, one.entry)}. It is not called again; the run goes on, and keeps its own record."
            )
            with contextlib.suppress(OSError, KzooError):  # the disk may be what failed
                self._record()
            return None

    def _record(self, logged: Mapping[str, int] | None = None) -> None:
        """Write into the run's record by what the tracked runs are found again.

        Args:
            logged: The last epochs of those before: one that has no part in this training is not told of more.
        """
        assert self._run is not None, "it began"
        known = {name: dict(record) for name, record in self._run.manifest().trackers.items()}
        for name, epoch in (logged or {}).items():
            known[name]["logged"] = epoch
        begun = {one.entry.qualified: one.record for one in self._tracked if one.tracker or one.id}
        self._run.update(trackers={**known, **begun})


def _place(record: Mapping[str, Any], epochs: int) -> dict[str, Any]:
    """Return where a tracked run goes on: not after the last epoch that its tracker was told of."""
    logged = record.get("logged")
    step = max(0, min(epochs, logged)) if isinstance(logged, int) else epochs
    return {"id": str(record.get("id", "")), "step": step}


def numbers_of(logs: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers in logs, of a list one for each of its parts; texts, and lists of lists, are left out.

    Example:
        >>> numbers_of({"loss": 0.5, "recall": [0.25, 1.0], "note": "text", "matrix": [[1, 0], [0, 1]]})
        {'loss': 0.5, 'recall/0': 0.25, 'recall/1': 1.0}
    """
    found: dict[str, float] = {}
    for name, value in logs.items():
        parts = [(f"{name}/{at}", one) for at, one in enumerate(value)] if isinstance(value, list) else [(name, value)]
        found |= {key: one for key, one in parts if isinstance(one, (int, float)) and not isinstance(one, bool)}
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a run that trackers are given; what a link leads out of the folder for is not among them."""
    pictures: Sequence[Path] = sorted((folder / "plots").glob("*.png"))
    for path in itertools.chain((folder / name for name in _FILES), pictures):
        if path.is_file() and path.resolve().is_relative_to(folder.resolve()):
            yield path
