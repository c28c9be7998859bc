"""The command line's frame: which commands there are, where each lives, and what becomes of an error."""

from __future__ import annotations

import importlib
import re
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from kzoo.cli import options, output
from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "Place", "build", "run"]


class Place(NamedTuple):
    """Where a command lives, and what the list of commands says of it.

    Attributes:
        target: ``"module:function"``, or ``"module:app"`` where the command is a `typer.Typer` of its own.
        section: The heading it stands under.
        summary: One sentence, as in the function's docstring.
    """

    target: str
    section: str
    summary: str


COMMANDS: dict[str, Place] = {
    "list-losses": Place("kzoo.cli.listing:list_losses", "Components", "List the losses."),
    "list-metrics": Place("kzoo.cli.listing:list_metrics", "Components", "List the metrics."),
    "list-optimizers": Place(
        "kzoo.cli.listing:list_optimizers", "Components", "List the optimizers and learning-rate schedules."
    ),
    "list-regularizers": Place("kzoo.cli.listing:list_regularizers", "Components", "List the regularizers."),
    "info": Place("kzoo.cli.info:info", "Components", "Show all that is known of a component or pipeline."),
    "list-pipelines": Place("kzoo.cli.listing:list_pipelines", "Pipelines", "List the pipelines of the zoo."),
    "run": Place("kzoo.cli.run:run", "Pipelines", "Train and test a pipeline, with any component in it."),
    "evaluate": Place("kzoo.cli.evaluate:evaluate", "Pipelines", "Test a trained model."),
    "predict": Place(
        "kzoo.cli.predict:predict", "Pipelines", "Predict images, videos, a camera or the rows of a table."
    ),
    "capture": Place("kzoo.cli.capture:capture", "Pipelines", "Record labelled frames of a camera or a video."),
    "report": Place("kzoo.cli.report:report", "Pipelines", "Draw the pictures of a run and write its report.html."),
    "runs": Place("kzoo.cli.runs:runs", "Pipelines", "List the runs of a folder and their results."),
    "fetch": Place("kzoo.cli.fetch:fetch", "Pipelines", "Download the real data of pipelines."),
    "import-darknet": Place(
        "kzoo.cli.darknet:import_darknet", "Pipelines", "Make a model of Darknet's cfg and weights."
    ),
    "export-darknet": Place(
        "kzoo.cli.darknet:export_darknet", "Pipelines", "Write a model's weights as a Darknet file."
    ),
    "list-plugins": Place("kzoo.cli.listing:list_plugins", "Plugins", "List the installed plugins and their state."),
    "new-plugin": Place("kzoo.cli.new_plugin:new_plugin", "Plugins", "Write a plugin of your own to start from."),
    "check-plugin": Place("kzoo.cli.check_plugin:check_plugin", "Plugins", "Check an installed plugin."),
}
"""Every command. A command's module is imported when that command is called, and no other."""

_EXAMPLES = """\
Examples:
  kzoo list-losses --task classification
  kzoo info emd
  kzoo run cifar10 --loss emd"""

_COMMAND_EPILOG = "--debug, --no-plugins, --no-plugin NAME and --strict-plugins can be added to every command."

_REPORT = "https://github.com/kzoo-dev/kzoo/issues"


class _ReaderGoneError(Exception):
    """Whoever read our stdout has closed it, as ``head`` does."""


class _Help:
    """Paints the headings and names in a help page, where the terminal shows colours."""

    def get_help(self, ctx: Any) -> str:
        """Return the help page."""
        text: str = super().get_help(ctx)  # type: ignore[misc]
        if not output.uses_color(sys.stdout):
            return text
        text = re.sub(r"(?m)^(Usage:|[A-Z][\w ]*:$)", lambda found: output.paint(found[0], "heading"), text)
        return re.sub(r"(?m)^(  )(-[-\w, ]*[-\w]|[a-z][-a-z]+)(?=  )", _paint_name, text)


class _Command(_Help, TyperCommand):
    """One command."""


