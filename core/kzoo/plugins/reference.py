"""The text form of a component with its arguments: ``focal:gamma=2,alpha=0.25`` and back."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Reference", "canonical_distribution", "parse_value"]

_KEY = re.compile(r"[A-Za-z_]\w*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_BARE = re.compile(r"[^\s,=\"'\[\]{}]+")
_NUMBER = re.compile(r"[+-]?((0|[1-9]\d*)(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_PYTHON_WORDS = {"True": True, "False": False, "None": None}
_DECODER = json.JSONDecoder()


def canonical_distribution(name: str) -> str:
    """Return a distribution's name in its canonical spelling (lower case, runs of ``-_.`` become ``-``; PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


@dataclass(frozen=True)
class Reference:
    """A component by name, with the keyword arguments it is to be built with.

    The text form is ``name[:key=value,...]``, or ``distribution:name[:key=value,...]``; values are JSON, or as Python
    writes them (``.5``, ``True``, ``None``), and any other bare word stands for a string. ``str(reference)`` is that
    text again, so it serves as a label in tables and run names.

    Attributes:
        name: The component's name with ``_`` for ``-``, after ``distribution:`` when it is qualified.
        kwargs: The keyword arguments, in the order given.

    Example:
        >>> Reference.parse("focal:gamma=2,alpha=0.25")
        Reference(name='focal', kwargs={'gamma': 2, 'alpha': 0.25})
        >>> str(Reference.parse("kzoo-example-loss:example:mode=soft"))
        'kzoo-example-loss:example:mode=soft'
    """

    name: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read the text form; raise `UsageError` saying what was expected where it is malformed."""
        if not isinstance(text, str):
            message = (
                f"A component is named by text such as focal:gamma=2, not given as {described(text)}: a run and its "
                "model must find it again by its name."
            )
            raise UsageError(message)
        name, rest = _split_name(text)
        return cls(name, _parse_arguments(rest, text) if rest is not None else {})

    @classmethod
    def from_mapping(cls, table: Mapping[str, Any]) -> Reference:
        """Read the table form ``{"name": "focal", "gamma": 2}`` as it stands in a configuration file."""
        arguments = dict(table)
        name = arguments.pop("name", None)
        if not isinstance(name, str):
            message = f"A component table needs a `name`, which must be text: {dict(table)!r}."
            raise UsageError(message)
        parsed = cls.parse(name)
        return cls(parsed.name, {**parsed.kwargs, **arguments})

    @classmethod
    def read(cls, value: str | Mapping[str, Any] | Reference) -> Reference:
        """Read either form, or hand a `Reference` back as it is."""
        if isinstance(value, Reference):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        return cls.from_mapping(value)

    def to_mapping(self) -> dict[str, Any]:
        """Return the table form, which `from_mapping` reads back."""
        own = {key: value for key, value in self.kwargs.items() if key == "name"}  # the table's `name` is taken
        rest = {key: value for key, value in self.kwargs.items() if key != "name"}
        return {"name": str(Reference(self.name, own)), **rest}

    @property
    def slug(self) -> str:
        """The text form with ``_`` for all that a name in logs, columns and graphs cannot hold.

        Example:
            >>> Reference.parse("ece:n_bins=10").slug
            'ece_n_bins_10'
        """
        return re.sub(r"[^A-Za-z0-9_.]+", "_", str(self)).strip("_")

    def __str__(self) -> str:
        arguments = ",".join(f"{key}={_format_value(value)}" for key, value in self.kwargs.items())
        return f"{self.name}:{arguments}" if arguments else self.name


def parse_value(text: str) -> Any:
    """Return the JSON value that ``text`` is, a number or constant as Python writes it, or else the text itself.

    Example:
        >>> parse_value("2"), parse_value("true"), parse_value("adam"), parse_value("[1, 2]"), parse_value(".5")
        (2, True, 'adam', [1, 2], 0.5)
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    word = text.strip()
    if word in _PYTHON_WORDS:
        return _PYTHON_WORDS[word]
    if _NUMBER.fullmatch(word):
        return float(word) if set(word) & set(".eE") else int(word)
    return text


def _split_name(text: str) -> tuple[str, str | None]:
    """Split ``[distribution:]name[:arguments]`` into the normalised name and the text of the arguments."""
    head, colon, rest = text.strip().partition(":")
    if not colon:
        return _normal_name(head, text), None
    second, colon, arguments = rest.partition(":")
    if "=" in second or not second:
        return _normal_name(head, text), rest
    if not _DISTRIBUTION.fullmatch(head):
        message = f"`{text}` is not a component reference: {head!r} is not a distribution's name."
        raise UsageError(message)
    return f"{canonical_distribution(head)}:{_normal_name(second, text)}", arguments if colon else None


def _normal_name(name: str, text: str) -> str:
    if not _NAME.fullmatch(name):
        message = f"`{text}` is not a component reference. It has the form name[:key=value,...], as in focal:gamma=2."
        raise UsageError(message)
    return name.replace("-", "_").lower()


def _parse_arguments(rest: str, text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = 0
    while True:
        key = _KEY.match(rest, at)
        if not key or rest[key.end() : key.end() + 1] != "=":
            message = (
                f"`{text}` is not a component reference: expected key=value at {rest[at:]!r}. "
                "It has the form name[:key=value,...], as in focal:gamma=2,alpha=0.25."
            )
            raise UsageError(message)
        if key.group() in found:
            message = f"`{text}` gives `{key.group()}` twice."
            raise UsageError(message)
        found[key.group()], at = _scan_value(rest, key.end() + 1, text)
        if at == len(rest):
            return found
        at += 1  # the comma


def _scan_value(rest: str, at: int, text: str) -> tuple[Any, int]:
    """Return the value that starts at ``at`` and where it ends: JSON first, else a bare word up to the comma."""
    try:
        value, end = _DECODER.raw_decode(rest, at)
        if end == len(rest) or rest[end] == ",":
            return value, end
    except (ValueError, RecursionError):
        pass
    word = _BARE.match(rest, at)
    if word and (word.end() == len(rest) or rest[word.end()] == ","):
        return parse_value(word.group()), word.end()
    message = f"`{text}` is not a component reference: {rest[at:]!r} does not start with a JSON value or a bare word."
    raise UsageError(message)


def _format_value(value: Any) -> str:
    if isinstance(value, str) and _BARE.fullmatch(value) and isinstance(parse_value(value), str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
