"""The checks of an installed distribution: what it publishes, and the conformance of each component."""

from __future__ import annotations

import difflib
import importlib
import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, UsageError, words_of
from kzoo.plugin import KINDS
from kzoo.plugins.build import BASES
from kzoo.plugins.registry import Registry, get_registry, plural, with_article
from kzoo.plugins.targets import command_of, load_target
from kzoo.testing.publication import CHECKS, Publication, check_publication, publication_of
from kzoo.testing.report import FAILED, PASSED, Outcome, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from kzoo.plugins.registry import Entry

__all__ = [
    "DistributionReport",
    "check_components",
    "check_distribution",
    "check_listing",
    "chosen",
    "needs_components",
]

_PIPELINE = "pipeline"
_COMMAND = "command"

_BASES = {**BASES, _PIPELINE: "kzoo.pipeline.Pipeline"}
"""What a target of each kind derives from; that of a command from nothing."""


@dataclass(frozen=True)
class DistributionReport:
    """What the checks of one distribution found.

    Attributes:
        publication: The distribution and what it publishes.
        listing: The checks of what it publishes.
        components: The checks of each component, pipeline and command, ``target`` first.
        milliseconds: What its plugins add to every list; None where it was not measured.
        narrowed: Whether some checks were asked for and not all.
    """

    publication: Publication
    listing: Report
    components: tuple[Report, ...]
    milliseconds: float | None
    narrowed: bool = False

    @property
    def reports(self) -> tuple[Report, ...]:
        """That of the distribution, then those of the components."""
        return (self.listing, *self.components)

    @property
    def counts(self) -> dict[str, int]:
        """The number of checks that ran, passed, failed as expected, do not apply, and failed."""
        return {
            name: sum(len(getattr(report, name)) for report in self.reports)
            for name in ("ran", "passed", "expected_failures", "skipped", "failed")
        }

    @property
    def unchecked(self) -> list[str]:
        """The components of which no check ran, unless only some checks were asked for."""
        return [] if self.narrowed else [report.name for report in self.components if not report.ran]

    @property
    def ok(self) -> bool:
        """Whether checks ran, of every component, and none failed; no checks prove nothing and are a failure."""
        return bool(self.counts["ran"]) and not self.counts["failed"] and not self.unchecked

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data, for JSON."""
        found = self.publication
        return {
            "distribution": found.distribution,
            "version": found.version,
            "ok": self.ok,
            "entry_points": list(found.entry_points),
            "listing_milliseconds": self.milliseconds,
            "counts": self.counts,
            "notes": list(found.notes),
            "unchecked": self.unchecked,
            "reports": [report.to_dict() for report in self.reports],
        }


def check_distribution(
    name: str, *, kinds: Collection[str] = (), components: Collection[str] = (), only: Collection[str] = ()
) -> DistributionReport:
    """Check what an installed distribution publishes, and run the conformance checks of each of its components.

    Args:
        name: The distribution.
        kinds: The kinds of component to check; by default all.
        components: The names of the components to check; by default all.
        only: The checks to run, of the distribution and of its components; by default all.

    Raises:
        UsageError: The distribution is not installed, or has no such component or check.
        KzooError: The distribution publishes nothing for kzoo.

    Example:
        >>> from kzoo.testing import check_distribution
        >>> report = check_distribution("kzoo", components=("emd",), kinds=("loss",), only=("target", "graph"))
        >>> report.ok, report.counts["passed"]
        (True, 2)
    """
    registry = get_registry()
    found = publication_of(name, registry)
    entries = chosen(found, kinds, components)
    listing, milliseconds = check_listing(found, only)
    reports = check_components(entries, only, registry)
    return DistributionReport(found, listing, reports, milliseconds, narrowed=bool(only))


def chosen(found: Publication, kinds: Collection[str] = (), components: Collection[str] = ()) -> list[Entry]:
    """Return the entries of these kinds and names.

    Raises:
        UsageError: There is no such kind, or nothing of that kind or name in the distribution.
    """
    for kind in kinds:
        if kind not in KINDS:
            message = f"There is no kind `{kind}`. The kinds are {', '.join(KINDS)}."
            raise UsageError(message)
    wanted = {name.rpartition(":")[2].replace("-", "_") for name in components}
    entries = [
        entry
        for entry in found.entries
        if (not kinds or entry.kind in kinds) and (not wanted or wanted & {entry.name, *entry.spec.aliases})
    ]
    known = {name for entry in entries for name in (entry.name, *entry.spec.aliases)}
    if (kinds and not entries) or wanted - known:
        raise UsageError(_nothing(found, kinds, sorted(wanted - known)))
    return entries


def _nothing(found: Publication, kinds: Collection[str], missing: Collection[str]) -> str:
    """Say that a distribution publishes nothing of these kinds and names, and what it does publish."""
    names = [entry.name for entry in found.entries if not kinds or entry.kind in kinds]
    near = [close for name in missing for close in difflib.get_close_matches(name, names, n=1)]
    hint = f" Did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
    counts = {kind: sum(entry.kind == kind for entry in found.entries) for kind in KINDS}
    has = (
        ", ".join(f"{count} {kind if count == 1 else _plural(kind)}" for kind, count in counts.items() if count)
        or "nothing"
    )
    what = f"{' or '.join(kinds) or 'component'} {', '.join(f'`{name}`' for name in missing)}".rstrip()
    return f"{found.distribution} {found.version} publishes no {what}.{hint} It publishes {has}."


def _plural(kind: str) -> str:
    return "schedules" if kind == "schedule" else plural(kind)


def check_listing(found: Publication, only: Collection[str] = ()) -> tuple[Report, float | None]:
    """Run the checks of a distribution, and return the report and the milliseconds that listing it takes.

    Raises:
        UsageError: ``only`` names a check that does not exist.
    """
    if needs_components(only):
        _known(only)
    outcomes, cost = check_publication(found, only)
    return Report("distribution", found.distribution, outcomes), cost.milliseconds if cost else None


def needs_components(only: Collection[str]) -> bool:
    """Return whether these checks are of components, which takes TensorFlow, and not of the distribution alone."""
    return not only or not set(only) <= set(CHECKS)


def check_components(
    entries: Iterable[Entry],
    only: Collection[str] = (),
    registry: Registry | None = None,
    tell: Callable[[Entry], None] | None = None,
) -> tuple[Report, ...]:
    """Run the checks of each entry; ``tell`` is called before each."""
    reports = []
    for entry in entries if needs_components(only) else ():
        if tell:
            tell(entry)
        outcomes = _outcomes(entry, registry or get_registry(), only)
        reports.append(Report(entry.kind, entry.qualified, tuple(outcomes)))
    return tuple(reports)


def _known(only: Collection[str]) -> None:
    from kzoo.testing.run import checks

    kit = {kind: ("target", *checks(kind)) for kind in KINDS if kind not in (_PIPELINE, _COMMAND)}
    kit = {"distribution": CHECKS, **kit, _PIPELINE: ("target", "states"), _COMMAND: ("target",)}
    unknown = ", ".join(f"`{name}`" for name in only if not any(name in names for names in kit.values()))
    if unknown:
        known = "; ".join(f"of {with_article(kind)} {', '.join(names)}" for kind, names in kit.items())
        message = f"There is no check {unknown}. There are: {known}."
        raise UsageError(message)


def _outcomes(entry: Entry, registry: Registry, only: Collection[str]) -> list[Outcome]:
    """Return the outcome of ``target``, and where it holds, those of the other checks."""
    from kzoo.testing.run import checks, report_on

    fault = _fault_of_target(entry)
    if fault:
        return [Outcome("target", FAILED, fault)]
    outcomes = [Outcome("target", PASSED)] if not only or "target" in only else []
    if entry.kind == _COMMAND:
        return outcomes
    if entry.kind == _PIPELINE:
        return [*outcomes, _states(entry)] if not only or "states" in only else outcomes
    wanted = tuple(name for name in checks(entry.kind) if name in only)
    if only and not wanted:
        return outcomes
    try:
        return [*outcomes, *report_on(entry.kind, entry.qualified, only=wanted, registry=registry).outcomes]
    except KzooError as error:  # the checks that it is expected to fail do not exist
        return [*outcomes, Outcome("spec", FAILED, str(error))]


def _fault_of_target(entry: Entry) -> str:
    """Return why the spec's target, or one of its variants, cannot be used; empty where all can."""
    if entry.kind == _COMMAND:
        return _fault_of_command(entry)
    module, _, name = _BASES[entry.kind].rpartition(".")
    base = getattr(importlib.import_module(module), name)
    for variant in (None, *dict.fromkeys(getattr(entry.spec, "variants", {}).values())):
        try:
            found = load_target(entry, variant=variant)
        except KzooError as error:
            return str(error)
        if inspect.isclass(found) and not issubclass(found, base):
            more = "" if entry.kind == _PIPELINE else ", or a function that returns one of its objects"
            return f"saw `{variant or entry.spec.target}`, expected a subclass of {_BASES[entry.kind]}{more}"
    return ""


def _fault_of_command(entry: Entry[Any]) -> str:
    """Return why no command can be made of the spec's target; empty where one can."""
    try:
        command_of(entry, load_target(entry))
    except KzooError as error:
        return str(error)
    return ""


def _states(entry: Entry) -> Outcome:
    """Hold a pipeline's class to what its spec says of it, name and recipes, and see that it gives its data."""
    from kzoo.pipeline import DataSource

    spec: Any = entry.spec
    try:
        found = load_target(entry)
        saw = {
            "name": found.name,
            "recipes": sorted(found().recipes()),
            "source()": type(found().source()).__qualname__,
        }
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Outcome("states", FAILED, f"raised {type(error).__name__}: {words_of(error)}")
    said = {"name": spec.name, "recipes": sorted(spec.recipes), "source()": DataSource.__qualname__}
    faults = [f"`{name}`: saw {saw[name]!r}, expected {said[name]!r}" for name in said]
    faults = [fault for name, fault in zip(said, faults, strict=True) if saw[name] != said[name]]
    return Outcome("states", FAILED, "; ".join(faults)) if faults else Outcome("states", PASSED)
