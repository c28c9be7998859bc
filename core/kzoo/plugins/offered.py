"""What a plugin's hook returned: the specs that can be used, of plain values, and what is wrong with the others."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from kzoo.arguments import described
from kzoo.errors import KzooError, words_of
from kzoo.plugin import KINDS, FormerName, Spec
from kzoo.plugins import hookspecs
from kzoo.plugins.own_commands import OWN_COMMANDS, typed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["call", "sift", "sift_former"]

_T = TypeVar("_T")

_MOST = 100_000
"""More specs than this come from a hook that does not end."""

_DEEPEST = 16

_NO_DEFAULT = object()

_TEXT = frozenset({str})


class _WrongTypeError(Exception):
    """A field holds what it cannot hold; the message says which and what."""


def call(hook: str, ask: Callable[[], list[Any]]) -> list[Any]:
    """Return what a plugin's implementations of a hook return; refuse what is not, or only looks like, a list of specs.

    Args:
        hook: The name of the hook.
        ask: Returns the answer of each implementation.
    """
    answers = ask()
    for answer in answers:
        if isinstance(answer, (str, bytes, dict)) or not hasattr(type(answer), "__iter__"):
            message = f"`{hook}` must return a list of specs, not {_shown(answer)}"
            raise KzooError(message)
    offered = list(islice((spec for answer in answers for spec in answer), _MOST + 1))
    if len(offered) > _MOST:
        message = f"`{hook}` returned more than {_MOST:,} specs"
        raise KzooError(message)
    return offered


def sift(
    offered: Sequence[Any], hook: str, kinds: Sequence[str], taken: set[tuple[str, str]]
) -> tuple[list[Spec], list[str], tuple[str, ...]]:
    """Return the valid specs, what is wrong with the others, and the names of those; ``taken`` grows by the valid."""
    accepted: list[Spec] = []
    faults: list[str] = []
    refused: list[str] = []
    strangers = 0
    classes = tuple(KINDS[kind] for kind in kinds)
    for spec in offered:
        own = next((cls for cls in classes if issubclass(type(spec), cls)), None)
        if own is None:
            strangers += 1
            if strangers == 1:
                wanted = " or ".join(cls.__name__ for cls in classes)
                faults.append(f"`{hook}` must return {wanted} objects, not {_shown(spec)}")
            continue
        plain, fault = _read(spec, own)
        fault = fault or _fault(plain, taken)
        if fault:
            name = _name_of(spec)
            faults.append(f"{own.kind} {name!r}: {fault}")
            refused.append(name)
        else:
            taken.update((plain.kind, name) for name in (plain.name, *plain.aliases))
            accepted.append(plain)
    if strangers > 1:
        faults.append(f"and {strangers - 1} more like that")
    return accepted, faults, tuple(refused)


def sift_former(offered: Sequence[Any]) -> tuple[list[FormerName], list[str], tuple[str, ...]]:
    """Return the valid old names, and what is wrong with the others; no component is missing because of those."""
    valid: list[FormerName] = []
    faults: list[str] = []
    for former in offered:
        if not issubclass(type(former), FormerName):
            faults.append(f"`{hookspecs.FORMER_NAMES}` must return FormerName objects, not {_shown(former)}")
            continue
        plain, fault = _read(former, FormerName)
        fault = fault or "; ".join(plain.faults())
        if fault:
            faults.append(f"old name {_name_of(former)!r}: {fault}")
        else:
            valid.append(plain)
    return valid, faults, ()


def _read(given: Any, own: type[_T]) -> tuple[_T, str]:
    """Return a spec whose fields hold nothing but plain values, and an empty text; or it as it is, and its fault.

    A subclass of `str` may compare, print and hash as it likes, and one of a spec may answer anything: what is listed
    is a spec of kzoo's own class with the text itself.
    """
    values: dict[str, Any] = {}
    same = type(given) is own
    try:
        for name, form, default, is_table in _fields_of(own):  # type: ignore[arg-type]  # a class has a hash
            value = values[name] = getattr(given, name)
            if value is default or (is_table and type(value) is dict and not value):
                continue  # as kzoo's own class has it, which most fields are
            plain = values[name] = form(name, value)
            same = same and plain is value
        return (given if same else own(**values)), ""
    except _WrongTypeError as error:
        return given, str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return given, f"a field cannot be read ({type(error).__name__}: {words_of(error)})"


@functools.cache
def _fields_of(own: Any) -> list[tuple[str, Callable[[str, Any], Any], Any, bool]]:
    """Return the fields of a class of specs: name, what makes a plain value of it, default, whether it is a table."""
    return [
        (name, _FORMS[field.type], own.field_defaults.get(name, _NO_DEFAULT), field.type.startswith("Mapping"))
        for name, field in own.__dataclass_fields__.items()
        if name != "kind"  # of the class
    ]


def _text(field: str, value: Any) -> str:
    if type(value) is str:
        return value
    if issubclass(type(value), str):
        return str.__str__(value)
    message = f"`{field}` must be text, not {_shown(value)}"
    raise _WrongTypeError(message)


def _texts(field: str, value: Any) -> Any:
    """Return a collection of texts: as it is where it is plain, else as a tuple or a frozenset."""
    kind = type(value)
    if kind in (tuple, frozenset, set) and {*map(type, value)} <= _TEXT:
        return value
    if issubclass(kind, (str, bytes)) or not hasattr(kind, "__iter__"):  # a text is a collection too: of its letters
        message = f"`{field}` must be a list of names, not {_shown(value)}"
        raise _WrongTypeError(message)
    items = list(islice(value, _MOST))
    if strange := [item for item in items if not issubclass(type(item), str)]:
        message = f"`{field}` must be a list of names, not of {_shown(strange[0])}"
        raise _WrongTypeError(message)
    items = [_text(field, item) for item in items]
    return frozenset(items) if issubclass(kind, (set, frozenset)) else tuple(items)


def _table(field: str, value: Any, item: Callable[[str, Any], Any]) -> dict[str, Any]:
    kind = type(value)
    if not issubclass(kind, Mapping):
        message = f"`{field}` must be a table, not {_shown(value)}"
        raise _WrongTypeError(message)
    keys = list(islice(value, _MOST))
    if strange := [key for key in keys if not issubclass(type(key), str)]:
        message = f"`{field}` must have texts for keys, not {_shown(strange[0])}"
        raise _WrongTypeError(message)
    plain = {(name := _text(field, key)): item(f"{field}[{name}]", value[key]) for key in keys}
    same = kind is dict and all(a is b and plain[a] is value[b] for a, b in zip(plain, value, strict=True))
    return value if same else plain


def _anything(field: str, value: Any, depth: int = 0) -> Any:
    """Return a value of those that JSON has."""
    kind = type(value)
    if value is None or kind in (str, bool, int, float):
        return value
    for base, plain in ((str, str.__str__), (int, int.__int__), (float, float.__float__)):
        if issubclass(kind, base):
            return plain(value)
    if depth < _DEEPEST:
        if issubclass(kind, (list, tuple)):
            items = [_anything(field, item, depth + 1) for item in value]
            same = kind in (list, tuple) and all(a is b for a, b in zip(items, value, strict=True))
            return value if same else tuple(items) if issubclass(kind, tuple) else items
        if issubclass(kind, Mapping):
            return _table(field, value, lambda name, item: _anything(name, item, depth + 1))
    message = f"`{field}` must be a number, text, or a list or table of these, not {_shown(value)}"
    raise _WrongTypeError(message)


_FORMS: dict[str, Callable[[str, Any], Any]] = {
    "str": _text,
    "Collection[str]": _texts,
    "Mapping[str, str]": lambda field, value: _table(field, value, _text),
    "Mapping[str, Any]": lambda field, value: _table(field, value, _anything),
}
"""What makes a plain value of a field, by the type that the spec's class states for it."""


def _fault(spec: Spec, taken: set[tuple[str, str]]) -> str:
    """Return what is wrong with a spec of plain values, or an empty text."""
    faults = spec.faults()
    if faults:
        return "; ".join(faults)
    names = (spec.name, *spec.aliases)
    own = [name for name in names if spec.kind == "command" and typed(name) in OWN_COMMANDS]
    if own:
        return f"`{typed(own[0])}` is one of kzoo's own commands, whose names no plugin may take"
    twice = [name for name in names if (spec.kind, name) in taken or names.count(name) > 1]
    return f"the name {twice[0]!r} is published twice by this distribution" if twice else ""


def _name_of(spec: Any) -> str:
    """Return the name of a refused spec, whatever it is."""
    try:
        name = spec.name
        return str.__str__(name) if issubclass(type(name), str) else _shown(name)
    except KeyboardInterrupt:
        raise
    except BaseException:  # the fault itself is said beside it
        return "?"


def _shown(value: Any) -> str:
    """Return a stranger's value as a message shows it."""
    if value is None or type(value) in (str, bool, int, float):
        return repr(value)
    return described(value)
