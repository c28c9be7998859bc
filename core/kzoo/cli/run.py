"""``kzoo run``: train and test a pipeline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.arguments import command_line
from kzoo.cli import completion, offers, options, output
from kzoo.cli.listening import Elsewhere, Terminal
from kzoo.cli.options import names_of_options
from kzoo.errors import UsageError
from kzoo.streams import stdout_to_stderr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo.cluster.places import Place
    from kzoo.engine.cluster import Cluster
    from kzoo.runs.config import RunConfig
    from kzoo.runs.manifest import Manifest
    from kzoo.training.resuming import Resume
    from kzoo.training.run import RunResult

__all__ = ["run"]

_MORE = "Flags that the pipeline adds; `kzoo run PIPELINE --help` shows them."


def run(
    context: typer.Context,
    pipeline: Annotated[
        str | None, typer.Argument(help="The pipeline.", autocompletion=completion.complete_pipeline)
    ] = None,
    more: Annotated[
        list[str] | None,
        typer.Argument(metavar="[--FLAG VALUE]...", help=_MORE, autocompletion=completion.complete_flag_value),
    ] = None,
    *,
    loss: options.LossOption = None,
    metric: options.MetricOption = None,
    optimizer: options.OptimizerOption = None,
    regularizer: options.RegularizerOption = None,
    track: Annotated[
        list[str] | None,
        typer.Option(
            "--track",
            metavar="TRACKERS",
            help="Trackers that are told what is logged, as in tensorboard,mlflow, or none.",
            autocompletion=completion.complete_track,
        ),
    ] = None,
    recipe: options.RecipeOption = None,
    epochs: options.EpochsOption = None,
    batch_size: options.BatchSizeOption = None,
    seed: Annotated[int | None, typer.Option("--seed", "-s", help="The seed of everything random.")] = None,
    data: options.DataOption = None,
    limit: options.LimitOption = None,
    start_from: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RUN|MODEL",
            help="Begin with the weights of a run (folder, name or `last`) or a .keras file, as far as layers fit.",
            autocompletion=completion.complete_run,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            metavar="N",
            min=1,
            help="Processes that share each batch: what comes of it does not depend on N, but for rounding.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs go to.")] = Path("runs"),
    config: options.ConfigOption = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="KEY=VALUE",
            help="Any setting, as in train.keep=best. May be repeated.",
            autocompletion=completion.complete_setting,
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            "--resume",
            metavar="RUN",
            help="Go on with a run that was stopped or killed: its folder, its name, or last.",
            autocompletion=completion.complete_run,
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="With --resume: go on also where data, versions or settings differ.")
    ] = False,
    on: options.OnOption = "",
    cpus: options.CpusOption = None,
    gpus: options.GpusOption = None,
    memory: options.MemoryOption = None,
    store: options.StoreOption = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and build the model, train nothing.")
    ] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="Show where the time goes, with a trace in the run's folder `profile`.")
    ] = False,
    print_config: Annotated[bool, typer.Option("--print-config", help="Write all settings and their origins.")] = False,
    quiet: options.QuietOption = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="All values of an epoch, also where its line gets too long.")
    ] = False,
    json: options.JsonOption = False,
) -> None:
    """Train and test a pipeline, with any component in it.

    The run goes to a folder of its own with settings, log, model and results. Ctrl-C stops it and keeps the model.
    """
    from functools import partial

    from kzoo.cli.flags import parted
    from kzoo.runs.configure import configure

    words, flags = parted([*([] if pipeline is None else [pipeline]), *(more or ())])
    if file := next((word for word in words if word.endswith(".toml")), ""):
        instead = command_line("kzoo", "run", *(word for word in words if word != file), "-c", file)
        message = f"`{file}` is no pipeline. The settings of a file are given with -c: {instead}."
        raise UsageError(message)
    if len(words) > 1:
        message = f"One run trains one pipeline, not {' and '.join(f'`{word}`' for word in words)}."
        raise UsageError(message)
    from kzoo.training.resuming import Resume, run_to_resume

    going_on = None
    if resume is not None:
        going_on = Resume(run_to_resume(resume, out, config, recipe), force=force)
        config = going_on.run.config_path
    elif force:
        message = "--force goes with --resume: a new run overwrites nothing."
        raise UsageError(message)
    configured = partial(
        configure,
        words[0] if words else None,
        recipe=recipe,
        file=config,
        loss=loss,
        metrics=metric or (),
        optimizer=optimizer,
        regularizer=regularizer,
        track=track or None,
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        data=data,
        limit=limit,
        start_from=None if start_from is None else _model_file(start_from, out),
    )
    settings = configured(options=option or ())
    if flags:
        settings = configured(options=option or (), own_flags=_own_flags(flags, settings.pipeline, context))
    if print_config:
        _show_settings(settings, as_json=json)
        return
    listener = Terminal(quiet=quiet, verbose=verbose)
    asked = {"on": on, "cpus": cpus, "gpus": gpus, "memory": memory, "store": store}
    if place := _place(asked, {"--dry-run": dry_run, "--profile": profile, "--workers": (workers or 1) > 1}):
        from kzoo.comparing.single import train_at

        elsewhere = train_at(place, settings, root=out, listener=listener, argv=sys.argv, resume=going_on)
        _end(elsewhere, listener, as_json=json)
        return
    together = partial(_train, settings, out, going_on, listener, as_json=json, profile=profile)
    if dry_run:
        fits: list[Manifest] = []
        together(None, dry_run=fits.append)
        _show_fits(settings, fits[0], as_json=json)
        return
    from kzoo.cli.workers import place_in

    together(place_in(workers, resume or "last", out, profile=profile))


def _train(
    settings: RunConfig,
    root: Path,
    resume: Resume | None,
    listener: Terminal,
    cluster: Cluster | None,
    *,
    as_json: bool,
    profile: bool,
    dry_run: Callable[[Manifest], None] | None = None,
) -> None:
    """Train, alone or as one of several processes, and write what came of it; raise ``Exit`` where it was stopped."""
    from kzoo.data.download import showing
    from kzoo.training.run import train

    shows = cluster is None or cluster.is_chief
    hears: Terminal | Elsewhere = listener if shows else Elsewhere()
    # What a component prints is no result.
    with (
        stdout_to_stderr(),
        hears.starting(),
        showing(hears.download),
    ):  # weights that a pipeline begins with, besides the data
        result = train(
            settings,
            root=root,
            listener=hears,
            argv=sys.argv if cluster is None else ["kzoo", *sys.argv[1:]],
            debug=options.debugging(),
            dry_run=dry_run,
            resume=resume,
            cluster=cluster,
            profile=profile,
        )
    if result is None:
        return
    if not shows:
        raise typer.Exit(130 if result.status == "interrupted" else 0)
    _end(result, listener, as_json=as_json, profiled=profile, cluster=cluster)


def _end(
    result: RunResult, listener: Terminal, *, as_json: bool, profiled: bool = False, cluster: Cluster | None = None
) -> None:
    """Show what a run came to, and leave with the exit code of one that was stopped."""
    _show(result, listener, as_json=as_json, profiled=profiled)
    if result.run.manifest().signal:
        if result.status == "interrupted":
            again = command_line("kzoo", "run", "--resume", result.run.path, *_workers(cluster))
            output.say(f"Next: {again}")
        raise typer.Exit(130)


def _workers(cluster: Cluster | None) -> tuple[str, ...]:
    """Return the option by which as many processes go on; none where each of them is started by somebody else."""
    from kzoo.engine.cluster import is_local_worker

    return ("--workers", str(cluster.count)) if cluster is not None and is_local_worker() else ()


def _place(asked: dict[str, Any], here_alone: dict[str, bool]) -> Place | None:
    """Return the cluster that a run is to be trained on, None where it is this process that trains.

    Args:
        asked: The options that say which, and what the run gets there.
        here_alone: Options that need the run in this process, and whether they are given.

    Raises:
        UsageError: What is asked for does not go together.
    """
    if all(value in (None, "") for value in asked.values()):
        return None
    from kzoo.cluster.places import place_asked

    place = place_asked(**asked, jobs=1)
    if not place.on:
        message = "--cpus and --memory are for a cluster: name it with --on ray or --on ray://HOST."
        raise UsageError(message)
    if given := [name for name, value in here_alone.items() if value]:
        message = f"{given[0]} is for a run on this machine: leave out --on."
        raise UsageError(message)
    return place


def _model_file(text: str, root: Path) -> str:
    """Return the path of the model that a run is to begin with."""
    from kzoo.models.saved import model_to_start_from

    return model_to_start_from(text, root)


def _own_flags(flags: Sequence[tuple[str, str | None]], pipeline: str, context: typer.Context) -> list[tuple[str, str]]:
    """Return the flags that a pipeline adds, each with the setting that it gives."""
    from kzoo.cli.flags import options_of
    from kzoo.plugins.registry import get_registry

    known = get_registry().pipeline(pipeline).spec.flags
    return options_of(flags, known, pipeline=pipeline, own=names_of_options(context))


def _show_settings(settings: RunConfig, *, as_json: bool) -> None:
    """Write all settings and where each came from, if they are as a run would take them."""
    from kzoo.training.checking import check_settings

    check_settings(settings)
    if as_json:
        output.emit_json({"settings": settings.values, "origins": settings.origins})
    else:
        output.show(settings.to_toml().rstrip())


def _show_fits(settings: RunConfig, record: Manifest, *, as_json: bool) -> None:
    """Write that a run would begin, and in JSON what with."""
    if as_json:
        told = {"fits": True, "pipeline": settings.pipeline, "recipe": settings.recipe}
        output.emit_json({**told, **{key: record.to_dict()[key] for key in ("task", "data", "model")}})
    output.say("Everything fits; nothing was trained.")


def _show(result: RunResult, listener: Terminal, *, as_json: bool, profiled: bool = False) -> None:
    """Write the test results, where the run is and what can be done with it."""
    manifest = result.run.manifest()
    if as_json:
        whole = manifest.to_dict()
        output.emit_json(
            {"run": str(result.run.path), **{k: whole.get(k) for k in ("status", "completed", "results", "data")}}
        )
        return
    stopped = f"Stopped by {manifest.signal}"
    if result.status == "interrupted" and "trained" in result.completed:
        again = f"`kzoo evaluate {result.run.path}` tests it"
        output.say(f"{stopped} when it was trained, before it was tested: {again}. The model: {result.run.model_path}")
        return
    if result.status == "interrupted":
        steps = manifest.training.steps if manifest.training else 0
        output.say(f"{stopped} after {steps:,} steps. The model so far: {result.run.model_path}")
        return
    rows = [{"metric": name, "test": value} for name, value in result.results.items()]
    output.emit(rows, {"metric": "metric", "test": "test"}, as_json=False)
    output.show(f"data  {manifest.data.description}")
    output.show(f"run   {result.run.path}")
    if (page := result.run.path / "report.html").exists():
        output.show(f"report  {page}")
    if profiled:
        _show_profile(result.run.profile_path, listener)
    if manifest.data.reason:
        output.warn("These are results on the embedded sample, NOT on the real data, which could not be downloaded.")
    if manifest.signal:
        again = command_line("kzoo", "report", result.run.path)
        output.say(f"{stopped} when all was done but the report: `{again}` draws it.")
        return
    listener.say(f"Next: {command_line('kzoo', 'evaluate', result.run.path)}")


def _show_profile(folder: Path, listener: Terminal) -> None:
    """Write where the time of a run went."""
    from json import loads

    from kzoo.training.profiling import PROFILE, TRACE

    told = loads((folder / PROFILE).read_text("utf-8"))
    rows = [
        {**row, "seconds": f"{row['seconds']:.2f}", "share": f"{row['share']:.1%}", "times": f"{row['times']:,}"}
        for row in told["parts"]
    ]
    output.emit(
        rows, {"part": "where the time went", "seconds": "seconds", "share": "share", "times": "times"}, as_json=False
    )
    for note in told["notes"]:
        listener.say(note)
    output.show(
        f"trace  {folder / TRACE} (https://ui.perfetto.dev opens it); TensorFlow's own: tensorboard --logdir {folder}"
    )


run.context_settings = {"ignore_unknown_options": True}  # type: ignore[attr-defined] # the pipeline's flags
run.offers = offers.of_run  # type: ignore[attr-defined]