class _Commands(_Help, TyperGroup):
    """The group of all commands, which imports a command's module when it is called and not before.

    What it holds are stand-ins with a name and a summary, for the help page and for shell completion.
    """

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that the arguments start with, and import it."""
        name, stand_in, rest = super().resolve_command(ctx, args)
        return name, stand_in and load_command(str(name)), rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands, one section after the other."""
        del ctx
        for section in dict.fromkeys(place.section for place in COMMANDS.values()):
            with formatter.section(section):
                rows = [(name, place.summary) for name, place in COMMANDS.items() if place.section == section]
                formatter.write_dl(rows, col_max=24)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples as they are; an epilog would be wrapped."""
        del ctx
        formatter.write(f"\n{_EXAMPLES}\n")

    def invoke(self, ctx: Any) -> Any:
        """Call the command; typer would turn these two exceptions into an exit before we see them."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError as gone:
            raise _ReaderGoneError from gone
        except KeyboardInterrupt:
            output.say("interrupted")
            raise typer.Exit(130) from None
        return result


def load_command(name: str) -> Any:
    """Import one command and return it as the command line library has it."""
    module, _, attribute = COMMANDS[name].target.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    shell = typer.Typer(add_completion=False, rich_markup_mode=None)
    shell.command(name, cls=_Command, epilog=_COMMAND_EPILOG, context_settings=_context_settings(found))(found)
    return typer.main.get_command(shell)


def build() -> Any:
    """Return the whole command line as one command, without importing the modules of its commands."""
    shell = typer.Typer(cls=_Commands, rich_markup_mode=None, context_settings=_context_settings())
    shell.callback()(options.global_options)
    group: Any = typer.main.get_command(shell)
    for name, place in COMMANDS.items():
        group.add_command(TyperCommand(name, help=place.summary))
    return group


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a summary with a sign that the terminal lacks is still shown
    arguments = options.hoist(arguments) or ["--help"]
    debug = "--debug" in arguments
    options.set_debugging(on=debug)
    try:
        command = build()
        if _completes_bash(command):
            return 0
        code = command.main(arguments, prog_name="kzoo", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except (_ReaderGoneError, BrokenPipeError):
        _close_stdout()
        return 141  # as the shell says of a program that wrote to a closed pipe
    except Exception as failure:
        called = next((argument for argument in arguments if argument in COMMANDS), "")
        return _report(failure, f"kzoo {called}".strip(), debug=debug)
    return code if isinstance(code, int) else 0


def _report(failure: Exception, called: str, *, debug: bool) -> int:
    """Write one paragraph about what went wrong, and return the exit code that goes with it."""
    if debug:
        import traceback

        traceback.print_exception(failure)
    if isinstance(failure, KzooError):
        output.error(str(failure))
        return failure.exit_code
    if isinstance(failure, typer.Abort):
        output.error("Aborted.")
        return 1
    if hasattr(failure, "format_message"):  # a wrong command line; the class is private in some versions of typer
        text = failure.format_message()
        end = "?" if "?" in text[-2:] else "."
        output.error(f"{text.rstrip('?.')}{end} See `{called} --help`.")
        return 2
    last = failure.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    where = last.tb_frame.f_globals.get("__name__", "?") if last else "?"
    text = f": {' '.join(str(failure).split())}" if str(failure) else ""
    output.error(
        f"unexpected {type(failure).__name__} in {where}{text}. Run it again with --debug to see the traceback; if it "
        f"is kzoo's fault, please report it at {_REPORT}."
    )
    return 1


def _completes_bash(command: Any) -> bool:
    """Answer a completion request of bash, if this is one; typer answers those of other shells."""
    import os

    if os.environ.get("_KZOO_COMPLETE") != "complete_bash":
        return False
    from kzoo.cli import completion

    completion.answer_bash(command)
    return True


def _close_stdout() -> None:
    """Send what is still buffered nowhere, so that Python does not fail to write it when it ends."""
    import os

    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        return


def _context_settings(command: Any = None) -> dict[str, Any]:
    """Return what holds for every command, and what a command's own attribute ``context_settings`` adds."""
    own = getattr(command, "context_settings", {})
    return {"help_option_names": ["-h", "--help"], "max_content_width": 100, **own}


def _paint_name(found: re.Match[str]) -> str:
    return found[1] + output.paint(found[2], "cyan")
