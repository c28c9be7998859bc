"""Names to specs: qualified names, aliases, conflicts and suggestions."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, cast

from kzoo.errors import UsageError
from kzoo.plugin import (
    COMPONENT_KINDS,
    KINDS,
    LISTED_KINDS,
    CommandSpec,
    LossSpec,
    MetricSpec,
    OptimizerSpec,
    PipelineSpec,
    RegularizerSpec,
    ScheduleSpec,
    Spec,
    TrackerSpec,
)
from kzoo.plugins.discovery import FIRST_PARTY, Discovery, PluginChoice, discover
from kzoo.plugins.own_commands import OWN_COMMANDS, typed
from kzoo.plugins.reference import canonical_distribution

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import TypeVar  # with a default: a bare `Entry` is one of any kind

    from kzoo.plugin import ComponentSpec
    from kzoo.plugins.discovery import Problem

    SpecT_co = TypeVar("SpecT_co", bound=Spec, covariant=True, default=Spec)
else:
    from typing import TypeVar

    SpecT_co = TypeVar("SpecT_co", bound=Spec, covariant=True)

__all__ = [
    "Entry",
    "Former",
    "Registry",
    "get_registry",
    "plugin_choice",
    "plural",
    "set_plugin_choice",
    "with_article",
]

_PLURALS = {"loss": "losses"}


@dataclass(frozen=True, eq=False)
class Entry(Generic[SpecT_co]):
    """One published spec and who published it; ``Entry[LossSpec]`` where the kind is known."""

    spec: SpecT_co
    distribution: str
    version: str
    entry_point: str

    @property
    def kind(self) -> str:
        """One of `kzoo.plugin.KINDS`."""
        return self.spec.kind

    @property
    def name(self) -> str:
        """The bare name."""
        return self.spec.name

    @property
    def written(self) -> str:
        """The bare name as people write it: a command's with dashes."""
        return typed(self.name) if self.kind == CommandSpec.kind else self.name

    @property
    def qualified(self) -> str:
        """The name that always finds it: ``distribution:name``."""
        return f"{self.distribution}:{self.written}"

    @property
    def origin(self) -> str:
        """Distribution and version, as errors and tables name them."""
        return f"{self.distribution} {self.version}"

    @property
    def first_party(self) -> bool:
        """Whether kzoo itself publishes it."""
        return self.distribution == FIRST_PARTY


@dataclass(frozen=True, eq=False)
class Former:
    """A name that another library had, and what is known of it here.

    Attributes:
        name: The full old name: ``tfa.losses.SigmoidFocalCrossEntropy``.
        successors: The components that replace it; none where nothing does.
        answer: What differs in the successor, or what to do instead.
    """

    name: str
    successors: tuple[Entry, ...] = ()
    answer: str = ""

    @property
    def short(self) -> str:
        """The name without library and group."""
        return self.name.rpartition(".")[2]


