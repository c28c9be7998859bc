"""Where a run of MLflow is: what `uri` may be, how a run is found again from elsewhere, and who may begin at a time."""

from __future__ import annotations

import contextlib
import json
import os
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["alone", "check", "kept", "place_of_new", "place_to_go_on"]

_DATABASE = "sqlite:///mlflow.db"  # where MLflow 3 and `mlflow ui` look by themselves; its folder of files it refuses
_VARIABLE = "MLFLOW_TRACKING_URI"
_SCHEMES = frozenset(
    {"http", "https", "sqlite", "postgresql", "mysql", "mssql", "databricks", "databricks-uc", "uc"}
)  # those that MLflow registers itself
_WORDS = frozenset({"databricks", "databricks-uc", "uc"})  # whole, without `://`
_FILE = re.compile(r"(sqlite[^:]*:///)(?!:memory:|file:)([^?]+)(.*)")


def check(uri: str) -> None:
    """Raise `KzooError` where MLflow has no store of this kind; only the kind is looked at, nothing is reached.

    Args:
        uri: The argument; where it is empty, the environment variable is looked at.
    """
    asked = uri or os.environ.get(_VARIABLE, "")
    scheme = asked if asked in _WORDS else urlsplit(asked).scheme.partition("+")[0]
    if not asked or scheme in _SCHEMES:
        return
    if len(scheme) > 1 and scheme in {one.name for one in entry_points(group="mlflow.tracking_store")}:
        return
    if (len(scheme) <= 1 or scheme == "file") and os.environ.get("MLFLOW_ALLOW_FILE_STORE", "").lower() in (
        "true",
        "1",
    ):
        return  # a path, on Windows with the letter of a drive
    what = "a path" if len(scheme) <= 1 else f"an address that begins with `{scheme}:`"
    message = (
        f"The tracker `mlflow` cannot write to what {'`uri`' if uri else f'the variable {_VARIABLE}'} says: it is "
        f"{what}, and MLflow has no store of that kind. A file is uri=sqlite:///mlflow.db, a server "
        "uri=http://localhost:5000; MLflow also takes postgresql, mysql, mssql and databricks."
    )
    raise KzooError(message)


def place_of_new(uri: str) -> str:
    """Return where a new run goes, with no path that the working folder decides."""
    return _absolute(uri or os.environ.get(_VARIABLE) or _DATABASE)


def kept(run: str, uri: str, given: str) -> str:
    """Return what a run is found again by.

    Args:
        run: Its id in MLflow.
        uri: Where it is.
        given: The argument that said so, which may have been relative.
    """
    parts = urlsplit(uri)
    secret = not _FILE.fullmatch(uri) and (parts.username or parts.password or parts.query)
    return json.dumps({"run": run} if secret else {"run": run, "uri": uri, "given": given})


def place_to_go_on(text: str, uri: str) -> tuple[str, str]:
    """Return the id of a run that goes on, and where it is.

    Args:
        text: What `kept` returned, or the id alone.
        uri: The argument now. It says where to, unless it is that of the beginning, or empty.

    Raises:
        KzooError: The file that the run is in is not there.
    """
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        found = {"run": text}
    here = place_of_new(uri)
    anew = "uri" not in found or uri not in ("", found["given"])
    places = [here] if anew else [found["uri"], here]  # the second where a project was moved as a whole
    there = next((place for place in places if (file := _file(place)) is None or file.exists()), None)
    if there is None:
        message = (
            f"its run {found['run']} is in {_file(places[0])}, which is not there. Say where that file is now, with "
            "--track mlflow:uri=sqlite:///PATH"
        )
        raise KzooError(message)
    return found["run"], there


@contextlib.contextmanager
def alone(uri: str) -> Iterator[None]:
    """Have other runs wait while one begins, where both might make the same file or the same experiment in it."""
    file = _file(uri)
    if file is None:
        yield
        return
    import filelock

    file.parent.mkdir(parents=True, exist_ok=True)
    # The lock file stays: removing it would let a third process lock a new file while a second still waits.
    with filelock.FileLock(file.with_name(f".{file.name}.lock")):
        yield


def _file(uri: str) -> Path | None:
    found = _FILE.fullmatch(uri)
    return Path(found[2]) if found else None


def _absolute(uri: str) -> str:
    found = _FILE.fullmatch(uri)
    return f"{found[1]}{(Path.cwd() / found[2]).as_posix()}{found[3]}" if found else uri
