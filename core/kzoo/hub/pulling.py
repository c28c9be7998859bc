"""Files from the hub: fetched at one commit, held against the hashes that the hub states, kept under that commit."""

from __future__ import annotations

import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import filelock

from kzoo.data.cache import data_home, ensure_room, home_path, readable_size
from kzoo.errors import DataError, KzooError, UsageError
from kzoo.files import sha256_of
from kzoo.hub.address import Address
from kzoo.hub.client import client, endpoint, told
from kzoo.hub.record import RECORD, HubRecord, StoredFile, blob_of, recorded

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LARGEST", "MODELS", "Pulled", "kept", "pull", "pulled"]

MODELS = ("model.keras", "model.onnx")
"""The models that a repository may hold, that which is used first."""

LARGEST = {"run.json": 64 * 2**20, "config.toml": 2**20, "README.md": 2**20}
"""What else of it is fetched, and the most bytes that such a file may have."""

_MOST_NAMED = 10
_FOLDER = "hub"


@dataclass(frozen=True)
class Pulled:
    """What was fetched.

    Attributes:
        folder: Where the files are.
        record: Where they came from.
    """

    folder: Path
    record: HubRecord

    @property
    def model(self) -> Path:
        """The model: the first of `MODELS` that there is."""
        return self.folder / next(name for name in MODELS if name in self.record.files)


@dataclass(frozen=True)
class _Offered:
    """A file as the hub states it: its size, and its SHA-256 or, where it is small, its hash in git."""

    name: str
    bytes: int
    sha256: str
    blob: str


def pull(text: str, folder: Path | None = None) -> Pulled:
    """Fetch the files of a model into a folder of one's own.

    Args:
        text: The address.
        folder: The folder, which is made; by default of the repository's name in the working folder.

    Raises:
        UsageError: The text is no address, or the folder is there already.
        KzooError: The hub or the network says no, there is no model, or a file is not what the hub says it is.
    """
    address = Address.parse(text)
    folder = Path(address.name) if folder is None else folder
    message = f"{folder} is there already, and nothing is written over. Name another folder with --output."
    if _occupied(folder):
        raise UsageError(message)
    try:
        return _fetched(address, *_offered(address), folder)
    except KzooError as error:
        # Somebody else, such as another pull, has made it since.
        if isinstance(error.__cause__, OSError) and _occupied(folder):
            raise UsageError(message) from error
        raise


def _occupied(folder: Path) -> bool:
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def pulled(text: str) -> Pulled:
    """Return the files of a model from the cache, where they are put by the first call.

    What is there under its commit is checked against its SHA-256 and asks nobody; a branch or a tag is looked up each
    time, since it moves.

    Raises:
        UsageError: The text is no address.
        KzooError: As `pull`, or a file was changed in the cache.
    """
    address = Address.parse(text)
    if address.pinned and (found := _cached(address)):
        return found
    offered, commit = _offered(address)
    place = _place(address.at(commit))
    home = data_home()
    place.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(home / _FOLDER / f"{address.owner}--{address.name}.lock"):
        return _cached(address.at(commit)) or _fetched(address, offered, commit, place)


def kept() -> list[Address]:
    """Return the addresses whose files are in the cache of the hub in force, by their commits."""
    found = (home_path() / _FOLDER / _host()).glob(f"*/*/{RECORD}")
    records = [recorded(path.parent) for path in sorted(found)]
    return [one.address for one in records if one is not None]


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9.-]", "_", urlsplit(endpoint()).netloc)


def _place(address: Address) -> Path:
    return home_path() / _FOLDER / _host() / f"{address.owner}--{address.name}" / address.revision


def _cached(address: Address) -> Pulled | None:
    """Return what the cache has of a commit; raise `DataError` where a file of it was changed."""
    place = _place(address)
    record = recorded(place) if place.is_dir() else None
    if record is None:
        return None
    record.check(place)
    return Pulled(place, record)


