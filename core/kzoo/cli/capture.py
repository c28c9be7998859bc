"""``kzoo capture``: labelled frames from a camera or a video into the folders that training reads."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import completion, offers, output
from kzoo.cli.flags import settings_of
from kzoo.cli.options import names_of_options
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    from kzoo.data.frames import Source
    from kzoo.data.frames.recording import Recorder
    from kzoo.pipeline import Pipeline

__all__ = ["capture"]

_SOURCE = (
    "A camera (0), a stream's URL, a video, images; and settings of what the pipeline keeps, as --key value, which "
    "`kzoo info PIPELINE` has."
)


def capture(
    context: typer.Context,
    pipeline: Annotated[
        str, typer.Argument(help="The pipeline that will learn from them.", autocompletion=completion.complete_pipeline)
    ],
    source: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE [--KEY VALUE]...", help=_SOURCE, autocompletion=completion.complete_flag_value),
    ],
    *,
    label: Annotated[str, typer.Option("--label", metavar="LABEL", help="What all these frames show.")],
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Where the labels' folders are; data/PIPELINE.")
    ] = None,
    every: Annotated[int, typer.Option("--every", min=1, metavar="N", help="Keep one frame of N.")] = 3,
    start: Annotated[str, typer.Option("--start", metavar="TIME", help="Leave out what is before it (3, mm:ss).")] = "",
    end: Annotated[str, typer.Option("--end", metavar="TIME", help="Stop there (12.5, mm:ss).")] = "",
    max_frames: Annotated[int, typer.Option("--max-frames", min=1, metavar="N", help="Keep at most N.")] = 200,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--option",
            "-o",
            metavar="KEY=VALUE",
            help="A setting of what the pipeline keeps; --KEY VALUE means the same, --no-KEY is KEY=false. May be "
            "repeated.",
            autocompletion=completion.complete_setting,
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show what is recorded in a window; q ends it.")] = False,
) -> None:
    """Record labelled frames of a camera or a video.

    The frames go to FOLDER/LABEL, which `kzoo run PIPELINE --data FOLDER` reads. No file is ever written over. Ctrl-C
    ends it.
    """
    from kzoo.data.frames import Part, open_sources, seconds
    from kzoo.data.frames.recording import Recorder
    from kzoo.data.images import find_images
    from kzoo.models.saved import find_pipeline
    from kzoo.runs.config import layer_from_options

    if pipeline.startswith("-"):
        message = f"Name the pipeline before `{pipeline}`: kzoo capture PIPELINE SOURCE --label LABEL {pipeline}."
        raise UsageError(message)
    chosen = _recordable(find_pipeline(pipeline))
    _check_label(chosen, label)
    words, asked = settings_of(
        source, chosen.record_settings, whose=f"`kzoo capture {chosen.name}`", own=names_of_options(context)
    )
    if len(words) != 1:
        named = f", not {' and '.join(f'`{word}`' for word in words)}" if words else ", and none is named"
        message = f"One source is recorded at a time{named}: a camera (0), a stream's URL, a video, images."
        raise UsageError(message)
    keep = _keep(chosen, {**layer_from_options(settings or []), **asked})
    part = Part(every=every, start=seconds(start) if start else 0.0, end=seconds(end) if end else None,
                max_frames=max_frames)  # fmt: skip
    sources = open_sources(words[0], part)
    window = None
    if show:
        from kzoo.cli.window import Window

        window = Window(f"kzoo capture: {label}")
    recorder = Recorder(to or Path("data") / chosen.name, label)
    output.say(f"Recording {', '.join(s.name for s in sources)} as `{label}` into {recorder.folder}; Ctrl-C ends it.")
    failed = 0
    with contextlib.ExitStack() as ending, _stoppable(sources) as stop:
        if window:
            ending.callback(window.close)
        for one in sources:
            failed += _record(one, recorder, keep, window, most=max_frames)
            if stop() or (window and window.closed) or recorder.written >= max_frames:
                break
    there = len(find_images(recorder.folder)) if recorder.folder.is_dir() else 0
    output.show(f"{recorder.written} pictures recorded in {recorder.folder}, which now holds {there}.")
    if failed or not recorder.written:
        raise typer.Exit(1)


def _record(source: Source, recorder: Recorder, keep: Callable[..., np.ndarray], window: Any, *, most: int) -> int:
    """Write the frames of one source; return how many could not be read."""
    from kzoo.data.frames import Frame

    failed, told = 0, time.monotonic()
    for item in source:
        if not isinstance(item, Frame):
            output.error(getattr(item, "error", "an input could not be read"))
            failed += 1
            continue
        pixels = keep(item.pixels)
        recorder.write(item.index, pixels)
        if window and not window.show(pixels, source):
            source.close()
        if time.monotonic() - told > 1:
            told = time.monotonic()
            output.say(f"{recorder.written} pictures")
        if recorder.written >= most:
            source.close()
    for note in source.notes:
        output.warn(note)
    return failed


def _recordable(pipeline: Pipeline) -> Any:
    """Return the pipeline, or raise `UsageError` where it learns from no labelled pictures."""
    from kzoo.pipeline import Recordable

    if not isinstance(pipeline, Recordable):
        message = f"The pipeline `{pipeline.name}` learns from no labelled pictures, so there are none to record."
        raise UsageError(message)
    return pipeline


def _check_label(pipeline: Any, label: str) -> None:
    known = pipeline.record_labels()
    if known is not None and label not in known:
        message = f"The pipeline `{pipeline.name}` knows no label `{label}`. It knows: {', '.join(known)}."
        raise UsageError(message)


def _keep(pipeline: Any, given: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
    """Return the function from a frame to what is kept of it, with its settings."""
    from kzoo.settings import known_names, read_settings, refuse_unknown

    whose = f"Recording for the pipeline `{pipeline.name}`"
    refuse_unknown(given, known_names(pipeline.record_settings), whose=whose)
    chosen = read_settings(pipeline.record_settings, given)
    return lambda pixels: pipeline.recorded(pixels, chosen)


@contextlib.contextmanager
def _stoppable(sources: list[Source]) -> Iterator[Callable[[], bool]]:
    """Let Ctrl-C end the sources; a second one interrupts at once."""
    from kzoo.engine.interrupt import stoppable

    def notice(text: str) -> None:
        del text  # speaks of training
        for source in sources:
            source.close()

    with stoppable(notice) as stop:
        yield lambda: bool(stop())


capture.context_settings = {"ignore_unknown_options": True}  # type: ignore[attr-defined] # the pipeline's settings
capture.offers = offers.of_capture  # type: ignore[attr-defined]
