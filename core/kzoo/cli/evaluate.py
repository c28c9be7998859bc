"""``kzoo evaluate``: measure a trained model."""

from __future__ import annotations

import json as json_module
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import options, output

if TYPE_CHECKING:
    from kzoo.inference.evaluation import Evaluation

__all__ = ["evaluate"]

_MOST_COLUMNS = 12
"""A confusion matrix of boxes with more is left to the picture: detectors often have 80 classes."""


def evaluate(
    model: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run (folder, name or `last`) or a .keras file.")],
    *,
    data: Annotated[
        str | None,
        typer.Option(
            "--data", "-d", metavar="SOURCE", help="Other data than the run's: real, sample, a file or folder."
        ),
    ] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", "-b", help="Examples in one step.")] = None,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="DIR", help="Also draw the pictures of the test into this folder.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", metavar="KEY=VALUE", help="Of a detector: a setting, as for `kzoo predict`."),
    ] = None,
    coco: Annotated[
        Path | None,
        typer.Option("--coco", metavar="FILE", help="Of a detector: also write all boxes, as COCO's results."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """Test a trained model: loss and metrics, and for each class how well it is told or found."""
    from kzoo.inference.evaluation import evaluate as measure
    from kzoo.inference.evaluation import find_model
    from kzoo.runs.config import layer_from_options

    saved = find_model(model, out)
    from kzoo.cli.run import Terminal
    from kzoo.engine import runtime

    runtime.start(debug=options.debugging())
    given = layer_from_options(settings or ())
    found = measure(saved, data=data, listener=Terminal(quiet=json), batch_size=batch_size, settings=given)
    _write(found, save, coco)
    if json:
        shown = {item.name: getattr(found, item.name) for item in fields(found) if item.name != "outcome"}
        output.emit_json({"model": str(saved.path), **shown})
        return
    _show(found)


def _write(found: Evaluation, save: Path | None, coco: Path | None) -> None:
    """Write the pictures and the file of results, where they are asked for."""
    from kzoo.detection import DetectionOutcome, coco_results
    from kzoo.errors import KzooError, UsageError
    from kzoo.files import write_text
    from kzoo.report import write_pictures

    if coco and not isinstance(found.outcome, DetectionOutcome):
        message = "--coco writes boxes, and this model finds none."
        raise UsageError(message)
    try:
        if save:
            for path in write_pictures(save, found.outcome):
                output.say(f"Saved {path}.")
        if coco and isinstance(found.outcome, DetectionOutcome):
            write_text(coco, json_module.dumps(coco_results(found.outcome)))
            output.say(f"Saved {coco}.")
    except OSError as error:
        message = f"{error.filename or save or coco} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error


def _show(found: Evaluation) -> None:
    rows = [{"metric": name, "test": value} for name, value in found.metrics.items()]
    output.emit(rows, {"metric": "metric", "test": "test"}, as_json=False)
    if found.per_class:
        output.show()
        table: list[dict[str, Any]] = [{"class": name, **values} for name, values in found.per_class.items()]
        output.emit(table, {key: key for key in table[0]}, as_json=False)
    names = found.class_names
    if len(found.confusion) > len(names):  # of boxes: what was missed, and boxes of nothing
        names = (*names, "nothing")
    if found.confusion and (len(names) == len(found.class_names) or len(names) <= _MOST_COLUMNS):
        output.show()
        counts = zip(names, found.confusion, strict=True)
        matrix: list[dict[str, Any]] = [{"true": n, **dict(zip(names, row, strict=True))} for n, row in counts]
        output.emit(matrix, {"true": "true \\ predicted", **{name: name for name in names}}, as_json=False)
    output.show()
    output.show(f"data  {found.data}; {found.size:,} test examples")
