"""``kzoo push``: a run on the hub, with a page that explains it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kzoo.cli import completion, options, output
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from kzoo.hub.pushing import Destination
    from kzoo.sharing.publication import Publication

__all__ = ["push"]


def push(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run (folder, name or `last`) or a .keras file.",
            autocompletion=completion.complete_run,
        ),
    ],
    address: Annotated[str, typer.Argument(metavar="hf://NAME/REPO", help="Where it goes.")],
    *,
    private: Annotated[bool, typer.Option("--private", help="Make a repository that only you see.")] = False,
    license: Annotated[  # noqa: A002 - the option's name
        str, typer.Option("--license", metavar="ID", help="The license of the model, as in apache-2.0.")
    ] = "",
    message: Annotated[str, typer.Option("--message", "-m", metavar="TEXT", help="What the commit is called.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would go and the page that explains it, and ask nobody.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Upload what is listed without being asked.")] = False,
    out: Annotated[Path, typer.Option("--out", help="The folder that runs are in.")] = Path("runs"),
    json: options.JsonOption = False,
) -> None:
    """Publish the model of a run on the Hugging Face hub, with its settings, results and a page about it.

    What goes is listed first; paths and names of this machine are left out. The token is that of `hf auth login`, or
    HF_TOKEN.
    """
    from kzoo.hub.address import Address
    from kzoo.hub.pushing import destination, ensure_no_revision
    from kzoo.hub.pushing import push as upload
    from kzoo.sharing.publication import prepare

    where = Address.parse(address)
    ensure_no_revision(where)
    with tempfile.TemporaryDirectory(prefix="kzoo-push-") as folder:
        found = prepare(model, where, Path(folder), root=out, license=license)
        to = None if dry_run else destination(where, private=private)
        _show(found, to, private=private, quiet=json)
        if to is None:
            _show_page(found, as_json=json)
            return
        _agree(yes=yes)
        record = upload(to, found.files, message=message or f"{found.saved.card.pipeline}, by kzoo push")
    if found.saved.run:
        record.write(found.saved.run.path)
    page = f"{record.endpoint}/{record.repository}"
    if json:
        files = {name: {"bytes": one.bytes, "sha256": one.sha256} for name, one in record.files.items()}
        output.emit_json({"address": str(record.address), "page": page, "private": to.private, "files": files})
        return
    output.show(f"address  {record.address}")
    output.show(f"page     {page}")


def _show(found: Publication, to: Destination | None, *, private: bool, quiet: bool) -> None:
    """Say what goes where."""
    rows: list[dict[str, Any]] = []
    for name, path in found.files.items():
        row = {"file": name, "bytes": f"{path.stat().st_size:,}"}
        rows.append({**row, "there": "replaced" if to and name in to.files else "new"})
    stale = to.stale(found.files) if to else []
    rows += [{"file": name, "bytes": "", "there": "removed"} for name in stale]
    if not quiet:
        output.emit(rows, {name: name for name in rows[0]}, as_json=False)
    if stale:
        output.say(f"{', '.join(stale)} there is of an earlier model, and is removed.")
    for text in found.left_out:
        output.say(f"left out of {text}.")
    for note in found.notes:
        output.say(note)
    if to is not None:
        state = "a new repository" if to.new else "there already"
        kind = "private" if to.private else "public: everybody can read it"
        output.say(f"To {to.endpoint}/{to.address.repository}, {state}, {kind}.")
    elif private:
        output.say("It would be private.")


def _show_page(found: Publication, *, as_json: bool) -> None:
    page = found.files["README.md"].read_text("utf-8")
    if as_json:
        sizes = {name: path.stat().st_size for name, path in found.files.items()}
        output.emit_json({"address": str(found.address), "files": sizes, "page": page})
        return
    output.show()
    for line in page.splitlines():
        output.show(line)


def _agree(*, yes: bool) -> None:
    """Ask whether to upload; where nobody can be asked, --yes must say it."""
    if yes:
        return
    if not sys.stdin.isatty():
        message = "Nothing was uploaded: nobody can be asked here. Look at the list, and add --yes."
        raise UsageError(message)
    typer.confirm("Upload this?", abort=True, err=True)
