"""The files of a new plugin, from the templates of its kind.

In a template ``<<word>>`` stands for a value of the project. A line that holds nothing else is left out where the
value is empty.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kzoo.scaffold.project import Project

__all__ = ["files_of"]

_MODULES = {
    "loss": "losses",
    "metric": "metrics",
    "optimizer": "optimizers",
    "regularizer": "regularizers",
    "tracker": "trackers",
}

_SUMMARIES = {
    "loss": "Squared error that forgives small mistakes.",
    "metric": "The share of predictions that are close to the label.",
    "optimizer": "Steps of one size, in the direction of the sign of the averaged gradient.",
    "regularizer": "A penalty on weights beyond a limit.",
    "tracker": "A line of JSON for each epoch of a run.",
}
"""What the component of each template does, in one sentence."""

_SAMPLES = {
    "loss": "tolerance=0.05",
    "metric": "tolerance=0.05",
    "optimizer": "momentum=0.8",
    "regularizer": "limit=0.2",
    "tracker": "file=mine.jsonl",
}
"""An argument of each that a reader can try."""

_IN_PYTHON = """\
# A Keras object, for a model of your own.
{kind} = kzoo.{kind}("{reference}")
"""
_IN_PYTHON_TRACKED = """\
tracker = "{reference}"
kzoo.run("mnist", recipe="quick", track=tracker)
"""
_LATER = (
    "A model that was saved with it is loaded by `kzoo.load_model` in any process, wherever this package is installed."
)
_LATER_TRACKED = "A run that was stopped goes on where it was, and each epoch is written once."

_WORD = re.compile(r"<<(\w+)>>")
_LINE = re.compile(r"(?m)^<<(\w+)>>\n")


def files_of(project: Project) -> dict[str, str]:
    """Return every file of the project: its text by its path, which is relative and has ``/`` on every platform."""
    module = _MODULES[project.kind]
    package, kind = project.package, project.kind
    templates = {
        ".github/workflows/release.yml": "shared/release.yml.in",
        ".github/workflows/tests.yml": "shared/tests.yml.in",
        ".gitignore": "shared/gitignore.in",
        "CHANGELOG.md": "shared/CHANGELOG.md.in",
        "LICENSE": f"licenses/{project.license}.in",
        "README.md": "shared/README.md.in",
        "pyproject.toml": "shared/pyproject.toml.in",
        f"{package}/__init__.py": "shared/init.py.in",
        f"{package}/{module}.py": f"{kind}/component.py.in",
        f"{package}/plugin.py": f"{kind}/plugin.py.in",
        f"tests/test_{module}.py": f"{kind}/test_component.py.in",
        "tests/test_plugin.py": "shared/test_plugin.py.in",
    }
    if project.license == "none":
        del templates["LICENSE"]
    values = _values(project)
    files = {path: _filled(template, values) for path, template in templates.items()}
    files[f"{package}/py.typed"] = ""
    return dict(sorted(files.items()))


def _values(project: Project) -> dict[str, str]:
    holder = project.author or f"The {project.distribution} authors"
    licensed = project.license != "none"
    tracks = project.kind == "tracker"
    in_python = _IN_PYTHON_TRACKED if tracks else _IN_PYTHON
    author = f"name = {_toml(holder)}" + (f", email = {_toml(project.email)}" if project.email else "")
    return {
        "distribution": project.distribution,
        "package": project.package,
        "module": _MODULES[project.kind],
        "kind": project.kind,
        "a_kind": f"an {project.kind}" if project.kind[0] in "aeiou" else f"a {project.kind}",
        "name": project.name,
        "class": project.class_name,
        "qualified": project.qualified,
        "flag": project.flag,
        "in_python": in_python.format(kind=project.kind, reference=f"{project.qualified}:{_SAMPLES[project.kind]}"),
        "later": f"{_LATER_TRACKED if tracks else _LATER}\n",
        "compared": "what is written with what was told" if tracks else "values with NumPy",
        "summary": _SUMMARIES[project.kind],
        "sample": _SAMPLES[project.kind],
        "requires": project.requires,
        "holder": holder,
        "authors": author,
        "license": project.license,
        "license_lines": f'license = "{project.license}"\nlicense-files = ["LICENSE"]\n' if licensed else "",
        "license_section": f"\n## License\n\n{project.license}\n" if licensed else "",
    }


def _toml(text: str) -> str:
    """Return a TOML string; JSON's form is one for any text without control characters."""
    return json.dumps(text, ensure_ascii=False)


def _filled(template: str, values: Mapping[str, str]) -> str:
    text = resources.files("kzoo.scaffold").joinpath("templates", *template.split("/")).read_text(encoding="utf-8")
    text = _LINE.sub(lambda found: values[found[1]], text)
    return _WORD.sub(lambda found: values[found[1]], text)
