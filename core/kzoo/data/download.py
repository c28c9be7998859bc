"""Files from the network: fetched once, checked, and kept."""

from __future__ import annotations

import contextlib
import contextvars
import hashlib
import os
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import filelock

from kzoo.data.cache import DiskFullError, ensure_writable, home_path
from kzoo.errors import DataError, NetworkUnreachableError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from kzoo.data.http import Progress

__all__ = ["RemoteFile", "cached", "fetch", "several_files", "showing"]

_shown: contextvars.ContextVar[Progress | None] = contextvars.ContextVar("kzoo_download_progress", default=None)

_ALGORITHMS = {"sha256": "SHA-256", "md5": "MD5"}


@dataclass(frozen=True)
class RemoteFile:
    """A file that is published somewhere and never changes.

    Attributes:
        urls: Its addresses, tried in this order.
        sha256: The SHA-256 of its bytes, as 64 hexadecimal digits; empty where its publisher gives only `md5`.
        size: The number of its bytes; None if unknown.
        filename: Its name in the cache.
        subdir: The folder inside the cache that holds it.
        md5: The MD5 of its bytes. It finds damage, not malice: give `sha256` where it is known.
        beside: Files that belong to it, which are fetched before it into the same cache.
    """

    urls: tuple[str, ...]
    sha256: str
    size: int | None
    filename: str
    subdir: str
    md5: str = ""
    beside: tuple[RemoteFile, ...] = ()

    @property
    def algorithm(self) -> str:
        """The name of the checksum that the file is held to."""
        return "sha256" if self.sha256 else "md5"

    @property
    def checksum(self) -> str:
        """Its value."""
        return self.sha256 or self.md5

    def path(self, home: Path | None = None) -> Path:
        """Return where the file belongs, whether it is there or not."""
        return (home if home is not None else home_path()) / self.subdir / self.filename


def several_files(remote: RemoteFile | Sequence[RemoteFile]) -> Sequence[RemoteFile]:
    """Return the files of a data set that is published as one file or as several."""
    return (remote,) if isinstance(remote, RemoteFile) else remote


@contextlib.contextmanager
def showing(progress: Progress | None) -> Iterator[None]:
    """Let ``progress`` be called by every `fetch` inside the block that is given none of its own.

    What is downloaded is often asked for far below the code that knows how to show it.
    """
    token = _shown.set(progress)
    try:
        yield
    finally:
        _shown.reset(token)


def cached(remote: RemoteFile, *, home: Path | None = None) -> Path | None:
    """Return the path of the file if it is in the cache and whole, else None. Never touches the network."""
    path = remote.path(home)
    try:
        if not path.is_file() or (remote.size is not None and path.stat().st_size != remote.size):
            return None
        # Hashed every time: 170 MB take a fifth of a second, a stamp file would be one more thing to go wrong.
        return path if _checksum(path, remote.algorithm) == remote.checksum else None
    except OSError as error:
        message = f"The cached file {path} cannot be read: {error.strerror}."
        raise DataError(message) from error


def fetch(remote: RemoteFile, *, home: Path | None = None, progress: Progress | None = None) -> Path:
    """Return the path of the file in the cache, downloading it first if it is not there or damaged.

    A download that breaks off is resumed, now and in later calls. The file gets its name only after its checksum was
    found right. Any number of processes may call this at once: one downloads, the others wait. If the environment
    variable ``KZOO_MIRROR`` holds a base URL, the files are asked for there, under the paths they have at home.

    Args:
        remote: What to fetch.
        home: The cache; None for the user's own (see `kzoo.data.cache.data_home`).
        progress: Called with the bytes done, the bytes in all (None: unknown) and the name of the file; by default what
            `showing` says.

    Raises:
        NetworkUnreachableError: No host could be reached.
        DataError: A wrong checksum, an error of the host, a lost connection, a full disk or an unwritable folder.
    """
    for other in remote.beside:
        fetch(other, home=home, progress=progress)
    if (path := cached(remote, home=home)) is not None:
        return path
    path = remote.path(home)
    progress = progress or _shown.get()
    urls = _mirrored(remote.urls)
    ensure_writable(path.parent)
    failures: list[DataError] = []
    try:
        # The lock file stays: removing it would let a third process lock a new file while a second still waits.
        with filelock.FileLock(path.with_name(f"{path.name}.lock")):
            if cached(remote, home=home) is not None:
                return path  # another process brought it while this one waited for the lock
            for url in urls:
                try:
                    _retrieve(url, remote, path, progress)
                except DiskFullError:
                    raise
                except DataError as error:
                    failures.append(error)
                else:
                    return path
    except OSError as error:
        message = f"{remote.filename} cannot be written to {path.parent}: {error.strerror or error}."
        raise DataError(message) from error
    raise _combined(remote, failures)


def _mirrored(urls: Sequence[str]) -> list[str]:
    """Return the addresses to ask: at the mirror if one is set."""
    mirror = os.environ.get("KZOO_MIRROR", "").strip().rstrip("/")
    if not mirror:
        return list(urls)
    parts = urlsplit(mirror)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        message = (
            f"The environment variable KZOO_MIRROR is `{mirror}`, which is not the base of a web address. "
            "Set it to something like https://mirror.example.org/data, or unset it."
        )
        raise DataError(message)
    return list(dict.fromkeys(mirror + urlsplit(url).path for url in urls))


def _retrieve(url: str, remote: RemoteFile, path: Path, progress: Progress | None) -> None:
    """Bring one file from one address and give it its name, if its checksum is right; else nothing of it stays."""
    from kzoo.data.http import Transfer  # requests takes longer to import than a photo to be classified

    transfer = Transfer(path, remote.size, progress)
    for last_try in (False, True):
        part = transfer.bring(url)
        found = _checksum(part, remote.algorithm)
        if found == remote.checksum:
            part.replace(path)
            transfer.discard()
            return
        transfer.discard()
        if last_try or not transfer.resumed:
            break
        # The bytes kept from before may be the damaged ones: once more, whole.
    message = (
        f"{remote.filename} from {url} has a wrong checksum: expected {_ALGORITHMS[remote.algorithm]} "
        f"{remote.checksum}, found {found}. The file was changed by its publisher or on the way; what came was "
        "removed. Try again, and if it stays so, get the file in another way and name it with --data PATH."
    )
    raise DataError(message)


def _checksum(path: Path, algorithm: str) -> str:
    """Return the checksum of a file in hexadecimal digits."""
    with path.open("rb") as file:
        # Not for security: where MD5 is forbidden for that, it may still tell damage.
        return hashlib.file_digest(file, partial(hashlib.new, algorithm, usedforsecurity=False)).hexdigest()


def _combined(remote: RemoteFile, failures: list[DataError]) -> DataError:
    """Return one error for all addresses: the network counts as unreachable only if no host answered."""
    if len(failures) == 1:
        return failures[0]
    message = f"{remote.filename} cannot be downloaded from any of {len(failures)} addresses: " + " ".join(
        f"({number}) {failure}" for number, failure in enumerate(failures, 1)
    )
    if all(isinstance(failure, NetworkUnreachableError) for failure in failures):
        return NetworkUnreachableError(message)
    return DataError(message)
