"""``kzoo check``: what a model file is, without building it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kzoo.cli import completion, options, output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kzoo.models.inspection import Inspection, Need

__all__ = ["check"]

_MOST_CLASSES = 12
_LONGEST = 300


def check(
    model: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A .keras or .onnx file, or a run (folder, name or `last`).",
            autocompletion=completion.complete_run,
        ),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """Say what a model file is, and what is wrong with it.

    Nothing of it is built or run, and TensorFlow is not imported. The exit code is 1 where the file has a fault.
    """
    from kzoo.models.inspection import inspect
    from kzoo.models.saved import SavedModel, locate_model
    from kzoo.runs.folder import Run

    path = Path(model).expanduser()
    if path.exists() and not path.is_dir():  # also what is no model by its name: it is said what it is instead
        run = Run(path.parent) if (path.parent / "run.json").exists() else None
    else:
        path, run = locate_model(model, out)
    found = inspect(path)
    faults = [*found.faults, *filter(None, [SavedModel(path, found.card, run).changed()])]
    if json:
        output.emit_json({**found.to_dict(), "faults": faults})
    else:
        rows = [{"what": what, "value": value} for what, value in _lines(found) if value]
        output.emit(rows, {"what": "of the file", "value": "says"}, as_json=False)
    for fault in faults:
        output.error(f"{path}: {fault.rstrip('.')}.")
    if faults:
        raise typer.Exit(1)


def _lines(found: Inspection) -> Iterator[tuple[str, str]]:
    """Yield what is known of a model file, each in a word or two and its value."""
    card = found.card
    yield "file", str(found.path)
    yield "size", f"{found.bytes:,} bytes"
    yield "sha256", found.sha256
    yield "saved by", f"Keras {found.keras}, {found.saved}".strip(" ,") if found.keras else _made("producer", found)
    yield (
        "exported from",
        f"{_made('source', found)}, sha256 {_made('source_sha256', found)}" if _made("source", found) else "",
    )
    yield "numbers", _made("numbers", found)
    yield "inputs are", _made("preprocessing", found)
    yield "pipeline", card.pipeline
    yield "task", card.task
    yield "run", card.run
    names = card.class_names
    more = f", and {len(names) - _MOST_CLASSES} more" if len(names) > _MOST_CLASSES else ""
    yield "classes", f"{len(names)}: {', '.join(names[:_MOST_CLASSES])}{more}" if names else ""
    yield "outputs", ", ".join(card.output_names)
    parts = "nodes" if found.made else "layers"
    yield "network", f"{found.network}, {found.layers} {parts}" if found.network else ""
    shape = found.input_shape or card.input_shape
    yield "input", " x ".join("any" if side is None else str(side) for side in shape)
    weights = found.weights
    yield "weights", f"{weights.network:,} numbers, and {weights.numbers - weights.network:,} more" if weights else ""
    for need in found.needs:
        yield "needs", _need(need)


def _made(key: str, found: Inspection) -> str:
    """Return a text that a file says of how it was exported; empty where it says none."""
    text = found.made.get(key)
    return text[:_LONGEST] if isinstance(text, str) else ""


def _need(need: Need) -> str:
    what = f" for {', '.join(need.provides)}"
    if not need.distribution:
        return f"a distribution that the file does not name{what}"
    name = f"{need.distribution} {need.version}".strip()
    state = f"{need.installed} is installed" if need.installed else "not installed"
    return f"{name}{what}; {state}"
