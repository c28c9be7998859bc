"""Files that are what they seem: written whole or not at all, read only where they are regular files."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import stat
import uuid
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.streams import READABLE, readable, visible

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader
    from pathlib import Path

__all__ = [
    "csv_cell",
    "inside",
    "kind_of",
    "open_regular",
    "read_regular",
    "replacing",
    "scratch_folder",
    "sha256_of",
    "write_json",
    "write_text",
]

_HELD = ".held"
"""The lock that tells whether the program is alive whose folder it is in."""

_FORMULAS = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet takes for a formula."""

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def kind_of(mode: int) -> str:
    """Return what the mode of a file says that it is, where that is neither a file nor a folder, else an empty text.

    Example:
        >>> kind_of(stat.S_IFIFO), kind_of(stat.S_IFREG)
        ('a named pipe', '')
    """
    return next((kind for is_it, kind in _KINDS if is_it(mode)), "")


def open_regular(path: Path) -> BufferedReader:
    """Open a file to read its bytes; what is no regular file is refused, before anything is read from it.

    To open a named pipe waits for whoever writes into it, and a device such as ``/dev/zero`` never ends.

    Raises:
        OSError: It cannot be opened, is a folder, or is a pipe, a socket or a device; ``strerror`` says so.
    """
    _refuse_irregular(path, path.stat().st_mode)  # to open some devices is enough to make them do something
    # Should it have become a pipe since, not even opening it waits. Windows has no such flag and needs the other one.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    try:
        _refuse_irregular(path, os.fstat(descriptor).st_mode)
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_regular(path: Path, limit: int) -> bytes:
    """Return the bytes of a regular file, as `open_regular` opens it.

    Args:
        path: The file.
        limit: The most bytes that such a file may have.

    Raises:
        OSError: As `open_regular`, or it has more.
    """
    with open_regular(path) as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        reason = f"it has more than {limit:,} bytes, which is the limit"
        raise OSError(errno.EFBIG, reason, str(path))
    return content


def _refuse_irregular(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        reason = f"it is {kind_of(mode) or 'something else'}, not a file"
        raise OSError(errno.EINVAL, reason, str(path))


_LONGEST = 24
"""Characters of a name, of four bytes at most, that a temporary one keeps before and after the dot."""


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; what is written there takes its place when the block ends well.

    The temporary file has the same suffix, is flushed to the disk before it is renamed, and is removed when the
    block raises, so a reader finds the old file or the new one and never a part. What is there and is no file, such as
    ``/dev/stdout`` or a named pipe, has no place to take: it is yielded itself.

    Raises:
        OSError: The path is that of a folder, or the disk refuses.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not path.is_file():
        yield path
        return
    # The name is kept short: with more before and behind it, one of full length would be too long.
    temporary = path.with_name(f".{path.stem[:_LONGEST]}.{uuid.uuid4().hex[:8]}{path.suffix[-_LONGEST:]}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":  # the new name is on the disk only once its folder is; Windows has no such call
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """Yield a folder where temporary files belong, and remove it; those that programs left which were killed go too.

    Args:
        prefix: What its name begins with, which tells whose folders these are.
    """
    import shutil  # not with the module: lists are made without
    import tempfile
    from pathlib import Path

    import filelock

    for left in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with contextlib.suppress(OSError, filelock.Timeout), filelock.FileLock(left / _HELD).acquire(timeout=0):
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    try:
        with filelock.FileLock(folder / _HELD):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file whole, in UTF-8 with Unix line ends on every platform; see `kzoo.streams.READABLE`."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors=READABLE, newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file whole. Numbers that JSON cannot hold (NaN, infinity) become null."""
    write_text(path, json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    found = hashlib.sha256()
    with open_regular(path) as file:
        while chunk := file.read(2**20):
            found.update(chunk)
    return found.hexdigest()


def inside(path: Path, folder: Path) -> Path:
    """Return ``path``; raise `KzooError` where a link on the way to it leads out of ``folder``.

    A folder from a stranger may hold links, and what is read or written through one is elsewhere on this machine.
    """
    end = path.resolve()
    if not end.is_relative_to(folder.resolve()):
        message = (
            f"{path} is a link that leads out of its folder, to {end}, and is not followed. If it is yours, put a copy "
            "in its place; if the folder came from somebody else, do not trust it."
        )
        raise KzooError(message)
    return path


def csv_cell(value: Any) -> Any:
    """Return a value as it is written into a CSV file: text that a spreadsheet would run as a formula is quoted.

    Numbers stay numbers, also those that are written as text. Control characters are written out, as they would steer
    the terminal that the file is looked at in, and a line break would end a row for whatever counts lines.

    Example:
        >>> csv_cell("=1+1"), csv_cell("cat"), csv_cell(-1.5), csv_cell("-1.5")
        ("'=1+1", 'cat', -1.5, '-1.5')
    """
    if not isinstance(value, str):
        return value
    value = visible(value, one_line=True)
    if not value.startswith(_FORMULAS):
        return value
    try:
        float(value)
    except ValueError:
        return f"'{value}"
    return value


def _plain(value: Any) -> Any:
    """Return ``value`` made of what JSON has."""
    if isinstance(value, dict):
        return {readable(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy arrays and scalars
        return _plain(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124 - NaN
        return None
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return readable(str(value))
