"""A page for each command, from the command itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.cli.app import build
from kzoo.plugins.own_commands import OWN_COMMANDS
from kzoo.plugins.registry import get_registry
from website.places import cell, stacked, write

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERYWHERE = (
    "`--debug`, `--no-plugins`, `--no-plugin NAME` and `--strict-plugins` can be added to every command. Results go to "
    "stdout, all else to stderr. Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted."
)
_GUIDES = {
    "run": "running.md",
    "repro": "resuming.md",
    "runs": "running.md",
    "predict": "predicting.md",
    "evaluate": "predicting.md",
    "export": "exporting.md",
    "capture": "counting-fingers.md",
    "new-plugin": "writing-a-plugin.md",
    "check-plugin": "plugins.md",
    "list-plugins": "plugins.md",
    "doctor": "terminal.md",
}


def write_pages() -> int:
    """Write the page of every command that kzoo and its own plugins have, and the list of all; return how many."""
    commands = dict(_commands())
    for name, (section, summary, command, context) in commands.items():
        write(f"commands/{name}.md", _page(name, section, summary, command, context))
    sections: dict[str, list[str]] = {}
    for name, (section, summary, *_) in commands.items():
        sections.setdefault(section, []).append(f"| [`kzoo {name}`]({name}.md) | {cell(summary)} |")
    parts = ["# Command line", "", _EVERYWHERE, ""]
    for section, rows in sections.items():
        parts += [f"## {section}", "", "| command | |", "|---|---|", *rows, ""]
    write("commands/index.md", "\n".join(parts))
    write("commands/SUMMARY.md", "\n".join(["* [All commands](index.md)", *(f"* [{n}]({n}.md)" for n in commands)]))
    return len(commands)


def _commands() -> Iterator[tuple[str, tuple[str, str, Any, Any]]]:
    group = build()
    outer = group.make_context("kzoo", ["--help"], resilient_parsing=True)
    specs = dict(OWN_COMMANDS)
    registry = get_registry()
    specs |= {entry.written: entry.spec for entry in registry.commands() if entry.first_party}
    outer.resilient_parsing = False
    for name, spec in specs.items():
        _, command, _ = group.resolve_command(outer, [name])
        context = command.context_class(command, info_name=name, parent=outer)
        yield name, (spec.section, spec.summary, command, context)


def _page(name: str, section: str, summary: str, command: Any, context: Any) -> str:
    usage = " ".join(["kzoo", name, *command.collect_usage_pieces(context)])
    parts = [f"# `kzoo {name}`", f"*{section}* — {summary}", f"```text\n{usage}\n```"]
    if said := _description(command):
        parts.append(said)
    arguments = [one for one in command.get_params(context) if one.param_type_name == "argument"]
    options = [one for one in command.get_params(context) if one.param_type_name == "option" and not one.hidden]
    for title, parameters in (("Arguments", arguments), ("Options", options)):
        rows = [_row(one, context) for one in parameters]
        if rows:
            parts.append(f"## {title}\n\n" + stacked(["| | |", "|---|---|", *rows]))
    if name in _GUIDES:
        title = _GUIDES[name].removesuffix(".md").replace("-", " ")
        parts.append(f"More in the guide: [{title}](../guides/{_GUIDES[name]}).")
    return "\n\n".join([*parts, _EVERYWHERE])


def _description(command: Any) -> str:
    said = (command.help or "").replace("\b\n", "").strip()
    return said.partition("\n\n")[2]


def _row(parameter: Any, context: Any) -> str:
    record = parameter.get_help_record(context)
    written, said = record or (parameter.make_metavar(context), "")
    return f"| `{cell(written)}` | {cell(_escaped(said))} |"


def _escaped(text: str) -> str:
    for sign, written in (("<", "&lt;"), ("*", "\\*"), ("[", "\\[")):
        text = text.replace(sign, written)
    return text
