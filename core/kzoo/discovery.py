"""Find installed plugins through entry points and load each alone, so that a broken one costs nobody else anything."""

from __future__ import annotations

import importlib.metadata
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pluggy

from kzoo import hookspecs
from kzoo.errors import KzooError, UsageError
from kzoo.plugin import API_VERSION, KINDS, Spec
from kzoo.reference import canonical_distribution

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["GROUP", "Discovery", "Plugin", "PluginChoice", "Problem", "discover"]

GROUP = "kzoo"
"""The entry point group that plugins register in."""

FIRST_PARTY = "kzoo"
"""The distribution whose components own their bare names, and which no choice of plugins turns off."""


@dataclass(frozen=True)
class Problem:
    """What went wrong with one plugin, and where.

    Attributes:
        distribution: The distribution that published the entry point.
        version: Its version.
        entry_point: The entry point's name.
        stage: ``import``, ``api``, ``hooks``, ``call`` or ``spec``: how far the plugin came.
        error: The exception, with its traceback.
        kinds: The kinds of component that are missing because of it.
    """

    distribution: str
    version: str
    entry_point: str
    stage: str
    error: BaseException
    kinds: tuple[str, ...] = tuple(KINDS)

    def __str__(self) -> str:
        return f"skipped {self.distribution} {self.version} ({self.stage}): {_describe(self.error)}"


@dataclass(frozen=True)
class Plugin:
    """One plugin that loaded, and the valid specs that it published."""

    distribution: str
    version: str
    entry_point: str
    module: str
    specs: tuple[Spec, ...]

    @property
    def first_party(self) -> bool:
        """Whether kzoo itself publishes it."""
        return self.distribution == FIRST_PARTY


@dataclass(frozen=True)
class PluginChoice:
    """Which plugins to load; decided before any of them is imported. First-party components are always there.

    Attributes:
        none: Load no third-party plugin (``--no-plugins``).
        without: Distributions or entry points to leave out (``--no-plugin NAME``).
        only: If not None, load only these (``KZOO_PLUGINS=a,b``).
        strict: Turn the first problem into an error (``--strict-plugins``).
    """

    none: bool = False
    without: tuple[str, ...] = ()
    only: tuple[str, ...] | None = None
    strict: bool = False

    @classmethod
    def from_environment(cls, *, none: bool = False, without: Iterable[str] = (), strict: bool = False) -> PluginChoice:
        """Return the choice of the command line, with ``KZOO_PLUGINS`` where that variable is set."""
        listed = os.environ.get("KZOO_PLUGINS")
        only = None if listed is None else tuple(name.strip() for name in listed.split(",") if name.strip())
        return cls(none=none, without=tuple(without), only=only, strict=strict)

    def wants(self, distribution: str, entry_point: str) -> bool:
        """Return whether to load this entry point."""
        names = {_key(distribution), _key(entry_point), _key(f"{distribution}:{entry_point}")}
        if distribution == FIRST_PARTY:
            return True
        if self.none or names & {_key(name) for name in self.without}:
            return False
        return self.only is None or bool(names & {_key(name) for name in self.only})


@dataclass
class Discovery:
    """What was found: the plugins that loaded, those that did not, and the names nobody installed."""

    plugins: list[Plugin] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    disabled: list[str] = field(default_factory=list)
    """Distributions that were found and left out by choice."""


def discover(choice: PluginChoice | None = None, entry_points: Iterable[Any] | None = None) -> Discovery:
    """Load the plugins of every installed distribution, each alone.

    Args:
        choice: Which ones to load; all by default.
        entry_points: The entry points to look at instead of the installed ones.

    Raises:
        KzooError: With a strict choice, at the first problem.
        UsageError: When the choice names a plugin that is not installed.
    """
    choice = choice or PluginChoice()
    found = Discovery()
    manager = pluggy.PluginManager("kzoo")
    manager.add_hookspecs(hookspecs)
    points = list(importlib.metadata.entry_points(group=GROUP)) if entry_points is None else list(entry_points)
    points.sort(key=lambda point: (_distribution(point) != FIRST_PARTY, _distribution(point), point.name))
    _check_names(choice, points)
    for point in points:
        if choice.wants(_distribution(point), point.name):
            _load(point, manager, found)
        else:
            found.disabled.append(f"{_distribution(point)}:{point.name}")
    if choice.strict and found.problems:
        first = found.problems[0]
        message = f"A plugin is broken and --strict-plugins is set: {first}."
        raise KzooError(message) from first.error
    return found


