"""From a spec's ``"module:attribute"`` to the object that it names, or to an error that says whose it is."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described
from kzoo.errors import KzooError, words_of
from kzoo.streams import stdout_to_stderr

if TYPE_CHECKING:
    from kzoo.plugin import CommandSpec
    from kzoo.plugins.registry import Entry

__all__ = ["command_of", "load_target"]


def load_target(entry: Entry, *, variant: str | None = None) -> Any:
    """Import and return the class or factory that an entry publishes.

    What its module writes to stdout goes to stderr: stdout is for results.

    Args:
        entry: The entry.
        variant: Another ``"module:attribute"`` of the same spec to take instead of its ``target``.

    Raises:
        KzooError: It cannot be imported, does not exist or cannot be called; names the distribution and its version.
    """
    target = variant or entry.spec.target
    module_name, _, path = target.partition(":")
    try:
        with stdout_to_stderr():
            found = importlib.import_module(module_name)
            for attribute in path.split("."):
                found = getattr(found, attribute)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise KzooError(_failure(entry, target, _reason(error))) from error
    if not callable(found):
        raise KzooError(_failure(entry, target, f"it is {described(found)}, not a class or function"))
    return found


def command_of(entry: Entry[CommandSpec], target: Any, **look: Any) -> Any:
    """Return the command that the command line library makes of an entry's loaded target.

    Args:
        entry: The entry of a command.
        target: What `load_target` returned of it: a function with typer's annotations, or a `typer.Typer`.
        **look: For a function, what `typer.Typer.command` takes besides the name.

    Raises:
        KzooError: No command can be made of it; names the distribution and its version.
    """
    import typer

    try:
        if isinstance(target, typer.Typer):
            command = typer.main.get_command(target)
            # Completion is installed for the whole of kzoo, not for one of its commands.
            command.params = [
                parameter
                for parameter in command.params
                if parameter.name not in ("install_completion", "show_completion")
            ]
            return command
        shell = typer.Typer(add_completion=False, rich_markup_mode=None)
        shell.command(entry.written, **look)(target)
        return typer.main.get_command(shell)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise KzooError(_failure(entry, entry.spec.target, f"it is no command: {_reason(error)}")) from error


def _failure(entry: Entry, target: str, reason: str) -> str:
    mend = (
        "Reinstall kzoo, or report it to its authors"
        if entry.first_party
        else f"Install what is missing, upgrade {entry.distribution}, or report it to its authors"
    )
    return (
        f"The {entry.kind} `{entry.written}` of {entry.origin} could not be loaded: its target `{target}` failed: "
        f"{reason}. {mend}."
    )


def _reason(error: BaseException) -> str:
    text = words_of(error).rstrip(".")
    if isinstance(error, (ImportError, AttributeError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
