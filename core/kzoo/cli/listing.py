"""The list commands. None of them imports Keras: a list shows what the plugins say of themselves."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from kzoo.cli import options, output
from kzoo.errors import UsageError
from kzoo.plugin import KINDS, TASKS
from kzoo.plugins.registry import get_registry, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kzoo.plugins.discovery import Plugin, Problem
    from kzoo.plugins.registry import Entry, Registry

__all__ = ["list_losses", "list_metrics", "list_optimizers", "list_pipelines", "list_plugins", "list_regularizers"]

_NAME = {"shown": "name", "aliases": "aliases"}
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
    "successor_of",
)
_END = {"tasks": "tasks", "summary": "summary", "from": "from"}


def list_losses(
    task: options.TaskOption = "", search: options.SearchOption = "", as_json: options.JsonOption = False
) -> None:
    """List the losses."""
    _list_components(("loss",), {**_NAME, **_END}, task, search, as_json=as_json)


def list_metrics(
    task: options.TaskOption = "", search: options.SearchOption = "", as_json: options.JsonOption = False
) -> None:
    """List the metrics."""
    _list_components(("metric",), {**_NAME, "direction": "better", **_END}, task, search, as_json=as_json)


def list_optimizers(
    task: options.TaskOption = "", search: options.SearchOption = "", as_json: options.JsonOption = False
) -> None:
    """List the optimizers and learning-rate schedules."""
    columns = {**_NAME, "kind": "kind", **_END}
    _list_components(("optimizer", "schedule"), columns, task, search, as_json=as_json)


def list_regularizers(
    task: options.TaskOption = "", search: options.SearchOption = "", as_json: options.JsonOption = False
) -> None:
    """List the regularizers."""
    _list_components(("regularizer",), {**_NAME, "applies_to": "for", **_END}, task, search, as_json=as_json)


def list_pipelines(
    task: options.TaskOption = "", search: options.SearchOption = "", as_json: options.JsonOption = False
) -> None:
    """List the pipelines of the zoo."""
    columns = {"shown": "name", "task": "task", "recipes": "recipes", "summary": "summary", "from": "from"}
    _list_components(("pipeline",), columns, task, search, as_json=as_json)


def list_plugins(search: options.SearchOption = "", as_json: options.JsonOption = False) -> None:
    """List the installed plugins and their state."""
    rows = _plugin_rows(get_registry())
    shown = [row for row in rows if _matches(search, [row["distribution"], row["entry_point"], row["module"]])]
    columns = {
        "distribution": "distribution",
        "version": "version",
        "entry_point": "entry point",
        "publishes": "publishes",
        "status": "status",
    }
    for row in shown:
        if not as_json:
            row["publishes"] = [f"{count} {_counted(kind, count)}" for kind, count in row["publishes"].items()]
    output.emit(shown, columns, as_json=as_json)
    if not shown:
        output.say(f"No plugin matches `{search}`; {len(rows)} are installed.")


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


def _list_components(
    kinds: tuple[str, ...], columns: Mapping[str, str], task: str, search: str, *, as_json: bool
) -> None:
    if task and task not in TASKS:
        message = f"There is no task `{task}`. The tasks are {', '.join(TASKS)}."
        raise UsageError(message)
    registry = get_registry()
    entries = [entry for kind in kinds for entry in registry.entries(kind)]
    fitting = [entry for kind in kinds for entry in registry.fitting(kind, task)] if task else entries
    shown = [entry for entry in fitting if _matches(search, _words_of(entry))] if search else fitting
    rows = [describe(entry, registry) if as_json else _table_row(entry, registry, columns) for entry in shown]
    output.emit(rows, columns, as_json=as_json)
    if not shown:
        output.say(_nothing(kinds[0], task, search, all_of=len(entries), fitting=len(fitting)))


def _table_row(entry: Entry, registry: Registry, columns: Iterable[str]) -> dict[str, Any]:
    """Return what a table shows of an entry; a list of a thousand does not look at all that it leaves out."""
    row: dict[str, Any] = {
        "shown": registry.shown_name(entry),
        "kind": entry.kind,
        "aliases": _telling(entry),
        "summary": entry.spec.summary,
        "from": entry.origin,
    }
    for name in columns:
        if name not in row:
            value = getattr(entry.spec, name, "")
            row[name] = value if isinstance(value, str) else sorted(value)
    if not row.get("tasks", True):
        row["tasks"] = "any"
    return row


def _telling(entry: Entry) -> list[str]:
    """Return the aliases that a table shows: not those that are the name without its underscores."""
    name = entry.name.replace("_", "")
    return [alias for alias in entry.spec.aliases if alias.replace("_", "") != name]


def _nothing(kind: str, task: str, search: str, *, all_of: int, fitting: int) -> str:
    """Say why a list is empty: what there is, and which option left it out."""
    if not all_of:
        return f"No {kind} is installed. `kzoo list-plugins` shows what is."
    reasons = []
    if task:
        reasons.append(f"{fitting} of {all_of} {_counted(kind, all_of)} are for the task `{task}`")
    if search:
        reasons.append(f"none of {'those' if task else f'{all_of} {_counted(kind, all_of)}'} matches `{search}`")
    return f"Nothing to show: {', and '.join(reasons)}."


def _words_of(entry: Entry) -> Iterable[str]:
    return (entry.qualified, *entry.spec.aliases, entry.spec.summary)


def _matches(search: str, texts: Iterable[str]) -> bool:
    """Return whether every word searched for is somewhere in the texts; case, ``-`` and ``_`` make no difference."""

    def plain(text: str) -> str:
        return text.casefold().replace("-", "_")

    haystack = plain("\n".join(texts))
    return all(word in haystack for word in plain(search).split())


def _plugin_rows(registry: Registry) -> list[dict[str, Any]]:
    """Return one row for each entry point: those that loaded, in part or in full, that failed, that are disabled."""
    discovery = registry.discovery
    problems: dict[tuple[str, str], list[Problem]] = {}
    for problem in discovery.problems:
        problems.setdefault((problem.distribution, problem.entry_point), []).append(problem)
    rows = []
    for plugin in discovery.plugins:
        faults = problems.pop((plugin.distribution, plugin.entry_point), [])
        word = "partly skipped" if plugin.specs else "skipped"
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
    return rows


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


def _counted(kind: str, count: int) -> str:
    """Return a kind as it stands after a number; `plural` lists schedules with the optimizers, here they are apart."""
    if count == 1:
        return kind
    return "schedules" if kind == "schedule" else plural(kind)
