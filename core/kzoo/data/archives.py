"""Archives from strangers: unpacked whole or not at all, and never outside the folder they belong in."""

from __future__ import annotations

import contextlib
import lzma
import platform
import re
import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, NoReturn, Protocol

from kzoo.data.cache import ensure_room, ensure_writable
from kzoo.data.limits import check_regular, growth_fault
from kzoo.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["extract", "read_members"]

MAX_BYTES = 32 * 10**9
"""More than this comes out of no data set that fits this toolkit."""
MAX_MEMBERS = 300_000
"""An archive of more is unpacked by whoever trusts it: each member takes its own time and memory."""

_CHUNK = 1 << 20
_BROKEN = (
    tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, UnicodeError,
    ValueError, KeyError, RecursionError,
)  # fmt: skip


@dataclass(frozen=True)
class _Member:
    """One entry of an archive, with what has to be known before any of it is unpacked."""

    name: str
    size: int
    kind: str


class _Archive(Protocol):
    """What zip and tar have in common here."""

    def members(self) -> Iterator[tuple[_Member, Callable[[], IO[bytes]]]]:
        """Yield the members with a function that opens each for reading; links are read as what they point to."""

    def finish(self) -> None:
        """Read what is left, so that a checksum at the very end is looked at."""


def extract(archive: Path, into: Path, *, max_bytes: int = MAX_BYTES) -> Path:
    """Unpack a zip or tar(.gz, .bz2, .xz) archive into the new folder ``into`` and return it.

    Everything is unpacked into a temporary folder beside ``into``, which gets its name only when all went well. Links
    inside the archive become copies of what they point to, so no link is ever made on disk.

    Args:
        archive: The archive.
        into: The folder to make; it must not exist yet.
        max_bytes: The most that may come out.

    Raises:
        DataError: The archive is corrupt or encrypted, holds a member that would land outside the folder, is a device
            or a link to the outside, is out of all proportion, or does not fit on the disk; or ``into`` exists. Also
            if a tar holds links and this Python is older than 3.11.4: its tarfile cannot tell where they lead.
    """
    if into.exists():
        message = f"{archive} cannot be unpacked: {into} exists already. Remove it first."
        raise DataError(message)
    ensure_writable(into.parent)
    workplace = Path(tempfile.mkdtemp(prefix=f".{into.name}-", dir=into.parent))
    try:
        content = workplace / "content"
        content.mkdir()  # not the temporary folder itself, which only its owner may read
        _unpack(archive, content, max_bytes)
        content.rename(into)
    except OSError as error:
        message = f"{archive} cannot be unpacked into {into}: {error.strerror or error}."
        raise DataError(message) from error
    finally:
        shutil.rmtree(workplace, ignore_errors=True)
    return into


def read_members(archive: Path, wanted: Callable[[str], bool], *, max_bytes: int = 2 * 10**9) -> dict[str, bytes]:
    """Return the content of the files in an archive whose path ``wanted`` accepts, by path, in one pass.

    Links are left out.

    Raises:
        DataError: The archive is corrupt, is out of all proportion, or has a member that `extract` would refuse.
    """
    contents: dict[str, bytes] = {}
    declared = 0
    with _opened(archive) as opened:
        for member, open_member in _counted(archive, opened.members()):
            path = _checked(archive, member)
            declared += member.size
            _check_growth(archive, declared, max_bytes)  # skipping a member unpacks it, too
            if member.kind != "file" or not wanted(path.as_posix()):
                continue
            with open_member() as source:
                content = source.read(member.size + 1)
            _check_length(member, len(content))
            contents[path.as_posix()] = content
        opened.finish()
    return contents


def _unpack(archive: Path, content: Path, max_bytes: int) -> None:
    with _opened(archive) as opened:
        declared = 0
        for member, _ in _counted(archive, opened.members()):
            _checked(archive, member)
            declared += member.size
            _check_growth(archive, declared, max_bytes)  # now: going to the next member unpacks this one
        ensure_room(content, declared, f"unpacking {archive.name}")
    written = 0
    with _opened(archive) as opened:
        for member, open_member in _counted(archive, opened.members()):
            target = content / _checked(archive, member)
            if member.kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            length = 0
            with open_member() as source, _created(archive, member, target) as file:
                while chunk := source.read(_CHUNK):
                    length += len(chunk)
                    # Counted as it comes out: the sizes in the archive are claims of whoever made it.
                    _check_growth(archive, written + length, max_bytes)
                    file.write(chunk)
            _check_length(member, length)
            written += length
        opened.finish()


def _created(archive: Path, member: _Member, target: Path) -> IO[bytes]:
    try:
        return target.open("xb")
    except FileExistsError:
        _refuse(archive, member.name, "it is there twice")


def _checked(archive: Path, member: _Member) -> PurePosixPath:
    """Return the path of a member inside the folder, or refuse it."""
    name = member.name
    path = PurePosixPath(name)
    if "\\" in name or "\0" in name or re.match("[A-Za-z]:", name):
        _refuse(archive, name, "its name is a Windows path or holds a character that no name may hold")
    if path.is_absolute():
        _refuse(archive, name, "it has an absolute path and would land outside the folder")
    if ".." in path.parts:
        _refuse(archive, name, "its path leads out of the folder")
    if not path.parts and member.kind != "folder":
        _refuse(archive, name, "it has no name")
    if member.kind not in ("file", "folder", "link"):
        _refuse(archive, name, f"it is a {member.kind}, neither a file nor a folder")
    return path


