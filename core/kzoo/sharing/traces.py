"""What of this machine stands in files that are to go out: home folder, login, working folder, places of data."""

from __future__ import annotations

import getpass
import json
import re
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.models.archive import CARD, CONFIG, METADATA, opened
from kzoo.models.onnx_file import read_onnx

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["markers", "trace_in"]


def markers(*places: str) -> dict[str, str]:
    """Return the texts that are this machine's and its user's, each with what it is.

    Args:
        *places: Further paths that must not go out: those of the run and of its data.
    """
    paths = {path: "the place of the run or its data" for path in places if Path(path).is_absolute()}
    paths |= {str(Path.cwd()): "the working folder", str(Path.home()): "your home folder"}
    found = {path: what for path, what in paths.items() if Path(path).name}  # not the root of a disk, which is in all
    login = ""
    with suppress(KeyError, OSError, ImportError):  # a user without a name, as in a container
        login = getpass.getuser()
    if login:  # alone it may be a word like any other, the name of a class, or the owner in the address
        folders = (f"/home/{login}", f"/Users/{login}", f"\\Users\\{login}")
        found |= dict.fromkeys(folders, "a folder of your login")
    return found


def trace_in(path: Path, known: Mapping[str, str]) -> str:
    """Return what of a machine stands in a file, as the end of a sentence; an empty text where nothing was found.

    Looked at are texts and, of a model, the texts inside it; weights are numbers.

    Args:
        path: The file.
        known: As `markers` returns it.
    """
    for where, text in _texts(path):
        for marker, what in known.items():
            if re.search(rf"(?<!\w){re.escape(marker)}(?!\w)", text, re.IGNORECASE):
                return f"{where} holds `{marker}`, {what}"
    return ""


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the texts of a file, each with where it stands."""
    if path.suffix == ".keras":
        with opened(path) as archive:
            for name in (CARD, CONFIG, METADATA):
                if name in archive.names:
                    yield f"{name} in {path.name}", _said(archive.read_json(name))
    elif path.suffix == ".onnx":
        found = read_onnx(path)
        yield f"the card in {path.name}", _said(found.card.to_dict())
        yield f"what {path.name} says of its export", _said(dict(found.made))
    else:
        yield path.name, path.read_text("utf-8").replace("\\\\", "\\")


def _said(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\\\\", "\\")
