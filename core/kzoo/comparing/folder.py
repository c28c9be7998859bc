"""The folder of a comparison, ``<runs>/comparisons/<UTC time>-<pipeline>-<ways>/``, and its record."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.files import inside, read_regular, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["FOLDER", "RECORD", "SCHEMA_VERSION", "ComparisonFolder", "folder_for", "plan_of"]

FOLDER = "comparisons"
"""The name of the folder, inside that of the runs, in which comparisons are."""

RECORD = "comparison.json"

SCHEMA_VERSION = 1
"""The version of the record; a newer one is refused with a clear message."""

_LONGEST = 64 * 2**20
_LOCK = ".comparing.lock"


@dataclass(frozen=True)
class ComparisonFolder:
    """One comparison on the disk."""

    path: Path

    @property
    def record_path(self) -> Path:
        """Its record, in JSON."""
        return self.path / RECORD

    @property
    def page_path(self) -> Path:
        """Its page."""
        return self.path / "compare.html"

    def record(self) -> dict[str, Any]:
        """Return what is recorded; raise `KzooError` where that is missing, broken or of a newer kzoo."""
        try:
            found = json.loads(read_regular(inside(self.record_path, self.path), _LONGEST))
        except FileNotFoundError as error:
            message = f"{self.path} is not a comparison: it holds no {RECORD}."
            raise KzooError(message) from error
        except (OSError, ValueError, RecursionError) as error:
            message = f"{self.record_path} cannot be read: {getattr(error, 'strerror', None) or error}."
            raise KzooError(message) from error
        if not isinstance(found, dict) or not isinstance(found.get("schema_version"), int):
            message = f"{self.record_path} is not the record of a comparison."
            raise KzooError(message)
        if found["schema_version"] > SCHEMA_VERSION:
            message = (
                f"{self.record_path} was written by a newer kzoo (its schema is {found['schema_version']}, this kzoo "
                f"reads up to {SCHEMA_VERSION}). Upgrade with `pip install --upgrade kzoo`."
            )
            raise KzooError(message)
        return found

    def runs(self) -> list[Path]:
        """Return the folders of its runs; raise `KzooError` where the record does not tell them."""
        told = self.record().get("runs")
        places = [one.get("path") if isinstance(one, dict) else None for one in told] if isinstance(told, list) else []
        if not places or not all(isinstance(place, str) for place in places):
            message = (
                f"{self.record_path} names no runs: the comparison was stopped before one was done, or it is damaged."
            )
            raise KzooError(message)
        # Relative to the folder, so that runs and comparisons can be moved together.
        return [(self.path / str(place)).resolve() for place in places]

    def named(self) -> dict[Path, str]:
        """Return what the way of each run is called, by its folder; empty where the record does not tell it of all."""
        told = self.record().get("runs")
        rows = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        found = {(self.path / str(one.get("path"))).resolve(): one.get("cell") for one in rows}
        return {path: str(name) for path, name in found.items()} if all(found.values()) else {}

    def write(self, record: Mapping[str, Any]) -> None:
        """Write the record whole; raise `KzooError` where the disk refuses."""
        try:
            write_json(self.record_path, {"schema_version": SCHEMA_VERSION, **record})
        except OSError as error:
            raise self.refused(error) from error

    def refused(self, error: OSError) -> KzooError:
        """Return the error of a folder that cannot be written."""
        return KzooError(f"The comparison's folder {self.path} cannot be written: {error.strerror or error}.")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder while runs are trained; raise `KzooError` where another process does."""
        import filelock

        lock = filelock.FileLock(self.path / _LOCK)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout as error:
            message = (
                f"The comparison {self.path} is being made by another process right now. Wait for that, or stop it."
            )
            raise KzooError(message) from error
        except OSError as error:
            raise self.refused(error) from error
        try:
            yield
        finally:
            lock.release()


def plan_of(what: Sequence[str]) -> str:
    """Return a text that is equal where the same runs are compared in the same order."""
    return hashlib.sha256("\0".join(what).encode("utf-8", "surrogateescape")).hexdigest()


def folder_for(root: Path, plan: str, pipeline: str, cells: Sequence[str]) -> ComparisonFolder:
    """Return the folder of the comparison with this plan, which is made if there is none.

    Raises:
        KzooError: The folder cannot be written.
    """
    parent = root / FOLDER
    for path in sorted(parent.glob(f"*/{RECORD}"), reverse=True):
        with contextlib.suppress(KzooError):  # one that cannot be read is not this one
            if ComparisonFolder(path.parent).record().get("plan") == plan:
                return ComparisonFolder(path.parent)
    label = re.sub(r"[^A-Za-z0-9.]+", "-", "-".join(cells)).strip("-")[:60].rstrip("-.")
    stem = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{pipeline}-{label}"
    number = 1
    while True:
        path = parent / (stem if number == 1 else f"{stem}-{number}")
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise ComparisonFolder(path).refused(error) from error
        else:
            return ComparisonFolder(path)