def _refuse(archive: Path, name: str, reason: str) -> NoReturn:
    message = (
        f"{archive} is refused because of its member `{name}`: {reason}. Nothing was unpacked. "
        "Data sets have no such members: get the archive from its publisher again."
    )
    raise DataError(message)


def _check_growth(archive: Path, total: int, max_bytes: int) -> None:
    fault = growth_fault(archive.stat().st_size, total, max_bytes)
    if not fault:
        return
    message = (
        f"{archive} is refused: {fault}. Such an archive is made to fill a disk. If you trust it, unpack it yourself "
        "and name the folder with --data."
    )
    raise DataError(message)


def _counted(
    archive: Path, members: Iterator[tuple[_Member, Callable[[], IO[bytes]]]]
) -> Iterator[tuple[_Member, Callable[[], IO[bytes]]]]:
    """Yield the members, as long as there are not too many."""
    for number, member in enumerate(members):
        if number >= MAX_MEMBERS:
            message = (
                f"{archive} is refused: it holds more than {MAX_MEMBERS:,} members. If you trust it, unpack it "
                "yourself and name the folder with --data."
            )
            raise DataError(message)
        yield member


def _check_length(member: _Member, length: int) -> None:
    if member.kind == "file" and length != member.size:
        message = f"`{member.name}` should hold {member.size} bytes and holds {length}"
        raise EOFError(message)


@contextlib.contextmanager
def _opened(archive: Path) -> Iterator[_Archive]:
    """Open an archive by its content, not its name; what is wrong with it while it is read becomes a `DataError`."""
    check_regular(archive)
    try:
        # `zipfile` looks at the end of a file only, and would take a tar that ends with a zip for that zip.
        if tarfile.is_tarfile(archive) or not zipfile.is_zipfile(archive):
            with tarfile.open(archive, "r:*") as tar_file:
                yield _Tar(archive, tar_file)
        else:
            with zipfile.ZipFile(archive) as zip_file:
                yield _Zip(zip_file)
    except _BROKEN as error:
        reason = str(error).splitlines()[0].rstrip(":. ") if str(error) else type(error).__name__
        message = (
            f"{archive} is not a whole zip or tar archive: {reason}. It may be cut off or damaged, encrypted, or "
            "something else under this name. Get it again."
        )
        raise DataError(message) from error
    except OSError as error:
        # gzip and bz2 report damage as plain OSError without a number; the system's own errors have one.
        reason = error.strerror or str(error)
        message = f"{archive} cannot be read or unpacked: {reason}."
        raise DataError(message) from error


class _Zip:
    """Members of a zip file."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def members(self) -> Iterator[tuple[_Member, Callable[[], IO[bytes]]]]:
        """Yield the members; the name is the one stored, before `zipfile` tidies it for this platform."""
        for info in self._file.infolist():
            mode = info.external_attr >> 16
            kind = "folder" if info.is_dir() else _ZIP_KINDS.get(stat.S_IFMT(mode), "special file")
            if info.flag_bits & 1:
                message = f"`{info.filename}` is encrypted"
                raise zipfile.BadZipFile(message)
            yield _Member(info.orig_filename, info.file_size, kind), partial(self._file.open, info)

    def finish(self) -> None:
        """Do nothing: each member has a checksum of its own."""


# A zip made on Windows, or by most libraries, states no kind of file at all: 0.
_ZIP_KINDS = {0: "file", stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "symbolic link in a zip file"}


class _Tar:
    """Members of a tar file."""

    def __init__(self, archive: Path, file: tarfile.TarFile) -> None:
        self._archive = archive
        self._file = file

    def members(self) -> Iterator[tuple[_Member, Callable[[], IO[bytes]]]]:
        """Yield the members in the order of the file."""
        for info in self._file:
            if info.isfile():
                member = _Member(info.name, info.size, "file")
            elif info.isdir():
                member = _Member(info.name, 0, "folder")
            elif info.issym() or info.islnk():
                self._check_link(info)
                member = _Member(info.name, 0, "link")
            else:
                member = _Member(info.name, 0, "device or pipe")
            yield member, partial(self._open, info)

    def finish(self) -> None:
        """Read to the end: gzip keeps its checksum behind the last member, where `tarfile` does not look."""
        assert self._file.fileobj is not None
        for _ in range(64):  # padding is a few kB; more than this is not read to the end
            if not self._file.fileobj.read(_CHUNK):
                break

    def _open(self, info: tarfile.TarInfo) -> IO[bytes]:
        source = self._file.extractfile(info)
        if source is None:
            message = f"`{info.name}` links to something that is not a file"
            raise tarfile.ReadError(message)
        return source

    def _check_link(self, info: tarfile.TarInfo) -> None:
        """Refuse a link that leads out of the folder; one with a backslash does on Windows."""
        if not hasattr(tarfile, "data_filter"):
            message = (
                f"{self._archive} is refused because of its member `{info.name}`: it is a link, and this Python "
                f"{platform.python_version()} cannot tell where it leads (its tarfile has no data_filter, which came "
                "with 3.11.4). Update Python, or unpack the archive yourself and name the folder with --data."
            )
            raise DataError(message)
        outside = "\\" in info.linkname
        try:
            # The archive stands for the folder: inside a file there is nothing on the disk that could be followed.
            tarfile.data_filter(info, str(self._archive))
        except tarfile.FilterError:
            outside = True
        if outside:
            _refuse(self._archive, info.name, f"it is a link to `{info.linkname}`, outside the folder")
