"""``kzoo run``: train and test a pipeline."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import completion, offers, options, output
from kzoo.cli.options import names_of_options
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo.runs.config import RunConfig
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
    loss: Annotated[
        str | None,
        typer.Option("--loss", "-l", help="The loss, as in focal:gamma=2.", autocompletion=completion.complete_loss),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            "-m",
            help="A metric beside the recipe's. May be repeated.",
            autocompletion=completion.complete_metric,
        ),
    ] = None,
    optimizer: Annotated[
        str | None,
        typer.Option(
            "--optimizer",
            help="The optimizer, as in adam:learning_rate=1e-3.",
            autocompletion=completion.complete_optimizer,
        ),
    ] = None,
    regularizer: Annotated[
        str | None,
        typer.Option(
            "--regularizer",
            help="The regularizer of the kernels, as in l2:l2=1e-4, or none.",
            autocompletion=completion.complete_regularizer,
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            "--recipe", "-r", help="One of the pipeline's recipes.", autocompletion=completion.complete_recipe
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", "-e", help="How often to go through the data.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", "-b", help="Examples in one step.")] = None,
    seed: Annotated[int | None, typer.Option("--seed", "-s", help="The seed of everything random.")] = None,
    data: Annotated[
        str | None, typer.Option("--data", "-d", metavar="SOURCE", help="auto, real, sample, or a file or folder.")
    ] = None,
    limit: Annotated[int | None, typer.Option("--limit", help="At most this many examples of each split.")] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs go to.")] = Path("runs"),
    config: Annotated[
        Path | None, typer.Option("--config", "-c", metavar="FILE", help="Settings, such as the config.toml of a run.")
    ] = None,
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything and build the model, train nothing.")
    ] = False,
    print_config: Annotated[bool, typer.Option("--print-config", help="Write all settings and their origins.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the results and warnings.")] = False,
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
        others = "".join(f"{word} " for word in words if word != file)
        message = f"`{file}` is no pipeline. The settings of a file are given with -c: kzoo run {others}-c {file}."
        raise UsageError(message)
    if len(words) > 1:
        message = f"One run trains one pipeline, not {' and '.join(f'`{word}`' for word in words)}."
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
        epochs=epochs,
        batch_size=batch_size,
        seed=seed,
        data=data,
        limit=limit,
    )
    settings = configured(options=option or ())
    if flags:
        settings = configured(options=option or (), own_flags=_own_flags(flags, settings.pipeline, context))
    if print_config:
        _check(settings)
        output.show(settings.to_toml().rstrip())
        return
    from kzoo.data.download import showing
    from kzoo.training.run import train

    listener = Terminal(quiet=quiet)
    with showing(listener.download):  # weights that a pipeline begins with, besides the data
        result = train(settings, root=out, listener=listener, argv=sys.argv, debug=options.debugging(), dry_run=dry_run)
    if result is None:
        output.say("Everything fits; nothing was trained.")
        return
    _show(result, listener, as_json=json)
    if result.status == "interrupted":
        raise typer.Exit(130)


def _own_flags(flags: Sequence[tuple[str, str | None]], pipeline: str, context: typer.Context) -> list[tuple[str, str]]:
    """Return the flags that a pipeline adds, each with the setting that it gives."""
    from kzoo.cli.flags import options_of
    from kzoo.plugins.registry import get_registry

    known = get_registry().pipeline(pipeline).spec.flags
    return options_of(flags, known, pipeline=pipeline, own=names_of_options(context))


class Terminal:
    """Tells a person what happens, on stderr.

    Args:
        quiet: Whether to leave out all that can be missed.
    """

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._download: Any = None

    def say(self, text: str) -> None:
        """Write a message."""
        if not self._quiet:
            output.say(text)

    def warn(self, text: str) -> None:
        """Write a warning, also when quiet."""
        output.warn(text)

    def download(self, done: int, total: int | None, name: str) -> None:
        """Show how much of a file has arrived."""
        if self._quiet:
            return
        if self._download is None:
            from kzoo.cli.transfers import TransferLine

            self._download = TransferLine()
        self._download(done, total, name)

    def progress(self, *, examples: int, batch_size: int, unit: str) -> Any:
        """Return the callback that shows the training: a live line where both outputs are terminals."""
        if self._quiet:
            return None
        from kzoo.training.progress import ProgressLines

        live = sys.stdout.isatty() and sys.stderr.isatty()
        console = output.message_console()
        return ProgressLines(console, examples=examples, batch_size=batch_size, unit=unit, live=live)


def _check(settings: RunConfig) -> None:
    """Refuse settings that the pipeline does not have and components that do not fit it, as a run would."""
    from kzoo.models.saved import find_pipeline
    from kzoo.plugins.registry import get_registry
    from kzoo.runs.choices import build_settings, check_data_settings, fitting_task

    spec = get_registry().pipeline(settings.pipeline).spec
    fitting_task(settings, (spec.task, *spec.other_tasks), get_registry())
    pipeline = find_pipeline(settings.pipeline)
    check_data_settings(settings, pipeline)
    build_settings(settings, pipeline)


def _show(result: RunResult, listener: Terminal, *, as_json: bool) -> None:
    """Write the test results, where the run is and what can be done with it."""
    manifest = result.run.manifest()
    if as_json:
        whole = manifest.to_dict()
        output.emit_json({"run": str(result.run.path), **{k: whole.get(k) for k in ("status", "results", "data")}})
        return
    if result.status == "interrupted":
        steps = manifest.training.steps if manifest.training else 0
        output.say(f"Stopped by {manifest.signal} after {steps} steps. The model so far: {result.run.model_path}")
        return
    rows = [{"metric": name, "test": value} for name, value in result.results.items()]
    output.emit(rows, {"metric": "metric", "test": "test"}, as_json=False)
    output.show(f"data  {manifest.data.description}")
    output.show(f"run   {result.run.path}")
    if (page := result.run.path / "report.html").exists():
        output.show(f"report  {page}")
    if manifest.data.reason:
        output.warn("These are results on the embedded sample, NOT on the real data, which could not be downloaded.")
    listener.say(f"Next: kzoo evaluate {result.run.path}")


run.context_settings = {"ignore_unknown_options": True}  # type: ignore[attr-defined] # the pipeline's flags
run.offers = offers.of_run  # type: ignore[attr-defined]
