"""Writing a new plugin to the disk, whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from typing import TYPE_CHECKING

from kzoo.errors import KzooError
from kzoo.scaffold.render import files_of

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.scaffold.project import Project

__all__ = ["write"]


def write(project: Project, parent: Path) -> Path:
    """Write a project to a new folder of its distribution's name and return that folder.

    The files are written to a folder beside it, which is renamed when it is complete: whatever goes wrong, there is
    either the whole project or nothing.

    Args:
        project: What to write.
        parent: Where the new folder goes; made where it is missing.

    Raises:
        KzooError: Something of that name is there already, or the disk refuses.
    """
    folder = parent / project.distribution
    if os.path.lexists(folder):  # a link to nowhere is there too
        message = f"{folder} is there already, and is left as it is. Choose another name, or another place with --out."
        raise KzooError(message)
    unfinished = parent / f".{project.distribution}.{uuid.uuid4().hex[:8]}"
    try:
        for name, text in files_of(project).items():
            file = unfinished.joinpath(*name.split("/"))
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        unfinished.rename(folder)
    except OSError as error:
        message = f"{folder} cannot be written: {error.strerror or error}."
        raise KzooError(message) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)  # gone already where all went well
    return folder
