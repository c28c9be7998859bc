"""``kzoo repro``: a run once more, and whether it comes to the same."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from kzoo.cli import completion, options, output
from kzoo.streams import stdout_to_stderr

__all__ = ["repro"]


def repro(
    run: Annotated[
        str,
        typer.Argument(metavar="RUN", help="A run (folder, name or `last`).", autocompletion=completion.complete_run),
    ],
    *,
    out: Annotated[
        Path, typer.Option("--out", help="The folder that runs are in, and that the new one goes to.")
    ] = Path("runs"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result and warnings.")] = False,
    json: options.JsonOption = False,
) -> None:
    """Train a run again in a new folder, and say whether it is equal, bit for bit, or where it first differs.

    Compared are the data, the weights before the first step and after each epoch, the metrics and the results. What
    else is not as it was, such as versions or the number of threads, is listed beside it. Exit
    code 1 where they differ.
    """
    from kzoo.cli.listening import Terminal
    from kzoo.data.download import showing
    from kzoo.runs.folder import find_run
    from kzoo.training.repeating import compare, repeat

    before = find_run(run, out)
    listener = Terminal(quiet=quiet or json)
    with stdout_to_stderr(), showing(listener.download):
        again = repeat(before, out, listener, sys.argv, debug=options.debugging())
    found = compare(before.manifest(), again.manifest())
    rows: list[dict[str, Any]] = [
        {"compared": what, "equal": {True: "yes", False: "no", None: "-"}[same], "found": words}
        for what, words, same in found.lines
    ]
    if json:
        output.emit_json(
            {
                "run": str(before.path),
                "again": str(again.path),
                "equal": found.equal,
                "compared": [{**row, "equal": same} for row, (_, _, same) in zip(rows, found.lines, strict=True)],
                "surroundings": found.surroundings,
            }
        )
    else:
        output.emit(rows, {key: key for key in rows[0]}, as_json=False)
        for words in found.surroundings:
            output.show(f"not as it was: {words}")
        output.show(f"again  {again.path}")
        output.show("equal" if found.equal else found.first or "There was nothing to compare.")
    if not found.equal:
        raise typer.Exit(1)
