"""Find installed plugins through entry points and load each alone, so that a broken one costs nobody else anything."""

from __future__ import annotations

import os
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError, UsageError, words_of
from kzoo.plugin import API_VERSION, KINDS, FormerName, Spec
from kzoo.plugins import hookspecs
from kzoo.plugins.entry_points import installed, origin
from kzoo.plugins.implemented import hooks_of
from kzoo.plugins.offered import call, sift, sift_former
from kzoo.plugins.reference import canonical_distribution
from kzoo.streams import stdout_to_stderr

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from kzoo.plugins.surroundings import Surroundings

__all__ = ["FIRST_PARTY", "Discovery", "Plugin", "PluginChoice", "Problem", "discover"]

_loading: ContextVar[bool] = ContextVar("kzoo_loading", default=False)

FIRST_PARTY = "kzoo"
"""The distribution whose components own their bare names, and which no choice of plugins turns off."""

SURROUNDINGS = "surroundings"
"""The stage of a plugin that changed what belongs to the whole process; it is used all the same."""


@dataclass(frozen=True, eq=False)
class Problem:
    """What went wrong with one plugin, and where.

    Attributes:
        distribution: The distribution that published the entry point.
        version: Its version.
        entry_point: The entry point's name.
        stage: ``metadata``, ``import``, ``api``, ``hooks``, ``call`` or ``spec``: how far the plugin came; or
            ``surroundings``, where nothing is missing of it.
        error: The exception, with its traceback.
        kinds: The kinds of component that are missing because of it.
        names: The names of the components that were refused, where they are known.
    """

    distribution: str
    version: str
    entry_point: str
    stage: str
    error: BaseException
    kinds: tuple[str, ...] = tuple(KINDS)
    names: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        """The error in one line."""
        return _describe(self.error)

    @property
    def skips(self) -> bool:
        """Whether something of the plugin is missing because of it."""
        return self.stage != SURROUNDINGS

    def __str__(self) -> str:
        word = "skipped" if self.skips else "noted"
        return f"{word} {self.distribution} {self.version} ({self.stage}): {self.reason}"


@dataclass(frozen=True)
class Plugin:
    """One entry point that was found, and the valid specs and old names that it published."""

    distribution: str
    version: str
    entry_point: str
    module: str
    specs: tuple[Spec, ...] = ()
    former_names: tuple[FormerName, ...] = ()

    @property
    def first_party(self) -> bool:
        """Whether kzoo itself publishes it."""
        return self.distribution == FIRST_PARTY

    @property
    def qualified(self) -> str:
        """The name that finds this entry point and no other: ``distribution:entry_point``."""
        return f"{self.distribution}:{self.entry_point}"

    def answers_to(self, name: str) -> bool:
        """Return whether ``name`` stands for this plugin: its distribution, its entry point, or both with a colon."""
        key = canonical_distribution(name)
        return key in {canonical_distribution(own) for own in (self.distribution, self.entry_point, self.qualified)}


