"""``kzoo compare``: which loss, optimizer or setting is better, over seeds."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.arguments import command_line
from kzoo.cli import completion, options, output
from kzoo.cli.options import names_of_options
from kzoo.errors import KzooError, UsageError

if TYPE_CHECKING:
    from kzoo.cluster.places import Place
    from kzoo.comparing.comparison import Comparison
    from kzoo.comparing.grid import Asked

__all__ = ["compare"]


def compare(
    context: typer.Context,
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PIPELINE|RUN...|FOLDER",
            help="A pipeline to train; or runs, a folder of them, or a comparison, to judge as they are.",
            autocompletion=completion.complete_pipeline,
        ),
    ] = None,
    *,
    loss: Annotated[
        list[str] | None,
        typer.Option(
            "--loss", "-l", help="A loss to compare. May be repeated.", autocompletion=completion.complete_loss
        ),
    ] = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(
            "--optimizer",
            help="An optimizer to compare. May be repeated.",
            autocompletion=completion.complete_optimizer,
        ),
    ] = None,
    regularizer: Annotated[
        list[str] | None,
        typer.Option(
            "--regularizer",
            help="A regularizer to compare, or none. May be repeated.",
            autocompletion=completion.complete_regularizer,
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="KEY=A,B",
            help="A setting; with several values, between commas, they are compared. May be repeated.",
            autocompletion=completion.complete_setting,
        ),
    ] = None,
    seeds: Annotated[int | None, typer.Option("--seeds", help="Seeds that each is trained with; 5 by default.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", "-s", help="The first of the seeds; 0 by default.")] = None,
    jobs: options.JobsOption = None,
    on: options.OnOption = "",
    cpus: options.CpusOption = None,
    gpus: options.GpusOption = None,
    memory: options.MemoryOption = None,
    store: options.StoreOption = "",
    metric: options.MetricOption = None,
    recipe: options.RecipeOption = None,
    epochs: options.EpochsOption = None,
    batch_size: options.BatchSizeOption = None,
    data: options.DataOption = None,
    limit: options.LimitOption = None,
    config: options.ConfigOption = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs go to, and the comparison.")] = Path("runs"),
    quiet: options.QuietOption = False,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Also write the table to this CSV file.")
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Train a pipeline in several ways over the same seeds, and say which is better, by how much, and how sure that is.

    Every run is an ordinary one. Given again, the command goes on where it was stopped: what is done is used, what is
    not is resumed. Runs that exist are judged by their names or their folder.
    """
    from kzoo.cli.flags import own_flags, parted

    words, flags = parted(what or ())
    asked_grid = {
        "--loss": loss,
        "--optimizer": optimizer,
        "--regularizer": regularizer,
        "-o": option,
        "--seeds": seeds,
        "--seed": seed,
        "--metric": metric,
        "--recipe": recipe,
        "--epochs": epochs,
        "--batch-size": batch_size,
        "--data": data,
        "--limit": limit,
        "--config": config,
        "--on": on or None,
        **dict(flags),
    }
    given = [name for name, value in asked_grid.items() if value is not None]
    if not words and config is None:
        message = "Name what to compare: a pipeline with --loss A --loss B, runs that exist, or a folder of them."
        raise UsageError(message)
    if words and not _is_pipeline(words, given):
        if given:
            message = (
                f"{given[0]} is for training, and {command_line(*words)} names what is judged as it is. Leave out one."
            )
            raise UsageError(message)
        found = _of_runs(words, out, csv, quiet=quiet or json)
    else:
        from kzoo.cluster.places import place_asked
        from kzoo.comparing.grid import Asked

        common = {
            "recipe": recipe,
            "file": config,
            "epochs": epochs,
            "batch_size": batch_size,
            "data": data,
            "limit": limit,
        }
        pipeline = words[0] if words else None
        asked = Asked(
            pipeline=pipeline,
            losses=loss or (),
            optimizers=optimizer or (),
            regularizers=regularizer or (),
            options=option or (),
            own_flags=own_flags(flags, pipeline, command="compare", own=names_of_options(context)),
            metrics=metric or (),
            seeds=5 if seeds is None else seeds,
            first_seed=0 if seed is None else seed,
            common=common,
        )
        place = place_asked(jobs=jobs, on=on, cpus=cpus, gpus=gpus, memory=memory, store=store)
        found = _of_grid(asked, out, place, csv, quiet=quiet or json)
    _show(found, as_json=json)
    _write(csv, found)  # behind the table, which is not lost where this fails
    if found.failures:
        raise typer.Exit(1)


