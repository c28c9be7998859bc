"""The command line's frame: which commands there are, where each lives, and what becomes of an error."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import warnings
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from kzoo import streams
from kzoo._version import __version__
from kzoo.cli import completion, options, output
from kzoo.cli.visible import visible
from kzoo.errors import REPORT_AT, KzooError, UsageError, words_of
from kzoo.plugins.own_commands import OWN_COMMANDS, typed
from kzoo.plugins.targets import command_of, load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kzoo.cli.offers import Offers
    from kzoo.plugin import CommandSpec
    from kzoo.plugins.registry import Entry

__all__ = ["build", "run"]

_EXAMPLES = """\
Examples:
  kzoo list-losses --task classification
  kzoo info emd
  kzoo run cifar10 --loss emd"""

_COMMAND_EPILOG = "--debug, --no-plugins, --no-plugin NAME and --strict-plugins can be added to every command."

_ARGUMENTS = "kzoo.arguments"

_LONGEST = 200
"""Characters of a path that a message shows."""

_WRITERS = ("kzoo.cli.output", "kzoo.cli.app", "typer", "click", "rich")
"""The modules that write to stdout."""

_WITHOUT_FILES = ("kzoo.cli.listing", "kzoo.cli.info", "kzoo.cli.check_plugin")
"""The modules of commands that need no working folder."""

_FORMAT_WARNING = warnings.formatwarning


class _ReaderGoneError(Exception):
    """Whoever read our stdout has closed it, as ``head`` does."""


class _Help:
    """Paints the headings and names in a help page, where the terminal shows colours."""

    def get_help(self, ctx: Any) -> str:
        """Return the help page."""
        text: str = super().get_help(ctx)  # type: ignore[misc]
        text = visible(text)
        if not output.uses_color(sys.stdout):
            return text
        text = re.sub(r"(?m)^(Usage:|[A-Z][\w ]*:$)", lambda found: output.paint(found[0], "heading"), text)
        return re.sub(r"(?m)^(  )(-[-\w, ]*[-\w]|[a-z][-.\w]+)(?=  )", _paint_name, text)


class _Command(_Help, TyperCommand):
    """One command; its help page and completion have what the command offers beside its options, see `offers`."""

    offers: Callable[[Mapping[str, Any]], Offers] | None = None

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, and keep them for a help page, which is asked for before they are read."""
        if ctx.resilient_parsing:
            valued = {name for one in self.get_params(ctx) if not getattr(one, "is_flag", True) for name in one.opts}
            # The value of the last option is being typed; without it the parser gives up, and forgets the pipeline.
            args = args[:-1] if args and args[-1] in valued else args
        else:
            ctx.meta[_ARGUMENTS] = [*args]
            args = _named_files(args)
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write what can be set before the epilog."""
        if self.offers:
            from kzoo.cli.offers import write

            arguments = [*ctx.meta.get(_ARGUMENTS, ())]
            given = self.make_context(ctx.info_name, arguments, parent=ctx.parent, resilient_parsing=True).params
            try:
                write(self.offers(given), formatter)
            except KzooError as error:  # the page is where help is looked for
                output.warn(f"The settings are not shown. {error}")
        super().format_epilog(ctx, formatter)

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return the options that start with what was typed, and the flags that the pipeline adds."""
        found: list[Any] = super().shell_complete(ctx, incomplete)
        flags = completion.complete_flag(ctx, incomplete)
        # Which package has the class of an offer depends on the version of typer; every command has a --help.
        kind = type(super().shell_complete(ctx, "--")[0]) if flags else None
        return [*found, *(kind(name, help=text) for name, text in flags if kind)]


def _named_files(args: list[str]) -> list[str]:
    """Return the arguments with those behind `--` such that nobody takes them for options.

    Commands that take the flags of a pipeline look for these among all words that they do not know: a file ``-a.jpg``
    is ``./-a.jpg`` for them.
    """
    if "--" not in args:
        return args
    end = args.index("--")
    return [*args[: end + 1], *(f".{os.sep}{word}" if word.startswith("-") else word for word in args[end + 1 :])]


