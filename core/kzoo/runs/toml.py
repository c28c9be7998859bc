"""Settings as a TOML file, each value with its origin in a comment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import tomlkit

from kzoo.plugins.reference import Reference
from kzoo.streams import readable

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["in_one_line", "revised", "written"]


def written(values: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    """Return settings as the text of a TOML file that holds every value, with the origins of those that have one."""
    document = tomlkit.document()
    values = _readable(values)
    scalars = {key: value for key, value in values.items() if not isinstance(value, dict)}
    scalars["complete"] = True
    for key, value in scalars.items():
        document.add(key, _item(key, value, origins))
    for key, value in values.items():
        if isinstance(value, dict) and value:
            document.add(tomlkit.nl())
            document.add(key, _table(key, value, origins))
    return tomlkit.dumps(document)


def in_one_line(key: str, table: Mapping[str, Any]) -> str:
    """Return a table as one line of TOML, for a message.

    Example:
        >>> in_one_line("loss", {"name": "focal", "gamma": 2})
        'loss = {name = "focal", gamma = 2}'
    """
    document = tomlkit.document()
    document.add(key, _inside(dict(table)))
    return tomlkit.dumps(document).strip()


def revised(text: str, values: Mapping[str, Any]) -> str:
    """Return the text of a settings file with these values; those that stay keep their comments."""
    document = tomlkit.parse(text)
    _revise(document, _readable(values))
    return tomlkit.dumps(document)


def _revise(table: Any, values: Mapping[str, Any]) -> None:
    for key in [key for key in table if key not in values and key != "complete"]:
        table.remove(key)
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(table.get(key), dict):
            _revise(table[key], value)
        elif isinstance(value, dict):
            if value:  # as in `written`, an empty table says nothing
                table[key] = _table(key, value, {})
        elif key not in table or table[key] != value:
            table[key] = _item(key, value, {key: "--resume"})


def _readable(value: Any) -> Any:
    """Return values whose texts a file can hold; a path may have bytes that are none, which TOML has no form for."""
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, dict):
        return {readable(str(key)): _readable(item) for key, item in value.items()}
    return [_readable(item) for item in value] if isinstance(value, list) else value


def _table(prefix: str, values: Mapping[str, Any], origins: Mapping[str, str]) -> Any:
    table = tomlkit.table()
    for key, value in values.items():  # TOML wants the plain values of a table before its inner tables
        if not isinstance(value, dict):
            table.add(key, _item(f"{prefix}.{key}", value, origins))
    for key, value in values.items():
        if isinstance(value, dict):
            table.add(key, _table(f"{prefix}.{key}", value, origins))
    return table


def _item(key: str, value: Any, origins: Mapping[str, str]) -> Any:
    if key in ("metrics", "track"):
        value = [str(Reference.read(item)) if isinstance(item, dict) else item for item in value]
    item = _array(value) if isinstance(value, list) else tomlkit.item(value)
    if origins.get(key):
        item.comment(origins[key])
    return item


def _array(items: list[Any]) -> Any:
    """Return a list as a TOML array, with tables inside it in one line: the components among others stay tables."""
    array = tomlkit.array()
    for item in items:
        array.append(_inside(item))
    return array


def _inside(value: Any) -> Any:
    if isinstance(value, list):
        return _array(value)
    if not isinstance(value, dict):
        return value
    if _holds_none(value):  # which TOML cannot say, and the text form can
        return str(Reference.from_mapping(value))
    table = tomlkit.inline_table()
    for key, item in value.items():
        table.add(key, _inside(item))
    return table


def _holds_none(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_none, value.values()))
    return any(map(_holds_none, value)) if isinstance(value, list) else value is None
