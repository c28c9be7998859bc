"""Values that a user gave -> a table of settings, checked against its types and ranges."""

from __future__ import annotations

import contextlib
import difflib
import types
import typing
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, Union

import msgspec

from kzoo.errors import UsageError
from kzoo.settings.fields import defaults_of
from kzoo.settings.words import hints_of, range_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["known_names", "read_settings", "refuse_unknown", "unknown_name"]

_T = TypeVar("_T")


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
        return _convert(value, hint)
    except msgspec.ValidationError:
        if type(value) is not int:
            raise
        # On a command line a name that is a number, such as that of a column, looks like a number.
        return _convert(str(value), hint)


def _convert(value: Any, hint: Any) -> Any:
    *others, last = _apart(hint)
    for one in others:
        with contextlib.suppress(msgspec.ValidationError):
            return msgspec.convert(value, one)
    return msgspec.convert(value, last)


def _apart(hint: Any) -> Sequence[Any]:
    """Return the types that a value may have, each by itself, where a tuple of a fixed length is one of several.

    Together with a number that has a range, such a tuple makes msgspec 0.23 crash.
    """
    plain = typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint
    if typing.get_origin(plain) not in (Union, types.UnionType):
        return [hint]
    members = typing.get_args(plain)
    fixed = any(typing.get_origin(one) is tuple and Ellipsis not in typing.get_args(one) for one in members)
    return members if fixed else [hint]


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
