"""``kzoo export``: a trained model as the file of another program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import options, output
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from kzoo.export.exporting import Exported

__all__ = ["export"]


def export(
    model: Annotated[str, typer.Argument(metavar="RUN|MODEL", help="A run (folder, name or `last`) or a .keras file.")],
    *,
    form: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMAT", help="onnx, litert, openvino or saved-model.")
    ] = "onnx",
    to: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="What to write; by default beside the model."),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            "-d",
            metavar="SOURCE",
            help="What is replayed, other data than the run's: real, sample, a file or folder.",
        ),
    ] = None,
    replay: Annotated[
        int, typer.Option("--replay", min=1, metavar="N", help="Compare original and export on N test inputs.")
    ] = 16,
    int8: Annotated[bool, typer.Option("--int8", help="Make whole numbers of 8 bits of it, and measure both.")] = False,
    calibrate: Annotated[
        int, typer.Option("--calibrate", min=1, metavar="N", help="For --int8: tell the ranges from N training inputs.")
    ] = 128,
    max_drop: Annotated[
        float,
        typer.Option(
            "--max-drop",
            min=0.0,
            metavar="X",
            help="For --int8: refuse what loses more of its task's measure, such as accuracy or AP50, on test data.",
        ),
    ] = 0.01,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """Write a trained model as the file of another program, and compare the two.

    What was written is run beside the original, on test inputs and on zeros, ones and noise. Where they differ by more
    than 0.0001 nothing is left on the disk, and the exit code is 1.
    """
    from kzoo.cli.listening import Terminal
    from kzoo.export.exporting import Request
    from kzoo.export.exporting import export as write
    from kzoo.hub.address import is_address
    from kzoo.models.saved import find_model

    if is_address(model) and to is None:
        message = f"Name with --output what is written: beside {model} on this machine is only a cache."
        raise UsageError(message)
    saved = find_model(model, out)
    if caution := saved.caution():
        output.warn(caution)
    request = Request(format=form, out=to, data=data, inputs=replay, int8=int8, calibrate=calibrate, max_drop=max_drop)
    made = write(saved, request, Terminal(quiet=json))
    if json:
        output.emit_json(_told(made))
        return
    rows: list[dict[str, Any]] = [
        {"inputs": one.inputs, "count": one.count, "difference": f"{one.difference:.2g}"} for one in made.replay
    ]
    output.emit(rows, {name: name for name in rows[0]}, as_json=False)
    if made.quality:
        output.show(f"{made.quality}  {made.before:.4f} before, {made.after:.4f} in 8 bits")
    output.show(f"file  {made.path}  {made.bytes:,} bytes, written in {made.seconds:.1f} s")


def _told(made: Exported) -> dict[str, Any]:
    return {
        "file": str(made.path),
        "format": made.format,
        "bytes": made.bytes,
        "seconds": made.seconds,
        "difference": made.difference,
        "replay": [{"inputs": one.inputs, "count": one.count, "difference": one.difference} for one in made.replay],
        "quality": made.quality or None,
        "before": made.before,
        "after": made.after,
    }
