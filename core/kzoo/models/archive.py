"""The archive of a model file, a ``.keras``: opened only where it is whole and within the limits, member by member.

A model file may come from strangers. What it says of itself is looked at before anything is unpacked, and each member
is read to its end against its checksum, so that a damaged file is named by its fault before Keras sees it.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import stat
import struct
import zipfile
import zlib
from typing import IO, TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.files import open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = [
    "CARD",
    "CONFIG",
    "EXPORTED",
    "METADATA",
    "WEIGHTS",
    "ModelArchive",
    "ModelFileError",
    "opened",
    "regular",
    "too_branched",
]

CARD = "kzoo.json"
"""The member that kzoo adds."""
CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
"""The members that Keras writes."""

MAX_MEMBERS = 1000
"""Keras writes three, kzoo one more, and a layer with a vocabulary a few besides."""
MAX_DIRECTORY = 2**20
"""Bytes of the list of members, which is held in memory as a whole."""
MAX_JSON = {CONFIG: 8 * 2**20, METADATA: 2**16, CARD: 4 * 2**20}
"""Bytes of a member of text: the largest networks of `keras.applications` need 2 MB."""
MAX_DEPTH = 100
"""How deep lists and tables may lie in one another in a member of text."""
MAX_BRANCHES = 500_000
"""How many lists and tables may stand in a member of text: each takes twenty times its two brackets in memory."""
MAX_GROWTH = 20
"""How many times its size in the file a member may have: Keras does not compress, and weights shrink by a tenth."""
SMALL = 64 * 2**20
"""Up to here the growth is not looked at: fresh weights, all of them zero, may shrink by any factor."""

_CHUNK = 2**20
_END, _LOCATOR, _END64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_END_SIZE, _LONGEST_COMMENT = 22, 0xFFFF
_SAYS_64 = (0xFFFF, 0xFFFFFFFF)
_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, UnicodeError, ValueError, KeyError, RuntimeError,
    struct.error, OverflowError, IndexError,
)  # fmt: skip

# What people most often name where a model is meant, by its first bytes.
_HDF5 = b"\x89HDF\r\n\x1a\n"
_OTHERS = (
    (_HDF5, "it is an HDF5 file, as older versions of Keras wrote. Load it there and save it as .keras"),
    (b"version https://git-lfs", "it is a Git LFS pointer; run `git lfs pull` to get the model"),
    (b"<!doctype html", "it is a web page: its download failed"),
    (b"<html", "it is a web page: its download failed"),
    (b"\x80", "it is a pickle, which can run any code and which kzoo never reads"),
    (b"{", "it is a JSON file"),
)  # fmt: skip

EXPORTED = frozenset({".tflite", ".xml"})
"""How exported models end that kzoo writes, and that no engine of kzoo's reads."""
_TAKE = "Name the run or the .keras file that it is of"
_LITERT = (
    "it is a model of LiteRT (TensorFlow Lite), as `kzoo export --format litert` writes, which LiteRT itself runs and "
    f"kzoo does not. {_TAKE}, or export that to .onnx, which kzoo runs too"
)
_OPENVINO = (
    "it is a model of OpenVINO, as `kzoo export --format openvino` writes, which OpenVINO itself runs and kzoo does "
    f"not. {_TAKE}, with `--engine openvino`, or export that to .onnx, which kzoo runs too"
)

_ONLY_WEIGHTS = (  # Keras writes such a file under no other ending
    "it is a file of weights alone, as `model.save_weights` writes, without the network they belong to. Give them to "
    "that network with `model.load_weights`, and save it whole with `model.save` under a name that ends in .keras"
)

_AGAIN = "Take the model from where it came from again: copy it anew, or train or import it anew."
_NO_MODEL = "No model needs that: whoever made the file wants to fill your memory or your disk, or it is damaged."


class ModelFileError(KzooError):
    """A model file that is not read.

    Args:
        path: The file.
        fault: What is wrong with it, as the end of a sentence.
        advice: What to do about it, as sentences; by default to get it again. Empty where the fault says it.
    """

    def __init__(self, path: Path, fault: str, advice: str = _AGAIN) -> None:
        super().__init__(f"The model file {path} is not read: {fault}. {advice}".rstrip())
        self.path = path
        self.fault = fault


