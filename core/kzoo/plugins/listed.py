"""What is installed, in rows: what the list commands write as JSON, and the lists of `kzoo` return to a program."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from kzoo.columns import name_lines
from kzoo.errors import UsageError
from kzoo.plugin import KINDS, TASKS
from kzoo.plugins.registry import get_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from kzoo.plugins.discovery import Plugin, Problem
    from kzoo.plugins.registry import Entry, Registry

__all__ = ["Listing", "Row", "chosen", "describe", "listing", "matches", "plugin_listing", "plugin_rows"]

_OWN_FIELDS = (
    "tasks",
    "targets",
    "direction",
    "note",
    "task",
    "recipes",
    "formats",
    "steps_argument",
    "applies_to",
    "layer",
    "successor_of",
)


class Row:
    """One row of a list: what JSON has of it, as attributes.

    Args:
        values: The values by name.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["_values"][name]
        except KeyError:
            message = f"There is no `{name}` in this row; it has {', '.join(self.__dict__.get('_values', ()))}."
            raise AttributeError(message) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._values]

    def __repr__(self) -> str:
        return f"<{self._values.get('kind', 'plugin')} {self.title}: {self.sentence}>"

    @property
    def title(self) -> str:
        """What it is found by."""
        return str(self._values.get("shown") or f"{self._values['distribution']} {self._values['version']}")

    @property
    def sentence(self) -> str:
        """What it is, in a sentence."""
        if "summary" in self._values:
            return str(self._values["summary"])
        published = ", ".join(f"{kind} {count}" for kind, count in self._values["publishes"].items())
        return f"{self._values['entry_point']}: {published or 'nothing'}; {self._values['status']}"

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        return dict(self._values)


class Listing(Sequence[Row]):
    """Rows in the order of the list; it shows itself as names with a sentence each.

    Args:
        rows: The rows.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = list(rows)

    @overload
    def __getitem__(self, at: int) -> Row: ...
    @overload
    def __getitem__(self, at: slice) -> Listing: ...
    def __getitem__(self, at: int | slice) -> Row | Listing:
        return Listing(self._rows[at]) if isinstance(at, slice) else self._rows[at]

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @property
    def names(self) -> list[str]:
        """The names, as every function and command takes them."""
        return [row.title for row in self._rows]

    def __repr__(self) -> str:
        shown = [(row.title, row.sentence) for row in self._rows]
        return "\n".join(name_lines(shown, min(shutil.get_terminal_size().columns, 100))) or "(nothing)"

    def _repr_html_(self) -> str:
        import html

        cells = (f"<td>{html.escape(row.title)}</td><td>{html.escape(row.sentence)}</td>" for row in self._rows)
        return f"<table>{''.join(f'<tr>{one}</tr>' for one in cells)}</table>"


def listing(kinds: Sequence[str], task: str = "", search: str = "") -> Listing:
    """Return what is installed of these kinds; arguments as for `chosen`."""
    registry = get_registry(*kinds)
    return Listing(Row(describe(entry, registry)) for entry in chosen(kinds, task, search)[0])


def plugin_listing(search: str = "") -> Listing:
    """Return the installed plugins and their state, those with all words of ``search``."""
    return Listing(Row(row) for row in plugin_rows(search))


def chosen(kinds: Sequence[str], task: str = "", search: str = "") -> tuple[list[Entry], int, int]:
    """Return the entries of these kinds that fit, how many there are in all, and how many of these are for the task.

    Args:
        kinds: The kinds.
        task: Only what is for this task; an empty text for any.
        search: Only what has these words in its name, its aliases or its summary.

    Raises:
        UsageError: There is no such task.
    """
    if task and task not in TASKS:
        message = f"There is no task `{task}`. The tasks are {', '.join(TASKS)}."
        raise UsageError(message)
    registry = get_registry(*kinds)
    entries = [entry for kind in kinds for entry in registry.entries(kind)]
    fitting = [entry for kind in kinds for entry in registry.fitting(kind, task)] if task else entries
    shown = [entry for entry in fitting if matches(search, _words_of(entry))] if search else fitting
    return shown, len(entries), len(fitting)


def describe(entry: Entry, registry: Registry) -> dict[str, Any]:
    """Return what is known of an entry without importing it, as the JSON output has it."""
    spec = entry.spec
    described: dict[str, Any] = {
        "kind": entry.kind,
        "name": entry.name,
        "shown": registry.shown_name(entry),
        "qualified": entry.qualified,
        "aliases": list(spec.aliases),
        "summary": spec.summary,
        "distribution": entry.distribution,
        "version": entry.version,
        "target": spec.target,
        "reference": spec.reference,
    }
    # Each kind has fields of its own; what a spec lacks, its row lacks.
    for name in _OWN_FIELDS:
        if hasattr(spec, name):
            value = getattr(spec, name)
            described[name] = value if isinstance(value, str) else sorted(value)
    for name in ("cautions", "example", "variants", "resolves", "expected_failures"):
        if hasattr(spec, name):
            described[name] = dict(getattr(spec, name))
    return described


def _words_of(entry: Entry) -> Iterable[str]:
    return (entry.qualified, *entry.spec.aliases, entry.spec.summary)


def matches(search: str, texts: Iterable[str]) -> bool:
    """Return whether every word searched for is somewhere in the texts; case, ``-`` and ``_`` make no difference."""

    def plain(text: str) -> str:
        return text.casefold().replace("-", "_")

    haystack = plain("\n".join(texts))
    return all(word in haystack for word in plain(search).split())


def plugin_rows(search: str = "") -> list[dict[str, Any]]:
    """Return one row for each entry point: those that loaded, in part or in full, that failed, that are disabled.

    Args:
        search: Only those that have these words in distribution, entry point or module.
    """
    discovery = get_registry().discovery
    problems: dict[tuple[str, str], list[Problem]] = {}
    for problem in discovery.problems:
        problems.setdefault((problem.distribution, problem.entry_point), []).append(problem)
    rows = []
    for plugin in discovery.plugins:
        faults = problems.pop((plugin.distribution, plugin.entry_point), [])
        word = "partly skipped" if plugin.specs else "skipped"
        word = word if any(fault.skips for fault in faults) else "ok, but"
        rows.append(_plugin_row(plugin, _status(faults, word) if faults else "ok"))
    for (distribution, entry_point), faults in problems.items():
        rows.append(
            {
                "distribution": distribution,
                "version": faults[0].version,
                "entry_point": entry_point,
                "module": "",
                "publishes": {},
                "status": _status(faults, "skipped"),
            }
        )
    rows += [_plugin_row(plugin, "disabled") for plugin in discovery.disabled]
    rows.sort(key=lambda row: (row["distribution"] != "kzoo", row["distribution"], row["entry_point"]))
    named = ("distribution", "entry_point", "module")
    return [row for row in rows if matches(search, [row[name] for name in named])] if search else rows


def _plugin_row(plugin: Plugin, status: str) -> dict[str, Any]:
    counts = Counter(spec.kind for spec in plugin.specs)
    return {
        "distribution": plugin.distribution,
        "version": plugin.version,
        "entry_point": plugin.entry_point,
        "module": plugin.module,
        "publishes": {kind: counts[kind] for kind in KINDS if counts[kind]},
        "status": status,
    }


def _status(faults: Iterable[Problem], word: str) -> str:
    return f"{word} " + "; ".join(f"({fault.stage}) {fault.reason}" for fault in faults)
