"""``kzoo fetch``: download data for use without a network."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kzoo.cli import completion, options, output

__all__ = ["fetch"]


def fetch(
    pipelines: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PIPELINE...", help="Whose data to download.", autocompletion=completion.complete_pipeline
        ),
    ] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="The data of all pipelines.")] = False,
    json: options.JsonOption = False,
) -> None:
    """Download the real data of pipelines, checked and kept, so that they run without a network later.

    The files go to the folder KZOO_DATA, by default the platform's cache for kzoo.
    """
    from kzoo.errors import KzooError, UsageError
    from kzoo.plugins.registry import get_registry
    from kzoo.plugins.targets import load_target

    registry = get_registry()
    names = registry.names("pipeline") if everything else list(pipelines or [])
    if not names:
        message = f"Name a pipeline ({', '.join(registry.names('pipeline'))}), or --all."
        raise UsageError(message)
    entries = [registry.get("pipeline", name.replace("-", "_")) for name in names]
    if everything:
        entries = [entry for entry in entries if load_target(entry).has_real_data]
    from kzoo.cli.transfers import TransferLine

    line = TransferLine()
    rows: list[dict[str, Any]] = []
    failed = 0
    for entry in entries:
        try:
            path = load_target(entry)().fetch_real(download=True, progress=None if json else line)
        except KzooError as error:  # the others may still be had
            line.close()
            output.error(f"{entry.name}: {error}")
            failed += 1
        else:
            rows.append({"pipeline": entry.name, "file": str(path), "megabytes": round(path.stat().st_size / 1e6, 1)})
    output.emit(rows, {"pipeline": "pipeline", "file": "file", "megabytes": "MB"}, as_json=json)
    if failed:
        raise typer.Exit(1)
