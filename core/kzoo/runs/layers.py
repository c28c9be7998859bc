"""Settings of several origins laid over each other, the later ones on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.errors import UsageError
from kzoo.plugins.reference import Reference

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEEPEST", "lay"]

DEEPEST = 32
"""Parts of a key that no setting reaches, not even one of a component inside of others."""


def lay(
    values: dict[str, Any],
    origins: dict[str, str],
    path: tuple[str, ...],
    value: Any,
    origin: str,
    *,
    defaults: Mapping[str, Any],
    components: tuple[str, ...],
) -> None:
    """Lay one value over what is there, tables key by key.

    Args:
        values: What is there; changed.
        origins: Where each of it came from, by dotted key; changed.
        path: The parts of the value's key.
        value: The value; None takes away what is there, and the default holds.
        origin: Where it came from.
        defaults: What holds where nobody says anything.
        components: The tables that are components: one with a ``name`` replaces what is there.

    Raises:
        UsageError: The key has more parts than any setting.
    """
    key, dotted = path[-1], ".".join(path)
    if len(path) > DEEPEST:
        begun = ".".join(path[:3])
        message = f"`{begun}...` has more than {DEEPEST} parts (from {origin}), and no setting has so many."
        raise UsageError(message)
    if value is None:
        values.pop(key, None)
        _forget(origins, dotted, itself=True)
        value, origin = _default_of(defaults, path), "default"
        if value is None:
            return
    if not isinstance(value, dict):
        values[key] = value
        _forget(origins, dotted)
        origins[dotted] = origin
        return
    below = _below(values, origins, path, replaced=path[0] in components and "name" in value, components=components)
    for inner, item in value.items():
        lay(below, origins, (*path, inner), item, origin, defaults=defaults, components=components)


def _below(
    values: dict[str, Any],
    origins: dict[str, str],
    path: tuple[str, ...],
    *,
    replaced: bool,
    components: tuple[str, ...],
) -> dict[str, Any]:
    """Return the table that another one is laid over: a new one where there is none, or it is replaced as a whole."""
    key, dotted = path[-1], ".".join(path)
    below: Any = values.get(key)
    if isinstance(below, str) and path[0] in components and len(path) > 1 and not replaced:
        below = values[key] = Reference.parse(below).to_mapping()  # a component inside another one, given by name
        inner_origin = origins.pop(dotted, "")
        origins.update({f"{dotted}.{inner}": inner_origin for inner in below})
    if not isinstance(below, dict) or replaced:
        below = values[key] = {}
        _forget(origins, dotted, itself=True)
    found: dict[str, Any] = below
    return found


def _forget(origins: dict[str, str], dotted: str, *, itself: bool = False) -> None:
    """Drop the origins of what stands below a key, and that of the key itself if asked to."""
    for old in [name for name in origins if name.startswith(f"{dotted}.") or (itself and name == dotted)]:
        del origins[old]


def _default_of(defaults: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return what holds where nobody says anything, or None where that is nothing."""
    found: Any = defaults
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found
