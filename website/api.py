"""Pages of the names that stay, written by mkdocstrings from their docstrings."""

from __future__ import annotations

import importlib
import inspect

from website.places import write

MODULES = {
    "kzoo": "Components, runs and models from Python.",
    "kzoo.errors": "What kzoo raises.",
    "kzoo.plugin": "For authors of plugins: the hook marker and the specs.",
    "kzoo.component": "For authors of losses, metrics and regularizers: the base classes.",
    "kzoo.testing": "The conformance checks, for tests of your own.",
    "kzoo.tracker": "For authors of trackers: the base class.",
    "kzoo.pipeline": "For authors of pipelines.",
    "kzoo.settings": "For authors of pipelines: tables of settings.",
    "kzoo.command": "For authors of commands.",
    "kzoo.augmentation": "Changes of training images at random.",
}


def write_pages() -> int:
    """Write a page for each module whose names stay; return how many."""
    for module, said in MODULES.items():
        write(f"api/{module}.md", "\n\n".join([f"# `{module}`", said, *_directives(module)]))
    rows = [f"| [`{module}`]({module}.md) | {said} |" for module, said in MODULES.items()]
    lead = "The names that [stay](../guides/python.md#names-that-stay) from one major version to the next."
    write("api/index.md", "\n".join(["# Python", "", lead, "", "| module | for |", "|---|---|", *rows]))
    listed = "\n".join(f"* [{module}]({module}.md)" for module in MODULES)
    write("api/SUMMARY.md", f"* [All modules](index.md)\n{listed}")
    return len(MODULES)


def _directives(module: str) -> list[str]:
    found = importlib.import_module(module)
    names = [name for name in getattr(found, "__all__", ()) if not name.startswith("__")]
    names += ["open"] if module == "kzoo" else []  # not in __all__: a star must not hide Python's own
    return [f"::: {_home(found, name)}" for name in names]


def _home(module: object, name: str) -> str:
    value = getattr(module, name)
    of = getattr(value, "__module__", "")
    if (inspect.isclass(value) or inspect.isfunction(value)) and str(of).startswith("kzoo"):
        return f"{of}.{value.__qualname__}"
    return f"{module.__name__}.{name}"  # type: ignore[attr-defined]