class Registry:
    """Finds what plugins published, by kind and name.

    A bare name is the first-party component if there is one, else the only external one, else an error that lists
    the qualified names. Within one level a name goes before an alias. Nothing is overridden silently: where a
    first-party one has a bare name only as an alias, and another distribution publishes something of that name, both
    are named. The path of a component's class, ``keras.losses.Huber``, is a name of it too.
    """

    def __init__(self, discovery: Discovery) -> None:
        self.discovery = discovery
        entries = [
            Entry(spec, plugin.distribution, plugin.version, plugin.entry_point)
            for plugin in discovery.plugins
            for spec in plugin.specs
        ]
        entries.sort(key=lambda entry: (entry.name, not entry.first_party, entry.distribution))
        self._entries: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
        self._named: dict[tuple[str, str], list[Entry]] = {}
        for entry in entries:
            self._entries[entry.kind].append(entry)
            for name in (entry.name, *entry.spec.aliases):
                self._named.setdefault((entry.kind, name), []).append(entry)

    @property
    def problems(self) -> list[Problem]:
        """What went wrong while plugins were loaded."""
        return self.discovery.problems

    def entries(self, kind: str) -> list[Entry]:
        """Return all entries of one kind, ordered by name, first-party ones before others of the same name."""
        return list(self._entries[kind])

    def get(self, kind: str, name: str) -> Entry:
        """Return the entry that ``name``, bare or qualified, stands for; ``-`` and ``_`` are the same.

        Raises:
            UsageError: No such name (with the nearest names, and the failed plugins that may have held it), or a
                bare name that several external distributions publish.
        """
        found = self._candidates(kind, name)
        if len(found) > 1:
            alias = [entry for entry in found if entry.first_party]  # then by its alias alone
            choices = " or ".join(f"`{entry.qualified}` ({entry.version})" for entry in found)
            what = f"is published by {'another distribution' if alias else 'several distributions'}"
            also = f", and is another name of kzoo's `{alias[0].written}`" if alias else ""
            message = f"The {kind} `{name}` {what}{also}. Name the one you mean: {choices}."
            raise UsageError(message)
        if not found:
            raise UsageError(self._unknown((kind,), name))
        return found[0]

    def loss(self, name: str) -> Entry[LossSpec]:
        """Return the loss that ``name`` stands for; see `get`."""
        return cast("Entry[LossSpec]", self.get(LossSpec.kind, name))

    def metric(self, name: str) -> Entry[MetricSpec]:
        """Return the metric that ``name`` stands for; see `get`."""
        return cast("Entry[MetricSpec]", self.get(MetricSpec.kind, name))

    def optimizer(self, name: str) -> Entry[OptimizerSpec]:
        """Return the optimizer that ``name`` stands for; see `get`."""
        return cast("Entry[OptimizerSpec]", self.get(OptimizerSpec.kind, name))

    def schedule(self, name: str) -> Entry[ScheduleSpec]:
        """Return the learning-rate schedule that ``name`` stands for; see `get`."""
        return cast("Entry[ScheduleSpec]", self.get(ScheduleSpec.kind, name))

    def regularizer(self, name: str) -> Entry[RegularizerSpec]:
        """Return the regularizer that ``name`` stands for; see `get`."""
        return cast("Entry[RegularizerSpec]", self.get(RegularizerSpec.kind, name))

    def tracker(self, name: str) -> Entry[TrackerSpec]:
        """Return the tracker that ``name`` stands for; see `get`."""
        return cast("Entry[TrackerSpec]", self.get(TrackerSpec.kind, name))

    def component(self, kind: str, name: str) -> Entry[ComponentSpec]:
        """Return the component that ``name`` stands for; see `get`.

        Args:
            kind: One of `kzoo.plugin.COMPONENT_KINDS`.
            name: Bare or qualified.

        Raises:
            ValueError: The kind is that of pipelines or commands.
        """
        if kind not in COMPONENT_KINDS:
            message = f"A {kind} is no component."
            raise ValueError(message)
        return cast("Entry[ComponentSpec]", self.get(kind, name))

    def pipeline(self, name: str) -> Entry[PipelineSpec]:
        """Return the pipeline that ``name`` stands for; see `get`."""
        return cast("Entry[PipelineSpec]", self.get(PipelineSpec.kind, name))

    def pipelines(self) -> list[Entry[PipelineSpec]]:
        """Return all pipelines, ordered as `entries` has them."""
        return cast("list[Entry[PipelineSpec]]", self.entries(PipelineSpec.kind))

    def command(self, name: str) -> Entry[CommandSpec]:
        """Return the command of a plugin that ``name`` stands for; see `get`. kzoo's own are in `own_commands`."""
        return cast("Entry[CommandSpec]", self.get(CommandSpec.kind, name))

    def commands(self) -> list[Entry[CommandSpec]]:
        """Return the commands of all plugins, ordered as `entries` has them."""
        return cast("list[Entry[CommandSpec]]", self.entries(CommandSpec.kind))

    def find(self, name: str) -> list[Entry]:
        """Return the components and pipelines of every kind that ``name`` stands for, at least one.

        Raises:
            UsageError: No kind has this name, or several external distributions publish it for one kind.
        """
        found = [self.get(kind, name) for kind in LISTED_KINDS if self._candidates(kind, name)]
        if not found:
            raise UsageError(self._unknown(LISTED_KINDS, name))
        return found

    def known(self, name: str, kind: str = "") -> bool:
        """Return whether any kind, or one of them, has a component or pipeline of this name, bare or qualified."""
        return any(self._candidates(one, name) for one in ((kind,) if kind else LISTED_KINDS))

    def former(self, name: str) -> list[Former]:
        """Return what is known of a name that another library had; an empty list where nothing is.

        The name may stand alone, ``CohenKappa``, or after its library: ``tfa.metrics.CohenKappa``, also with the full
        package and the modules between. Capitals and ``_`` matter only where names differ in nothing else.
        """
        *before, short = name.strip().split(".")
        found = [
            former
            for former, package in self._former
            if _plain(former.short) == _plain(short) and _is_path(before, former, package)
        ]
        return [former for former in found if former.short == short] or found

    @functools.cached_property
    def _former(self) -> list[tuple[Former, str]]:
        """Every old name with its package: those that specs succeed, and those that plugins have an answer to."""
        successors: dict[str, list[Entry]] = {}
        for kind in KINDS:
            for entry in self._entries[kind]:
                for name in getattr(entry.spec, "successor_of", ()):
                    successors.setdefault(name, []).append(entry)
        answers = {former.name: former for plugin in self.discovery.plugins for former in plugin.former_names}
        packages = {former.name.partition(".")[0]: former.package for former in answers.values() if former.package}
        return [
            (
                Former(name, tuple(successors.get(name, ())), answers[name].answer if name in answers else ""),
                packages.get(name.partition(".")[0], ""),
            )
            for name in sorted({*successors, *answers})
        ]

    def all_former(self) -> list[Former]:
        """Return every old name that is known, ordered by name."""
        return [former for former, _ in self._former]

    def bare_owner(self, entry: Entry) -> bool:
        """Return whether the entry's bare name finds this entry and no other."""
        alone = len(self._named[entry.kind, entry.name]) == 1
        return alone or self._candidates(entry.kind, entry.name) == [entry]

    def shown_name(self, entry: Entry) -> str:
        """Return the shortest name that finds this entry."""
        return entry.written if self.bare_owner(entry) else entry.qualified

    def names(self, kind: str) -> list[str]:
        """Return the shortest name of every entry of one kind."""
        return [self.shown_name(entry) for entry in self._entries[kind]]

    def fitting(self, kind: str, task: str) -> list[Entry]:
        """Return the components, or the pipelines, of one kind that are for ``task``."""
        return [entry for entry in self._entries[kind] if _fits(entry.spec, task)]

    def _candidates(self, kind: str, name: str) -> list[Entry]:
        """Return every entry that the rules leave for ``name``: none, the one, or several that are in conflict."""
        distribution, colon, bare = _normal(name)
        found = self._at_path(kind, bare) if "." in bare else self._named.get((kind, bare), [])
        if colon:
            found = [entry for entry in found if entry.distribution == distribution]
        elif own := [entry for entry in found if entry.first_party]:
            named = [entry for entry in found if entry.name == bare]
            if named and not any(entry.first_party for entry in named):
                return [*own, *named]  # an alias of ours hides nobody's name
            found = own
        return [entry for entry in found if entry.name == bare] or found

    def _at_path(self, kind: str, path: str) -> list[Entry]:
        """Return the entries whose class, or the function of that name, is at a dotted path: keras.losses.Huber."""
        path = _plain(path).removeprefix("tf.").removeprefix("tensorflow.")
        module, _, last = path.rpartition(".")
        places = [(entry, _plain(entry.spec.target).partition(":")) for entry in self._entries[kind]]
        called = [entry for entry, _ in places if last in map(_plain, (entry.name, *entry.spec.aliases))]
        found = [entry for entry, place in places if (place[0], place[2]) == (module, last)]
        if not found:
            return [entry for entry, place in places if place[0] == module and entry in called]
        return [entry for entry in found if entry in called] or found  # several may choose one class among others

    def _unknown(self, kinds: tuple[str, ...], name: str) -> str:
        """Say that nothing has this name, and why it may be so: a failed plugin, another kind, a typing error."""
        distribution, colon, bare = _normal(name)
        what = kinds[0] if len(kinds) == 1 else "component or pipeline"
        parts = [f"No {what} named `{name}`."]
        if colon and distribution not in self._distributions():
            off = any(plugin.distribution == distribution for plugin in self.discovery.disabled)
            state = "is switched off" if off else "is not installed, or publishes no kzoo plugin"
            parts = [f"No {what} named `{name}`: the distribution `{distribution}` {state}."]
            known = [kind for kind in kinds if self._candidates(kind, distribution)]
            if known:
                head = name.strip().rpartition(":")[0]
                says = f"`{head}` is {with_article(known[0])}, and what stands after the colon are its arguments"
                parts = [f"{says}, each with a value, as in `{head}:{bare}=VALUE`; or the distribution {state}."]
        near = self._near(kinds, bare)
        if near:
            parts.append(f"Did you mean {near}?")
        for former in self.former(name)[:1]:
            parts.append(f"{self.succession(former)} `kzoo info {former.name}` says more.")
        elsewhere = [kind for kind in KINDS if kind not in kinds and self._candidates(kind, name)]
        if elsewhere:
            parts.append(f"There is {' and '.join(with_article(kind) for kind in elsewhere)} of that name.")
        failed = [p for p in self.problems if distribution in ("", p.distribution) and set(kinds) & set(p.kinds)]
        culprits = [problem for problem in failed if bare in problem.names] or failed
        if culprits:
            reasons = "; ".join(str(problem) for problem in culprits)
            parts.append(f"It may belong to a plugin that could not be loaded: {reasons}. See `kzoo list-plugins`.")
        elif kinds == (CommandSpec.kind,):
            parts.append("`kzoo --help` shows all of them.")
        elif len(kinds) == 1:
            parts.append(f"`kzoo list-{plural(kinds[0])}` shows all of them.")
        else:
            parts.append("`kzoo list-losses` and the other list commands show all names.")
        return " ".join(parts)

    def succession(self, former: Former) -> str:
        """Say in a sentence what replaces an old name."""
        if not former.successors:
            return f"Nothing in kzoo has taken the place of `{former.name}`."
        names = " or ".join(f"the {entry.kind} `{self.shown_name(entry)}`" for entry in former.successors)
        return f"`{former.name}` is now {names}."

    def _near(self, kinds: Iterable[str], bare: str) -> str:
        import difflib

        known = {name for kind, name in self._named if kind in kinds}
        if CommandSpec.kind not in kinds:
            written = {name: name for name in known}
        else:
            written = {name: typed(name) for name in known} | {spec.name: own for own, spec in OWN_COMMANDS.items()}
        near = difflib.get_close_matches(bare, sorted(written), n=3, cutoff=0.6)
        return " or ".join(f"`{written[name]}`" for name in near)

    def _distributions(self) -> set[str]:
        failed = {problem.distribution for problem in self.problems}
        return {plugin.distribution for plugin in self.discovery.plugins} | failed


