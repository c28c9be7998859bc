"""``kzoo install`` and ``kzoo uninstall``: plugins in the environment that kzoo runs in."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003 - typer reads the types
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import completion, options, output
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from kzoo.plugins.environment import Wanted
    from kzoo.plugins.roll import Roll

__all__ = ["install", "uninstall"]


def install(
    plugins: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PLUGIN...",
            help="Names on PyPI, also with a version (kzoo-my-loss==1.2), or paths of wheels and projects.",
            autocompletion=completion.complete_available,
        ),
    ] = None,
    *,
    editable: Annotated[
        list[Path] | None,
        typer.Option(
            "--editable", "-e", metavar="FOLDER", help="A project as it lies there; its changes hold at once."
        ),
    ] = None,
    upgrade: Annotated[bool, typer.Option("--upgrade", "-U", help="Also where an older version is there.")] = False,
    no_deps: Annotated[bool, typer.Option("--no-deps", help="Not what it depends on.")] = False,
    no_index: Annotated[bool, typer.Option("--no-index", help="Ask no index of packages, such as PyPI.")] = False,
    find_links: Annotated[
        str, typer.Option("--find-links", "-f", metavar="FOLDER", help="Look in this folder or page too.")
    ] = "",
    json: options.JsonOption = False,
) -> None:
    """Install plugins beside kzoo, and say what they add.

    Versions of kzoo, Keras and TensorFlow stay as they are. A plugin is code of its authors, which kzoo imports from
    then on. The exit code is 1 where a plugin adds nothing.
    """
    from kzoo.plugins.directory import directory
    from kzoo.plugins.environment import environment, installed, wanted
    from kzoo.plugins.roll import call_roll

    asked = [wanted(text) for text in plugins or ()]
    in_place = [wanted(f"{folder}/") for folder in editable or ()]
    if not asked and not in_place:
        message = "Name a plugin: kzoo install NAME. `kzoo list-plugins --available` shows the directory."
        raise UsageError(message)
    place, before, there = environment(), call_roll(), installed()
    known = {one.distribution for one in directory()}
    for one in asked:
        if not one.path and one.distribution not in known:
            output.say(f"{one.distribution} is not in kzoo's directory of plugins: nobody there has looked at it.")
    arguments = [
        flag for flag, given in (("--upgrade", upgrade), ("--no-deps", no_deps), ("--no-index", no_index)) if given
    ]
    arguments += ["--find-links", find_links] if find_links else []
    for one in in_place:
        arguments += ["--editable", one.argument]
    place.install([*arguments, *(one.argument for one in asked)])
    after = call_roll()
    failed = _report([*asked, *in_place], before, after, there, as_json=json)
    if place.note:
        output.say(place.note)
    if failed:
        raise typer.Exit(1)


def _report(asked: Sequence[Wanted], before: Roll, after: Roll, there: AbstractSet[str], *, as_json: bool) -> bool:
    """Say what has come beside what was there, from a listing in a new process; return whether something is wrong."""
    old, new = before.versions(), after.versions()
    came = [name for name, version in new.items() if old.get(name) != version]
    names = list(dict.fromkeys([*(one.distribution for one in asked if one.distribution in new), *came]))
    rows: list[dict[str, Any]] = []
    for name in names:
        told = after.of(name)
        status = "; ".join(dict.fromkeys(row["status"] for row in told))
        rows.append(
            {
                "distribution": name,
                "version": new[name],
                "before": old.get(name, ""),
                "adds": after.names_of(name),
                "status": status,
            }
        )
    if as_json:
        output.emit_json(rows)
    else:
        shown = [{**row, "adds": [f"{kind} {one}" for kind, of in row["adds"].items() for one in of]} for row in rows]
        columns = {name: name for name in ("distribution", "version", "adds", "status")}
        output.emit(shown, columns, as_json=False)
    failed = False
    for one in asked:
        if one.distribution and one.distribution not in new:
            output.error(_no_plugin(one.distribution, there))
            failed = True
    for row in rows:
        if not row["adds"]:
            advice = f" `kzoo uninstall {row['distribution']}` takes it away." if not row["before"] else ""
            output.error(
                f"{row['distribution']} adds nothing{', and was there before' if row['before'] else ''}.{advice}"
            )
            failed = True
        elif row["before"] == row["version"]:
            output.say(f"{row['distribution']} {row['version']} was there already; --upgrade looks for a newer one.")
    return failed


def _no_plugin(name: str, there: AbstractSet[str]) -> str:
    """Return what is said of a distribution that publishes nothing: only what has come now is to go again."""
    from kzoo.plugins.environment import needed

    if name in there:
        return f"{name} was there before and is no plugin of kzoo: it publishes nothing."
    text = f"{name} was installed and is no plugin of kzoo: it publishes nothing."
    if name in needed():
        return f"{text} Leave it: something else in this environment uses it."
    return f"{text} Take it away again with `{_pip()} uninstall {name}`."


def uninstall(
    plugins: Annotated[
        list[str],
        typer.Argument(metavar="PLUGIN...", help="Installed plugins.", autocompletion=completion.complete_plugin),
    ],
    *,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Without being asked.")] = False,
    json: options.JsonOption = False,
) -> None:
    """Take plugins away from the environment that kzoo runs in. What they depended on stays."""
    from kzoo.plugins.environment import environment
    from kzoo.plugins.roll import call_roll

    place, before = environment(), call_roll()
    names = list(dict.fromkeys(_installed(plugin, before) for plugin in plugins))
    for name in names:
        lost = [f"{kind} {one}" for kind, of in before.names_of(name).items() for one in of]
        output.say(
            f"{name} {before.versions()[name]} goes, and with it {', '.join(lost) or 'nothing that kzoo lists'}."
        )
    if not yes:
        if not sys.stdin.isatty():
            message = "Nothing was taken away: nobody can be asked here. Add --yes."
            raise UsageError(message)
        typer.confirm("Take away?", abort=True, err=True)
    place.remove(names)
    left = [name for name in names if name in call_roll().versions()]
    if json:
        output.emit_json({"removed": [name for name in names if name not in left], "left": left})
    for name in left:
        output.error(f"{name} is still there: another copy of it is installed elsewhere on the path of {place.python}.")
    if left:
        raise typer.Exit(1)


def _installed(text: str, roll: Roll) -> str:
    """Return the distribution that is meant: by its name, or by that of an entry point of it."""
    from kzoo.plugins.reference import canonical_distribution

    name, versions = canonical_distribution(text), roll.versions()
    if name == "kzoo":
        message = f"kzoo itself is not taken away by itself: use `{_pip()} uninstall kzoo`."
        raise UsageError(message)
    if name in versions:
        return name
    others = {name for name in versions if name != "kzoo"}
    by_entry: set[str] = {
        row["distribution"] for row in roll.plugins if canonical_distribution(row["entry_point"]) == name
    }
    if len(found := by_entry & others) == 1:
        return found.pop()
    listed = _listed(others)
    message = f"There is no plugin `{text}`. {listed} Other packages are taken away with `{_pip()} uninstall`."
    raise UsageError(message)


def _listed(names: Iterable[str]) -> str:
    return f"Installed are {', '.join(sorted(names))}." if names else "None is installed beside kzoo."


def _pip() -> str:
    return f"{sys.executable} -m pip"
