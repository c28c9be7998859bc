"""``kzoo doctor``: what kzoo finds on this machine, and what stands in its way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import options, output

if TYPE_CHECKING:
    from kzoo.doctor import Finding

__all__ = ["doctor"]


def doctor(
    *,
    tensorflow: Annotated[
        bool, typer.Option("--tensorflow", help="Also start TensorFlow: its devices, threads, and a first step.")
    ] = False,
    json: options.JsonOption = False,
) -> None:
    """Show versions, processor, plugins, cameras and folders, and say what is wrong with them.

    TensorFlow is not started unless it is asked for. The exit code is 1 where something keeps kzoo from working.
    """
    from kzoo.doctor import findings

    found = findings()
    if tensorflow:
        from kzoo.doctor.trial import findings_of_tensorflow

        found += findings_of_tensorflow(debug=options.debugging())
    if json:
        output.emit_json(_as_json(found))
    else:
        _show(found)
    if any(one.state == "error" for one in found):
        raise typer.Exit(1)


def _as_json(found: list[Finding]) -> dict[str, Any]:
    """Return the findings by their section, and what is wrong in a list of its own."""
    sections: dict[str, Any] = {}
    for one in found:
        sections.setdefault(one.section, {})[one.name] = one.value
    wrong = [one for one in found if one.state]
    told = [{"section": one.section, "name": one.name, "state": one.state, "says": one.says} for one in wrong]
    return {**sections, "problems": told}


def _show(found: list[Finding]) -> None:
    """Write the findings to stdout, section by section, and at the end what is wrong, with what to do."""
    for section in dict.fromkeys(one.section for one in found):
        rows = [one for one in found if one.section == section]
        output.show_painted(_heading(section))
        width = max(output.width_of(one.name) for one in rows)
        for one in rows:
            output.show(f"  {output.padded_to(one.name, width)}  {_text(one.value)}")
        output.show()
    wrong = [one for one in found if one.state]
    for one in wrong:
        (output.error if one.state == "error" else output.warn)(f"{one.name}: {one.says}")
    if not wrong:
        output.show("Nothing stands in the way.")


def _text(value: Any) -> str:
    """Return a value as a line has it."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {output.cell(one)}" for name, one in value.items() if one is not None)
    return "not found" if value is None else output.cell(value)


def _heading(text: str) -> str:
    return output.paint(text, "heading") if output.uses_color(sys.stdout) else text