class ModelArchive:
    """An opened model file, whose members have names and sizes that a model may have.

    Attributes:
        path: The file.
        names: Its members.
    """

    def __init__(self, path: Path, file: IO[bytes], zipped: zipfile.ZipFile) -> None:
        self.path = path
        self._file = file
        self._zipped = zipped
        self.names = tuple(zipped.namelist())

    def read_json(self, name: str) -> Any:
        """Return what a member of text holds.

        Raises:
            ModelFileError: It is not there, too long, too deep, damaged, or no JSON.
        """
        if name not in self.names:
            raise ModelFileError(self.path, f"it is a zip archive but not a .keras model: it holds no {name}")
        size = self._zipped.getinfo(name).file_size
        if size > MAX_JSON[name]:
            fault = f"its member {name} holds {size:,} bytes, and the limit is {MAX_JSON[name]:,}"
            raise ModelFileError(self.path, fault, _NO_MODEL)
        text = b"".join(self._chunks(name))
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise ModelFileError(self.path, f"its member {name} is damaged: {reason}") from error
        if fault := too_branched(found):
            raise ModelFileError(self.path, f"its member {name} {fault}", _NO_MODEL)
        return found

    def check_members(self) -> None:
        """Read every member to its end; raise `ModelFileError` for the first that is not what its checksum says."""
        for name in self.names:
            self.check_member(name)

    def check_member(self, name: str) -> None:
        """Read a member to its end; raise `ModelFileError` where it is not what its checksum says."""
        for _ in self._chunks(name):
            pass

    @contextlib.contextmanager
    def weights(self) -> Iterator[tuple[IO[bytes], int]]:
        """Open the member with the weights, for reading at any place; yield it with its length.

        Raises:
            ModelFileError: There is none.
        """
        if WEIGHTS not in self.names:
            raise ModelFileError(self.path, f"it holds no {WEIGHTS}, so it has no weights")
        info = self._zipped.getinfo(WEIGHTS)
        if info.compress_type == zipfile.ZIP_STORED:
            with self._reading(WEIGHTS), self._zipped.open(info):  # finds where the content begins
                start = self._start(info)
            yield io.BufferedReader(_Part(self._file, start, info.file_size)), info.file_size
        else:  # stepping back in a compressed member begins anew each time
            yield io.BytesIO(b"".join(self._chunks(WEIGHTS))), info.file_size

    def _start(self, info: zipfile.ZipInfo) -> int:
        """Return where the content of a member begins, behind its header and the names there."""
        self._file.seek(info.header_offset)
        head = self._file.read(30)
        name, extra = struct.unpack("<HH", head[26:30])
        return info.header_offset + 30 + int(name) + int(extra)

    def _chunks(self, name: str) -> Iterator[bytes]:
        """Yield the content of a member; its checksum is looked at behind the last chunk."""
        length = 0
        info = self._zipped.getinfo(name)
        with self._reading(name), self._zipped.open(info) as source:
            while chunk := source.read(_CHUNK):
                length += len(chunk)
                yield chunk
            if length != info.file_size:
                message = f"it should hold {info.file_size} bytes and holds {length}"
                raise EOFError(message)

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[None]:
        try:
            yield
        except ModelFileError:
            raise
        except _BROKEN as error:
            raise ModelFileError(self.path, f"its member {name} is damaged: {_reason(error)}") from error
        except OSError as error:
            raise ModelFileError(self.path, f"its member {name} cannot be read: {_reason(error)}") from error


