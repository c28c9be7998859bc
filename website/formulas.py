"""Formulas in TeX, and as MathML, which browsers show without a script or a font of ours.

`formulas/<kind>.toml` has the TeX. The docstrings have the same formulas as text, which `kzoo info` shows on a
terminal; `of` holds the fingerprint of the text that a TeX formula was written from, so that a change is noticed.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from kzoo.cli.docstrings import sections
from website.places import FOLDERS, HERE

_NAMESPACE = "http://www.w3.org/1998/Math/MathML"
_BELOW = {
    f"{{{_NAMESPACE}}}{side}": f"{{{_NAMESPACE}}}{below}"
    for side, below in (("msub", "munder"), ("msubsup", "munderover"))
}
_FUNCTIONS = {"cos", "sin", "arctan", "cosh", "log", "ln", "exp"}
_WITH_LIMITS = {"∑", "∏", "max", "min", "mean", "argmax", "argmin"}

Y_AND_Y_HAT = "*y* is the truth, *ŷ* the prediction."


@functools.cache
def formulas(kind: str) -> dict[str, dict[str, Any]]:
    """Return the formulas of a kind by name: ``tex``, a list of lines, and perhaps ``where`` and ``of``."""
    return tomllib.loads((HERE / "formulas" / f"{FOLDERS[kind]}.toml").read_text("utf-8"))


def mathml(tex: str) -> str:
    """Return one line of TeX as MathML.

    Raises:
        ValueError: The converter does not know one of its commands, which it would write out as a word.
    """
    from latex2mathml.converter import convert

    root = ET.fromstring(convert(tex, display="block"))
    if "\\" in "".join(root.itertext()):
        message = f"{tex}: a command in it is not understood."
        raise ValueError(message)
    for part in root.iter():
        if part.tag in _BELOW and len(part) and part[0].text in _WITH_LIMITS:
            part.tag = _BELOW[part.tag]  # at the side they would stand in the line of a text
    for row in list(root.iter()):
        _space(row)
    ET.register_namespace("", _NAMESPACE)
    return ET.tostring(root, encoding="unicode")


def _space(row: ET.Element) -> None:
    """Put thin spaces around the names of functions in a row, as TeX has them, but for one before a bracket."""
    if row.tag.rpartition("}")[2] not in ("mrow", "mtd", "math"):  # others have as many parts as they need
        return
    parts = list(row)
    for at in reversed(range(len(parts))):
        if _name(parts[at]) not in _FUNCTIONS:
            continue
        if at + 1 < len(parts) and parts[at + 1].text != "(" and "(" not in _first(parts[at + 1]):
            row.insert(at + 1, ET.Element(f"{{{_NAMESPACE}}}mspace", width="0.17em"))
        if at and parts[at - 1].tag.rpartition("}")[2] not in ("mo", "mspace"):
            row.insert(at, ET.Element(f"{{{_NAMESPACE}}}mspace", width="0.17em"))


def _name(part: ET.Element) -> str:
    """Return the name of a function, with an index or without one."""
    scripts = ("msub", "msup", "msubsup")
    base = part[0] if part.tag.rpartition("}")[2] in scripts and len(part) else part
    return base.text or ""


def _first(part: ET.Element) -> str:
    """Return the first sign of a part."""
    return "".join(part.itertext())[:1]


def block(kind: str, name: str) -> str:
    """Return the formulas of a component as HTML, or an empty text where there are none in TeX."""
    found = formulas(kind).get(name)
    if not found:
        return ""
    lines = "".join(f"<div>{mathml(tex)}</div>" for tex in found["tex"])
    said = [Y_AND_Y_HAT] if any("\\hat{y}" in tex for tex in found["tex"]) else []
    said += [found["where"]] if "where" in found else []
    return f'<div class="kz-formula">{lines}</div>\n\n{" ".join(said)}'.rstrip()


def fingerprint(text: str) -> str:
    """Return a short text that changes with the words and signs of a formula, and not with its line breaks."""
    return hashlib.sha256(" ".join(text.split()).encode()).hexdigest()[:8]


def written_formula(target: str) -> str:
    """Return the formula in the docstring of ``module:Class`` as text, without importing the module."""
    module, _, name = target.partition(":")
    for node in _statements(module):
        if isinstance(node, ast.ClassDef) and node.name == name:
            return code_of(sections(ast.get_docstring(node) or "", fences=True).get("Formula", ""))
        if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
            return written_formula(f"{node.module}:{name}")
    return ""


@functools.cache
def _statements(module: str) -> list[ast.stmt]:
    """Return what a module says. Only the package around it is imported: those below it import Keras."""
    package, _, rest = module.partition(".")
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    path = Path(spec.origin).parent / rest.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text("utf-8")).body


def code_of(section: str) -> str:
    """Return what stands in the code blocks of a section, or all of it where it has none."""
    parts = inspect.cleandoc(section).split("```")
    return "\n".join(part.strip("\n") for part in parts[1::2]) or section
