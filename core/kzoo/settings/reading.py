"""Values that a user gave -> a table of settings, checked against its types and ranges."""

from __future__ import annotations

import contextlib
import difflib
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from kzoo.errors import UsageError
from kzoo.settings.fields import defaults_of
from kzoo.settings.words import hints_of, members_of, range_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["known_names", "read_settings", "refuse_unknown", "unknown_name"]

_T = TypeVar("_T")

_LARGE = 2**63


def _nowhere(key: str) -> str:
    del key
    return ""


def known_names(*tables: type) -> list[str]:
    """Return the names of all settings of some tables, each once."""
    return list(dict.fromkeys(name for table in tables for name in defaults_of(table)))


def read_settings(
    table: type[_T], values: Mapping[str, Any], *, prefix: str = "", origin: Callable[[str], str] = _nowhere
) -> _T:
    """Return a table of settings with these values, and its defaults for all others.

    Args:
        table: A class made by `settings`.
        values: Plain values by name, as TOML or JSON have them; names that the table does not have are refused.
        prefix: What stands before the names in messages: ``train.``.
        origin: Returns where the value of a full name came from, for messages: `` (from -o)``, or an empty text.

    Raises:
        UsageError: An unknown name, or a value of the wrong type or out of range.
    """
    refuse_unknown(values, known_names(table), prefix=prefix, origin=origin)
    hints = hints_of(table)
    read = {}
    for name, value in values.items():
        try:
            read[name] = _converted(value, hints[name])
        except msgspec.ValidationError as error:
            key = f"{prefix}{name}"
            message = f"`{key}` must be {range_in_words(hints[name])}, not {value!r}{origin(key)}."
            raise UsageError(message) from error
    return table(**read)


def _converted(value: Any, hint: Any) -> Any:
    try:
        return _fitted(value, hint)
    except msgspec.ValidationError:
        texts = _as_texts(value)
        if texts == value:
            raise
        # On a command line a name that is a number, such as that of a column, looks like a number.
        return _fitted(texts, hint)


def _fitted(value: Any, hint: Any) -> Any:
    """Return a value in the first member of a type that it fits."""
    # Not left to msgspec: a union of a number with a range and a tuple of fixed length ends it (0.23) in a
    # segmentation fault.
    if type(value) is int and abs(value) >= _LARGE:  # what counts and sizes are made of holds no more
        message = "too large"
        raise msgspec.ValidationError(message)
    *others, last = members_of(hint)
    for member in others:
        with contextlib.suppress(msgspec.ValidationError):
            return msgspec.convert(value, member)
    return msgspec.convert(value, last)


def _as_texts(value: Any) -> Any:
    """Return numbers as texts, also those in a list; anything else as it is."""
    if isinstance(value, list):
        return [_as_texts(one) for one in value]
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def refuse_unknown(
    names: Iterable[str],
    known: Iterable[str],
    *,
    prefix: str = "",
    whose: str = "",
    origin: Callable[[str], str] = _nowhere,
) -> None:
    """Raise `UsageError` for the first name that is not known, with the nearest one or all that there are."""
    known = list(known)
    for name in names:
        if name not in known:
            raise UsageError(unknown_name(name, known, prefix=prefix, whose=whose, where=origin(f"{prefix}{name}")))


def unknown_name(name: str, known: Iterable[str], *, prefix: str = "", whose: str = "", where: str = "") -> str:
    """Return what to say of a setting that does not exist.

    Args:
        name: What was asked for.
        known: What there is.
        prefix: What stands before all of these.
        whose: Who has no such setting, as the beginning of a sentence: ``The pipeline `mnist` ``.
        where: Where the name came from, or an empty text.
    """
    full, names = f"{prefix}{name}", [f"{prefix}{other}" for other in known]
    near = difflib.get_close_matches(full, names, n=1, cutoff=0.6)
    # What differs in nothing but the common prefix is not near.
    near = near if not prefix or difflib.get_close_matches(name, list(known), n=1, cutoff=0.6) else []
    listed = f" It has: {', '.join(names)}." if names else " It has none."
    hint = f" Did you mean `{near[0]}`?" if near else listed if whose else f" There are: {', '.join(sorted(names))}."
    begin = f"{whose} has no setting" if whose else "There is no setting"
    return f"{begin} `{full}`{where}.{hint}"
