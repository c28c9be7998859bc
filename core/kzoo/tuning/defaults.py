"""What a setting is where nobody searches it, as it is written: its place in the space is that of the default."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kzoo.models.saved import find_pipeline
from kzoo.plugins.reference import Reference, parse_value
from kzoo.plugins.registry import get_registry
from kzoo.plugins.signatures import arguments_of
from kzoo.runs.choices import build_settings
from kzoo.tuning.space import COMPONENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.runs.config import RunConfig

__all__ = ["bare", "value_of"]


def value_of(config: RunConfig, key: str, searched: Sequence[str]) -> str | None:
    """Return a setting as it is written, its default where nobody gave it; None where it is no plain value."""
    if key in COMPONENTS:
        table = config.values.get(key)
        return bare(str(Reference.from_mapping(table)), key, searched) if table else "none"
    found: Any = config.values
    parts = key.split(".")
    for part in parts:
        found = found.get(part) if isinstance(found, dict) else None
    if found is None:
        found = _unsaid(config, parts)
    if isinstance(found, (dict, list)) or found is None:
        return None
    return json.dumps(found) if not isinstance(found, str) else found


def bare(text: str, key: str, searched: Sequence[str]) -> str:
    """Return a component without those of its arguments that are searched themselves."""
    if text == "none":
        return text
    reference = Reference.parse(text)
    own = {name: value for name, value in reference.kwargs.items() if f"{key}.{name}" not in searched}
    return str(Reference(reference.name, own))


def _unsaid(config: RunConfig, parts: Sequence[str]) -> Any:
    """Return the default of a setting that no recipe names; None where it is not known."""
    if parts[0] in ("model", "augment"):
        tables = build_settings(config, find_pipeline(config.pipeline))
        return getattr(getattr(tables, parts[0]), parts[1], None)
    if parts[0] in COMPONENTS and len(parts) == 2 and config.values.get(parts[0]):  # noqa: PLR2004 - of the component itself
        name = Reference.from_mapping(config.values[parts[0]]).name
        known = arguments_of(getattr(get_registry().get(parts[0], name).spec, "target", ""))
        return next((parse_value(one.default) for one in known if one.name == parts[1] and one.default), None)
    return None
