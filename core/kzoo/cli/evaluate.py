"""``kzoo evaluate``: measure a trained model."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import options, output

if TYPE_CHECKING:
    from kzoo.evaluation import Evaluation

__all__ = ["evaluate"]


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
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """Test a trained model: loss and metrics, and for each class precision, recall, F1 and the confusions."""
    from kzoo.evaluation import evaluate as measure
    from kzoo.evaluation import find_model

    saved = find_model(model, out)
    from kzoo.cli.run import Terminal
    from kzoo.training import runtime

    runtime.start(debug=options.debugging())
    found = measure(saved, data=data, listener=Terminal(quiet=json), batch_size=batch_size)
    if json:
        shown = {item.name: getattr(found, item.name) for item in fields(found) if item.name != "outcome"}
        output.emit_json({"model": str(saved.path), **shown})
        return
    _show(found)


def _show(found: Evaluation) -> None:
    rows = [{"metric": name, "test": value} for name, value in found.metrics.items()]
    output.emit(rows, {"metric": "metric", "test": "test"}, as_json=False)
    if found.per_class:
        output.show()
        table: list[dict[str, Any]] = [{"class": name, **values} for name, values in found.per_class.items()]
        headings = {key: key for key in ("class", "precision", "recall", "f1", "support")}
        output.emit(table, headings, as_json=False)
        output.show()
        counts = zip(found.class_names, found.confusion, strict=True)
        names = found.class_names
        matrix: list[dict[str, Any]] = [{"true": n, **dict(zip(names, row, strict=True))} for n, row in counts]
        output.emit(matrix, {"true": "true \\ predicted", **{name: name for name in names}}, as_json=False)
    output.show()
    output.show(f"data  {found.data}; {found.size:,} test examples")
