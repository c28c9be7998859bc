"""The arguments of a class or function, read from its source: importing it would import TensorFlow, and take seconds.

What cannot be found so, such as a class that is made by a function, has no arguments here; `kzoo.plugins.build` reads
those of what is imported.
"""

from __future__ import annotations

import ast
import functools
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

__all__ = ["Argument", "arguments_of"]

_DEEPEST = 12
"""Hand-overs from one module to the next, and base classes, that are followed."""


@dataclass(frozen=True)
class Argument:
    """One argument.

    Attributes:
        name: Its name.
        default: Its default as it is written; an empty text where it has none.
    """

    name: str
    default: str = ""


def arguments_of(target: str) -> list[Argument]:
    """Return the named arguments of ``module:Class`` or ``module:function``, those that ``**kwargs`` hands on included.

    They come in the order in which `kzoo.plugins.build.parameters_of` has them. Empty where the source is not found.
    """
    module, _, name = target.partition(":")
    found = _find(module, name, _DEEPEST)
    if found is None:
        return []
    named: dict[str, Argument] = {}
    for one in _of(*found, _DEEPEST):
        named.setdefault(one.name, one)
    return list(named.values())


def _of(module: str, node: ast.ClassDef | ast.FunctionDef, depth: int) -> list[Argument]:
    """Return the arguments of a class or function; of a class with ``**kwargs`` those of its bases behind them."""
    if isinstance(node, ast.FunctionDef):
        return _named(node)[0]
    own = next((one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"), None)
    found, more = _named(own) if own else ([], True)
    if not more or not depth:
        return found
    for base in node.bases:
        located = _find_base(module, base, depth - 1)
        inherited = _of(*located, depth - 1) if located is not None else []  # from its own bases as well
        if inherited:
            return [*found, *inherited]
    return found


def _find_base(module: str, base: ast.expr, depth: int) -> tuple[str, ast.ClassDef | ast.FunctionDef] | None:
    """Return the definition of a base class, ``Name`` or ``module.Name``."""
    if isinstance(base, ast.Name):
        return _find(module, base.id, depth)
    if not isinstance(base, ast.Attribute):
        return None
    before = ast.unparse(base.value)
    tree = _tree(module)
    for node in tree.body if tree else ():
        if isinstance(node, ast.ImportFrom) and any(before == (one.asname or one.name) for one in node.names):
            before = f"{_absolute(module, node)}.{before}"
            break
    return _find(before, base.attr, depth)


def _named(node: ast.FunctionDef) -> tuple[list[Argument], bool]:
    """Return the named arguments of a function, and whether it takes others."""
    given = node.args
    plain = [*given.posonlyargs, *given.args]
    defaults = [*[None] * (len(plain) - len(given.defaults)), *given.defaults, *given.kw_defaults]
    pairs = zip([*plain, *given.kwonlyargs], defaults, strict=True)
    found = [Argument(one.arg, "" if value is None else ast.unparse(value)) for one, value in pairs]
    return [one for one in found if one.name != "self"], given.kwarg is not None


def _find(module: str, name: str, depth: int) -> tuple[str, ast.ClassDef | ast.FunctionDef] | None:
    """Return the definition of a name that a module has, and the module that it stands in."""
    tree = _tree(module)
    if tree is None or depth <= 0:
        return None
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return module, node
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if name == (alias.asname or alias.name):
                    return _find(_absolute(module, node), alias.name, depth - 1)
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets):
            return _find(module, node.value.id, depth - 1) if isinstance(node.value, ast.Name) else None
    return None


def _absolute(module: str, node: ast.ImportFrom) -> str:
    """Return the module that something is imported from."""
    if not node.level:
        return node.module or ""
    file = _file(module)
    package = module if file is not None and file.name == "__init__.py" else module.rpartition(".")[0]
    for _ in range(node.level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{node.module}" if node.module else package


@functools.cache
def _tree(module: str) -> ast.Module | None:
    file = _file(module)
    try:
        return None if file is None else ast.parse(file.read_text("utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None  # whoever imports it is told why


@functools.cache
def _file(module: str) -> Path | None:
    """Return the source of a module; no package that it is in is imported."""
    folders: list[str] | None = list(sys.path)
    names = module.split(".")
    for number in range(len(names)):
        spec = PathFinder.find_spec(".".join(names[: number + 1]), folders)
        if spec is None:
            return None
        folders = list(spec.submodule_search_locations or ())
    return Path(spec.origin) if spec is not None and spec.origin and spec.origin.endswith(".py") else None
