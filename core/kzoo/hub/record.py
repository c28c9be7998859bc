"""What is noted beside files from the hub or on it: where exactly they are, and their SHA-256."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping  # noqa: TC003 - msgspec reads the types
from dataclasses import asdict, dataclass
from pathlib import Path  # noqa: TC003 - likewise

import msgspec

from kzoo.errors import DataError
from kzoo.files import inside, read_regular, sha256_of, write_json
from kzoo.hub.address import Address

__all__ = ["RECORD", "HubRecord", "StoredFile", "blob_of", "recorded"]

RECORD = "hub.json"
"""The name of the record in a folder."""

_LONGEST = 2**20


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file.

    Attributes:
        bytes: Its size.
        sha256: Its SHA-256.
    """

    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class HubRecord:
    """Where the files of a folder are on the hub.

    Attributes:
        endpoint: The hub.
        repository: Owner and name.
        requested: The revision that was asked for; empty for the newest.
        revision: The commit that this was.
        files: The files.
    """

    endpoint: str
    repository: str
    requested: str
    revision: str
    files: Mapping[str, StoredFile]

    @property
    def address(self) -> Address:
        """The address that always means these files."""
        owner, _, name = self.repository.partition("/")
        return Address(owner, name, self.revision)

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        write_json(folder / RECORD, asdict(self))

    def check(self, folder: Path) -> None:
        """Raise `DataError` where a file of a folder is not the one that came from the hub."""
        for name, one in self.files.items():
            try:
                found = sha256_of(inside(folder / name, folder))
            except OSError as error:
                found = error.strerror or str(error)
            if found != one.sha256:
                message = (
                    f"{folder / name} is not what came from {self.address}: its SHA-256 was {one.sha256}, and is "
                    f"{found}. It was changed on this machine. Remove the folder {folder}, and it is fetched again."
                )
                raise DataError(message)


def recorded(folder: Path) -> HubRecord | None:
    """Return the record of a folder, or None where it has none; raise `DataError` where it is damaged."""
    path = folder / RECORD
    try:
        found = json.loads(read_regular(inside(path, folder), _LONGEST))
        return msgspec.convert(found, HubRecord)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        message = f"{path}, which says where the files beside it are from, cannot be read: {reason}."
        raise DataError(message) from error


def blob_of(path: Path) -> str:
    """Return the hash that git gives to a file, which the hub states of small ones."""
    found = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(2**20):
            found.update(chunk)
    return found.hexdigest()
