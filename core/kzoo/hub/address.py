"""Addresses of repositories on the hub: ``hf://NAME/REPO`` and ``hf://NAME/REPO@REVISION``."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from kzoo.errors import UsageError, in_short

__all__ = ["SCHEME", "Address", "is_address"]

SCHEME = "hf://"

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_FORM = re.compile(rf"(?P<owner>{_NAME})/(?P<name>{_NAME})(?:@(?P<revision>[A-Za-z0-9][A-Za-z0-9._/-]{{0,199}}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def is_address(text: str) -> bool:
    """Return whether a text is meant as an address on the hub, well formed or not."""
    return text.startswith(SCHEME)


@dataclass(frozen=True)
class Address:
    """A repository of a model on the hub, at one revision.

    Attributes:
        owner: The user or the organization that it belongs to.
        name: Its name.
        revision: A branch, a tag or the hash of a commit; empty for the newest state.
    """

    owner: str
    name: str
    revision: str = ""

    @classmethod
    def parse(cls, text: str) -> Address:
        """Return the address that a text is.

        Raises:
            UsageError: It is none.

        Example:
            >>> Address.parse("hf://anna/digits@v1")
            Address(owner='anna', name='digits', revision='v1')
        """
        found = _FORM.fullmatch(text.removeprefix(SCHEME)) if is_address(text) else None
        if found is None or ".." in text or "--" in f"{found['owner']}{found['name']}":
            message = (
                f"`{in_short(text)}` is no address of a model on the hub. It has the form hf://NAME/REPO, or "
                "hf://NAME/REPO@REVISION with a branch, a tag or the hash of a commit."
            )
            raise UsageError(message)
        return cls(found["owner"], found["name"], found["revision"] or "")

    @property
    def repository(self) -> str:
        """Owner and name with a slash, as the hub calls it."""
        return f"{self.owner}/{self.name}"

    @property
    def pinned(self) -> bool:
        """Whether it is of one commit, whose files never change."""
        return _COMMIT.fullmatch(self.revision) is not None

    def at(self, revision: str) -> Address:
        """Return the address of another revision."""
        return replace(self, revision=revision)

    def __str__(self) -> str:
        return f"{SCHEME}{self.repository}{f'@{self.revision}' if self.revision else ''}"
