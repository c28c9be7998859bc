"""Whether a process is training a run right now: it holds a lock that ends with it, however it ends."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["is_held", "released", "training"]

_NAME = ".training.lock"
_PATIENCE = 2.0  # seconds in which somebody who only asks whether the lock is held lets go of it


@contextlib.contextmanager
def training(folder: Path) -> Iterator[None]:
    """Hold the lock of a run's folder; raise `KzooError` where another process has it.

    The empty file of the lock stays: to remove it would let two processes hold locks of that name.
    """
    import filelock  # not with the module: runs are listed without it where none is running

    path = folder / _NAME
    lock = filelock.FileLock(path)
    try:
        lock.acquire(timeout=_PATIENCE)
    except filelock.Timeout as error:
        message = (
            f"The run {folder} is being trained by another process right now. `kzoo runs` shows how far it is; stop it "
            "there, with Ctrl-C or SIGTERM, before it is resumed elsewhere."
        )
        raise KzooError(message) from error
    except OSError as error:
        message = f"The run's folder {folder} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
    try:
        yield
    finally:
        lock.release()


def released(folder: Path, patience: float) -> bool:
    """Wait for a process that is stopping to let go of a run; return whether it did within so many seconds."""
    import filelock

    try:
        with filelock.FileLock(folder / _NAME).acquire(timeout=patience):
            return True
    except filelock.Timeout:
        return False
    except OSError:  # it cannot be tried, so nobody can wait for it
        return not is_held(folder)


def is_held(folder: Path) -> bool:
    """Return whether a living process is training the run in a folder.

    Where the lock cannot be tried, since the folder belongs to somebody else, what the record says is believed: True.
    On a read-only medium nobody trains.
    """
    path = folder / _NAME
    if not path.exists():
        return False
    import filelock

    try:
        with filelock.FileLock(path).acquire(timeout=0):
            return False
    except filelock.Timeout:
        return True
    except PermissionError:
        return True
    except OSError:
        return False
