"""``kzoo new-plugin``: a complete distribution with one component, to start from."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.arguments import command_line
from kzoo.cli import options, output

if TYPE_CHECKING:
    from kzoo.scaffold import Project

__all__ = ["new_plugin"]


def _complete_kind(incomplete: str) -> list[str]:
    from kzoo.scaffold import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def _complete_license(incomplete: str) -> list[str]:
    from kzoo.scaffold import LICENSES

    return [name for name in LICENSES if name.startswith(incomplete)]


def new_plugin(
    distribution: Annotated[
        str, typer.Argument(metavar="DISTRIBUTION", help="What it is called on PyPI, as in kzoo-my-loss.")
    ],
    *,
    kind: Annotated[
        str,
        typer.Option(
            "--kind",
            "-k",
            metavar="KIND",
            help="What it publishes: loss, metric, optimizer, regularizer or tracker.",
            autocompletion=_complete_kind,
        ),
    ] = "loss",
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="The component's name; by default it follows DISTRIBUTION.")
    ] = "",
    license_name: Annotated[
        str,
        typer.Option(
            "--license",
            metavar="LICENSE",
            help="Apache-2.0, MIT, BSD-3-Clause or none.",
            autocompletion=_complete_license,
        ),
    ] = "Apache-2.0",
    author: Annotated[str, typer.Option("--author", metavar="NAME", help="'Ada Lovelace <ada@example.org>'.")] = "",
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where its folder goes.")] = Path(),
    json: options.JsonOption = False,
) -> None:
    """Write a plugin of your own: a package with a component, its tests and its release.

    It goes to a new folder with the distribution's name. Nothing that exists is overwritten.
    """
    from kzoo.scaffold import files_of, plan, write

    project = plan(distribution, kind=kind, name=name, license=license_name, author=author)
    warnings, shown = _warnings(project)
    folder = write(project, out)
    files = list(files_of(project))
    commands = [
        command_line("cd", folder),
        'python -m pip install -e ".[dev]"',
        "python -m pytest",
        command_line("kzoo", "run", "mnist", "--recipe", "quick", project.flag, shown),
    ]
    for warning in warnings:
        output.warn(warning)
    if json:
        output.emit_json(_described(project, folder, files, commands, warnings))
        return
    output.show(f"{folder}: the {project.kind} `{project.name}`, as `{project.class_name}` in {len(files)} files")
    for file in files:
        output.show(f"  {file}")
    output.show("Next:")
    for command in commands:
        output.show(f"  {command}")


def _warnings(project: Project) -> tuple[list[str], str]:
    """Return what the user should know of names that are taken here, and the name that will find the component."""
    from kzoo.errors import UsageError
    from kzoo.plugins.registry import get_registry, with_article

    found, shown = [], project.name
    try:
        registered = get_registry().get(project.kind, project.name)
    except UsageError:  # nobody publishes it, or several do, whose bare name finds none of them
        registered = None
    if registered and registered.distribution != project.distribution:
        shown = project.qualified
        found.append(
            f"{registered.origin} publishes {with_article(project.kind)} `{project.name}`, too. Where both are "
            f"installed, yours is called `{project.qualified}`. Another name can be given with --name."
        )
    if importlib.util.find_spec(project.package) and not (registered and not found):
        found.append(
            f"A package `{project.package}` is installed here; it and the new one cannot be installed together."
        )
    return found, shown


def _described(
    project: Project, folder: Path, files: list[str], commands: list[str], warnings: list[str]
) -> dict[str, Any]:
    return {
        "folder": str(folder),
        "distribution": project.distribution,
        "package": project.package,
        "kind": project.kind,
        "name": project.name,
        "class": project.class_name,
        "license": project.license,
        "files": files,
        "next": commands,
        "warnings": warnings,
    }
