"""``kzoo predict``: what a model says of images, videos, a camera, a table."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import completion, offers, options, output
from kzoo.cli.flags import settings_of
from kzoo.cli.options import names_of_options, read_from
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from kzoo.cli.printing import Printer
    from kzoo.cluster.places import Place
    from kzoo.data.frames import Source
    from kzoo.data.frames.writing import Saver
    from kzoo.inference.predicting import Predicting
    from kzoo.models.saved import SavedModel
    from kzoo.pipeline import Reader

__all__ = ["predict"]


def predict(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|MODEL|PIPELINE",
            help="A run (folder, name or `last`), a .keras or .onnx file, hf://NAME/REPO, or a pipeline that needs no "
            "training.",
            autocompletion=completion.complete_model,
        ),
    ],
    source: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Images, videos, folders, globs, lists, URLs, a camera (0). Tables: CSV files.",
            autocompletion=completion.complete_flag_value,
        ),
    ],
    *,
    top: Annotated[int, typer.Option("--top", "-k", min=1, help="How many classes to show for each input.")] = 3,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="OUT", help="Draw the predictions: a folder, or an .mp4 for a video or camera."),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Draw the predictions in a window; q closes it.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Also write all that is predicted.")] = None,
    on: options.OnOption = "",
    results: Annotated[
        Path | None,
        typer.Option(
            "--results", metavar="OUT", help="With --on: the folder of the results, OUT.parquet or OUT.jsonl."
        ),
    ] = None,
    jobs: options.JobsOption = None,
    cpus: options.CpusOption = None,
    gpus: options.GpusOption = None,
    memory: options.MemoryOption = None,
    every: Annotated[int, typer.Option("--every", min=1, metavar="N", help="Take one frame of N.")] = 1,
    start: Annotated[
        str, typer.Option("--start", metavar="TIME", help="Leave out what is before it (12.5, mm:ss).")
    ] = "",
    end: Annotated[str, typer.Option("--end", metavar="TIME", help="Stop there (12.5, mm:ss).")] = "",
    max_frames: Annotated[
        int | None, typer.Option("--max-frames", min=1, metavar="N", help="Stop after N frames of each source.")
    ] = None,
    settings: options.ReaderSettings = None,
    engine: options.EngineOption = "",
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: Annotated[bool, typer.Option("--json", help="Write a line of JSON for each input, as they come.")] = False,
) -> None:
    """Predict images, videos, a camera or the rows of a table.

    An input that cannot be read is reported and the rest go on; the exit code is then 1. Ctrl-C ends a camera.
    """
    from kzoo.cli.engines import exporting
    from kzoo.cli.printing import Printer
    from kzoo.cluster.places import Place, place_asked
    from kzoo.data.frames import Part, seconds
    from kzoo.data.frames.opening import opened
    from kzoo.data.frames.writing import Saver
    from kzoo.inference.predicting import find_predicting
    from kzoo.runs.config import layer_from_options

    if model.startswith("-"):
        message = f"Name the run, the model or the pipeline before `{model}`: kzoo predict RUN SOURCE {model}."
        raise UsageError(message)
    asked = find_predicting(model, out, engine, exporting(quiet=json))
    if asked.saved:
        _tell(asked.saved, model, engine)
    table = asked.pipeline.reader_settings
    texts, given = settings_of(source, table, whose="this pipeline's reader", own=names_of_options(context))
    settings_of_reader = {**layer_from_options(settings or ()), **given}
    reader = asked.reader(settings_of_reader)
    if not texts:
        message = "Name what is to be predicted: images, videos, folders, a camera (0), a URL."
        raise UsageError(message)
    part = Part(
        every=every,
        start=seconds(start) if start else 0.0,
        end=seconds(end) if end else None,
        max_frames=max_frames,
    )
    sources = opened(texts, part, reader.open)
    place = place_asked(jobs=jobs, on=on, cpus=cpus, gpus=gpus, memory=memory)
    if on or results or place != Place():
        refused = {"--save": save, "--show": show, "--csv": csv, "--json": json, "--engine": engine}
        _elsewhere(asked, sources, place, results, top, settings_of_reader, refused)
        return
    with _unmade(save):
        saver = Saver(save, sources) if save else None  # what cannot be written is refused before a network is loaded
        window = _window(sources) if show else None
        _load(reader, quiet=json)
    printer = Printer(top=top, as_json=json, csv=csv, sources=sources)
    stopped = _predict(reader, sources, printer, saver, window)
    if saver and saver.written:
        output.say(_said(saver.written))
    if printer.failed:
        what = printer.unit if all(found.kind in ("images", "table") for found in sources) else "inputs"
        output.say(f"{printer.failed} of {printer.seen} {what} could not be read.")
        raise typer.Exit(1)
    if stopped and not any(found.live for found in sources):
        raise typer.Exit(130)


def _tell(saved: SavedModel, model: str, engine: str) -> None:
    """Say what must be known of a model before it is used."""
    from kzoo.cli.engines import run_by

    for said in filter(None, (saved.caution(), saved.changed())):
        output.warn(said)
    for told in filter(None, (saved.sample_only(), read_from(model, saved))):
        output.say(told)
    if engine:
        output.say(run_by(saved))


def _elsewhere(
    asked: Predicting,
    sources: Sequence[Source],
    place: Place,
    results: Path | None,
    top: int,
    settings: Mapping[str, Any],
    refused: Mapping[str, Any],
) -> None:
    """Predict images on a cluster, and say what came of it."""
    from kzoo.inference.on_ray import Wanted, predict_on_ray

    if not place.on:
        message = "--results, --jobs, --cpus and --memory are for a cluster: name it with --on ray or --on ray://HOST."
        raise UsageError(message)
    if results is None:
        message = (
            "--on writes the results into a folder of files: name it with --results OUT.parquet or --results OUT.jsonl."
        )
        raise UsageError(message)
    if given := [name for name, value in refused.items() if value]:
        message = f"{given[0]} is for predictions by this process: leave it out, or --on."
        raise UsageError(message)
    began = time.perf_counter()
    bars = sys.stderr.isatty()
    try:
        found = predict_on_ray(asked, sources, Wanted(to=results, place=place, top=top, settings=settings, bars=bars))
    except KeyboardInterrupt:
        output.say("Stopped. The same command goes on with the images that are left.")
        raise
    took = time.perf_counter() - began
    done = found.images - found.before
    before = f" {found.before:,} more were done by an earlier start." if found.before else ""
    rate = done / max(took, 1e-9)
    output.say(f"{done:,} images in {took:.1f} s: {rate:.1f} a second, the start of the workers included.{before}")
    output.say(f"Wrote {results}.")
    if found.failed:
        output.say(f"{found.failed:,} of {found.images:,} images could not be read: the column `error` says why.")
        raise typer.Exit(1)


@contextlib.contextmanager
def _unmade(folder: Path | None) -> Iterator[None]:
    """Take the folder away that the block made, where the block fails and has put nothing there."""
    new = folder is not None and not folder.exists()
    try:
        yield
    except BaseException:
        if new and folder is not None:
            with contextlib.suppress(OSError):  # it holds something, or was never made
                folder.rmdir()
        raise


def _load(reader: Reader, *, quiet: bool) -> None:
    """Load what predicting needs; a network that is downloaded is shown while it comes."""
    from kzoo.cli.transfers import TransferLine
    from kzoo.data.download import showing
    from kzoo.inference.faults import naming

    with contextlib.closing(TransferLine()) as line, showing(None if quiet else line), naming("", reader):
        reader.load()


def _predict(reader: Reader, sources: Sequence[Source], printer: Printer, saver: Saver | None, window: Any) -> bool:
    """Go through the sources; return whether the user ended it."""
    began = time.perf_counter()
    with contextlib.ExitStack() as ending, _stoppable(sources) as stop:
        for sink in (saver, window):
            if sink:
                ending.callback(sink.close)
        ending.enter_context(printer)
        ending.callback(reader.close)
        for source in sources:
            _read(reader, source, printer, saver, window)
            if stop() or (window and window.closed):
                break
        ended = bool(stop())
    took = time.perf_counter() - began
    done = printer.seen - printer.failed
    if done > 1:
        rate = done / max(took, 1e-9)
        output.say(f"{done} {printer.unit} in {took:.1f} s: {rate:.1f} a second, reading and drawing included.")
    return ended


def _read(reader: Reader, source: Source, printer: Printer, saver: Saver | None, window: Any) -> None:
    """Predict one source to its end, and say what was found there."""
    from kzoo.data.frames import Frame
    from kzoo.inference.predicting import drawn, predict_source

    printer.start(source)
    if saver:
        saver.start(source)
    with contextlib.closing(predict_source(reader, source)) as results:
        for result in results:
            printer.write(result)
            picture = drawn(reader, result) if saver or window else None
            if picture is None:
                continue
            if saver and isinstance(result.item, Frame):
                saver.write(source, result.item, picture)
            if window and not window.show(picture, source):
                source.close()
                break
    for note in source.notes:
        output.warn(note)
    if dropped := getattr(source, "dropped", 0):
        output.say(f"{source.name}: {dropped} frames came faster than they were predicted and were left out.")


@contextlib.contextmanager
def _stoppable(sources: Sequence[Source]) -> Iterator[Any]:
    """Let Ctrl-C end the sources, so that what is being written is finished; a second one interrupts at once."""
    from kzoo.engine.interrupt import stoppable

    def notice(text: str) -> None:
        del text  # speaks of training
        for source in sources:
            source.close()
        output.say("Stopping; press Ctrl-C again to stop at once.")

    with stoppable(notice) as stop:
        yield stop


def _window(sources: Sequence[Source]) -> Any:
    from kzoo.cli.window import Window

    if any(source.kind == "table" for source in sources):
        message = "--show draws on pictures, and a table has none."
        raise UsageError(message)
    return Window("kzoo predict", instead="use --save OUT")


def _said(written: Sequence[Path]) -> str:
    if len(written) == 1:
        return f"Saved {written[0]}."
    folder = written[0].parent
    return f"Saved {len(written)} files in {folder}."


predict.context_settings = {"ignore_unknown_options": True}  # type: ignore[attr-defined] # the pipeline's settings
predict.offers = offers.of_predict  # type: ignore[attr-defined]
