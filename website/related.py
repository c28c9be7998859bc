"""Which other components a reader of one's page may want instead: those that it is said to be like, and its family."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from website.places import FOLDERS

if TYPE_CHECKING:
    from kzoo.plugins.registry import Entry

MOST = 8


def related(entry: Entry) -> list[Entry]:
    """Return the related components: its namesakes of other kinds, those its docstring and note name, its family."""
    registry = get_registry()
    said = f"{entry.spec.note} {load_target(entry).__doc__ or ''}"
    named = set(re.findall(r"`(\w+)", said))
    own = [one for kind in FOLDERS for one in registry.entries(kind) if one.first_party]
    namesakes = [one for one in own if one.kind != entry.kind and {one.name, *one.spec.aliases} & {entry.name}]
    mentioned = [one for one in own if one.kind == entry.kind and {one.name, _class(one)} & named]
    back = [one for one in own if one.kind == entry.kind and f"`{entry.name}`" in one.spec.note]
    family = [one for one in own if one.kind == entry.kind and _module(one) == _module(entry)]
    family = [] if _of_keras(entry) else family
    found = {(one.kind, one.name): one for one in (*namesakes, *mentioned, *back, *family)}
    found.pop((entry.kind, entry.name), None)
    return list(found.values())[:MOST]


def _module(entry: Entry) -> str:
    return entry.spec.target.partition(":")[0]


def _class(entry: Entry) -> str:
    return entry.spec.target.rpartition(":")[2]


def _of_keras(entry: Entry) -> bool:
    return _module(entry).startswith("keras.")
