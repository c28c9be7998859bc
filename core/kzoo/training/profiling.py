"""Where the time of a run goes, by the clock: what a part took is without the time of the parts inside of it."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.files import write_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["PROFILE", "TRACE", "Profile"]

PROFILE = "profile.json"
"""The table of a profile, in the folder ``profile`` of its run."""
TRACE = "trace.json"
"""Its spans in the Trace Event Format, which https://ui.perfetto.dev and Chrome's about:tracing open."""

_MOST_SPANS = 200_000
"""More spans than this are counted, and not drawn."""


@dataclass
class _Open:
    name: str
    began: float
    inside: float = 0.0


@dataclass
class Profile:
    """The time of a run by its parts.

    Attributes:
        seconds: The own time of each part.
        counts: How often it was entered.
        steps: The training steps that were taken.
    """

    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    steps: int = 0
    _spans: list[tuple[str, float, float, int]] = field(default_factory=list)
    _stack: list[_Open] = field(default_factory=list)
    _began: float = field(default_factory=time.perf_counter)
    _counted: float = 0.0

    @contextlib.contextmanager
    def span(self, name: str) -> Iterator[None]:
        """Count the time of the block to a part."""
        self._stack.append(_Open(name, time.perf_counter()))
        try:
            yield
        finally:
            self.add(self._stack.pop())

    def add(self, part: _Open, *, ended: float | None = None) -> None:
        """Count a part that ends now."""
        ended = time.perf_counter() if ended is None else ended
        took = ended - part.began
        self.seconds[part.name] = self.seconds.get(part.name, 0.0) + took - part.inside
        self.counts[part.name] = self.counts.get(part.name, 0) + 1
        if self._stack:
            self._stack[-1].inside += took
        if len(self._spans) < _MOST_SPANS:
            self._spans.append((part.name, part.began, took, threading.get_ident()))

    def lap(self, name: str, seconds: float) -> None:
        """Count a part of the run that comes to its end now: what of it was not counted to the parts inside of it."""
        now = time.perf_counter()
        self._began = min(self._began, now - seconds)
        counted = sum(self.seconds.values())
        self.add(_Open(name, now - seconds, min(seconds, counted - self._counted)), ended=now)
        self._counted = sum(self.seconds.values())

    def counted(self, name: str, seconds: float) -> None:
        """Count a part of the open span that was timed by somebody else, in pieces that nobody drew."""
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.counts[name] = self.counts.get(name, 0) + 1
        self._stack[-1].inside += seconds

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each part, in the order in which they were first entered, and one for the rest."""
        total = time.perf_counter() - self._began
        rows = [
            {"part": name, "seconds": seconds, "share": seconds / total, "times": self.counts[name]}
            for name, seconds in self.seconds.items()
        ]
        rest = total - sum(self.seconds.values())
        return [*rows, {"part": "everything else", "seconds": rest, "share": rest / total, "times": 1}]

    def notes(self) -> list[str]:
        """Return what follows of it, a sentence each."""
        waited, computed = self.seconds.get("waiting for data", 0.0), self.seconds.get("forward and backward", 0.0)
        if not waited + computed:
            if (first := self.seconds.get("waiting for the first data")) is None:
                return []
            text = f"It waited {first:.2f} s for its first data. What part of its steps a training waits is told of"
            return [f"{text} those after the first call, and here there were none: train longer."]
        share = waited / (waited + computed)
        text = f"Of the time in its steps the training waited {share:.1%} for data."
        if share > 0.1:  # noqa: PLR2004 - a tenth can be felt
            text += " Data that is read from files each time can be kept in memory, or made smaller before."
        return [text]

    def write(self, folder: Path) -> None:
        """Write table and trace into a folder; raise `KzooError` where that cannot be done."""
        told = {"parts": self.rows(), "steps": self.steps, "notes": self.notes()}
        events = [
            {"name": name, "ph": "X", "ts": (began - self._began) * 1e6, "dur": took * 1e6, "pid": 1, "tid": thread}
            for name, began, took, thread in self._spans
        ]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_text(folder / PROFILE, json.dumps(told, indent=1) + "\n")
            write_text(folder / TRACE, json.dumps({"traceEvents": events, "displayTimeUnit": "ms"}) + "\n")
        except OSError as error:
            message = f"The profile could not be written to {folder}: {error.strerror or error}."
            raise KzooError(message) from error
