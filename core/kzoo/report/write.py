"""Writes the pictures of a run and its page."""

from __future__ import annotations

import io
import shlex
from typing import TYPE_CHECKING

from kzoo.files import replacing, write_text
from kzoo.report import page
from kzoo.report.figures import curves

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from kzoo.runs.folder import Run
    from kzoo.runs.manifest import Manifest
    from kzoo.tasks import Outcome, Task

__all__ = ["write_pictures", "write_report"]

_DPI = 110

_CURVES = {"curves": "Loss and metrics over the epochs"}


def write_report(run: Run, task: Task, outcome: Outcome | None = None) -> list[Path]:
    """Draw the pictures of a run into its folder ``plots``, and write ``report.html``, which holds them.

    Args:
        run: A run whose manifest holds its history and, if it was tested, its results.
        task: Its task, which says which pictures there are.
        outcome: What the model said of the test split; None where it was not tested, or cannot be tested any more.
            The pictures of an earlier test that are in ``plots`` are then shown again.

    Returns:
        The files written, the page last.

    Raises:
        OSError: The folder cannot be written.
    """
    manifest = run.manifest()
    history = manifest.training.history if manifest.training else []
    figures = {"curves": curves(history)} if history else {}
    drawn = {name: _png(figure) for name, figure in {**figures, **(outcome.figures() if outcome else {})}.items()}
    written = _write(drawn, run.path / "plots")
    captions = {**_CURVES, **task.pictures}
    pictures = {**(_earlier(run.path / "plots", captions) if outcome is None else {}), **drawn}
    shown = [(captions[name], pictures[name]) for name in captions if name in pictures]
    parts = [(caption, page.picture(png, caption)) for caption, png in shown]
    text = page.page(f"{run.name}", [*_summary(manifest, outcome), *parts, *_record(run, manifest)])
    target = run.path / "report.html"
    write_text(target, text)
    return [*written, target]


def write_pictures(folder: Path, outcome: Outcome | None) -> list[Path]:
    """Draw the pictures of a test into a folder, which is made if need be; return the files.

    Raises:
        OSError: The folder cannot be written.
    """
    return _write({name: _png(figure) for name, figure in (outcome.figures() if outcome else {}).items()}, folder)


def _write(pictures: Mapping[str, bytes], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, png in pictures.items():
        path = folder / f"{name}.png"
        with replacing(path) as temporary:
            temporary.write_bytes(png)
        written.append(path)
    return written


def _earlier(folder: Path, names: Iterable[str]) -> dict[str, bytes]:
    """Return the pictures of an earlier report by name."""
    return {name: path.read_bytes() for name in names if (path := folder / f"{name}.png").is_file()}


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    # Sheets of photos are 5 % larger so, and drawn in two thirds of the time.
    figure.savefig(stream, format="png", dpi=_DPI, pil_kwargs={"compress_level": 3})
    return stream.getvalue()


def _summary(manifest: Manifest, outcome: Outcome | None) -> list[tuple[str, str]]:
    """Return what a reader wants to know first: what was trained on what, and what came of it."""
    data = manifest.data
    text = page.paragraph(f"{manifest.pipeline}, recipe {manifest.recipe}, seed {manifest.seed}.")
    text += page.paragraph(f"Data: {data.description}.")
    if data.reason:
        text += page.warning("Trained on the embedded sample, NOT on the real data, which could not be downloaded.")
    elif data.used == "sample":
        text += page.warning("Trained on the embedded sample: these results say nothing about the real task.")
    if manifest.status != "done":
        text += page.warning(f"This run is {manifest.status}.")
    rows = [{"metric": name, "test": value} for name, value in manifest.test_results.items()]
    parts = [("", text), ("Test results", page.table(rows))] if rows else [("", text)]
    if classes := outcome.per_class() if outcome else {}:
        parts.append(("Classes", page.table([{"class": name, **row} for name, row in classes.items()])))
    return parts


def _record(run: Run, manifest: Manifest) -> list[tuple[str, str]]:
    """Return what it takes to do it again."""
    settings = run.config_path.read_text(encoding="utf-8")
    seconds = [{"part": name, "seconds": float(value)} for name, value in manifest.timings.items()]
    command = page.code(shlex.join(manifest.argv))
    return [("Time", page.table(seconds)), ("Command", command), ("Settings", page.code(settings))]
