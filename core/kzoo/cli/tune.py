"""``kzoo tune``: a search for better settings, and whether they beat the default."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.arguments import command_line
from kzoo.cli import completing_search, completion, offers, options, output
from kzoo.cli.options import names_of_options
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from kzoo.cluster.places import Place
    from kzoo.tuning.plan import Plan
    from kzoo.tuning.result import Tuned

__all__ = ["tune"]


def tune(
    context: typer.Context,
    pipeline: Annotated[
        str | None,
        typer.Argument(help="The pipeline to tune.", autocompletion=completion.complete_pipeline),
    ] = None,
    more: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[--FLAG VALUE]...",
            help="Flags that the pipeline adds.",
            autocompletion=completion.complete_flag_value,
        ),
    ] = None,
    *,
    search: Annotated[
        list[str] | None,
        typer.Option(
            "--search",
            metavar="KEY=LOW..HIGH|A,B",
            help="A setting to search, in a range (:log, :int, :step=S) or a list. May be repeated.",
            autocompletion=completing_search.complete_search,
        ),
    ] = None,
    trials: Annotated[
        int | None, typer.Option("--trials", "-n", help="Trials of the study in all; 20, or any number with --budget.")
    ] = None,
    budget: Annotated[
        str | None, typer.Option("--budget", metavar="TIME", help="When no new trial begins any more, as in 30m.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option(
            "--metric",
            "-m",
            metavar="val_METRIC",
            help="What is made better; by default what says most of a model.",
            autocompletion=completing_search.complete_logged,
        ),
    ] = None,
    sampler: Annotated[
        str,
        typer.Option(
            "--sampler",
            help="What proposes settings: tpe, random, gp, cmaes, qmc or grid.",
            autocompletion=completing_search.complete_sampler,
        ),
    ] = "tpe",
    pruner: Annotated[
        str,
        typer.Option(
            "--pruner",
            help="What ends bad trials early: median, percentile, hyperband, successive_halving, patient, threshold, "
            "none.",
            autocompletion=completing_search.complete_pruner,
        ),
    ] = "median",
    seeds: Annotated[
        int, typer.Option("--seeds", help="New seeds that the winner and the default are trained with at the end.")
    ] = 5,
    seed: Annotated[int, typer.Option("--seed", "-s", help="The seed of all trials.")] = 0,
    jobs: options.JobsOption = None,
    on: options.OnOption = "",
    cpus: options.CpusOption = None,
    gpus: options.GpusOption = None,
    memory: options.MemoryOption = None,
    store: options.StoreOption = "",
    study: Annotated[
        str | None, typer.Option("--study", metavar="NAME", help="The name of the study, by which it goes on.")
    ] = None,
    database: Annotated[
        str | None,
        typer.Option(
            "--database", metavar="URL", help="Where Optuna keeps the study; by default in a file in its folder."
        ),
    ] = None,
    loss: options.LossOption = None,
    optimizer: options.OptimizerOption = None,
    regularizer: options.RegularizerOption = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="KEY=VALUE",
            help="A setting of all trials and of the default. May be repeated.",
            autocompletion=completion.complete_setting,
        ),
    ] = None,
    recipe: options.RecipeOption = None,
    epochs: options.EpochsOption = None,
    batch_size: options.BatchSizeOption = None,
    data: options.DataOption = None,
    limit: options.LimitOption = None,
    config: options.ConfigOption = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs go to, and the study.")] = Path("runs"),
    quiet: options.QuietOption = False,
    json: options.JsonOption = False,
) -> None:
    """Find better settings of a pipeline, and say whether the winner beats the default with new seeds.

    Every trial is an ordinary run. Given again, the command goes on where it was stopped; given in two terminals, both
    work on one study. The winner's settings are written as best.toml, which `kzoo run -c` takes.
    """
    from kzoo.cli.flags import own_flags, parted
    from kzoo.cluster.places import place_asked
    from kzoo.tuning.plan import Asked, plan_of

    words, flags = parted([*([] if pipeline is None else [pipeline]), *(more or ())])
    if len(words) > 1:
        message = f"One study tunes one pipeline, not {' and '.join(f'`{word}`' for word in words)}."
        raise UsageError(message)
    named = words[0] if words else None
    if named is None and config is None:
        message = "Name a pipeline to tune, as in kzoo tune mnist --search optimizer.momentum=0.5..0.99."
        raise UsageError(message)
    asked = Asked(
        pipeline=named,
        search=search or (),
        trials=trials,
        budget=budget,
        metric=metric,
        sampler=sampler,
        pruner=pruner,
        database=database,
        study=study,
        seeds=seeds,
        seed=seed,
        options=option or (),
        own_flags=own_flags(flags, named, command="tune", own=names_of_options(context)),
        common={
            "recipe": recipe,
            "file": config,
            "loss": loss,
            "optimizer": optimizer,
            "regularizer": regularizer,
            "epochs": epochs,
            "batch_size": batch_size,
            "data": data,
            "limit": limit,
        },
    )
    place = place_asked(jobs=jobs, on=on, cpus=cpus, gpus=gpus, memory=memory, store=store)
    found = _tuned(plan_of(asked), out, place, quiet=quiet or json)
    _show(found, as_json=json)
    if found.comparison is not None and found.comparison.failures:
        raise typer.Exit(1)


def _tuned(plan: Plan, out: Path, place: Place, *, quiet: bool) -> Tuned:
    """Train what is not there yet."""
    from kzoo.cli.listening import Terminal
    from kzoo.comparing.progress import Progress as Comparing
    from kzoo.tuning.progress import Progress
    from kzoo.tuning.tuning import tune_plan

    watched = not quiet and sys.stdout.isatty() and sys.stderr.isatty()
    shown: dict[str, Any] = {
        "say": None if quiet else output.say,
        "warn": output.warn,
        "console": output.message_console() if watched else None,
    }
    try:
        return tune_plan(
            plan,
            root=out,
            place=place,
            watching=lambda study: Progress(study, **shown),
            comparing=lambda grid: Comparing(grid, **shown),
            listener=Terminal(quiet=quiet),
            argv=sys.argv,
        )
    except KeyboardInterrupt as stopped:
        if stopped.args:
            output.say(f"{stopped} The same command goes on with it.")
        raise


def _show(found: Tuned, *, as_json: bool) -> None:
    """Write the best trials, what follows from them and where it is."""
    from kzoo.comparing import words

    if as_json:
        output.emit_json(found.to_dict())
        return
    metric = found.study.plan.metric.name
    keys = list(found.study.plan.space)
    columns = {"trial": "trial", "status": "status", "value": metric, "epochs": "epochs", **{key: key for key in keys}}
    rows = [{key: output.cell(row.get(key)) for key in columns} for row in found.shown]
    output.emit(rows, columns, as_json=False)
    if found.comparison is not None:
        output.show()
        lines: list[dict[str, Any]] = list(words.rows(found.comparison.judgement))
        headings = {key: heading for key, heading in words.COLUMNS.items() if any(row[key] for row in lines)}
        output.emit(lines, headings, as_json=False)
    output.show()
    for text in found.summary:
        output.show(output.paragraph(text, sys.stdout))
    for note in (*found.notes, *(found.comparison.notes if found.comparison else ())):
        output.warn(note)
    output.show(f"study       {found.folder.path}")
    if found.best is not None:
        output.show(
            f"winner      {found.folder.best_path}  ({command_line('kzoo', 'run', '-c', found.folder.best_path)})"
        )
    if found.comparison is not None:
        output.show(f"comparison  {found.comparison.report}")


tune.context_settings = {"ignore_unknown_options": True}  # type: ignore[attr-defined] # the pipeline's flags
tune.offers = offers.of_run  # type: ignore[attr-defined]
