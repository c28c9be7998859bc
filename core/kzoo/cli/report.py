"""``kzoo report``: the pictures of a run, drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kzoo.cli import options, output

__all__ = ["report"]


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run (folder, name or `last`).")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """Draw the pictures of a run and write its report.html, which holds them all and needs no network."""
    from kzoo.errors import KzooError
    from kzoo.runs import find_run

    found = find_run(run, out)
    manifest = found.manifest()
    outcome = _outcome(run, out, quiet=json) if manifest["status"] == "done" else None
    from kzoo.report import write_report

    try:
        files = write_report(found, outcome)
    except OSError as error:
        message = f"The report of {found.path} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
    if json:
        output.emit_json({"run": str(found.path), "files": [str(file) for file in files]})
        return
    for file in files:
        output.show(str(file))


def _outcome(run: str, out: Path, *, quiet: bool) -> Any:
    """Return what the run's model says of its test split; this imports TensorFlow."""
    from kzoo.cli.run import Terminal
    from kzoo.evaluation import evaluate, find_model
    from kzoo.training import runtime

    saved = find_model(run, out)
    runtime.start(debug=options.debugging())
    return evaluate(saved, data=None, listener=Terminal(quiet=quiet)).outcome
