"""A made-up run for trackers to be told of, in a working folder that is removed afterwards."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["EPOCHS", "RESULTS", "MadeUpRun", "in_a_folder", "track"]

_PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
"""A PNG file of one pixel."""

EPOCHS: tuple[Mapping[str, float], ...] = (
    {"loss": 1.5, "accuracy": 0.25, "val_loss": 1.25, "val_accuracy": 0.375},
    {"loss": 0.75, "accuracy": 0.5, "val_loss": 0.875, "val_accuracy": 0.625},
    {"loss": 0.5, "accuracy": 0.75, "val_loss": 0.625, "val_accuracy": 0.6875},
)
RESULTS: Mapping[str, float] = {"loss": 0.5625, "accuracy": 0.6875}

_SETTINGS = {
    "pipeline": "made_up",
    "recipe": "default",
    "seed": 0,
    "metrics": [],
    "track": [],
    "loss": {"name": "crossentropy"},
    "optimizer": {"name": "adam", "learning_rate": {"name": "cosine_decay", "initial_learning_rate": 0.1}},
    "train": {"epochs": 3, "batch_size": 8, "save_every": 60.0, "keep": "last"},
}


@dataclass(frozen=True)
class MadeUpRun:
    """A run folder that holds what one has at its end.

    Attributes:
        folder: The folder.
        files: Its files.
    """

    folder: Path
    files: tuple[Path, ...]

    def manifest(self, tracked: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return what a tracker is told at its start."""
        told = json.loads((self.folder / "run.json").read_text("utf-8"))
        name = f"made_up/{self.folder.name}"
        more = {"settings": copy.deepcopy(_SETTINGS), "tracked": None if tracked is None else dict(tracked)}
        return {**told, **more, "folder": str(self.folder), "name": name}

    def contents(self) -> dict[str, bytes | None]:
        """Return what its own files hold now; None for one that is gone."""
        return {path.name: path.read_bytes() if path.exists() else None for path in self.files}


@contextlib.contextmanager
def in_a_folder(count: int = 1) -> Iterator[tuple[MadeUpRun, ...]]:
    """Yield so many runs in a new working folder."""
    with tempfile.TemporaryDirectory(prefix="kzoo-", ignore_cleanup_errors=True) as place, _working_in(place):
        yield tuple(_made(Path(place) / "runs" / "made_up" / f"20260102T03040{at}Z-default-s0") for at in range(count))


def track(tracker: Any, run: MadeUpRun) -> Any:
    """Take a tracker through a whole run; return what its start returned."""
    found = tracker.start(run.manifest())
    for step, values in enumerate(EPOCHS, 1):
        tracker.log(step, dict(values))
    for path in run.files:
        tracker.artifact(path)
    tracker.finish("done", dict(RESULTS))
    return found


@contextlib.contextmanager
def _working_in(place: str) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(place)
    try:
        yield
    finally:
        os.chdir(before)


def _made(folder: Path) -> MadeUpRun:
    record = {
        "schema_version": 1,
        "status": "running",
        "pipeline": "made_up",
        "recipe": "default",
        "seed": 0,
        "label": "default",
        "started": "2026-01-02T03:04:05+00:00",
        "data": {"used": "sample", "sizes": {"train": 24, "validation": 8, "test": 8}},
    }
    rows = [",".join(("epoch", *EPOCHS[0])), *(",".join(map(str, (at, *e.values()))) for at, e in enumerate(EPOCHS, 1))]
    contents = {
        "config.toml": b'pipeline = "made_up"\n',
        "metrics.csv": "\n".join((*rows, "")).encode(),
        "run.json": json.dumps(record).encode(),
        "model.keras": b"no model",
        "report.html": b"<!doctype html><title>A run</title>",
        "plots/curves.png": _PICTURE,
    }
    (folder / "plots").mkdir(parents=True)
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    return MadeUpRun(folder, tuple(folder / name for name in contents))
