"""The directory of plugins that comes with kzoo: what others have published, and how it is read."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - msgspec reads the types
import importlib.resources
import tomllib
from typing import TYPE_CHECKING, Annotated

import msgspec

from kzoo.errors import KzooError
from kzoo.plugin import KINDS
from kzoo.plugins.reference import canonical_distribution

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Listed", "directory", "read_directory"]

_URL = "^https://[^ ]+$"


class Listed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plugin of the directory.

    Attributes:
        distribution: Its name on PyPI, canonical.
        summary: One sentence of what it does.
        kinds: What it publishes.
        home: Where its source is.
        license: The SPDX identifier of its license.
        added: When it came into the directory.
    """

    distribution: Annotated[str, msgspec.Meta(pattern="^[a-z0-9]([a-z0-9-]*[a-z0-9])?$")]
    summary: Annotated[str, msgspec.Meta(pattern=r"^[^\n]{10,120}\.$")]
    kinds: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    home: Annotated[str, msgspec.Meta(pattern=_URL)]
    license: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9.+-]*( (OR|AND|WITH) [A-Za-z0-9.+-]+)*$")]
    added: dt.date


def directory(path: Path | None = None) -> list[Listed]:
    """Return the plugins of a directory, by default of the one that comes with kzoo.

    Raises:
        KzooError: The file cannot be read, or an entry breaks a rule.
    """
    try:
        text = (path or importlib.resources.files("kzoo.plugins").joinpath("directory.toml")).read_text(
            encoding="utf-8"
        )
    except (OSError, UnicodeDecodeError) as error:
        message = f"The directory of plugins {path or 'of kzoo'} cannot be read: {error}."
        raise KzooError(message) from error
    return read_directory(text, str(path or "directory.toml"))


def read_directory(text: str, where: str = "directory.toml") -> list[Listed]:
    """Return the plugins of a directory's text.

    Raises:
        KzooError: It is no TOML, or an entry breaks a rule; the message says which.
    """
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = f"{where} is no TOML: {error}."
        raise KzooError(message) from error
    if unknown := sorted(set(found) - {"plugin"}):
        message = f"{where} holds `{unknown[0]}`, which is none of its tables: every entry begins with [[plugin]]."
        raise KzooError(message)
    listed: list[Listed] = []
    for number, entry in enumerate(found.get("plugin", ()), 1):
        name = entry.get("distribution", f"number {number}") if isinstance(entry, dict) else f"number {number}"
        try:
            one = msgspec.convert(entry, Listed)
        except msgspec.ValidationError as error:
            message = f"{where}, plugin {name}: {error}."
            raise KzooError(message) from error
        _check(one, listed, where)
        listed.append(one)
    return listed


def _check(one: Listed, before: list[Listed], where: str) -> None:
    """Raise `KzooError` for what the form of an entry does not tell."""
    reason = ""
    if one.distribution != canonical_distribution(one.distribution):
        reason = f"the canonical spelling of its name is {canonical_distribution(one.distribution)}"
    elif one.distribution == "kzoo":
        reason = "kzoo itself is no plugin"
    elif wrong := sorted(set(one.kinds) - set(KINDS)):
        reason = f"there is no kind `{wrong[0]}`; the kinds are {', '.join(KINDS)}"
    elif before and before[-1].distribution == one.distribution:
        reason = "it is there twice"
    elif before and before[-1].distribution > one.distribution:
        reason = f"entries are in the order of their names, and it stands after {before[-1].distribution}"
    if reason:
        message = f"{where}, plugin {one.distribution}: {reason}."
        raise KzooError(message)