def plural(kind: str) -> str:
    """Return the plural of a kind, as command names have it: ``losses``, ``metrics``; schedules are with optimizers."""
    kind = "optimizer" if kind == "schedule" else kind
    return _PLURALS.get(kind, f"{kind}s")


def with_article(kind: str) -> str:
    """Return a kind with its indefinite article: ``a loss``, ``an optimizer``."""
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


_settings: list[tuple[PluginChoice, Callable[[Problem], None] | None]] = []
_reported: set[tuple[str, str]] = set()


def set_plugin_choice(choice: PluginChoice | None, report: Callable[[Problem], None] | None = None) -> None:
    """Set which plugins `get_registry` loads in this process, and forget those loaded before.

    Args:
        choice: The choice; None goes back to that of the environment.
        report: Called with each problem at the moment when the plugins are loaded.
    """
    _settings[:] = [(choice or PluginChoice.from_environment(), report)] if choice or report else []
    _reported.clear()
    get_registry.cache_clear()


def plugin_choice() -> PluginChoice:
    """Return which plugins `get_registry` loads in this process, to be handed on to another one."""
    return _settings[0][0] if _settings else PluginChoice.from_environment()


@functools.cache
def get_registry(*kinds: str) -> Registry:
    """Return the registry of this process, loading the plugins on the first call.

    Args:
        *kinds: What of kzoo's own is to be in it, where not all: a list of losses does not wait for the metrics.
    """
    choice, report = plugin_choice(), _settings[0][1] if _settings else None
    registry = Registry(discover(choice, kinds=kinds or None))
    for problem in registry.problems if report else ():
        if (said := (problem.distribution, str(problem))) not in _reported:
            _reported.add(said)
            report(problem)  # type: ignore[misc]
    return registry


def _normal(name: str) -> tuple[str, str, str]:
    """Return distribution, colon and bare name in the spelling in which they are stored."""
    distribution, colon, bare = name.strip().rpartition(":")
    return canonical_distribution(distribution), colon, bare.replace("-", "_").lower()


def _plain(name: str) -> str:
    return name.replace("_", "").lower()


def _is_path(before: list[str], former: Former, package: str) -> bool:
    """Return whether what was written before an old name leads to it: nothing, or its library, group and modules."""
    if not before:
        return True
    library, *groups = former.name.split(".")[:-1]
    return before[0] in (library, package) and groups == before[1 : 1 + len(groups)]


def _fits(spec: Spec, task: str) -> bool:
    fits = getattr(spec, "fits", None)
    return bool(fits(task)) if fits else getattr(spec, "task", task) == task
