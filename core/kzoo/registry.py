"""Names to specs: qualified names, aliases, conflicts and suggestions."""

from __future__ import annotations

import difflib
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kzoo.discovery import FIRST_PARTY, Discovery, PluginChoice, discover
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kzoo.discovery import Problem
    from kzoo.plugin import Spec

__all__ = ["Entry", "Registry", "get_registry", "plural", "set_plugin_choice"]

_PLURALS = {"loss": "losses"}


@dataclass(frozen=True)
class Entry:
    """One published spec and who published it."""

    spec: Spec
    distribution: str
    version: str
    entry_point: str

    @property
    def name(self) -> str:
        """The bare name."""
        return self.spec.name

    @property
    def qualified(self) -> str:
        """The name that always finds it: ``distribution:name``."""
        return f"{self.distribution}:{self.spec.name}"

    @property
    def origin(self) -> str:
        """Distribution and version, as errors and tables name them."""
        return f"{self.distribution} {self.version}"

    @property
    def first_party(self) -> bool:
        """Whether kzoo itself publishes it."""
        return self.distribution == FIRST_PARTY


class Registry:
    """Finds what plugins published, by kind and name.

    A bare name is the first-party component if there is one, else the only external one, else an error that lists
    the qualified names. Within one level a name goes before an alias. Nothing is overridden silently.
    """

    def __init__(self, discovery: Discovery) -> None:
        self.discovery = discovery
        self._entries: dict[str, list[Entry]] = {}
        for plugin in discovery.plugins:
            for spec in plugin.specs:
                entry = Entry(spec, plugin.distribution, plugin.version, plugin.entry_point)
                self._entries.setdefault(spec.kind, []).append(entry)

    @property
    def problems(self) -> list[Problem]:
        """What went wrong while plugins were loaded."""
        return self.discovery.problems

    def entries(self, kind: str) -> list[Entry]:
        """Return all entries of one kind, ordered by name, first-party ones before others of the same name."""
        return sorted(self._entries.get(kind, []), key=lambda e: (e.name, not e.first_party, e.distribution))

    def get(self, kind: str, name: str) -> Entry:
        """Return the entry that ``name``, bare or qualified, stands for.

        Raises:
            UsageError: No such name (with the nearest names, and the failed plugins that may have held it), or a
                bare name that several external distributions publish.
        """
        distribution, colon, bare = name.rpartition(":")
        found = self._named(kind, bare)
        if colon:
            found = [entry for entry in found if entry.distribution == distribution]
        elif any(entry.first_party for entry in found):
            found = [entry for entry in found if entry.first_party]
        exact = [entry for entry in found if entry.name == bare]
        found = exact or found
        if len(found) > 1:
            choices = " or ".join(f"`{entry.qualified}` ({entry.version})" for entry in found)
            message = f"The {kind} `{name}` is published by several distributions. Name the one you mean: {choices}."
            raise UsageError(message)
        if not found:
            raise UsageError(self._unknown(kind, name))
        return found[0]

    def bare_owner(self, entry: Entry) -> bool:
        """Return whether the entry's bare name finds this entry and no other."""
        named = self._named(entry.spec.kind, entry.name)
        if entry.first_party:
            return True
        exact = [other for other in named if other.name == entry.name]
        return not any(other.first_party for other in named) and exact == [entry]

    def shown_name(self, entry: Entry) -> str:
        """Return the shortest name that finds this entry."""
        return entry.name if self.bare_owner(entry) else entry.qualified

    def names(self, kind: str) -> list[str]:
        """Return the shortest name of every entry of one kind."""
        return [self.shown_name(entry) for entry in self.entries(kind)]

    def fitting(self, kind: str, task: str) -> list[Entry]:
        """Return the components of one kind that are for ``task``."""
        return [entry for entry in self.entries(kind) if getattr(entry.spec, "fits", lambda _: True)(task)]

    def _named(self, kind: str, bare: str) -> list[Entry]:
        return [entry for entry in self.entries(kind) if bare == entry.name or bare in entry.spec.aliases]

    def _unknown(self, kind: str, name: str) -> str:
        """Say that nothing has this name: first whether a failed plugin is the reason, then the nearest names."""
        distribution, _, bare = name.rpartition(":")
        failed = [p for p in self.problems if kind in p.kinds and distribution in ("", p.distribution)]
        near = difflib.get_close_matches(bare, self._all_names(kind), n=3, cutoff=0.6)
        hint = f" Did you mean {_either(near)}?" if near else ""
        if failed and (distribution or not near):
            reasons = "; ".join(str(problem) for problem in failed)
            return (
                f"No {kind} named `{name}` is available. It may belong to a plugin that could not be loaded: {reasons}."
                f"{hint} See `kzoo list-plugins`."
            )
        if distribution and distribution not in {plugin.distribution for plugin in self.discovery.plugins}:
            off = [key for key in self.discovery.disabled if key.split(":")[0] == distribution]
            state = "is switched off" if off else "is not installed, or publishes no kzoo plugin"
            return f"No {kind} named `{name}`: the distribution `{distribution}` {state}."
        return f"No {kind} named `{name}`.{hint} `kzoo list-{plural(kind)}` shows all of them."

    def _all_names(self, kind: str) -> Iterable[str]:
        return [name for entry in self.entries(kind) for name in (entry.name, *entry.spec.aliases)]


def plural(kind: str) -> str:
    """Return the plural of a kind, as command names have it: ``losses``, ``metrics``; schedules are with optimizers."""
    kind = "optimizer" if kind == "schedule" else kind
    return _PLURALS.get(kind, f"{kind}s")


_choice: list[PluginChoice] = []


def set_plugin_choice(choice: PluginChoice | None) -> None:
    """Set which plugins `get_registry` loads in this process, and forget those loaded before."""
    _choice[:] = [choice] if choice else []
    get_registry.cache_clear()


@functools.cache
def get_registry() -> Registry:
    """Return the registry of this process, loading the plugins on the first call."""
    return Registry(discover(_choice[0] if _choice else PluginChoice.from_environment()))


def _either(names: list[str]) -> str:
    return " or ".join(f"`{name}`" for name in names)
