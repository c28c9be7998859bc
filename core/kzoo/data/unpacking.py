"""Archives of the user's, unpacked once into the cache."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import filelock

from kzoo.data.archives import extract
from kzoo.data.cache import data_home

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.data.splits import Say

__all__ = ["unpacked"]


def unpacked(archive: Path, subdir: str, say: Say) -> Path:
    """Return the folder with an archive's content, unpacked into the cache if it is not there.

    An archive that was changed since is unpacked anew. Any number of processes may call this at once.

    Args:
        archive: A zip or tar archive.
        subdir: The folder in the cache that it is unpacked in.
        say: Told before it is.

    Raises:
        DataError: It is none, is damaged or does not fit on the disk, see `kzoo.data.archives.extract`.
    """
    state = archive.stat()
    text = f"{archive.resolve()} {state.st_size} {state.st_mtime_ns}"
    key = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]
    folder = data_home() / subdir / f"{archive.stem}-{key}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(folder.with_name(f"{folder.name}.lock")):
        if not folder.is_dir():
            say(f"Unpacking {archive} into {folder}, once.")
            extract(archive, folder)
        return folder
