"""Files about pictures: what each is named, which picture a COCO record is of, and errors that name the file."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from kzoo.detection import image_id
from kzoo.errors import DataError
from kzoo.files import write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kzoo.data.frames import Frame

__all__ = ["FreeNames", "coco_picture", "left_out", "made_folder", "refused", "written"]

_MOST_NAMED = 20


class FreeNames:
    """Names for a file of each picture: that of the picture, of a frame of a video with its number.

    A name that was given out already gets a number, so that no file is written over another one.

    Args:
        digits: How many digits the number of a frame has at least.
    """

    def __init__(self, digits: int = 1) -> None:
        self._digits = digits
        self._taken: set[str] = set()

    def of(self, frame: Frame, name: str) -> str:
        """Return the name, without an ending, for a picture whose source is called ``name``."""
        stem = frame.path.stem if frame.path else "".join(c if c.isalnum() or c in "._-" else "-" for c in name)
        stem = stem if frame.time is None else f"{stem}_{frame.index:0{self._digits}d}"
        tries = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
        free = next(candidate for candidate in tries if candidate not in self._taken)
        self._taken.add(free)
        return free


def coco_picture(frame: Frame, name: str) -> tuple[str, int | str]:
    """Return the file of a picture and what COCO's results know it by: the number it is named by, or its name.

    Of a frame of a video the frame's number stands behind that. ``name`` is what the source is called.
    """
    file = frame.path.name if frame.path else name
    known = image_id(file)
    return file, known if frame.time is None else f"{known}_{frame.index}"


def left_out(
    what: str,
    root: Path,
    faults: Sequence[str],
    total: int,
    *,
    skip: bool,
    option: str = "data.unreadable=skip",
    way: str = "",
) -> list[str]:
    """Return the note that names what is left out of some data; raise `DataError` where nothing may be or all would.

    Args:
        what: The examples, as in ``pictures in``.
        root: Where they are from.
        faults: What is wrong, each with its file.
        total: How many examples there are.
        skip: Whether those with a fault are left out.
        option: The setting that has them left out.
        way: Another way out, as a sentence after a blank.
    """
    if not faults:
        return []
    listed = "; ".join(faults[:_MOST_NAMED])
    listed += f"; and {len(faults) - _MOST_NAMED} more" if len(faults) > _MOST_NAMED else ""
    whole = f"{len(faults)} of {total} {what} {root} cannot be used"
    if skip and len(faults) < total:
        return [f"{whole} and are left out. {listed}."]
    other = "" if skip else f", or leave them out with -o {option}"
    message = f"{whole}; mend or remove them{other}.{way} {listed}."
    raise DataError(message)


def made_folder(folder: Path, what: Path) -> None:
    """Make a folder, before anything is predicted; raise `DataError` that names what cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(what, error) from error


def written(path: Path, text: str) -> None:
    """Write a text whole; raise `DataError` where that cannot be done."""
    try:
        write_text(path, text)
    except OSError as error:
        raise refused(path, error) from error


def refused(path: Path, error: OSError) -> DataError:
    """Return the error of a file that cannot be written."""
    return DataError(f"{path} cannot be written: {error.strerror or error}.")