class _Part(io.RawIOBase):
    """A part of a file as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__()
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        found = self._file.read(max(0, min(len(buffer), self._size - self._at)))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[ModelArchive]:
    """Open a model file whose directory is whole and within the limits.

    Raises:
        KzooError: There is no such file; `ModelFileError` where it is no model file, or one that no model needs to be.
    """
    with regular(path) as file:
        try:
            claimed = _claimed(path, file)
            zipped = zipfile.ZipFile(file)
        except _BROKEN as error:
            raise ModelFileError(path, f"it is no whole zip archive: {_reason(error)}") from error
        except OSError as error:
            raise ModelFileError(path, f"it cannot be read: {_reason(error)}") from error
        with zipped:
            _check_directory(path, zipped, claimed)
            yield ModelArchive(path, file, zipped)


def regular(path: Path) -> IO[bytes]:
    """Open a file that is to be a model; raise `ModelFileError` for what is none and cannot be opened.

    Raises:
        KzooError: There is no such file, or it is a folder, a pipe or a device, or may not be read.
    """
    try:
        return open_regular(path)
    except FileNotFoundError as error:
        message = f"There is no model {path}."
        raise KzooError(message) from error
    except IsADirectoryError as error:
        raise ModelFileError(path, "it is a folder", "Name a run, or a .keras file in it.") from error
    except (OSError, ValueError) as error:
        raise ModelFileError(path, _reason(error), "") from error


def _claimed(path: Path, file: IO[bytes]) -> int:
    """Return how many members the end of an archive says there are; refuse what is none, or has too many."""
    start = file.read(64)
    if not start.startswith(b"PK"):
        weights = start.startswith(_HDF5) and path.name.endswith(".weights.h5")
        raise ModelFileError(path, _ONLY_WEIGHTS if weights else _instead(start), "")
    size = file.seek(0, io.SEEK_END)
    before = max(0, size - _END_SIZE - _LONGEST_COMMENT - 20)
    file.seek(before)
    tail = file.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_SIZE:
        raise ModelFileError(path, "it is damaged or cut off: the end of a zip archive is missing")
    members, length, _, comment = struct.unpack("<HLLH", tail[at + 10 : at + _END_SIZE])
    if len(tail) - at - _END_SIZE != comment:
        raise ModelFileError(path, "it is damaged: something stands behind the end of the zip archive")
    if (members in _SAYS_64 or length in _SAYS_64) and tail[at - 20 : at - 16] == _LOCATOR:
        file.seek(struct.unpack("<Q", tail[at - 12 : at - 4])[0])
        record = file.read(56)
        if not record.startswith(_END64) or len(record) < 56:  # noqa: PLR2004 - the length of this record
            raise ModelFileError(path, "it is damaged: the end of a large zip archive is not where it says")
        members, length = struct.unpack("<QQ", record[32:48])
    if members > MAX_MEMBERS or length > MAX_DIRECTORY:
        fault = f"it has {members:,} members, listed in {length:,} bytes, and the limit is {MAX_MEMBERS:,} in "
        raise ModelFileError(path, f"{fault}{MAX_DIRECTORY:,} bytes", _NO_MODEL)
    file.seek(0)
    return int(members)


def _check_directory(path: Path, zipped: zipfile.ZipFile, claimed: int) -> None:
    """Refuse an archive whose members no model has, by what its directory says of them."""
    infos = zipped.infolist()
    if len(infos) != claimed:
        raise ModelFileError(path, f"it is damaged: it says that it has {claimed} members and lists {len(infos)}")
    end = 0
    for info in sorted(infos, key=lambda one: one.header_offset):
        if fault := _fault_of(info):
            raise ModelFileError(path, f"its member {info.orig_filename!r} {fault}", _NO_MODEL)
        if info.header_offset < end or (not end and info.header_offset):
            raise ModelFileError(path, f"its member {info.filename!r} does not begin where the one before it ends")
        end = info.header_offset + 30 + info.compress_size
    names = [info.filename for info in infos]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ModelFileError(path, f"its member {twice!r} is there twice")
    total, packed = sum(info.file_size for info in infos), path.stat().st_size
    if total > max(SMALL, MAX_GROWTH * packed):
        fault = f"its {packed:,} bytes would unpack to {total:,}, and a model grows by {MAX_GROWTH} times at most"
        raise ModelFileError(path, fault, _NO_MODEL)


def _fault_of(info: zipfile.ZipInfo) -> str:
    """Return what is wrong with what the directory says of one member, or an empty text."""
    name = info.orig_filename
    if not name or "\\" in name or "\0" in name or re.match("/|[A-Za-z]:", name) or ".." in name.split("/"):
        return "has a name that leads out of the archive"
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link or a device"
    if info.flag_bits & 1:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is compressed in a way that model files do not use (method {info.compress_type})"
    if info.file_size > max(SMALL, MAX_GROWTH * info.compress_size):
        return (
            f"would unpack from {info.compress_size:,} to {info.file_size:,} bytes, and {MAX_GROWTH} times is the limit"
        )
    return ""


def _instead(start: bytes) -> str:
    """Return what a file is that is no zip archive."""
    if start[4:8] == b"TFL3":
        return _LITERT
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text.startswith(b"<?xml") and b"<net " in text:
        return _OPENVINO
    for magic, what in _OTHERS:
        if text.startswith(magic) or text.lower().startswith(magic):
            return what
    return "it is not a .keras model, or it is damaged: it does not begin as one" if start else "the file is empty"


def too_branched(value: Any) -> str:
    """Return what is wrong with how lists and tables lie in one another, or an empty text."""
    level = [value] if isinstance(value, (dict, list)) else []
    count = 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_BRANCHES:
            return f"holds more than {MAX_BRANCHES:,} lists and tables, which is the limit"
        level = [
            inner
            for one in level
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, (dict, list))
        ]
    return f"is nested more than {MAX_DEPTH} levels deep" if level else ""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error).splitlines()[0].rstrip(":. ") if str(error) else type(error).__name__
