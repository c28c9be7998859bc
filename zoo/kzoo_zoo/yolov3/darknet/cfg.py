"""Darknet's cfg files as text: sections with keys and values, and the line where each stands."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from kzoo.errors import DataError
from kzoo.files import read_regular

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Entry", "Section", "parse_sections", "read_text", "write_sections"]

_OF_NUMBERS = frozenset("0123456789.,-+")
_LARGEST = 1 << 20
"""No cfg has a megabyte; a file of weights given in its place has many."""


@dataclass(frozen=True)
class Entry:
    """The value of one key, as text, and its line."""

    value: str
    line: int


@dataclass(frozen=True)
class Section:
    """One ``[section]`` of a cfg.

    Attributes:
        name: What stands between the brackets, such as ``convolutional``.
        line: Its line, counted from 1.
        entries: Its keys and their values.
        origin: The file, for messages.
        repeated: Of keys that stand there again with another value, the last such value.
    """

    name: str
    line: int
    entries: Mapping[str, Entry] = field(default_factory=dict)
    origin: str = ""
    repeated: Mapping[str, Entry] = field(default_factory=dict)

    def fail(self, what: str, key: str = "") -> NoReturn:
        """Raise a `DataError` about this section, or about one of its keys."""
        line = self.entries[key].line if key in self.entries else self.line
        message = f"{self.origin}, line {line}, [{self.name}]: {what}"
        raise DataError(message)

    def text(self, key: str, default: str = "") -> str:
        """Return what stands under ``key``."""
        return self.entries[key].value if key in self.entries else default

    def integer(self, key: str, default: int | None, low: int, high: int) -> int:
        """Return the whole number that stands under ``key``.

        Raises:
            DataError: It is no whole number or not from ``low`` to ``high``, or it is missing and has no default.
        """
        if key not in self.entries:
            if default is None:
                self.fail(f"the key `{key}` is missing.")
            return default
        return self._whole(key, self.entries[key].value, low, high)

    def integers(self, key: str, low: int, high: int) -> tuple[int, ...]:
        """Return the whole numbers that stand under ``key``, separated by commas; none if it is missing."""
        if key not in self.entries:
            return ()
        return tuple(self._whole(key, part, low, high) for part in _parts(self.entries[key].value))

    def number(self, key: str, default: float, low: float, high: float) -> float:
        """Return the number that stands under ``key``."""
        if key not in self.entries:
            return default
        return self._real(key, self.entries[key].value, low, high)

    def numbers(self, key: str, low: float, high: float) -> tuple[float, ...]:
        """Return the numbers that stand under ``key``, separated by commas; none if it is missing."""
        if key not in self.entries:
            return ()
        return tuple(self._real(key, part, low, high) for part in _parts(self.entries[key].value))

    def word(self, key: str, default: str, known: Iterable[str]) -> str:
        """Return the word that stands under ``key``, which must be one of ``known``."""
        found = self.entries[key].value if key in self.entries else default
        if found not in known:
            self.fail(f"`{key}={found}` is not known{_near(found, known)}", key)
        return found

    def _whole(self, key: str, text: str, low: int, high: int) -> int:
        try:
            value = int(text)
        except ValueError:
            self.fail(f"`{key}` must be a whole number, not `{_short(text)}`.", key)
        if not low <= value <= high:
            self.fail(f"`{key}` must be from {low} to {high}, not {_short(text)}.", key)
        return value

    def _real(self, key: str, text: str, low: float, high: float) -> float:
        try:
            value = float(text)
        except ValueError:
            self.fail(f"`{key}` must be a number, not `{_short(text)}`.", key)
        if not low <= value <= high:  # false for NaN, too
            self.fail(f"`{key}` must be from {low:g} to {high:g}, not {_short(text)}.", key)
        return value


def read_text(path: Path) -> str:
    """Return the text of a cfg file.

    Raises:
        DataError: It cannot be read, or it is no text.
    """
    try:
        if path.stat().st_size > _LARGEST:
            message = f"{path} is no Darknet cfg: it has {path.stat().st_size:,} bytes. Is it the file of weights?"
            raise DataError(message)
        raw = read_regular(path, _LARGEST)
    except OSError as error:
        message = f"The cfg {path} cannot be read: {error.strerror}."
        raise DataError(message) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # a comment in an old encoding; Darknet reads bytes
    if "\0" in text:
        message = f"{path} is no Darknet cfg: it is not a text file."
        raise DataError(message)
    return text


def parse_sections(text: str, origin: str) -> list[Section]:
    """Return the sections of a cfg in order.

    As Darknet does, all blanks are left out, and what follows ``#`` or ``;`` is a comment.

    Raises:
        DataError: A line is neither a section nor ``key=value``, a key stands before any section, or there is no
            section.
    """
    found: list[Section] = []
    entries: dict[str, Entry] = {}
    repeated: dict[str, Entry] = {}
    for number, raw in enumerate(text.splitlines(), 1):
        line = "".join(raw.partition("#")[0].partition(";")[0].split())
        where = f"{origin}, line {number}"
        if not line:
            continue
        if line.startswith("["):
            if not line.endswith("]") or len(line) <= len("[]"):
                message = f"{where}: `{_short(raw)}` is no section; a section is written [name]."
                raise DataError(message)
            entries, repeated = {}, {}
            found.append(Section(line[1:-1].lower(), number, entries, origin, repeated))
            continue
        key, equals, value = line.partition("=")
        if not equals or not key:
            goes_on = entries and set(line) <= _OF_NUMBERS
            hint = "A list stands in one line, after its key." if goes_on else "Is this a Darknet cfg?"
            message = f"{where}: `{_short(raw)}` is neither a [section] nor key=value. {hint}"
            raise DataError(message)
        if not found:
            message = f"{where}: `{_short(key)}` stands before the first section; a cfg begins with [net]."
            raise DataError(message)
        if not value:
            message = f"{where}, [{found[-1].name}]: the key `{_short(key)}` has no value."
            raise DataError(message)
        if key in entries and entries[key].value != value:
            repeated[key] = Entry(value, number)
        entries.setdefault(key, Entry(value, number))
    if not found:
        message = f"{origin} is no Darknet cfg: it has no section such as [net]."
        raise DataError(message)
    return found


def write_sections(sections: Iterable[Section]) -> str:
    """Return sections as the text of a cfg, without comments."""
    blocks = [
        "\n".join([f"[{section.name}]", *(f"{key}={entry.value}" for key, entry in section.entries.items())])
        for section in sections
    ]
    return "\n\n".join(blocks) + "\n"


def _parts(text: str) -> list[str]:
    """Split at commas; one at the end is forgiven, as Darknet forgives it."""
    return text.removesuffix(",").split(",")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 40 else f"{text[:37]}..."  # noqa: PLR2004 - what an error message can bear


def _near(word: str, known: Iterable[str]) -> str:
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1)
    return f". Did you mean `{near[0]}`?" if near else f". Known here: {', '.join(known)}."