def _is_pipeline(words: list[str], given: list[str]) -> bool:
    """Return whether the words name a pipeline to train, and not runs; raise `UsageError` where they name more."""
    from kzoo.plugins.reference import Reference
    from kzoo.plugins.registry import get_registry

    try:
        get_registry().pipeline(Reference.parse(words[0]).name)
    except UsageError:
        if len(words) == 1 and given and not Path(words[0]).exists():
            raise  # settings are given, so that a pipeline is meant, and there is none of this name
        return False
    if len(words) > 1:
        message = f"`{words[0]}` is a pipeline: one comparison trains one of them, and {words[1]} is too much."
        raise UsageError(message)
    return True


def _of_grid(asked: Asked, out: Path, place: Place, csv: Path | None, *, quiet: bool) -> Comparison:
    """Train what is not there yet, and judge it."""
    from kzoo.cli.listening import Terminal
    from kzoo.comparing.comparison import compare_grid
    from kzoo.comparing.grid import grid_of
    from kzoo.comparing.progress import Progress

    grid = grid_of(asked)
    _prepare(csv)
    if len(grid.seeds) == 1:
        output.warn("With one seed nothing can be claimed: values will be shown. --seeds 5 or more tells differences.")
    try:
        watched = not quiet and sys.stdout.isatty() and sys.stderr.isatty()
        console = output.message_console() if watched else None
        with Progress(grid, say=None if quiet else output.say, warn=output.warn, console=console) as progress:
            return compare_grid(
                grid, root=out, place=place, watcher=progress, listener=Terminal(quiet=quiet), argv=sys.argv
            )
    except KeyboardInterrupt as stopped:
        if stopped.args:
            output.say(f"{stopped} The same command goes on with it.")
        raise


def _of_runs(words: list[str], out: Path, csv: Path | None, *, quiet: bool) -> Comparison:
    """Judge runs that exist."""
    from kzoo.cli.listening import Terminal
    from kzoo.comparing.comparison import compare_runs, runs_meant

    runs, folder = runs_meant(words, out)
    _prepare(csv)
    return compare_runs(runs, root=out, listener=Terminal(quiet=quiet), argv=sys.argv, folder=folder)


def _prepare(csv: Path | None) -> None:
    """Make the folder of the CSV file; raise `KzooError` where that cannot be written, before hours of training."""
    import tempfile

    if csv is None:
        return
    try:
        csv.parent.mkdir(parents=True, exist_ok=True)
        if csv.is_dir():
            raise _refused(csv, "it is a folder")
        if csv.is_file() or not csv.exists():  # else a pipe or a device, which nothing is made beside
            tempfile.TemporaryFile(dir=csv.parent).close()
    except OSError as error:
        raise _refused(csv, error.strerror or str(error)) from error


def _write(csv: Path | None, found: Comparison) -> None:
    """Write the table to the CSV file."""
    from kzoo.comparing.page import csv_text
    from kzoo.files import write_text

    if csv is None:
        return
    try:
        write_text(csv, csv_text(found.rows))
    except OSError as error:
        raise _refused(csv, error.strerror or str(error)) from error


def _refused(csv: Path, why: str) -> KzooError:
    return KzooError(f"--csv {csv} cannot be written: {why}.")


def _show(found: Comparison, *, as_json: bool) -> None:
    """Write the table, what follows from it and where it is."""
    from kzoo.comparing import words

    if as_json:
        output.emit_json(found.to_dict())
        return
    shown: list[dict[str, Any]] = list(words.rows(found.judgement))
    columns = {key: heading for key, heading in words.COLUMNS.items() if any(row[key] for row in shown)}
    output.emit(shown, columns, as_json=False)
    output.show()
    for text in (*found.summary, *words.method(found.judgement, found.pairs)):
        output.show(output.paragraph(text, sys.stdout))
    for note in found.notes:
        output.warn(note)
    output.show(f"comparison  {found.folder.path}")
    output.show(f"report      {found.report}")


compare.context_settings = {"ignore_unknown_options": True}  # type: ignore[attr-defined] # the pipeline's flags