def _load(point: Any, manager: pluggy.PluginManager, found: Discovery) -> None:
    """Take one entry point through import, API check, hook check and calls; note how far it came."""
    origin = (_distribution(point), point.dist.version if point.dist else "?", point.name)
    stage = "import"
    try:
        module = point.load()
        stage = "api"
        _check_api(module)
        stage = "hooks"
        name = _register(manager, module, f"{origin[0]}:{point.name}")
    except (Exception, SystemExit) as error:
        found.problems.append(Problem(*origin, stage, error))
        return
    specs: list[Spec] = []
    for hook, kinds in hookspecs.HOOKS.items():
        try:
            answers = getattr(manager.hook, hook)()  # only this plugin is registered, so only it is called
            offered = [spec for answer in answers for spec in _iterate(answer, hook)]
        except (Exception, SystemExit) as error:
            found.problems.append(Problem(*origin, "call", error, kinds))
            continue
        for spec in offered:
            fault = _fault(spec, hook, kinds, specs)
            if fault:
                found.problems.append(Problem(*origin, "spec", ValueError(fault), kinds))
            else:
                specs.append(spec)
    manager.unregister(name=name)
    found.plugins.append(Plugin(*origin, module=getattr(module, "__name__", repr(module)), specs=tuple(specs)))


def _check_api(module: Any) -> None:
    wanted = getattr(module, "KZOO_API", API_VERSION)
    if not isinstance(wanted, int):
        message = f"`KZOO_API` must be a whole number, not {wanted!r}"
        raise TypeError(message)
    if wanted > API_VERSION:
        message = f"needs plugin interface {wanted}, this kzoo has {API_VERSION}: upgrade kzoo"
        raise RuntimeError(message)


def _register(manager: pluggy.PluginManager, module: Any, name: str) -> str:
    """Register one module with pluggy, which checks every hook's name and arguments; leave no trace of a bad one."""
    try:
        manager.register(module, name)
        manager.check_pending()
    except Exception:
        if manager.has_plugin(name):
            manager.unregister(name=name)
        raise
    if not manager.get_hookcallers(module):
        manager.unregister(name=name)
        message = f"the module {module!r} implements no hook; mark its functions with kzoo.plugin.hookimpl"
        raise TypeError(message)
    return name


def _iterate(answer: Any, hook: str) -> list[Any]:
    """Return what a hook returned as a list; refuse what only looks like an iterable of specs."""
    if isinstance(answer, (str, bytes, dict)) or not hasattr(answer, "__iter__"):
        message = f"`{hook}` must return a list of specs, not {answer!r}"
        raise TypeError(message)
    return list(answer)


def _fault(spec: Any, hook: str, kinds: Sequence[str], earlier: Sequence[Spec]) -> str:
    """Return what is wrong with a spec in one sentence, or an empty text."""
    wanted = " or ".join(KINDS[kind].__name__ for kind in kinds)
    if not isinstance(spec, tuple(KINDS[kind] for kind in kinds)):
        return f"`{hook}` must return {wanted} objects, not {spec!r}"
    try:
        faults = spec.faults()
    except TypeError as error:
        return f"{spec.kind} {spec.name!r}: a field has the wrong type ({error})"
    if faults:
        return f"{spec.kind} {spec.name!r}: {'; '.join(faults)}"
    taken = {name: other.name for other in earlier if other.kind == spec.kind for name in (other.name, *other.aliases)}
    for name in (spec.name, *spec.aliases):
        if name in taken:
            return f"{spec.kind} {spec.name!r}: the name {name!r} is published twice by this plugin"
    return ""


def _check_names(choice: PluginChoice, points: Sequence[Any]) -> None:
    """Refuse to switch off, or to choose, what is not installed: it would be a silent typing error."""
    known = {_key(name) for point in points for name in (_distribution(point), point.name)}
    known |= {_key(f"{_distribution(point)}:{point.name}") for point in points}
    for name in (*choice.without, *(choice.only or ())):
        if _key(name) not in known:
            installed = ", ".join(sorted({_distribution(point) for point in points} - {FIRST_PARTY})) or "none"
            message = f"No plugin named `{name}` is installed. Installed third-party plugins: {installed}."
            raise UsageError(message)
        if _key(name) == FIRST_PARTY and name in choice.without:
            message = "kzoo's own components cannot be switched off."
            raise UsageError(message)


def _distribution(point: Any) -> str:
    return canonical_distribution(point.dist.name) if point.dist else "unknown"


def _key(name: str) -> str:
    return canonical_distribution(name)


def _describe(error: BaseException) -> str:
    """Return an exception in one line."""
    text = " ".join(str(error).split())
    if isinstance(error, SystemExit):
        return f"it called sys.exit({text})"
    if isinstance(error, SyntaxError):
        return f"SyntaxError: {text}"
    return text or type(error).__name__
