"""Writes the pictures of a run and its page."""

from __future__ import annotations

import io
import shlex
from typing import TYPE_CHECKING

from kzoo.errors import KzooError
from kzoo.files import inside, read_regular, replacing, write_text
from kzoo.report import page
from kzoo.report.figures import curves

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from kzoo.runs.folder import Run
    from kzoo.runs.manifest import Manifest
    from kzoo.tasks import Outcome, Task

__all__ = ["as_png", "write_pictures", "write_report"]

_DPI = 110
_LONGEST = 64 * 2**20  # bytes of a file of the run that the page takes in

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
        KzooError: A part of it is a link that leads elsewhere.
    """
    manifest, plots = run.manifest(), inside(run.path / "plots", run.path)
    history = manifest.training.history if manifest.training else []
    best = manifest.training.best_epoch if manifest.training else None
    figures = {"curves": curves(history, best)} if history else {}
    drawn = {name: as_png(figure) for name, figure in {**figures, **(outcome.figures() if outcome else {})}.items()}
    written = _write(drawn, plots)
    captions = {**_CURVES, **task.pictures}
    pictures = {**(_earlier(plots, captions) if outcome is None else {}), **drawn}
    shown = [(captions[name], pictures[name], name in task.photos) for name in captions if name in pictures]
    parts = [(caption, page.picture(png, caption, photo=photo)) for caption, png, photo in shown]
    text = page.page(f"{run.name}", [*_summary(run, manifest, task, outcome), *parts, *_record(run, manifest)])
    target = run.path / "report.html"
    write_text(target, text)
    return [*written, target]


def write_pictures(folder: Path, outcome: Outcome | None) -> list[Path]:
    """Draw the pictures of a test into a folder, which is made if need be; return the files.

    Raises:
        OSError: The folder cannot be written.
    """
    return _write({name: as_png(figure) for name, figure in (outcome.figures() if outcome else {}).items()}, folder)


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
    paths = {name: folder / f"{name}.png" for name in names}
    return {name: read_regular(inside(path, folder), _LONGEST) for name, path in paths.items() if path.is_file()}


def as_png(figure: Figure) -> bytes:
    """Return the bytes of a figure as a PNG file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    FigureCanvasAgg(figure)
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a class called `$` is a class, and not the beginning of a formula
    stream = io.BytesIO()
    # Sheets of photos are 5 % larger so, and drawn in two thirds of the time.
    figure.savefig(stream, format="png", dpi=_DPI, pil_kwargs={"compress_level": 3})
    return stream.getvalue()


def _summary(run: Run, manifest: Manifest, task: Task, outcome: Outcome | None) -> list[tuple[str, str]]:
    """Return what a reader wants to know first: what was trained on what, when and where, and what came of it."""
    data = manifest.data
    text = page.facts(_facts(run, manifest))
    if data.reason:
        text += page.warning("Trained on the embedded sample, NOT on the real data, which could not be downloaded.")
    elif data.used == "sample":
        text += page.warning("Trained on the embedded sample: these results say nothing about the real task.")
    if manifest.status != "done":
        text += page.warning(f"This run is {manifest.status}.")
    rows = [{"metric": name, "test": value} for name, value in manifest.test_results.items()]
    parts = [("", text), ("Test results", page.table(rows))] if rows else [("", text)]
    if classes := outcome.per_class() if outcome else {}:
        table = page.table([{task.rows: name, **row} for name, row in classes.items()])
        parts.append(("Classes" if task.rows == "class" else "Compared", table))
    return parts


def _facts(run: Run, manifest: Manifest) -> dict[str, str]:
    """Return what a run is told from others by."""
    training, surroundings = manifest.training, manifest.environment
    try:
        config = run.config()
        loss, optimizer = str(config.loss), str(config.optimizer)
    except KzooError as error:  # the page shows the file as it is
        loss = optimizer = f"not known: {error}"
    versions = surroundings.get("versions") or {}
    cpus = surroundings.get("cpus")
    machine = [surroundings.get("host"), surroundings.get("cpu"), f"{cpus} processors" if cpus else ""]
    epochs = ""
    if training:
        best = f"; the best is {training.best_epoch}" if training.best_epoch else ""
        epochs = f"{training.epochs}{best}; the model has the weights of the {training.weights}"
    return {
        "date": manifest.started[:16].replace("T", " ") + " UTC" if manifest.started else "",
        "machine": ", ".join(str(one) for one in machine if one),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items() if version),
        "pipeline": f"{manifest.pipeline}, recipe {manifest.recipe}, seed {manifest.seed}",
        "loss": loss,
        "optimizer": optimizer,
        "epochs": epochs,
        "data": manifest.data.description,
    }


def _record(run: Run, manifest: Manifest) -> list[tuple[str, str]]:
    """Return what it takes to do it again."""
    settings = read_regular(inside(run.config_path, run.path), _LONGEST).decode("utf-8", "replace")
    seconds = [{"part": name, "seconds": float(value)} for name, value in manifest.timings.items()]
    command = page.code(shlex.join(manifest.argv))
    return [("Time", page.table(seconds)), ("Command", command), ("Settings", page.code(settings))]