class _Commands(_Help, TyperGroup):
    """The group of all commands, which imports a command's module when it is called and not before.

    What it holds are stand-ins with a name and a summary, for shell completion.
    """

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Find the command that the arguments start with, and import it; plugins are loaded for what is not our own."""
        if ctx.resilient_parsing:  # the shell asks for completions
            with completion.quiet():
                return args[0], _load_command(_find(args[0])), args[1:]
            return None, None, args[1:]
        entry = _found(args)
        return args[0] if ":" in args[0] else entry.written, _load_command(entry), args[1:]

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, after putting in the stand-ins of those that plugins add."""
        with completion.quiet():
            for name, spec in _of_plugins():
                self.add_command(TyperCommand(name, help=spec.summary))
        return super().list_commands(ctx)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands, one section after the other, those of plugins after our own."""
        del ctx
        commands = list(OWN_COMMANDS.items())
        try:
            commands += _of_plugins()
        except KzooError as error:  # the page is where help is looked for
            output.warn(f"The commands of plugins are not shown. {error}")
        for section in dict.fromkeys(spec.section for _, spec in commands):
            with formatter.section(section):
                rows = [(name, spec.summary) for name, spec in commands if spec.section == section]
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


def _find(name: str) -> Entry[CommandSpec]:
    """Return the command of a name: one of our own, for which no plugin is loaded, or that of a plugin."""
    from kzoo.plugins.discovery import FIRST_PARTY
    from kzoo.plugins.registry import Entry, get_registry

    own = OWN_COMMANDS.get(typed(name).removeprefix(f"{FIRST_PARTY}:"))
    return get_registry().command(name) if own is None else Entry(own, FIRST_PARTY, __version__, "")


def _found(words: Sequence[str]) -> Entry[CommandSpec]:
    """Return the command of a line; raise `UsageError`, with what it is called where people call it otherwise."""
    try:
        return _find(words[0])
    except UsageError as error:
        from kzoo.cli.meant import instead

        if said := instead(words):
            raise UsageError(said) from error
        raise


def _as_meant(arguments: list[str]) -> list[str]:
    """Return the arguments with ``version``, ``help`` and ``list losses`` as they are meant, if no plugin has these."""
    if options.command_in(arguments) not in ("version", "help", "list"):
        return arguments
    from kzoo.cli.meant import as_meant

    before, words = options.parted(arguments)
    with contextlib.suppress(UsageError):
        _find(words[0])
        return arguments
    meant = as_meant(words)
    return arguments if meant is None else [*before, *meant]


def _of_plugins() -> list[tuple[str, CommandSpec]]:
    """Return the commands that plugins add, each with the shortest name that finds it."""
    from kzoo.plugins.registry import get_registry

    registry = get_registry("command")
    return [(registry.shown_name(entry), entry.spec) for entry in registry.commands()]


def _load_command(entry: Entry[CommandSpec]) -> Any:
    """Import one command and return it as the command line library has it."""
    found = load_target(entry)
    settings = _context_settings(found)
    command = command_of(entry, found, cls=_Command, epilog=_COMMAND_EPILOG, context_settings=settings)
    if isinstance(command, _Command):
        command.offers = getattr(found, "offers", None)
    return command


def build() -> Any:
    """Return the whole command line as one command, without importing the modules of its commands."""
    shell = typer.Typer(cls=_Commands, rich_markup_mode=None, context_settings=_context_settings())
    shell.callback()(options.global_options)
    group: Any = typer.main.get_command(shell)
    for name, spec in OWN_COMMANDS.items():
        group.add_command(TyperCommand(name, help=spec.summary))
    return group


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    has_stdout = streams.open_missing()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=streams.READABLE)  # a summary with a sign that the terminal lacks is still shown
    warnings.formatwarning = _format_warning
    arguments = options.hoist(arguments) or ["--help"]
    options.apply(arguments)  # what plugins add is part of the command line, so the choice of them comes first
    called = options.command_in(arguments)
    try:
        arguments = _as_meant(arguments)
        called = options.command_in(arguments)
        _check_place(called, has_stdout=has_stdout)
        command = build()
        if _completes_bash(command):
            return 0
        code = command.main(arguments, prog_name="kzoo", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except (_ReaderGoneError, BrokenPipeError):
        streams.silence(sys.stdout)
        return 141  # as the shell says of a program that wrote to a closed pipe
    except Exception as failure:
        return _report(failure, called, _taken_for_option(arguments))
    return code if isinstance(code, int) else 0


def _check_place(called: str, *, has_stdout: bool) -> None:
    """Refuse a command whose results have nowhere to go, or whose files would have no folder.

    Raises:
        KzooError: Standard output is closed, or the working folder was deleted and the command is not of those that
            read and write no files.
    """
    if not has_stdout:
        message = "Standard output is closed, and results are written there: use `>/dev/null` where nobody reads them."
        raise KzooError(message)
    own = OWN_COMMANDS.get(typed(called))
    if own is None or own.target.partition(":")[0] in _WITHOUT_FILES:
        return
    try:
        os.getcwd()  # noqa: PTH109 - whether there is one
    except OSError as error:
        message = "The working folder was deleted or moved away, so no path leads anywhere: `cd` to another one."
        raise KzooError(message) from error


def _format_warning(*given: Any, **more: Any) -> str:
    """Return what Python writes of a warning, which may hold the names of files."""
    return visible(_FORMAT_WARNING(*given, **more))


def _taken_for_option(arguments: Sequence[str]) -> str:
    """Return how a file whose name begins with ``-`` is named, where the arguments have one that was read as an option.

    It is looked for among the arguments as they were typed: of ``-dog.jpg``, ``-o g.jpg`` may be read.
    """
    for word in arguments:
        if word == "--":
            break
        if word.startswith("-") and os.path.lexists(word):
            return f" `{word}` is a file here: a name that begins with - is written as `./{word}`, or behind `--`."
    return ""


def _report(failure: Exception, called: str, hint: str = "") -> int:
    """Write one paragraph about what went wrong in a command, and return the exit code that goes with it.

    Args:
        failure: What was raised.
        called: The command.
        hint: What to add where the command line was wrong.
    """
    if options.debugging():
        output.show_traceback(failure)
    if isinstance(failure, KzooError):
        output.error(f"{failure}{hint}" if isinstance(failure, UsageError) else str(failure))
        return failure.exit_code
    if isinstance(failure, typer.Abort):
        output.error("Aborted.")
        return 1
    if hasattr(failure, "format_message"):  # a wrong command line; the class is private in some versions of typer
        text = failure.format_message()
        end = "?" if "?" in text[-2:] else "."
        output.error(f"{text.rstrip('?.')}{end} See `{f'kzoo {called}'.strip()} --help`.{hint}")
        return 2
    output.error(_in_words(failure, called))
    return 1


def _in_words(failure: Exception, called: str) -> str:
    """Return what to say of an exception that is none of kzoo's own errors."""
    where = _where(failure)
    if isinstance(failure, OSError) and failure.filename is None and where.startswith(_WRITERS):
        streams.silence(sys.stdout)
        return f"The results cannot be written to standard output: {failure.strerror or words_of(failure)}."
    if isinstance(failure, OSError) and isinstance(failure.filename, str):
        name = failure.filename
        shown = name if len(name) <= _LONGEST else f"{name[:_LONGEST]}..."
        return f"`{shown}` cannot be read or written: {failure.strerror}. --debug shows the traceback."
    if isinstance(failure, ImportError) and not (failure.name or where).startswith("kzoo"):
        return (
            f"`{failure.name or where}`, which this needs, cannot be imported: {words_of(failure).rstrip('.')}. "
            "Reinstall it, or kzoo with all that it needs; --debug shows the traceback."
        )
    text = f": {words}" if (words := words_of(failure)) else ""
    return (
        f"unexpected {type(failure).__name__} in {where}{text}. Run it again with --debug to see the traceback; "
        f"{_to_whom(called)}."
    )


def _where(failure: BaseException) -> str:
    """Return the name of the module that an exception was raised in."""
    last = failure.__traceback__
    while last and last.tb_next:
        last = last.tb_next
    return str(last.tb_frame.f_globals.get("__name__", "?")) if last else "?"


def _to_whom(called: str) -> str:
    """Return where to report a fault of a command."""
    with contextlib.suppress(KzooError):
        entry = _find(called)
        if not entry.first_party:
            return f"the command is of {entry.origin}, so please report it to its authors"
    return f"if it is kzoo's fault, please report it at {REPORT_AT}"


def _completes_bash(command: Any) -> bool:
    """Answer a completion request of bash, if this is one; typer answers those of other shells."""
    if os.environ.get("_KZOO_COMPLETE") != "complete_bash":
        return False
    completion.answer_bash(command)
    return True


def _context_settings(command: Any = None) -> dict[str, Any]:
    """Return what holds for every command, and what a command's own attribute ``context_settings`` adds."""
    own = getattr(command, "context_settings", {})
    return {"help_option_names": ["-h", "--help"], "max_content_width": 100, **own}


def _paint_name(found: re.Match[str]) -> str:
    return found[1] + output.paint(found[2], "cyan")
