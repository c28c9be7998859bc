"""``kzoo report``: the pictures of a run, drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from kzoo.cli import completion, options, output

__all__ = ["report"]


def report(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="A run (folder, name or `last`).", autocompletion=completion.complete_run),
    ],
    *,
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", metavar="SOURCE", help="Where the run's data is now, if it was moved."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """Draw the pictures of a run and write its report.html, which holds them all and needs no network."""
    from kzoo.errors import DataError, KzooError
    from kzoo.runs.folder import find_run

    found = find_run(run, out)
    manifest = found.manifest()
    if caution := found.caution():
        output.warn(caution)
    from kzoo.report import write_report
    from kzoo.tasks import task_named

    outcome = None
    if manifest.status == "done":
        try:
            outcome = _outcome(str(found.path), out, data, quiet=json)
        except DataError as error:  # the run is as good as it was, only its data is gone
            if data is not None:
                raise
            output.warn(f"{error} The pictures of its test are those of the last report, if there was one.")
    try:
        files = write_report(found, task_named(manifest.task), outcome)
    except OSError as error:
        message = f"The report of {found.path} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
    if json:
        output.emit_json({"run": str(found.path), "files": [str(file) for file in files]})
        return
    for file in files:
        output.show(str(file))


def _outcome(run: str, out: Path, data: str | None, *, quiet: bool) -> Any:
    """Return what the run's model says of its test split; this imports TensorFlow."""
    from kzoo.cli.listening import Terminal
    from kzoo.engine import runtime
    from kzoo.inference.evaluation import evaluate
    from kzoo.models.saved import find_model

    saved = find_model(run, out)
    runtime.start(debug=options.debugging())
    return evaluate(saved, data=data, listener=Terminal(quiet=quiet)).outcome
