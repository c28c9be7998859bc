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
"""What a distribution without a name in its metadata is called."""

_FIELD = re.compile(r"^(Name|Version):[ \t]*(\S+)", re.MULTILINE)


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
        text = _read(distribution, "entry_points.txt")
        if f"[{GROUP}]" not in text:
            continue
        name, version = origin(distribution)
        if name != _NAMELESS:
            # An older copy of a distribution further down the path. Nothing is ahead of the first folder, which is
            # where nearly all are, and to look for each by its name costs more than to import it.
            if name in taken or (place != first and text != _text_in_force(name)):
                continue
            taken.add(name)
        try:
            found += distribution.entry_points.select(group=GROUP)
        except Exception as error:
            fault = KzooError("its entry_points.txt is malformed; every line must be `name = module`")
            fault.__cause__ = error
            broken.append(((name, version), fault))
    return found, broken


def origin(distribution: Any) -> tuple[str, str]:
    """Return a distribution's canonical name and its version.

    The two lines are read here because `Distribution.metadata` parses the whole file, README included, and raises or
    answers None for one that is damaged.
    """
    text = "" if distribution is None else _read(distribution, "METADATA") or _read(distribution, "PKG-INFO")
    fields = dict(_FIELD.findall(text.partition("\n\n")[0]))
    return canonical_distribution(fields.get("Name", _NAMELESS)), fields.get("Version", "?")


def _read(distribution: importlib.metadata.Distribution, file: str) -> str:
    try:
        return distribution.read_text(file) or ""
    except (OSError, ValueError):  # unreadable, or not text: not a plugin of ours
        return ""


def _text_in_force(name: str) -> str:
    """Return the entry points of the distribution that comes first on the path under this name."""
    return _read(importlib.metadata.distribution(name), "entry_points.txt")
