"""The list commands. None of them imports Keras: a list shows what the plugins say of themselves."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import options, output
from kzoo.plugins.listed import chosen, describe, matches, plugin_rows
from kzoo.plugins.registry import get_registry, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kzoo.plugins.registry import Entry, Registry

__all__ = [
    "list_losses",
    "list_metrics",
    "list_optimizers",
    "list_pipelines",
    "list_plugins",
    "list_regularizers",
    "list_trackers",
]

_NAME = {"shown": "name", "aliases": "aliases"}
_ADDING = "https://github.com/kzoo-dev/kzoo/blob/main/CONTRIBUTING.md#the-directory-of-plugins"
_END = {"tasks": "tasks", "summary": "summary", "from": "from"}


def list_losses(
    task: options.TaskOption = "",
    search: options.SearchOption = "",
    wide: options.WideOption = False,
    as_json: options.JsonOption = False,
) -> None:
    """List the losses."""
    _list_components(("loss",), {**_NAME, **_END}, task, search, wide=wide, as_json=as_json)


def list_metrics(
    task: options.TaskOption = "",
    search: options.SearchOption = "",
    wide: options.WideOption = False,
    as_json: options.JsonOption = False,
) -> None:
    """List the metrics."""
    _list_components(("metric",), {**_NAME, "direction": "better", **_END}, task, search, wide=wide, as_json=as_json)


def list_optimizers(
    task: options.TaskOption = "",
    search: options.SearchOption = "",
    wide: options.WideOption = False,
    as_json: options.JsonOption = False,
) -> None:
    """List the optimizers and learning-rate schedules."""
    columns = {**_NAME, "kind": "kind", **_END}
    _list_components(("optimizer", "schedule"), columns, task, search, wide=wide, as_json=as_json)


def list_regularizers(
    task: options.TaskOption = "",
    search: options.SearchOption = "",
    wide: options.WideOption = False,
    as_json: options.JsonOption = False,
) -> None:
    """List the regularizers."""
    _list_components(("regularizer",), {**_NAME, "applies_to": "for", **_END}, task, search, wide=wide, as_json=as_json)


def list_trackers(
    task: options.TaskOption = "",
    search: options.SearchOption = "",
    wide: options.WideOption = False,
    as_json: options.JsonOption = False,
) -> None:
    """List the trackers of runs."""
    _list_components(("tracker",), {**_NAME, **_END}, task, search, wide=wide, as_json=as_json)


def list_pipelines(
    task: options.TaskOption = "",
    search: options.SearchOption = "",
    wide: options.WideOption = False,
    as_json: options.JsonOption = False,
) -> None:
    """List the pipelines of the zoo."""
    columns = {**_NAME, "task": "task", "recipes": "recipes", "summary": "summary", "from": "from"}
    _list_components(("pipeline",), columns, task, search, wide=wide, as_json=as_json)


def list_plugins(
    search: options.SearchOption = "",
    available: Annotated[
        bool, typer.Option("--available", help="The plugins of the directory that came with kzoo, installed or not.")
    ] = False,
    as_json: options.JsonOption = False,
) -> None:
    """List the installed plugins and their state."""
    if available:
        _list_available(search, as_json=as_json)
        return
    shown = plugin_rows(search)
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
        output.say(f"No plugin matches `{search}`; {len(plugin_rows())} are installed.")


def _list_available(search: str, *, as_json: bool) -> None:
    """List the directory of plugins, with what of it is installed."""
    from kzoo.plugins.directory import directory

    installed = {row["distribution"]: row["version"] for row in plugin_rows()}
    listed = directory()
    rows = [
        {
            "distribution": one.distribution,
            "kinds": list(one.kinds),
            "summary": one.summary,
            "license": one.license,
            "home": one.home,
            "added": one.added.isoformat(),
            "installed": installed.get(one.distribution, ""),
        }
        for one in listed
        if matches(search, [one.distribution, one.summary, *one.kinds])
    ]
    columns = {name: name for name in ("distribution", "kinds", "summary", "license", "installed")}
    output.emit(rows, columns, as_json=as_json)
    if not listed:
        output.say(f"The directory has no plugin yet. To add yours, see {_ADDING}.")
    elif not rows:
        output.say(f"No plugin of the directory matches `{search}`; it has {len(listed)}.")
    elif not as_json:
        output.say("`kzoo install NAME` installs one. The list is of the day of this version of kzoo.")


def _list_components(
    kinds: tuple[str, ...], columns: Mapping[str, str], task: str, search: str, *, wide: bool, as_json: bool
) -> None:
    shown, all_of, fitting = chosen(kinds, task, search)
    registry = get_registry(*kinds)
    if not shown:
        output.emit([], columns, as_json=as_json)
        output.say(_nothing(kinds[0], task, search, all_of=all_of, fitting=fitting))
    elif as_json:
        output.emit([describe(entry, registry) for entry in shown], columns, as_json=True)
    elif wide or not sys.stdout.isatty():  # in a file or a pipe a row is one line that holds everything
        output.emit([_table_row(entry, registry, columns) for entry in shown], columns, as_json=False)
    else:
        output.emit_names([(registry.shown_name(entry), _sentence(entry, len(kinds) > 1)) for entry in shown])
        output.say("--wide shows more of each, `kzoo info NAME` all of one.")


def _sentence(entry: Entry, tells_kind: bool) -> str:
    """Return what a narrow list says of an entry: its summary, and what a name alone does not tell."""
    kind = f" ({entry.kind})" if tells_kind and entry.kind == "schedule" else ""
    return f"{entry.spec.summary}{kind}{'' if entry.first_party else f' ({entry.origin})'}"


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


def _counted(kind: str, count: int) -> str:
    """Return a kind as it stands after a number; `plural` lists schedules with the optimizers, here they are apart."""
    if count == 1:
        return kind
    return "schedules" if kind == "schedule" else plural(kind)
