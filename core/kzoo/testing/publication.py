"""What an installed distribution publishes, held to what can be known without importing a component."""

from __future__ import annotations

import difflib
import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.errors import KzooError, UsageError
from kzoo.plugins.entry_points import GROUP
from kzoo.plugins.reference import canonical_distribution
from kzoo.plugins.registry import Entry, Registry, get_registry, with_article
from kzoo.testing.listing import Cost, measure
from kzoo.testing.report import FAILED, PASSED, SKIPPED, CheckFailure, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection

    from kzoo.plugins.discovery import Problem

__all__ = ["CHECKS", "Publication", "check_publication", "publication_of"]

_STAGES = ("metadata", "import", "api", "hooks", "call", "spec", "surroundings")
_FATAL = frozenset(_STAGES[:4])  # an entry point that fails here comes no further

CHECKS = (*_STAGES, "publishes", "light")
"""The checks of a distribution: the stages of loading (see docs/plugins.md), that there is a component, the cost."""


@dataclass(frozen=True)
class Publication:
    """One installed distribution with all that it publishes.

    Attributes:
        distribution: Its canonical name.
        version: Its version.
        entry_points: The names of its entry points in the group.
        entries: Its valid specs.
        former_names: The number of old names that it has an answer to.
        problems: What went wrong while its plugins were loaded.
        notes: What its author should know, and is no mistake: a name that somebody else has, a missing summary.
    """

    distribution: str
    version: str
    entry_points: tuple[str, ...]
    entries: tuple[Entry, ...]
    former_names: int
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def publication_of(name: str, registry: Registry | None = None) -> Publication:
    """Return what an installed distribution publishes.

    Raises:
        UsageError: It is not installed, or is switched off.
        KzooError: It is installed and publishes nothing for kzoo.
    """
    registry = registry or get_registry()
    key = canonical_distribution(name)
    plugins = [plugin for plugin in registry.discovery.plugins if plugin.distribution == key]
    problems = [problem for problem in registry.problems if problem.distribution == key]
    if not plugins and not problems:
        raise _absent(name, key, registry)
    entries = [entry for entry in _all_entries(registry) if entry.distribution == key]
    points = {plugin.entry_point for plugin in plugins} | {
        problem.entry_point for problem in problems if problem.entry_point
    }
    return Publication(
        key,
        plugins[0].version if plugins else problems[0].version,
        tuple(sorted(points)),
        tuple(entries),
        sum(len(plugin.former_names) for plugin in plugins),
        tuple(problems),
        tuple(_notes(entries, registry)),
    )


def check_publication(found: Publication, only: Collection[str] = ()) -> tuple[tuple[Outcome, ...], Cost | None]:
    """Run the checks of a distribution; return what they found, and what listing it costs where that was measured."""
    outcomes = []
    waiting = set(found.entry_points)
    for stage in _STAGES:
        faults = [problem for problem in found.problems if problem.stage == stage]
        if faults:
            outcomes.append(Outcome(stage, FAILED, "; ".join(map(_told, faults))))
        else:
            outcomes.append(_passed_if(stage, came=bool(waiting) or stage == "metadata"))
        if stage in _FATAL:
            waiting -= {problem.entry_point for problem in faults}
    if waiting and not (found.entries or found.former_names):
        outcomes.append(Outcome("publishes", FAILED, "saw no valid spec from any hook, expected at least one"))
    else:
        outcomes.append(_passed_if("publishes", came=bool(waiting)))
    cost = None
    if not waiting:
        outcomes.append(_passed_if("light", came=False))
    elif not only or "light" in only:
        outcome, cost = _light(found.distribution)
        outcomes.append(outcome)
    return tuple(outcome for outcome in outcomes if not only or outcome.check in only), cost


def _passed_if(check: str, *, came: bool) -> Outcome:
    return Outcome(check, PASSED) if came else Outcome(check, SKIPPED, "no entry point came this far")


def _light(distribution: str) -> tuple[Outcome, Cost | None]:
    try:
        cost = measure(distribution)
    except CheckFailure as failure:
        return Outcome("light", FAILED, str(failure)), None
    if not cost.heavy:
        return Outcome("light", PASSED), cost
    by_place: dict[str, list[str]] = {}
    for name, place in cost.heavy.items():
        by_place.setdefault(place, []).append(name)
    saw = "; ".join(f"{', '.join(names)} imported by {place}" for place, names in by_place.items())
    expected = "expected a plugin module that imports nothing heavy, since every list of components imports it"
    return Outcome("light", FAILED, f"saw {saw}; {expected}"), cost


def _told(problem: Problem) -> str:
    where = f"entry point `{problem.entry_point}`: " if problem.entry_point else ""
    return f"{where}{problem.reason}"


def _all_entries(registry: Registry) -> list[Entry]:
    from kzoo.plugin import KINDS

    return [entry for kind in KINDS for entry in registry.entries(kind)]


def _notes(entries: list[Entry], registry: Registry) -> list[str]:
    found = []
    for entry in entries:
        if not registry.bare_owner(entry):
            same = [other for other in registry.entries(entry.kind) if other.name == entry.name and other is not entry]
            whose = " and ".join(dict.fromkeys(other.origin for other in same)) or "another distribution"
            found.append(
                f"{with_article(entry.kind).capitalize()} `{entry.written}` is published by {whose}, too: where both "
                f"are installed, this one is called `{entry.qualified}`."
            )
        if not entry.spec.summary.strip():
            found.append(f"The {entry.kind} `{entry.written}` has no summary for the lists.")
    return found


def _absent(name: str, key: str, registry: Registry) -> KzooError:
    """Return the error that says why there is nothing to check."""
    if any(plugin.distribution == key for plugin in registry.discovery.disabled):
        message = (
            f"`{key}` is installed, but switched off by --no-plugins, --no-plugin or KZOO_PLUGINS. Check it without."
        )
        return UsageError(message)
    if not key.strip(".-") or "/" in name or "\\" in name:
        message = (
            f"`kzoo check-plugin` takes the name of an installed distribution, not the folder `{name}`. Install it "
            f"with `python -m pip install -e {name}`, then give its name, as in `kzoo check-plugin kzoo-my-loss`."
        )
        return UsageError(message)
    try:
        version = importlib.metadata.version(key)
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return UsageError(_not_installed(name, registry))
    message = (
        f"`{key}` {version} is installed, but has no entry point in the group `{GROUP}`, so it publishes nothing. "
        f"Name its plugin module in pyproject.toml under `[project.entry-points.{GROUP}]`, and install it again: "
        "entry points are read when a distribution is installed, an editable one too."
    )
    return KzooError(message)


def _not_installed(name: str, registry: Registry) -> str:
    discovery = registry.discovery
    others = {plugin.distribution for plugin in (*discovery.plugins, *discovery.disabled)}
    others |= {problem.distribution for problem in discovery.problems}
    near = difflib.get_close_matches(name, sorted(others), n=1)
    external = ", ".join(sorted(others - {"kzoo"})) or "none"
    hint = f" Did you mean `{near[0]}`?" if near else ""
    folder = " The folder of that name is not enough." if Path(name).is_dir() else ""
    return (
        f"The distribution `{name}` is not installed here.{hint}{folder} Install it with `python -m pip install "
        f"{name}`, or in its own folder with `python -m pip install -e .`. Installed plugins: {external}."
    )
