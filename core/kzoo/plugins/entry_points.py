"""The entry points of the installed distributions, read so that one damaged distribution hides no other."""

from __future__ import annotations

import importlib
import os
import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.plugins.reference import canonical_distribution

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["GROUP", "EntryPoint", "installed", "origin"]

GROUP = "kzoo"
"""The entry point group that plugins register in."""

_PART = 1 << 16
"""Bytes that are read at once."""

_NAMELESS = "unknown"
"""What a distribution is called that has a name neither in its metadata nor in its folder."""

_VALUE = re.compile(r"(?P<module>[\w.]+)\s*(:\s*(?P<attribute>[\w.]+)\s*)?(\[.*\]\s*)?")
_FIELD = re.compile(r"^(Name|Version):[ \t]*(\S+)", re.MULTILINE)
_FOLDER = re.compile(r"(?P<name>[A-Za-z0-9][\w.]*)-(?P<version>[^-]+)(-[^-]+)?\.(dist|egg)-info")


class EntryPoint:
    """One line of an entry point group: a name, and the module or object that it stands for.

    Attributes:
        name: What stands before the ``=``.
        value: What stands behind it: ``module`` or ``module:attribute``.
        group: `GROUP`.
        dist: The distribution that it is of.
    """

    group = GROUP

    def __init__(self, name: str, value: str, dist: Any) -> None:
        self.name, self.value, self.dist = name, value, dist

    def load(self) -> Any:
        """Import what it stands for; raise whatever that raises."""
        written = _VALUE.fullmatch(self.value)
        if written is None:
            message = f"`{self.value}` is no module, as in `package.plugin`"
            raise ValueError(message)
        found = importlib.import_module(written["module"])
        for attribute in filter(None, (written["attribute"] or "").split(".")):
            found = getattr(found, attribute)
        return found


class _Folder:
    """A distribution's folder of metadata, with as much of `importlib.metadata.Distribution` as is asked for here.

    That module imports those for mail, archives and tables: more than all else that a list waits for.

    Attributes:
        place: The folder that it is in, as it stands on the path.
        origin: What `origin` returns of it; None until somebody has asked.
    """

    def __init__(self, place: str, name: str) -> None:
        self.place, self._name = place, name
        self.origin: tuple[str, str] | None = None

    @property
    def _path(self) -> Path:
        return Path(self.place, self._name)

    def read_text(self, name: str) -> str | None:
        """Return the text of one of its files; None where there is none."""
        try:
            text = _bytes_of(os.path.join(self.place, self._name, name)).decode()  # noqa: PTH118 - many of them
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError, KeyError):
            return None
        return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text

    def locate_file(self, path: str) -> Path:
        """Return where a file of the distribution is."""
        return Path(self.place, path)


def _bytes_of(path: str) -> bytes:
    """Return what a file holds; Python's own streams take four times as long for one of a few lines."""
    file = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        parts = [os.read(file, _PART)]
        while parts[-1]:
            parts.append(os.read(file, _PART))
        return b"".join(parts)
    finally:
        os.close(file)


def _distributions() -> Iterator[Any]:
    """Yield the installed distributions in the order in which Python finds them."""
    if any(hasattr(finder, "find_distributions") for finder in sys.meta_path if finder is not PathFinder):
        from importlib import metadata  # somebody has a finder of his own

        yield from metadata.distributions()
        return
    for place in sys.path:
        try:
            names = os.listdir(place or ".")  # noqa: PTH208 - every list waits for it
        except OSError:
            if os.path.isfile(place):  # noqa: PTH113 - likewise
                from importlib import metadata  # it may be an archive

                yield from metadata.distributions(path=[place])
            continue
        for name in names:
            if name.endswith((".dist-info", ".egg-info", ".DIST-INFO", ".EGG-INFO")):
                yield _Folder(place, name)


def _points(text: str, dist: Any) -> list[EntryPoint]:
    """Return the entry points of the group in a distribution's file; raise `ValueError` where a line is none."""
    found, inside = [], False
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            inside = line[1:-1] == GROUP
        elif inside:
            name, sign, value = (part.strip() for part in line.partition("="))
            if not (sign and name):
                message = f"`{line}` has no `=`" if not sign else f"`{line}` has no name"
                raise ValueError(message)
            found.append(EntryPoint(name, value, dist))
    return found


def installed() -> tuple[list[EntryPoint], list[tuple[tuple[str, str], KzooError]]]:
    """Return the entry points of the group, and the origin and fault of each distribution whose file is malformed.

    Not `importlib.metadata.entry_points`: one malformed line in any distribution's file makes it raise for all, and
    it parses every file where a look for the group's name is enough.
    """
    found: list[EntryPoint] = []
    broken: list[tuple[tuple[str, str], KzooError]] = []
    taken: set[str] = set()
    first = None
    for distribution in _distributions():
        place = distribution.place if isinstance(distribution, _Folder) else distribution.locate_file("")
        if first is None:
            first = place
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
            points = [] if fault else _points(text, distribution)
        except Exception as error:
            broken.append(((name, version), _broken("is malformed; every line must be `name = module`", error)))
            continue
        found += points
        if fault:
            broken.append(((name, version), _broken(fault)))
    return found, broken


def origin(distribution: Any) -> tuple[str, str]:
    """Return a distribution's canonical name and its version, as its metadata or else its folder has them."""
    if not isinstance(distribution, _Folder):
        return _origin(distribution)
    if distribution.origin is None:
        distribution.origin = _origin(distribution)
    return distribution.origin


def _origin(distribution: Any) -> tuple[str, str]:
    """Read name and version.

    The two lines are read here because `Distribution.metadata` parses the whole file, README included, and raises or
    answers None for one that is damaged.
    """
    fields: dict[str, str] = {}
    if distribution is not None:
        text = _read(distribution, "METADATA")[0] or _read(distribution, "PKG-INFO")[0]
        fields = dict(_FIELD.findall(text.partition("\n\n")[0]))
        if not ("Name" in fields and "Version" in fields):
            folder = _FOLDER.fullmatch(getattr(getattr(distribution, "_path", None), "name", ""))
            fields = {"Name": folder["name"], "Version": folder["version"], **fields} if folder else fields
    return canonical_distribution(fields.get("Name", _NAMELESS)), fields.get("Version", "?")


def _broken(fault: str, cause: BaseException | None = None) -> KzooError:
    error = KzooError(f"its entry_points.txt {fault}")
    error.__cause__ = cause
    return error


def _read(distribution: Any, file: str) -> tuple[str, str]:
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
    from importlib import metadata

    try:
        return _read(metadata.distribution(name), "entry_points.txt")[0]
    except metadata.PackageNotFoundError:  # its metadata has another name than its folder, or none
        return ""
