"""The folder of a study, ``<runs>/studies/<name>/``: its storage, its winner, and which process trains which trial."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FOLDER", "Claim", "StudyFolder", "folder_of"]

FOLDER = "studies"
"""The name of the folder, inside that of the runs, in which studies are."""


@dataclass(frozen=True)
class StudyFolder:
    """One study on the disk."""

    path: Path

    @property
    def name(self) -> str:
        """The study's name."""
        return self.path.name

    @property
    def database(self) -> Path:
        """What Optuna keeps, where no other storage is named."""
        return self.path / "study.db"

    @property
    def best_path(self) -> Path:
        """The settings of the best trial, which ``kzoo run -c`` takes."""
        return self.path / "best.toml"

    @property
    def table_path(self) -> Path:
        """All trials as a table."""
        return self.path / "trials.csv"

    @property
    def log(self) -> Path:
        """What the processes wrote besides."""
        return self.path / "workers.log"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process ask for a trial meanwhile."""
        import filelock

        lock = filelock.FileLock(self.path / ".study.lock")
        try:
            lock.acquire()
        except OSError as error:
            raise self.refused(error) from error
        try:
            yield
        finally:
            lock.release()

    def claim(self, what: str) -> Claim | None:
        """Return a hold on a trial, or on the end, for as long as this process lives; None where another has it."""
        import filelock

        folder = self.path / "claims"
        try:
            folder.mkdir(exist_ok=True)
            lock = filelock.FileLock(folder / f"{what}.lock")
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return None
        except OSError as error:
            raise self.refused(error) from error
        return Claim(lock)

    def claimed(self, what: str) -> bool:
        """Return whether a living process, or this one, has a hold on something."""
        claim = self.claim(what)
        if claim is not None:
            claim.release()
        return claim is None

    def refused(self, error: OSError) -> KzooError:
        """Return the error of a folder that cannot be written."""
        return KzooError(f"The study's folder {self.path} cannot be written: {error.strerror or error}.")


@dataclass(frozen=True)
class Claim:
    """A hold that ends with the process, however that ends."""

    lock: Any

    def release(self) -> None:
        """Let go."""
        self.lock.release()


def folder_of(root: Path, name: str) -> StudyFolder:
    """Return the folder of a study, which is made if it is not there; raise `KzooError` where it cannot be."""
    folder = StudyFolder(root / FOLDER / name)
    try:
        folder.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise folder.refused(error) from error
    return folder
