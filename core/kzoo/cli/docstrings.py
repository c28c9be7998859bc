"""Reads docstrings in Google's style, as Keras and kzoo write them."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["arguments", "arguments_of", "sections"]

_HEADINGS: Final = {
    "Args": "Args",
    "Arguments": "Args",
    "Parameters": "Args",
    "Formula": "Formula",
    "Example": "Example",
    "Examples": "Example",
    "Usage": "Example",
    "Standalone usage": "Example",
    "Reference": "References",
    "References": "References",
    "Raises": "Raises",
    "Returns": "Returns",
    "Note": "Note",
    "Notes": "Note",
    "Attributes": "Attributes",
    "Call arguments": "Call arguments",
    "Call Args": "Call arguments",
}

# "Formula, for one sample:" is a heading too, whose middle part is kept as the section's first line.
_HEADING = re.compile(rf"(?P<name>{'|'.join(_HEADINGS)})(?P<middle>,[^:]*)?:\s*(?P<rest>.*)", re.IGNORECASE)
_BEGUN = re.compile("Formula,[^:]*")
_ARGUMENT = re.compile(r"`?\*{0,2}(?P<name>\w+)`?\s*(\([^)]*\))?:\s*(?P<text>.*)")
_BY_LOWER: Final = {name.lower(): section for name, section in _HEADINGS.items()}


def sections(docstring: str, *, fences: bool = False) -> dict[str, str]:
    """Return the sections of a docstring by name, in order; what stands before the first has the name "".

    Spellings are unified: ``Arguments`` is ``Args``, ``Reference`` is ``References``. A section that comes twice is
    joined.

    Args:
        docstring: The docstring.
        fences: Keep the fences around code, as Markdown has them; by default they are left out.
    """
    found: dict[str, list[str]] = {"": []}
    name = ""
    fenced = False
    for line in _whole_headings(inspect.cleandoc(docstring).splitlines()):
        if line.strip().startswith("```"):
            fenced = not fenced
            if fences:
                found[name].append(line)
            continue
        heading = None if fenced or line[:1].isspace() else _HEADING.fullmatch(line)
        if heading:
            name = _BY_LOWER[heading["name"].lower()]
            found.setdefault(name, [])
            if heading["middle"]:
                found[name].append(heading["middle"].strip(", ") + ":")
            if heading["rest"]:
                found[name].append(heading["rest"])
        else:
            found[name].append(line)
    return {name: text for name, lines in found.items() if (text := inspect.cleandoc("\n".join(["", *lines])).strip())}


def _whole_headings(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines, those of a heading as one: "Formula, with ... and" may end with its colon lines below."""
    begun = ""
    for line in lines:
        if begun and not line:  # it was a sentence
            yield begun
            begun = ""
        begun = f"{begun} {line}".lstrip() if begun or _BEGUN.fullmatch(line) else ""
        if not begun or line.endswith(":"):
            yield begun or line
            begun = ""
    if begun:
        yield begun


def arguments(section: str) -> dict[str, str]:
    """Return what an ``Args`` section says of each argument, in one line each."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for line in section.splitlines():
        argument = None if line[:1].isspace() else _ARGUMENT.fullmatch(line)
        if argument:
            current = found.setdefault(argument["name"], [])
            current.append(argument["text"])
        else:
            current.append(line.strip())
    return {name: " ".join(filter(None, lines)) for name, lines in found.items()}


def arguments_of(target: Any) -> dict[str, str]:
    """Return what is said of each argument of a class or function: by itself, else by the nearest of its bases."""
    found: dict[str, str] = {}
    for documented in inspect.getmro(target) if inspect.isclass(target) else (target,):
        found = arguments(sections(documented.__doc__ or "").get("Args", "")) | found
    return found
