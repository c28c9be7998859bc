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
    from kzoo.data.download import fetch as download
    from kzoo.data.download import several_files
    from kzoo.errors import DataError, KzooError, UsageError
    from kzoo.models.saved import find_pipeline
    from kzoo.plugins.registry import get_registry

    registry = get_registry()
    names = registry.names("pipeline") if everything else list(pipelines or [])
    if not names:
        message = f"Name a pipeline ({', '.join(registry.names('pipeline'))}), or --all."
        raise UsageError(message)
    sources = {name: find_pipeline(name.replace("-", "_")).source() for name in names}
    if everything:
        sources = {name: source for name, source in sources.items() if source.real is not None}
    from kzoo.cli.transfers import TransferLine

    line = TransferLine()
    rows: list[dict[str, Any]] = []
    failed = 0
    for name, source in sources.items():
        try:
            if source.real is None:
                message = f"There is no data set to download for this pipeline. {source.without_real}".rstrip()
                raise DataError(message)
            paths = [download(one, progress=None if json else line) for one in several_files(source.real)]
        except KzooError as error:  # the others may still be had
            line.close()
            output.error(f"{name}: {error}")
            failed += 1
        else:
            rows += [
                {"pipeline": name, "file": str(path), "megabytes": round(path.stat().st_size / 1e6, 1)}
                for path in paths
            ]
    output.emit(rows, {"pipeline": "pipeline", "file": "file", "megabytes": "MB"}, as_json=json)
    if failed:
        raise typer.Exit(1)