@dataclass(frozen=True)
class PluginChoice:
    """Which plugins to load; decided before any of them is imported. First-party components are always there.

    Attributes:
        none: Load no third-party plugin (``--no-plugins``).
        without: Distributions or entry points to leave out (``--no-plugin NAME``).
        only: If not None, load only these (``KZOO_PLUGINS=a,b``).
        strict: Turn problems into an error (``--strict-plugins``).
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

    def wants(self, plugin: Plugin) -> bool:
        """Return whether to load this entry point."""
        if plugin.first_party:
            return True
        if self.none or any(plugin.answers_to(name) for name in self.without):
            return False
        return self.only is None or any(plugin.answers_to(name) for name in self.only)

    def check(self, found: Sequence[Plugin]) -> None:
        """Refuse to switch off, or to choose, what is not installed: it would be a silent typing error.

        Raises:
            UsageError: Naming the option or variable that holds the unknown name.
        """
        external = sorted({plugin.distribution for plugin in found if not plugin.first_party})
        for source, names in (("--no-plugin", self.without), ("KZOO_PLUGINS", self.only or ())):
            for name in names:
                meant = [plugin for plugin in found if plugin.answers_to(name)]
                if not meant:
                    installed = ", ".join(external) or "none"
                    message = (
                        f"{source} names `{name}`, but no such plugin is installed. "
                        f"Installed third-party plugins: {installed}."
                    )
                    raise UsageError(message)
                if source == "--no-plugin" and all(plugin.first_party for plugin in meant):
                    message = f"--no-plugin names `{name}`, but kzoo's own components cannot be switched off."
                    raise UsageError(message)


@dataclass(eq=False)
class Discovery:
    """What was found: the plugins that loaded, what went wrong, and the plugins that were left out by choice.

    A plugin of which one hook failed or one spec was refused is both in `plugins` and in `problems`.
    """

    plugins: list[Plugin] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    disabled: list[Plugin] = field(default_factory=list)


def discover(
    choice: PluginChoice | None = None,
    entry_points: Iterable[Any] | None = None,
    kinds: Collection[str] | None = None,
) -> Discovery:
    """Load the plugins of every installed distribution, each alone.

    What plugins write to stdout while they load goes to stderr: stdout is for results.

    Args:
        choice: Which ones to load; all by default.
        entry_points: The entry points to look at instead of the installed ones.
        kinds: Of kzoo's own plugins call only the hooks for these kinds: a list waits for nothing else. None calls all.
            A third party's plugin is always looked at as a whole, so that what is wrong with it is said.

    Raises:
        KzooError: With a strict choice, if there is any problem. Inside of a plugin that is being imported.
        UsageError: When the choice names a plugin that is not installed.
    """
    if _loading.get():
        message = "it asks kzoo for a component while it is imported, before all plugins are known; ask in a function"
        raise KzooError(message)
    choice = choice or PluginChoice()
    wanted = {
        hook: kinds_of
        for hook, kinds_of in hookspecs.HOOKS.items()
        if kinds is None or not {*kinds_of}.isdisjoint(kinds)
    }
    found = Discovery()
    if entry_points is None:
        points, broken = installed()
        found.problems += [Problem(*whose, "", "metadata", error) for whose, error in broken]
    else:
        points = list(entry_points)
    origins = {id(point.dist): origin(point.dist) for point in points}
    seen = [(Plugin(*origins[id(point.dist)], point.name, point.value), point) for point in points]
    seen.sort(key=lambda pair: (not pair[0].first_party, pair[0].distribution, pair[0].entry_point))
    choice.check([plugin for plugin, _ in seen])
    before = None
    loading = _loading.set(True)
    try:
        with stdout_to_stderr():
            for plugin, point in seen:
                if not choice.wants(plugin):
                    found.disabled.append(plugin)
                elif plugin.first_party:
                    _load(plugin, point, found, wanted)
                else:
                    before = _load_guarded(plugin, point, found, before or _surroundings())
    finally:
        _loading.reset(loading)
    if choice.strict and found.problems:
        listed = "; ".join(map(str, found.problems))
        message = f"--strict-plugins is set and not every plugin is in order: {listed}."
        raise KzooError(message) from found.problems[0].error
    return found


def _surroundings() -> Surroundings:
    from kzoo.plugins.surroundings import Surroundings  # with what it looks at, such as logging

    return Surroundings.now()


def _load_guarded(plugin: Plugin, point: Any, found: Discovery, before: Surroundings) -> Surroundings:
    """Do what `_load` does, put back what a third party's plugin changes of the process, and return what it is then.

    Args:
        plugin: The plugin.
        point: Its entry point.
        found: What grows by it.
        before: What the process is like.
    """
    try:
        _load(plugin, point, found, hookspecs.HOOKS)
    finally:
        after, changed = before.put_back()
        if changed:
            error = KzooError(f"it changed {', '.join(changed)} while it was loaded; all of it is put back")
            whose = (plugin.distribution, plugin.version, plugin.entry_point)
            found.problems.append(Problem(*whose, SURROUNDINGS, error, ()))
    return after


def _load(plugin: Plugin, point: Any, found: Discovery, hooks: Mapping[str, tuple[str, ...]]) -> None:
    """Take one entry point through import, API check, hook check and calls; note how far it came.

    Whatever it raises is its problem, `BaseException` included, as pytest's ``skip`` and a panic of Rust are: all but
    `KeyboardInterrupt`, which is the user's.
    """
    whose = (plugin.distribution, plugin.version, plugin.entry_point)
    stage = "import"
    try:
        module = point.load()
        stage = "api"
        _check_api(module)
        stage = "hooks"
        name = _module_name(module, plugin)
        _check_once(name, plugin, found.plugins)
        implemented = hooks_of(module, plugin.qualified, plugin.module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        found.problems.append(Problem(*whose, stage, error))
        return
    specs: list[Spec] = []
    former: list[FormerName] = []
    taken = {
        (spec.kind, name)
        for other in _siblings(plugin, found.plugins)
        for spec in other.specs
        for name in (spec.name, *spec.aliases)
    }
    for hook, kinds in hooks.items():
        if hook not in implemented:
            continue
        stage = "call"
        try:
            offered = call(hook, implemented[hook])
            stage = "spec"
            if hook == hookspecs.FORMER_NAMES:
                valid, faults, names = sift_former(offered)
                former += valid
            else:
                accepted, faults, names = sift(offered, hook, kinds, taken)
                specs += accepted
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            found.problems.append(Problem(*whose, stage, error, kinds))
            continue
        if faults:
            found.problems.append(Problem(*whose, "spec", KzooError("; ".join(faults)), kinds, names))
    found.plugins.append(Plugin(*whose, name, tuple(specs), tuple(former)))


def _siblings(plugin: Plugin, loaded: Sequence[Plugin]) -> Iterator[Plugin]:
    """Return the plugins of the same distribution: they are loaded one after the other, so they are the last ones."""
    return takewhile(lambda other: other.distribution == plugin.distribution, reversed(loaded))


def _module_name(module: Any, plugin: Plugin) -> str:
    """Return the name of what an entry point led to: a module, or an object with hooks for methods."""
    name = getattr(module, "__name__", None)
    return name if type(name) is str else plugin.module


def _check_once(name: str, plugin: Plugin, loaded: Sequence[Plugin]) -> None:
    """Refuse a module that another entry point of the same distribution has led to."""
    for other in _siblings(plugin, loaded):
        if other.module == name:
            message = f"the module `{other.module}` is already loaded by the entry point `{other.entry_point}`"
            raise KzooError(message)


def _check_api(module: Any) -> None:
    wanted = getattr(module, "KZOO_API", API_VERSION)
    if not isinstance(wanted, int):
        message = f"`KZOO_API` must be a whole number, not {wanted!r}"
        raise KzooError(message)
    if wanted > API_VERSION:
        message = f"it needs plugin interface {wanted}, this kzoo has {API_VERSION}: upgrade kzoo"
        raise KzooError(message)


def _describe(error: BaseException) -> str:
    """Return an exception in one line."""
    text = words_of(error)
    if isinstance(error, SystemExit):
        return f"it called sys.exit({text})"
    if text and isinstance(error, (ImportError, KzooError)):
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
