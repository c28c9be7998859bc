"""``kzoo runs``: what was trained here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import completion, options, output

if TYPE_CHECKING:
    from kzoo.runs.folder import Run

__all__ = ["runs"]

_COLUMNS = {"run": "run", "status": "status", "data": "data", "epochs": "epochs", "results": "test results"}


def runs(
    pipeline: Annotated[
        str | None, typer.Argument(help="Only runs of this pipeline.", autocompletion=completion.complete_pipeline)
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """List the runs of a folder, oldest first, with their results."""
    from kzoo.errors import KzooError
    from kzoo.runs.folder import list_runs

    name = pipeline.replace("-", "_") if pipeline else None
    rows: list[dict[str, Any]] = []
    for run in list_runs(out, name):
        try:
            rows.append(_row(run))
        except KzooError as error:  # one broken run must not hide the others
            output.warn(str(error))
    output.emit(rows, _COLUMNS, as_json=json)
    if not rows and not json:
        where = f"No runs{f' of {name}' if name else ''} in {out.absolute()}."
        output.say(f"{where} `kzoo run PIPELINE` makes one; --out DIR looks elsewhere.")


def _row(run: Run) -> dict[str, Any]:
    manifest = run.manifest()
    results = manifest.test_results
    shown = [f"{k} {v:.4g}" for k, v in results.items() if isinstance(v, (int, float))]
    return {
        "run": run.name,
        "path": str(run.path),
        "status": manifest.status,
        "data": manifest.data.used,
        "epochs": manifest.training.epochs if manifest.training else None,
        "results": ", ".join(shown),
        "test": dict(results),
        "seed": manifest.seed,
        "started": manifest.started or None,
    }
