"""``kzoo pull``: a model from the hub, in a folder of one's own."""

from __future__ import annotations

import re
from pathlib import Path  # noqa: TC003 - typer reads the types
from typing import TYPE_CHECKING, Annotated

import typer

from kzoo.cli import completion, options, output

if TYPE_CHECKING:
    from kzoo.models.inspection import Inspection, Need

__all__ = ["pull"]

_DISTRIBUTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]*")


def pull(
    address: Annotated[
        str,
        typer.Argument(
            metavar="hf://NAME/REPO[@REVISION]",
            help="The model; without a revision its newest state.",
            autocompletion=completion.complete_address,
        ),
    ],
    *,
    to: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="The folder to make; by default of the name REPO."),
    ] = None,
    json: options.JsonOption = False,
) -> None:
    """Fetch a model from the Hugging Face hub, check it, and say what it needs.

    The exit code is 1 where the model file has a fault. Nothing of it is built or run.
    """
    from kzoo.hub.pulling import pull as fetch
    from kzoo.models.inspection import inspect

    found = fetch(address, to)
    inspection = inspect(found.model)
    if json:
        told = inspection.to_dict()
        output.emit_json(
            {
                "address": str(found.record.address),
                "folder": str(found.folder),
                "model": str(found.model),
                "sha256": inspection.sha256,
                "files": sorted(found.record.files),
                "needs": told["needs"],
                "faults": told["faults"],
            }
        )
    else:
        rows = [{"file": name, "bytes": f"{one.bytes:,}"} for name, one in found.record.files.items()]
        output.emit(rows, {"file": "file", "bytes": "bytes"}, as_json=False)
        output.show(f"folder   {found.folder}")
        output.show(f"address  {found.record.address}")
    _say_needs(inspection)
    for fault in inspection.faults:
        output.error(f"{found.model}: {fault.rstrip('.')}.")
    if inspection.faults:
        raise typer.Exit(1)


def _say_needs(inspection: Inspection) -> None:
    """Say which distributions the model was made with are missing, and how to get them."""
    for need in inspection.needs:
        if need.installed or not need.distribution:
            continue
        output.warn(_missing(need))


def _missing(need: Need) -> str:
    what = f"`{need.distribution}` {need.version} ({', '.join(need.provides)})".replace("  ", " ")
    # It is a stranger's text, and what is shown as a command is copied into a shell.
    if not _DISTRIBUTION.fullmatch(need.distribution) or (need.version and not _VERSION.fullmatch(need.version)):
        return f"It was made with {what}, which is no name or version of a distribution: do not install it."
    requirement = f"{need.distribution}=={need.version}" if need.version else need.distribution
    return (
        f"It was made with {what}, which is not installed. A plugin is code of its authors: look at it, then `kzoo "
        f"install {requirement}`."
    )
