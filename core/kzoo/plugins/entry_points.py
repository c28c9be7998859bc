"""The entry points of the installed distributions, read so that one damaged distribution hides no other."""

from __future__ import annotations

import importlib.metadata
import re
from typing import Any

from kzoo.errors import KzooError
from kzoo.plugins.reference import canonical_distribution

__all__ = ["GROUP", "installed", "origin"]

GROUP = "kzoo"
"""The entry point group that plugins register in."""

_NAMELESS = "unknown"
"""What a distribution is called that has a name neither in its metadata nor in its folder."""

_FIELD = re.compile(r"^(Name|Version):[ \t]*(\S+)", re.MULTILINE)
_FOLDER = re.compile(r"(?P<name>[A-Za-z0-9][\w.]*)-(?P<version>[^-]+)(-[^-]+)?\.(dist|egg)-info")


def installed() -> tuple[list[importlib.metadata.EntryPoint], list[tuple[tuple[str, str], KzooError]]]:
    """Return the entry points of the group, and the origin and fault of each distribution whose file is malformed.

    Not `importlib.metadata.entry_points`: one malformed line in any distribution's file makes it raise for all, and
    it parses every file where a look for the group's name is enough.
    """
    found: list[importlib.metadata.EntryPoint] = []
    broken: list[tuple[tuple[str, str], KzooError]] = []
    taken: set[str] = set()
    first = None
    for distribution in importlib.metadata.distributions():
        place = distribution.locate_file("")
        first = first or place
        text, fault = _read(distribution, "entry_points.txt")
        if f"[{GROUP}]" not in text:
            continue
        name, version = origin(distribution)
        if name != _NAMELESS:
            # An older copy of a distribution further down the path. Nothing is ahead of the first folder, which is
            # where nearly all are, and to look for each by its name costs more than to import it.
            if name in taken or (place != first and text != _text_in_force(name)):
                continue
            taken.add(name)
        if not fault and text.startswith("\ufeff"):  # importlib.metadata takes the mark for a part of the first line
            fault = "begins with a byte order mark; write it as plain UTF-8"
        try:
            points = () if fault else distribution.entry_points.select(group=GROUP)
        except Exception as error:
            broken.append(((name, version), _broken("is malformed; every line must be `name = module`", error)))
            continue
        found += points
        if fault:
            broken.append(((name, version), _broken(fault)))
    return found, broken


def origin(distribution: Any) -> tuple[str, str]:
    """Return a distribution's canonical name and its version, as its metadata or else its folder has them.

    The two lines are read here because `Distribution.metadata` parses the whole file, README included, and raises or
    answers None for one that is damaged.
    """
    fields: dict[str, str] = {}
    if distribution is not None:
        text = _read(distribution, "METADATA")[0] or _read(distribution, "PKG-INFO")[0]
        fields = dict(_FIELD.findall(text.partition("\n\n")[0]))
        folder = _FOLDER.fullmatch(getattr(getattr(distribution, "_path", None), "name", ""))
        if folder and not ("Name" in fields and "Version" in fields):
            fields = {"Name": folder["name"], "Version": folder["version"], **fields}
    return canonical_distribution(fields.get("Name", _NAMELESS)), fields.get("Version", "?")


def _broken(fault: str, cause: BaseException | None = None) -> KzooError:
    error = KzooError(f"its entry_points.txt {fault}")
    error.__cause__ = cause
    return error


def _read(distribution: importlib.metadata.Distribution, file: str) -> tuple[str, str]:
    """Return the text of a distribution's file, and what is wrong with it; nothing where there is none."""
    try:
        return distribution.read_text(file) or "", ""
    except UnicodeDecodeError as error:
        # What is ASCII in it can be read: whether it is a plugin's, and whose. A NUL is half a letter of UTF-16.
        text = error.object.decode("utf-8", "replace").replace("\0", "")
        return text, f"is not text in UTF-8 (the byte {error.object[error.start]:#04x} at {error.start})"
    except (OSError, ValueError):  # it cannot be read at all, so nothing says that it is a plugin of ours
        return "", ""


def _text_in_force(name: str) -> str:
    """Return the entry points of the distribution that comes first on the path under this name."""
    try:
        return _read(importlib.metadata.distribution(name), "entry_points.txt")[0]
    except importlib.metadata.PackageNotFoundError:  # its metadata has another name than its folder, or none
        return ""
