"""Files to the hub: what is there already, one commit with all of them, and whether they arrived as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.errors import DataError, KzooError, UsageError
from kzoo.files import sha256_of
from kzoo.hub.client import client, endpoint, has_token, told
from kzoo.hub.pulling import LARGEST, MODELS
from kzoo.hub.record import HubRecord, StoredFile, blob_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from kzoo.hub.address import Address

__all__ = ["Destination", "destination", "ensure_no_revision", "push"]


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where files are to go.

    Attributes:
        address: The repository, without a revision.
        endpoint: The hub that it is on.
        private: Whether only its owner sees it.
        new: Whether the repository is still to be made.
        commit: The newest commit there; empty where there is none.
        files: The names of the files that are there.
    """

    address: Address
    endpoint: str
    private: bool
    new: bool
    commit: str
    files: frozenset[str]

    def stale(self, names: Iterable[str]) -> list[str]:
        """Return which files there are of an earlier model, where these are pushed: a pull would mix the two.

        Only names that kzoo itself gives are among them; what else is in the repository is its owner's.
        """
        return sorted(self.files & {*MODELS, *LARGEST} - {*names})


def ensure_no_revision(address: Address) -> None:
    """Raise `UsageError` where an address that files are to go to has a revision."""
    if address.revision:
        message = f"{address} has a revision, and a push makes a new one: leave out `@{address.revision}`."
        raise UsageError(message)


def destination(address: Address, *, private: bool) -> Destination:
    """Look at a repository that files are to go to; nothing is changed there.

    Args:
        address: The repository.
        private: Whether only its owner is to see it.

    Raises:
        UsageError: The address has a revision, or the repository is there and public where it is to be private.
        KzooError: There is no token, or the hub or the network says no.
    """
    ensure_no_revision(address)
    api = client()
    if not has_token():
        message = (
            f"To push to {endpoint()} you must be logged in there, and huggingface_hub finds no token. Log in with `hf "
            "auth login`, or set HF_TOKEN."
        )
        raise KzooError(message)
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError

    info: Any = None
    with told(f"Asking for {address}", address):
        try:
            info = api.model_info(address.repository)
        except GatedRepoError:
            raise
        except RepositoryNotFoundError:
            pass  # a new one, or one of somebody else's that is private: making it tells which
    if info is None:
        return Destination(
            address=address, endpoint=endpoint(), private=private, new=True, commit="", files=frozenset()
        )
    if private and not info.private:
        message = (
            f"{address} is there already and is public; --private is for a new repository. Change it in its settings "
            f"on {endpoint()}/{address.repository}/settings, or push to another one."
        )
        raise UsageError(message)
    return Destination(
        address=address,
        endpoint=endpoint(),
        private=bool(info.private),
        new=False,
        commit=str(info.sha or ""),
        files=frozenset(one.rfilename for one in info.siblings or ()),
    )


def push(to: Destination, files: Mapping[str, Path], *, message: str) -> HubRecord:
    """Put files into a repository with one commit, which takes away what `Destination.stale` names.

    Args:
        to: Where, as `destination` found it: what was pushed there since is not overwritten.
        files: The files, by the names that they get.
        message: What the commit is called.

    Returns:
        Where they are.

    Raises:
        KzooError: The hub or the network says no, or what it states of the files afterwards is not what was sent.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    api, address = client(), to.address
    sent = {name: StoredFile(bytes=path.stat().st_size, sha256=sha256_of(path)) for name, path in files.items()}
    stale = to.stale(files)
    if to.new:
        with told(f"Making the repository {address}", address):
            api.create_repo(address.repository, private=to.private, repo_type="model")
    try:
        with told(f"The push to {address}", address):
            done = api.create_commit(
                address.repository,
                [
                    *(CommitOperationAdd(name, str(path)) for name, path in files.items()),
                    *(CommitOperationDelete(name, is_folder=False) for name in stale),
                ],
                commit_message=message,
                parent_commit=to.commit or None,
            )
    except KzooError as error:
        if not to.new:
            raise
        text = f"{error} The repository {address} was made for it and is empty."
        raise type(error)(text) from error
    with told(f"The look at what has arrived in {address}", address):
        info = api.model_info(address.repository, revision=done.oid, files_metadata=True)
    there = {one.rfilename: one for one in info.siblings or ()}
    for name, one in sent.items():
        found = there.get(name)
        stated = found and (found.lfs.sha256 if found.lfs else found.blob_id)
        meant = one.sha256 if found and found.lfs else blob_of(files[name])
        if found is None or (found.size, stated) != (one.bytes, meant):
            text = (
                f"{name} did not arrive on {to.endpoint} as it is here: it has {one.bytes:,} bytes and the SHA-256 "
                f"{one.sha256}, and there it is another file. Push it again."
            )
            raise DataError(text)
    if left := [name for name in stale if name in there]:
        page = f"{to.endpoint}/{address.repository}"
        text = f"{', '.join(left)} of an earlier model did not go from {page}. Delete it there."
        raise DataError(text)
    return HubRecord(
        endpoint=to.endpoint, repository=address.repository, requested="", revision=str(done.oid), files=sent
    )
