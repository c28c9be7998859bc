"""What classes are called: as the data says, as the user says, or by their numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from kzoo.errors import DataError, UsageError
from kzoo.files import read_regular
from kzoo.settings import setting, settings

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ClassSettings", "ImageSetSettings", "are_numbers", "number_of", "read_names", "stated_names"]

REAL = "real"
"""What a user says for the names of the pipeline's own data set."""

_LONGEST = 1_000_000  # bytes


@settings
class ClassSettings:
    """What classes are called, and which images a list of their labels may name."""

    classes: Annotated[
        str | tuple[str, ...],
        setting(
            "The names of the classes in the order of their numbers: a file with one name a line, a list, or real for "
            "those of the pipeline's own data set; by itself those that the data says, else 0, 1, ..."
        ),
    ] = ()
    outside: Annotated[
        bool,
        setting(
            "Whether a list of labels may name files that are neither below its own folder nor beside it. Only for "
            "lists that you trust."
        ),
    ] = False


@settings
class ImageSetSettings(ClassSettings):
    """How files and folders of labelled images are read."""

    unreadable: Annotated[
        Literal["stop", "skip"], setting("What to do with files that cannot be read: stop and name them, or skip them.")
    ] = "stop"


def stated_names(classes: str | Sequence[str], real: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the names that a user's setting ``data.classes`` gives; empty where there is none.

    Args:
        classes: A list; the path of a file that `read_names` reads; ``a,b``; or ``real``.
        real: The names of the pipeline's own data set.

    Raises:
        UsageError: There is no such file, a name is empty or there twice, or the pipeline has no names of its own.
        DataError: The file cannot be read.
    """
    if not classes:
        return ()
    if isinstance(classes, str):
        if classes == REAL:
            if not real:
                message = "`data.classes` is real, and this pipeline's own data set has no names to give."
                raise UsageError(message)
            return tuple(real)
        path = Path(classes).expanduser()
        if path.exists() or "," not in classes:
            if not path.exists():
                message = (
                    f"`data.classes` names the file {path}, which does not exist (looked in {Path.cwd()}). Name one "
                    'with a class in each line, or give a list, as in -o \'data.classes=["cat","dog"]\'.'
                )
                raise UsageError(message)
            return read_names(path)
        classes = [name.strip() for name in classes.split(",")]
    names = tuple(classes)
    for name in names:
        if not name.strip() or names.count(name) > 1:
            fault = f"has {name!r} twice" if name.strip() else "has an empty name"
            message = f"`data.classes` {fault}: every class has a name of its own."
            raise UsageError(message)
    return names


def number_of(label: str) -> int | None:
    """Return the number that a label is, as in ``3``, ``00003`` or ``3.0``; None for any other text.

    Example:
        >>> [number_of(label) for label in ("3", "00003", "3.0", "-1", "3.5", "cat")]
        [3, 3, 3, None, None, None]
    """
    whole, _, rest = label.strip().partition(".")
    return int(whole) if whole.isdecimal() and len(whole) <= 9 and not rest.strip("0") else None  # noqa: PLR2004


def are_numbers(names: Sequence[str]) -> bool:
    """Return whether names are nothing but numbers, which say nothing of the classes."""
    return all(number_of(name) is not None for name in names)


def read_names(path: Path, *, numbered: bool = False) -> tuple[str, ...]:
    """Return the names in a file, one a line; empty lines at its end do not count.

    Args:
        path: The file.
        numbered: A name that was there before gets the number of its class, from 0: ``crane (517)``.

    Raises:
        DataError: The file cannot be read, is no text, or has an empty name, or a repeated one that gets no number.
    """
    try:
        if path.stat().st_size > _LONGEST:
            message = f"{path} is no file of class names: it has {path.stat().st_size:,} bytes."
            raise DataError(message)
        text = read_regular(path, _LONGEST).decode("utf-8-sig")
    except OSError as error:
        message = f"The file of class names {path} cannot be read: {error.strerror}."
        raise DataError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path} is no file of class names: it is not text in UTF-8."
        raise DataError(message) from error
    names = [line.strip() for line in text.rstrip().splitlines()] if text.strip() else []
    if not names:
        message = f"{path} names no class: it is empty. It must have one name in each line."
        raise DataError(message)
    if numbered:
        firsts = {name: number for number, name in reversed(list(enumerate(names)))}
        names = [name if firsts[name] == n or not name else f"{name} ({n})" for n, name in enumerate(names)]
    for number, name in enumerate(names, start=1):
        first = names.index(name) + 1
        if not name or "\0" in name or first != number:
            what = f"repeats {name!r} of line {first}" if name and first != number else "is empty or no text"
            message = f"{path}, line {number}: it {what}. The file must have one name in each line."
            raise DataError(message)
    return tuple(names)
