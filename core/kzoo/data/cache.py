"""Where downloaded data is kept, and whether there is room for it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import platformdirs

from kzoo.errors import DataError

__all__ = ["DiskFullError", "data_home", "ensure_room", "ensure_writable", "home_path", "readable_size"]


class DiskFullError(DataError):
    """There is not enough room for the data; trying another address would not help."""


def home_path() -> Path:
    """Return the folder of the cache, whether it exists or not: ``KZOO_DATA``, else the platform's user cache."""
    named = os.environ.get("KZOO_DATA", "").strip()
    if named:
        return Path(named).expanduser().absolute()
    return Path(platformdirs.user_cache_dir("kzoo", appauthor=False))


def data_home() -> Path:
    """Return the folder of the cache, created if it was not there.

    Raises:
        DataError: It cannot be created or written to.
    """
    return ensure_writable(home_path())


def ensure_writable(folder: Path) -> Path:
    """Create ``folder`` with its parents if needed, try that files can be made in it, and return it.

    Raises:
        DataError: It cannot be created or written to, and how to name another one.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Only making a file tells: permission bits say nothing of read-only mounts, quotas or root.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        message = (
            f"The data folder {folder} cannot be written to: {reason}. "
            "Name another one with the environment variable KZOO_DATA."
        )
        raise DataError(message) from error
    return folder


def ensure_room(folder: Path, needed: int, purpose: str) -> None:
    """Check that ``needed`` bytes fit on the disk of ``folder``.

    Raises:
        DiskFullError: They do not; says how much is needed and how much is free.
    """
    free = shutil.disk_usage(folder).free
    if needed > free:
        message = (
            f"Not enough room for {purpose}: {readable_size(needed)} needed, {readable_size(free)} free in {folder}. "
            "Make room, or name a folder on another disk with the environment variable KZOO_DATA."
        )
        raise DiskFullError(message)


def readable_size(count: int) -> str:
    """Return a number of bytes for people: ``11.5 MB``."""
    size = float(count)
    for unit in ("bytes", "kB", "MB"):
        if size < 1000:  # noqa: PLR2004 - the step from one SI prefix to the next
            return f"{count} bytes" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
