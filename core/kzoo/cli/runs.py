"""``kzoo runs``: what was trained here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.arguments import command_line
from kzoo.cli import completion, options, output

if TYPE_CHECKING:
    from kzoo.runs.folder import Run

__all__ = ["runs"]

_CAN_GO_ON = ("interrupted", "failed", "killed")
_COLUMNS = {"run": "run", "status": "status", "data": "data", "epochs": "epochs", "results": "test results"}


def runs(
    pipeline: Annotated[
        str | None, typer.Argument(help="Only runs of this pipeline.", autocompletion=completion.complete_pipeline)
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """List the runs of a folder, oldest first, with their results, or with what is wrong with their run.json."""
    from kzoo.runs.folder import list_runs

    name = _folder_of(pipeline) if pipeline else None
    rows = [_row(run) for run in list_runs(out, name)]
    output.emit(rows, _COLUMNS, as_json=json, whole=True)  # a name is there to be copied
    if not json and (last := next((row for row in reversed(rows) if row["status"] in _CAN_GO_ON), None)):
        output.say(f"Next: {command_line('kzoo', 'run', '--resume', last['path'])}")
    if not rows and not json:
        where = f"No runs{f' of {name}' if name else ''} in {out.absolute()}."
        output.say(f"{where} `kzoo run PIPELINE` makes one; --out DIR looks elsewhere.")


def _folder_of(pipeline: str) -> str:
    """Return what the folder of a pipeline's runs is called; that of a plugin that is gone may be there still."""
    from kzoo.plugins.registry import get_registry

    registry = get_registry("pipeline")
    known = registry.known(pipeline, "pipeline")
    return registry.shown_name(registry.pipeline(pipeline)) if known else pipeline.replace("-", "_")


def _row(run: Run) -> dict[str, Any]:
    from kzoo.errors import KzooError

    place = {"run": run.name, "path": str(run.path)}
    try:
        manifest = run.manifest()
    except KzooError as error:  # one broken run must not hide the others
        return {**place, "status": "unreadable", "results": str(error), "fault": str(error)}
    results, status = manifest.test_results, run.status(manifest)
    shown = [f"{k} {output.cell(v)}" for k, v in results.items() if isinstance(v, (int, float))]
    return {
        **place,
        "status": status,
        "completed": manifest.completed,
        "data": manifest.data.used,
        "epochs": manifest.training.epochs if manifest.training and status == "done" else run.epochs(),
        "results": ", ".join(shown),
        "test": dict(results),
        "seed": manifest.seed,
        "started": manifest.started or None,
    }
