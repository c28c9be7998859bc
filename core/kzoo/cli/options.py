"""The options that every command takes, and those that several commands share."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kzoo.cli import completion, output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.models.saved import SavedModel
    from kzoo.plugins.discovery import Problem

__all__ = [
    "BatchSizeOption",
    "ConfigOption",
    "CpusOption",
    "DataOption",
    "EngineOption",
    "EpochsOption",
    "GpusOption",
    "JobsOption",
    "JsonOption",
    "LimitOption",
    "LossOption",
    "MemoryOption",
    "MetricOption",
    "OnOption",
    "OptimizerOption",
    "QuietOption",
    "ReaderSettings",
    "RecipeOption",
    "RegularizerOption",
    "SearchOption",
    "StoreOption",
    "TaskOption",
    "WideOption",
    "apply",
    "command_in",
    "debugging",
    "global_options",
    "hoist",
    "names_of_options",
    "parted",
    "read_from",
]

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")]
EngineOption = Annotated[
    str,
    typer.Option(
        "--engine",
        metavar="ENGINE",
        help="What runs the model: tensorflow, onnxruntime, openvino, or auto for the fastest that is installed; by "
        "default what its file is for. A model is exported for another one first, once.",
        autocompletion=completion.complete_engine,
    ),
]
LossOption = Annotated[
    str | None,
    typer.Option("--loss", "-l", help="The loss, as in focal:gamma=2.", autocompletion=completion.complete_loss),
]
OptimizerOption = Annotated[
    str | None,
    typer.Option(
        "--optimizer",
        help="The optimizer, as in adam:learning_rate=1e-3.",
        autocompletion=completion.complete_optimizer,
    ),
]
RegularizerOption = Annotated[
    str | None,
    typer.Option(
        "--regularizer",
        help="The regularizer of the kernels, as in l2:l2=1e-4, or none.",
        autocompletion=completion.complete_regularizer,
    ),
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        "-m",
        help="A metric beside the recipe's. May be repeated.",
        autocompletion=completion.complete_metric,
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the results and warnings.")]
RecipeOption = Annotated[
    str | None,
    typer.Option("--recipe", "-r", help="One of the pipeline's recipes.", autocompletion=completion.complete_recipe),
]
EpochsOption = Annotated[int | None, typer.Option("--epochs", "-e", help="How often to go through the data.")]
BatchSizeOption = Annotated[int | None, typer.Option("--batch-size", "-b", help="Examples in one step.")]
DataOption = Annotated[
    str | None, typer.Option("--data", "-d", metavar="SOURCE", help="auto, real, sample, or a file or folder.")
]
LimitOption = Annotated[int | None, typer.Option("--limit", help="At most this many examples of each split.")]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        help="Runs trained at a time; they share processors and memory. By default 1, on a cluster one for each GPU or "
        "machine.",
    ),
]
OnOption = Annotated[
    str, typer.Option("--on", metavar="CLUSTER", help="Compute on a Ray cluster: ray for a local one, or ray://HOST.")
]
CpusOption = Annotated[
    int | None, typer.Option("--cpus", metavar="N", help="Processors of each run; by default they are shared out.")
]
GpusOption = Annotated[
    float | None, typer.Option("--gpus", metavar="N", help="GPUs of each run on a cluster; 0.5 lets two share one.")
]
StoreOption = Annotated[
    str,
    typer.Option(
        "--store",
        metavar="URL",
        help="With --on: a store through which runs come back where machines share no folder, as s3://BUCKET/PLACE.",
    ),
]
MemoryOption = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="Memory that each run takes, as in 4GB.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings, such as the config.toml of a run.")
]
ReaderSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        "-o",
        metavar="KEY=VALUE",
        help="A setting of the pipeline's reader; --KEY VALUE means the same, --no-KEY is KEY=false. May be repeated.",
        autocompletion=completion.complete_setting,
    ),
]
WideOption = Annotated[
    bool, typer.Option("--wide", help="All columns, also where the lines get too long for the terminal.")
]
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


def names_of_options(context: typer.Context) -> list[str]:
    """Return the options of the command that is running, with their dashes."""
    return [name for parameter in context.command.params for name in parameter.opts if name.startswith("-")]


def read_from(asked: str, saved: SavedModel) -> str:
    """Return what a movable address on the hub meant this time, as a sentence; empty for anything else.

    Args:
        asked: What was typed for the model.
        saved: The model that it is.
    """
    origin = saved.origin() if asked.startswith("hf://") else ""
    if origin in ("", asked):
        return ""
    return f"{asked} is {origin} at this time: name that to read the very same again."


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


def apply(arguments: Sequence[str]) -> None:
    """Set what the options in front of the command say of plugins and of debugging, for the rest of the command line.

    Args:
        arguments: As `hoist` returns them.
    """
    from kzoo.plugins.discovery import PluginChoice
    from kzoo.plugins.registry import set_plugin_choice

    given, _ = _parted(arguments)
    flags = {name for name, _ in given}
    _debug.set("--debug" in flags)
    if debugging() or "kzoo.engine.runtime" in sys.modules:  # lists are made without it
        from kzoo.engine import runtime

        runtime.show_chatter(on=debugging())
    choice = PluginChoice.from_environment(
        none="--no-plugins" in flags,
        without=[value for name, value in given if name == _VALUED],
        strict="--strict-plugins" in flags,
    )
    set_plugin_choice(choice, report=report_problem)


def command_in(arguments: Sequence[str]) -> str:
    """Return the name of the command in arguments as `hoist` returns them; empty where there is none."""
    _, rest = _parted(arguments)
    return rest[0] if rest and not rest[0].startswith("-") else ""


def parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the options in front of the command, and the command with its arguments, as `hoist` returns them."""
    _, rest = _parted(arguments)
    return list(arguments[: len(arguments) - len(rest)]), rest


def _parted(arguments: Sequence[str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the options in front, each with its value or an empty text, and the arguments after them."""
    given = []
    rest = list(arguments)
    while rest:
        name, _, value = rest[0].partition("=")
        if name != _VALUED and rest[0] not in _FLAGS:
            break
        apart = rest[0] == _VALUED and len(rest) > 1
        given.append((name, rest[1] if apart else value))
        del rest[: 1 + apart]
    return given, rest


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
    # `version` is answered by its callback. The others hold before the command line is parsed: see `apply`.
    del version, debug, no_plugins, no_plugin, strict_plugins


def report_problem(problem: Problem) -> None:
    """Say in one line on stderr which plugin was skipped and why; with ``--debug`` show the traceback."""
    output.message(str(problem))  # one line, however long: tools look for it
    if debugging():
        output.show_traceback(problem.error)