def _offered(address: Address) -> tuple[list[_Offered], str]:
    """Return the files that are wanted of a repository, as the hub states them, and the commit that they are of."""
    api = client()
    with told(f"Asking for {address}", address):
        info = api.model_info(address.repository, revision=address.revision or None, files_metadata=True)
    commit = str(info.sha or "")
    if not address.at(commit).pinned:
        message = f"{endpoint()} does not say which commit {address} is, so what comes from there cannot be pinned."
        raise DataError(message)
    there = {one.rfilename: one for one in info.siblings or ()}
    models = [name for name in MODELS if name in there]
    if not models:
        names = sorted(there)
        listed = ", ".join(names[:_MOST_NAMED]) + (f" and {len(names) - _MOST_NAMED} more" * (len(names) > _MOST_NAMED))
        message = (
            f"{address} holds no {' or '.join(MODELS)}, which `kzoo push` puts there, but {listed or 'no file'}. It is "
            "no model of kzoo's."
        )
        raise DataError(message)
    return [_stated(address, there[name]) for name in (*models, *LARGEST) if name in there], commit


def _stated(address: Address, one: Any) -> _Offered:
    """Return what the hub states of a file; raise `DataError` where that is too little or too large."""
    name, size = one.rfilename, one.size
    sha256, blob = (one.lfs.sha256 if one.lfs else ""), one.blob_id or ""
    if not isinstance(size, int) or not (sha256 or blob):
        message = f"{endpoint()} states no size or no hash of {name} in {address}, so it could not be checked."
        raise DataError(message)
    if size > LARGEST.get(name, size):
        message = (
            f"{name} in {address} has {readable_size(size)}, and {readable_size(LARGEST[name])} is the limit. It is "
            "not fetched."
        )
        raise DataError(message)
    return _Offered(name, size, sha256, blob)


def _fetched(address: Address, offered: Sequence[_Offered], commit: str, folder: Path) -> Pulled:
    """Fetch files, check them, and put the folder in its place when all of it is there."""
    parent = folder.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".kzoo-pull-", dir=parent) as temporary:
            whole = Path(temporary) / "whole"
            whole.mkdir()
            ensure_room(parent, sum(one.bytes for one in offered), f"the files of {address}")
            files = {one.name: _one(address, one, commit, Path(temporary), whole) for one in offered}
            record = HubRecord(
                endpoint=endpoint(),
                repository=address.repository,
                requested=address.revision,
                revision=commit,
                files=files,
            )
            record.write(whole)
            if folder.is_dir():
                folder.rmdir()  # it is empty; Windows renames nothing onto it
            whole.replace(folder)
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
    return Pulled(folder, record)


def _one(address: Address, offered: _Offered, commit: str, temporary: Path, whole: Path) -> StoredFile:
    """Fetch one file into the folder that becomes the whole, and check it."""
    with told(f"The download of {offered.name} from {address}", address):
        came = Path(
            client().hf_hub_download(address.repository, offered.name, revision=commit, local_dir=temporary / "came")
        )
    found = sha256_of(came)
    wrong = ""
    if came.stat().st_size != offered.bytes:
        wrong = f"it has {came.stat().st_size:,} bytes, and the hub states {offered.bytes:,}"
    elif offered.sha256 and found != offered.sha256:
        wrong = f"its SHA-256 is {found}, and the hub states {offered.sha256}"
    elif not offered.sha256 and (blob := blob_of(came)) != offered.blob:
        wrong = f"its hash in git is {blob}, and the hub states {offered.blob}"
    if wrong:
        message = (
            f"{offered.name} from {address} is not what it should be: {wrong}. It was changed on the way or on the "
            "hub; nothing of it was kept. Try again, and if it stays so, tell the owner of the repository."
        )
        raise DataError(message)
    shutil.move(came, whole / offered.name)
    return StoredFile(bytes=offered.bytes, sha256=found)
