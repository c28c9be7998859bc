"""Checks of what is given to a function from Python: of what type, and which."""

from __future__ import annotations

import json
import os
import shlex
from numbers import Integral
from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError
from kzoo.streams import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["command_line", "described", "items_of", "json_text", "path_text", "text", "whole_number"]

_LONGEST = 60
"""What is longer when it is written out is told by its type alone."""


def described(value: Any) -> str:
    """Return a wrong argument in words: itself where it is short, its type, the shape of an array.

    Example:
        >>> described(3), described("a"), described([1, 2]), described(None)
        ('3 (int)', "'a' (str)", '[1, 2] (list)', 'None')
    """
    if value is None:
        return "None"
    name = type(value).__name__
    try:
        if (shape := getattr(value, "shape", None)) is not None:
            return f"{name} of shape {shape}"
        written = repr(value) if isinstance(value, (bool, int, float, str, bytes, list, tuple, dict, set)) else ""
    except Exception:  # what a plugin gives may refuse even to be looked at
        written = ""
    if written and len(written) <= _LONGEST and "\n" not in written:
        return f"{written} ({name})"
    return f"an object of the type {name}"


def command_line(*words: str | os.PathLike[str]) -> str:
    r"""Return a command to copy: each word quoted where a shell would take it apart.

    Example:
        >>> command_line("kzoo", "evaluate", "my runs/a"), command_line("kzoo", "predict", "last", "caf\udce9")
        ("kzoo evaluate 'my runs/a'", "kzoo predict last $'caf\\xe9'")
    """
    return " ".join(_quoted(os.fspath(word)) for word in words)


def _quoted(word: str) -> str:
    if readable(word) == word:
        return shlex.quote(word)
    # Bytes that are no text have a quoting of their own, in which a backslash means something.
    escaped = readable(word.replace("\\", "\\\\").replace("'", "\\'"))
    return f"$'{escaped}'"


def path_text(value: Any, what: str, *, expected: str = "the path of a file or folder", instead: str = "") -> str:
    """Return a path, or a word that stands where a path may, as text.

    Args:
        value: What was given.
        what: The argument, in messages: ``data``.
        expected: What it must be, in words.
        instead: A sentence on what else can be done.

    Raises:
        UsageError: It is neither text nor a path, or an empty text.
    """
    found = os.fspath(value) if isinstance(value, os.PathLike) else value
    if not isinstance(found, str):
        message = f"`{what}` must be {expected}, as text or a Path, not {described(value)}. {instead}".rstrip()
        raise UsageError(message)
    if not found.strip():
        message = f"`{what}` names no file or folder: it is an empty text, perhaps from a variable that is not set."
        raise UsageError(message)
    return found


def text(value: Any, what: str, *, expected: str) -> str:
    """Return a text; raise `UsageError` where it is something else, or empty.

    Args:
        value: What was given.
        what: The argument, in messages.
        expected: What it must be, in words: ``the name of a recipe``.
    """
    if not isinstance(value, str) or not value.strip():
        message = f"`{what}` must be {expected}, as text, not {described(value)}."
        raise UsageError(message)
    return value


def whole_number(value: Any, what: str, *, least: int = 1) -> int:
    """Return a whole number, also one of NumPy's; raise `UsageError` where it is something else, or too small."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        given = value if isinstance(value, Integral) else described(value)
        message = f"`{what}` must be a whole number of at least {least}, not {given}."
        raise UsageError(message)
    return int(value)


def items_of(value: Any, what: str, *, example: str) -> list[tuple[str, Any]]:
    """Return the items of a mapping; raise `UsageError` where it is something else, or a key is no text.

    Args:
        value: What was given.
        what: The argument, in messages.
        example: What it could be, as Python has it.
    """
    if not hasattr(value, "items"):
        message = f"`{what}` must be a mapping such as {example}, not {described(value)}."
        raise UsageError(message)
    table: Mapping[Any, Any] = value
    for key in table:
        text(key, f"key of {what}", expected="the name of a setting")
    return list(table.items())


def json_text(value: Any, what: str) -> str:
    """Return a plain value as JSON; raise `UsageError` where it is none that a settings file can hold."""
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError) as error:
        message = (
            f"`{what}` must be a plain value (number, text, True, False, None, a list or a dict of these), not "
            f"{described(value)}."
        )
        raise UsageError(message) from error
