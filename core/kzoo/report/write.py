"""Writes the pictures of a run and its page."""

from __future__ import annotations

import io
import shlex
from typing import TYPE_CHECKING, Any

from kzoo.detection import DetectionOutcome
from kzoo.files import replacing, write_text
from kzoo.report import page
from kzoo.report.outcome import ClassOutcome, ValueOutcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from kzoo.runs.folder import Run

__all__ = ["write_pictures", "write_report"]

_DPI = 110

_CAPTIONS = {
    "curves": "Loss and metrics over the epochs",
    "confusion": "Confusion matrix of the test split",
    "mistakes": "The most confident mistakes",
    "examples": "Test examples as predicted",
    "values": "Predicted and true values of the test split",
    "precision_recall": "Precision over recall at an overlap of 0.5",
    "confusion_of_boxes": "What each object was taken for",
    "worst": "The images with the most errors: green right, red wrong, dashed missed",
    "detected": "Test images as detected, the first of each class: green right, red wrong, dashed missed",
}


def write_report(run: Run, outcome: ClassOutcome | ValueOutcome | DetectionOutcome | None = None) -> list[Path]:
    """Draw the pictures of a run into its folder ``plots``, and write ``report.html``, which holds them.

    Args:
        run: A run whose manifest holds its history and, if it was tested, its results.
        outcome: What the model said of the test split; None where it was not tested, or cannot be tested any more.
            The pictures of an earlier test that are in ``plots`` are then shown again.

    Returns:
        The files written, the page last.

    Raises:
        OSError: The folder cannot be written.
    """
    manifest = run.manifest()
    figures = _figures(manifest.get("training", {}).get("history") or [], outcome)
    drawn = {name: _png(figure) for name, figure in figures.items()}
    written = _write(drawn, run.path / "plots")
    pictures = {**(_earlier(run.path / "plots") if outcome is None else {}), **drawn}
    parts = [(_CAPTIONS[name], page.picture(png, _CAPTIONS[name])) for name, png in _in_order(pictures)]
    text = page.page(f"{run.name}", [*_summary(manifest, outcome), *parts, *_record(run, manifest)])
    target = run.path / "report.html"
    write_text(target, text)
    return [*written, target]


def write_pictures(folder: Path, outcome: ClassOutcome | ValueOutcome | DetectionOutcome | None) -> list[Path]:
    """Draw the pictures of a test into a folder, which is made if need be; return the files.

    Raises:
        OSError: The folder cannot be written.
    """
    return _write({name: _png(figure) for name, figure in _figures([], outcome).items()}, folder)


def _write(pictures: Mapping[str, bytes], folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, png in pictures.items():
        path = folder / f"{name}.png"
        with replacing(path) as temporary:
            temporary.write_bytes(png)
        written.append(path)
    return written


def _earlier(folder: Path) -> dict[str, bytes]:
    """Return the pictures of an earlier report by name."""
    return {name: path.read_bytes() for name in _CAPTIONS if (path := folder / f"{name}.png").is_file()}


def _in_order(pictures: Mapping[str, bytes]) -> list[tuple[str, bytes]]:
    return [(name, pictures[name]) for name in _CAPTIONS if name in pictures]


def _figures(
    history: Sequence[Mapping[str, Any]], outcome: ClassOutcome | ValueOutcome | DetectionOutcome | None
) -> dict[str, Figure]:
    """Return the pictures that there is something to draw for, by name, in the order in which they are shown."""
    from kzoo.report import figures, sheets

    found = {}
    if history:
        found["curves"] = figures.curves(history)
    if isinstance(outcome, ClassOutcome):
        found["confusion"] = figures.confusion(outcome.confusion(), outcome.class_names)
        if outcome.image is not None:
            mistakes = outcome.mistakes(sheets.MOST_IMAGES)
            if len(mistakes):
                found["mistakes"] = sheets.sheet(outcome, mistakes.tolist())
            found["examples"] = sheets.sheet(outcome, outcome.examples(sheets.MOST_IMAGES).tolist())
    elif isinstance(outcome, ValueOutcome):
        found["values"] = figures.values(outcome)
    elif isinstance(outcome, DetectionOutcome):
        from kzoo.report import detections

        found["precision_recall"] = detections.precision_recall(outcome)
        found["confusion_of_boxes"] = figures.confusion(*detections.confusion_of(outcome))
        if worst := outcome.worst(detections.MOST_IMAGES):
            found["worst"] = detections.sheet(outcome, worst)
        found["detected"] = detections.sheet(outcome, outcome.examples(detections.MOST_IMAGES))
    return found


def _png(figure: Figure) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    stream = io.BytesIO()
    # Sheets of photos are 5 % larger so, and drawn in two thirds of the time.
    figure.savefig(stream, format="png", dpi=_DPI, pil_kwargs={"compress_level": 3})
    return stream.getvalue()


def _summary(manifest: Mapping[str, Any], outcome: Any) -> list[tuple[str, str]]:
    """Return what a reader wants to know first: what was trained on what, and what came of it."""
    data = manifest["data"]
    text = page.paragraph(f"{manifest['pipeline']}, recipe {manifest['recipe']}, seed {manifest['seed']}.")
    text += page.paragraph(f"Data: {data['description']}.")
    if data.get("reason"):
        text += page.warning("Trained on the embedded sample, NOT on the real data, which could not be downloaded.")
    elif data["used"] == "sample":
        text += page.warning("Trained on the embedded sample: these results say nothing about the real task.")
    if manifest["status"] != "done":
        text += page.warning(f"This run is {manifest['status']}.")
    results = (manifest.get("results") or {}).get("test", {})
    rows = [{"metric": name, "test": value} for name, value in results.items()]
    parts = [("", text), ("Test results", page.table(rows))] if rows else [("", text)]
    if isinstance(outcome, (ClassOutcome, DetectionOutcome)):
        parts.append(("Classes", page.table([{"class": name, **row} for name, row in outcome.per_class().items()])))
    return parts


def _record(run: Run, manifest: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what it takes to do it again."""
    settings = run.config_path.read_text(encoding="utf-8")
    command = shlex.join(manifest.get("argv", []))
    seconds = [{"part": name, "seconds": float(value)} for name, value in (manifest.get("timings") or {}).items()]
    return [("Time", page.table(seconds)), ("Command", page.code(command)), ("Settings", page.code(settings))]
