"""How ``kzoo info`` looks on a terminal, as lines for `kzoo.cli.output.show_painted`."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from kzoo.cli import output
from kzoo.cli.visible import visible, visible_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["former_lines", "lines"]

_FIELDS = {
    "task": "Task",
    "tasks": "Tasks",
    "targets": "Labels",
    "direction": "Better",
    "applies_to": "For",
    "layer": "Layer",
    "formats": "Formats",
    "aliases": "Aliases",
    "target": "Target",
    "reference": "Source",
    "successor_of": "Replaces",
}

_TABLES = {"predict": "Settings of kzoo predict", "capture": "Settings of kzoo capture"}

_LABELS = {"dense": "one-hot", "sparse": "class indices"}


def lines(described: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the pages of several entries, one below the other."""
    for number, known in enumerate(described):
        if number:
            yield ""
        yield from _page(visible_in(known))


def former_lines(answers: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what is known of names that another library had."""
    for answer in answers:
        yield from _wrapped(visible(f"{answer['succession']} {answer['answer']}"))


def _page(known: Mapping[str, Any]) -> Iterator[str]:
    yield from former_lines(known.get("former", ()))
    title = f"{known['shown']}: {known['kind']} of {known['distribution']} {known['version']}"
    yield _heading(title)
    yield from _wrapped(known["summary"])
    yield ""
    for key, label in _FIELDS.items():
        text = _field(key, known.get(key))
        if text:
            yield from _wrapped(text, first=f"{label + ':':<9} ", indent=" " * 10)
    for task, caution in known.get("cautions", {}).items():
        yield from _wrapped(f"{task}: {caution}", first=f"{'Caution:':<9} ", indent=" " * 10)
    if known.get("note"):
        yield from _wrapped(known["note"], first=f"{'Note:':<9} ", indent=" " * 10)
    yield from _parameters(known.get("parameters", ()))
    for key, heading in (("formula", "Formula"), ("example_code", "Example"), ("references", "References")):
        yield from _section(heading, (known.get(key) or "").splitlines())
    yield from _pipeline(known)
    failures = known.get("expected_failures", {})
    yield from _section("Known failures in the conformance kit", [f"{name}: {why}" for name, why in failures.items()])
    yield from _section("Use", filter(None, (known.get("command"), known.get("python"))))


def _parameters(parameters: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    parameters = list(parameters)
    if not parameters:
        return
    yield ""
    yield _heading("Parameters")
    for parameter in parameters:
        default = "required" if parameter["required"] else f"= {parameter['default']!r}"
        yield f"  {parameter['name']} {default}"
        if parameter["help"]:
            yield from _wrapped(parameter["help"], first="      ", indent="      ")


def _pipeline(known: Mapping[str, Any]) -> Iterator[str]:
    """Yield a pipeline's settings and recipes; for a component, nothing."""
    for table, settings in known.get("settings_help", {}).items():
        if settings:
            yield ""
            yield _heading(_TABLES.get(table, f"Settings of [{table}], changed with -o"))
            prefix = "--" if table in _TABLES else f"{table}."
            for one in settings:
                name = one["name"].replace("_", "-") if table in _TABLES else one["name"]
                yield f"  {prefix}{name} = {_typed(one['default'])}"
                yield from _wrapped(f"{one['help']} ({one['allowed']})", first="      ", indent="      ")
    rows = [f"--{flag} VALUE for -o {setting}=VALUE" for flag, setting in known.get("flags", {}).items()]
    yield from _section("Flags of kzoo run", rows)
    for name, settings in known.get("recipe_settings", {}).items():
        yield from _section(f"Recipe {name}", _flat(settings))


def _flat(table: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} = {_typed(value)}"


def _typed(value: Any) -> str:
    """Return a value as it is typed after ``-o KEY=``, and as a recipe has it."""
    return json.dumps(value, ensure_ascii=False, default=str)


def _section(heading: str, rows: Iterable[str]) -> Iterator[str]:
    rows = list(rows)
    if rows:
        yield ""
        yield _heading(heading)
        yield from (f"  {row}".rstrip() for row in rows)


def _field(key: str, value: Any) -> str:
    if key == "tasks":
        return ", ".join(value) if value else "any" if value is not None else ""
    if key == "targets":
        return ", ".join(_LABELS.get(form, form) for form in value or ())
    return ", ".join(value) if isinstance(value, list) else value or ""


def _wrapped(text: str, first: str = "", indent: str = "") -> Iterator[str]:
    """Yield a paragraph wrapped to the terminal; in one line where there is none."""
    text = " ".join(text.split())
    if not text:
        return
    if not sys.stdout.isatty():
        yield first + text
        return
    width = max(40, min(output.terminal_width(sys.stdout), 100))
    yield from textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def _heading(text: str) -> str:
    return output.paint(text, "heading") if output.uses_color(sys.stdout) else text
