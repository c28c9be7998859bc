"""Settings in words: what each is, what it may be, and what it is by itself."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Union

import msgspec

from kzoo.settings.fields import defaults_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Described", "described", "hints_of", "members_of", "range_in_words"]

_NAMES: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
_PLURALS: dict[Any, str] = {int: "whole numbers", float: "numbers", str: "texts"}


@dataclass(frozen=True)
class Described:
    """One setting in words.

    Attributes:
        name: Its name.
        allowed: What it may be: ``a whole number of at least 1``.
        default: What it is where nobody says otherwise.
        doc: What it means, one sentence.
        values: All that it may be, where these are a few words: those of a `Literal`, ``true`` and ``false``.
    """

    name: str
    allowed: str
    default: Any
    doc: str
    values: tuple[str, ...] = ()


def described(table: type) -> list[Described]:
    """Return every setting of a table in words, in its order."""
    defaults = defaults_of(table)
    return [
        Described(name, range_in_words(hint), defaults[name], _doc(hint), tuple(_words(hint)))
        for name, hint in hints_of(table).items()
    ]


def hints_of(table: type) -> dict[str, Any]:
    """Return the type of every setting of a table, with what stands beside it."""
    hints = typing.get_type_hints(table, include_extras=True)
    return {name: hints[name] for name in defaults_of(table)}


def range_in_words(hint: Any) -> str:
    """Return what a type allows, as it stands after "must be".

    Example:
        >>> from typing import Annotated
        >>> from kzoo.settings import setting
        >>> range_in_words(Annotated[int, setting("Epochs.", ge=1)])
        'a whole number of at least 1'
        >>> range_in_words(Literal["last", "best"])
        'last or best'
    """
    return _listed([text for one in members_of(hint) for text in _choices(one) if text], "or") or "nothing"


def members_of(hint: Any) -> list[Any]:
    """Return the types of a union, each with what stands beside the union; a type that is none is its only one."""
    inner, metas = hint, []
    if typing.get_origin(hint) is typing.Annotated:
        inner, *metas = typing.get_args(hint)
    if typing.get_origin(inner) not in (Union, types.UnionType):
        return [hint]
    members = [typing.Annotated[one, *metas] if metas else one for one in typing.get_args(inner)]
    return [member for one in members for member in members_of(one)]


def _doc(hint: Any) -> str:
    """Return the sentence beside a type; where there is none, that beside a member of it, such as ``X | None``."""
    metas = [meta for one in (hint, *members_of(hint)) for meta in getattr(one, "__metadata__", ())]
    return next((meta.description for meta in metas if isinstance(meta, msgspec.Meta) and meta.description), "")


def _words(hint: Any) -> list[str]:
    """Return the values that a type has, as they are written, where it has but a few."""
    found: list[str] = []
    for member in members_of(hint):
        one = typing.get_args(member)[0] if typing.get_origin(member) is typing.Annotated else member
        if typing.get_origin(one) is Literal:
            found += [str(value) for value in typing.get_args(one) if value != ""]
        elif one is bool:
            found += ["true", "false"]
    return list(dict.fromkeys(found))


def _choices(hint: Any) -> list[str]:
    """Return how a value may fit a type that is no union, in words; nothing for None, which is written by leaving."""
    bounds = ""
    if typing.get_origin(hint) is typing.Annotated:
        hint, *metas = typing.get_args(hint)
        bounds = next((text for meta in metas if isinstance(meta, msgspec.Meta) and (text := _bounds(meta))), "")
    if hint is type(None):
        return []
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return [str(value) for value in inner if value != ""]
    if origin in (tuple, list):
        return [_sequence(inner)]
    if origin is dict:
        return ["a table"]
    return [_NAMES.get(hint, getattr(hint, "__name__", str(hint))) + bounds]


def _sequence(inner: Sequence[Any]) -> str:
    ends = [one for one in inner if one is not Ellipsis]
    if len(ends) == len(inner) and len(ends) > 1 and len(set(map(str, ends))) == 1:
        return f"a list of {len(ends)}: {range_in_words(ends[0])} each"
    one = ends[0] if ends else Any
    return f"a list of {_PLURALS.get(one) or range_in_words(one)}" if one is not Any else "a list"


def _bounds(meta: msgspec.Meta) -> str:
    parts = []
    if meta.gt is not None:
        parts.append(f"above {_number(meta.gt)}")
    if meta.ge is not None:
        parts.append(f"of at least {_number(meta.ge)}")
    if meta.lt is not None:
        parts.append(f"below {_number(meta.lt)}")
    if meta.le is not None:
        parts.append(f"at most {_number(meta.le)}")
    return f" {' and '.join(parts)}" if parts else ""


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def _listed(texts: Sequence[str], word: str) -> str:
    texts = list(dict.fromkeys(texts))
    return f"{', '.join(texts[:-1])} {word} {texts[-1]}" if len(texts) > 1 else "".join(texts)
