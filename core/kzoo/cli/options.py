"""The options that every command takes, and those that several commands share."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING, Annotated

import typer

from kzoo.cli import completion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.plugins.discovery import Problem

__all__ = [
    "JsonOption",
    "SearchOption",
    "TaskOption",
    "debugging",
    "global_options",
    "hoist",
    "names_of_options",
    "set_debugging",
]

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")]
SearchOption = Annotated[
    str, typer.Option("--search", metavar="TEXT", help="Only what has these words in its name or summary.")
]
TaskOption = Annotated[
    str,
    typer.Option(
        "--task", "-t", metavar="TASK", help="Only what is for this task.", autocompletion=completion.complete_task
    ),
]

_FLAGS = frozenset({"--version", "--debug", "--no-plugins", "--strict-plugins"})
_VALUED = "--no-plugin"

_debug: ContextVar[bool] = ContextVar("kzoo_debug", default=False)


def debugging() -> bool:
    """Return whether ``--debug`` was given: tracebacks and all log messages are wanted."""
    return _debug.get()


def set_debugging(*, on: bool) -> None:
    """Set what `debugging` returns for the rest of this command, and whether TensorFlow's chatter is shown."""
    _debug.set(on)
    if on or "kzoo.engine.runtime" in sys.modules:  # lists are made without it
        from kzoo.engine import runtime

        runtime.show_chatter(on=on)


def names_of_options(context: typer.Context) -> list[str]:
    """Return the options of the command that is running, with their dashes."""
    return [name for parameter in context.command.params for name in parameter.opts if name.startswith("-")]


def hoist(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the options that every command takes moved in front of the command.

    They may be written anywhere; people type both ``kzoo --debug run`` and ``kzoo run --debug``. What follows ``--``
    is left alone.
    """
    moved: list[str] = []
    kept: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            kept += [argument, *rest]
        elif argument in _FLAGS or argument.startswith(f"{_VALUED}="):
            moved.append(argument)
        elif argument == _VALUED:
            moved += [argument, *([value] if (value := next(rest, None)) is not None else [])]
        else:
            kept.append(argument)
    return [*moved, *kept]


def _show_version(value: bool) -> None:
    if value:
        from kzoo._version import __version__
        from kzoo.cli.output import show

        show(f"kzoo {__version__}")
        raise typer.Exit


def global_options(
    *,
    version: Annotated[
        bool, typer.Option("--version", help="Show kzoo's version.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks, and all that TensorFlow says.")] = False,
    no_plugins: Annotated[bool, typer.Option("--no-plugins", help="Load no third-party plugin.")] = False,
    no_plugin: Annotated[
        list[str] | None,
        typer.Option(
            "--no-plugin",
            metavar="NAME",
            help="Leave this plugin out: a distribution or an entry point. May be repeated.",
            autocompletion=completion.complete_plugin,
        ),
    ] = None,
    strict_plugins: Annotated[
        bool, typer.Option("--strict-plugins", help="Stop with an error if any plugin is broken.")
    ] = False,
) -> None:
    """Components for Keras 3 as plugins, and a zoo of ready pipelines to try them in."""
    del version  # answered by its callback
    set_debugging(on=debug)
    from kzoo.plugins.discovery import PluginChoice
    from kzoo.plugins.registry import set_plugin_choice

    choice = PluginChoice.from_environment(none=no_plugins, without=no_plugin or (), strict=strict_plugins)
    set_plugin_choice(choice, report=report_problem)


def report_problem(problem: Problem) -> None:
    """Say in one line on stderr which plugin was skipped and why; with ``--debug`` show the traceback."""
    print(problem, file=sys.stderr)  # noqa: T201 - one line, however long: tools look for it
    if debugging():
        import traceback

        traceback.print_exception(problem.error)
