"""Calls of the system that fail as a full disk, a broken one or a lack of rights makes them: each one in its turn.

Only calls for paths below one folder count, and only those that Python makes, and safetensors as a whole: what
TensorFlow and HDF5 read and write by themselves is out of reach.
"""

import builtins
import contextlib
import errno
import io
import os
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import safetensors.numpy
from safetensors import SafetensorError

__all__ = ["FAULTS", "Fault", "FaultyCalls", "chosen", "turn"]

_WRITING = {"write", "open to write", "fsync", "mkdir", "rename"}
_RANDOM = re.compile(r"\b[0-9a-f]{8}\b|\d{8}T\d{6}Z|tmp\w{8}|\b[0-9a-f]{32}\b")
_HERE = Path(__file__).name


@dataclass(frozen=True)
class Fault:
    """What a call fails with.

    Attributes:
        number: Of the error.
        lasting: Whether from then on all calls that write fail as well, as on a disk that stays full.
    """

    number: int
    lasting: bool = False

    def error(self, path):
        return OSError(self.number, os.strerror(self.number), str(path))

    def __str__(self):
        return errno.errorcode[self.number] + " from then on" * self.lasting


FAULTS = (
    Fault(errno.ENOSPC),
    Fault(errno.EIO),
    Fault(errno.ENOSPC, lasting=True),
    Fault(errno.EACCES),
    Fault(errno.EROFS, lasting=True),
    Fault(errno.EMFILE),
)


@dataclass
class FaultyCalls:
    """Patches that count calls below a folder by their site, and let one of them fail.

    A site is what is called, on a file of what name, from which function of kzoo; the number is how often before.

    Attributes:
        root: The folder.
        target: The site and the number of the call that fails; None for none.
        fault: With what.
        seen: How often each site was passed, in the order of their first calls.
        hit: Whether the call that was to fail has come.
    """

    root: Path
    target: tuple[str, int] | None = None
    fault: Fault | None = None
    seen: Counter = field(default_factory=Counter)
    hit: bool = False

    def check(self, what, path, folder=None):
        """Count a call; raise where it is the one, or comes after it while the fault lasts.

        Args:
            what: What it does.
            path: Its file, or the descriptor of one.
            folder: The descriptor of the folder that the path starts from; by default the working folder.
        """
        if folder is not None:
            path = Path(f"/proc/self/fd/{folder}").readlink() / os.fsdecode(path)
        if isinstance(path, int):
            try:
                path = str(Path(f"/proc/self/fd/{path}").readlink())
            except OSError:
                return
        try:
            text = os.fsdecode(path)
        except TypeError:
            return
        if not os.path.abspath(text).startswith(f"{self.root}{os.sep}"):  # noqa: PTH100 - as it is given
            return
        site = f"{what} {_RANDOM.sub('*', Path(text).name)} in {_caller()}"
        self.seen[site] += 1
        if self.hit and self.fault.lasting and what in _WRITING:
            raise self.fault.error(text)
        if not self.hit and self.target == (site, self.seen[site]):
            self.hit = True
            raise self.fault.error(text)

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        for holder, name, patched in (
            (builtins, "open", self._opening),
            (io, "open", self._opening),
            (os, "open", self._os_open),
            (os, "replace", self._moving),
            (os, "rename", self._moving),
            (safetensors.numpy, "save_file", self._saving),
            *((os, name, self._plain(name)) for name in ("mkdir", "unlink", "scandir", "listdir", "fsync", "rmdir")),
        ):
            made = patched(getattr(holder, name))
            self._stack.callback(setattr, holder, name, getattr(holder, name))
            setattr(holder, name, made)
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _plain(self, name):
        def made(original):
            def call(path=".", *given, **more):
                self.check(name, path, more.get("dir_fd"))
                return original(path, *given, **more)

            return call

        return made

    def _moving(self, original):
        def call(source, target, **more):
            self.check("rename", target, more.get("dst_dir_fd"))
            return original(source, target, **more)

        return call

    def _saving(self, original):
        def call(tensors, path, *given, **more):
            try:
                self.check("write", path)
            except OSError as error:
                message = f"Error while serializing: I/O error: {error.strerror} (os error {error.errno})"
                raise SafetensorError(message) from None
            return original(tensors, path, *given, **more)

        return call

    def _os_open(self, original):
        def call(path, flags, *given, **more):
            self.check("open to write" if flags & (os.O_WRONLY | os.O_RDWR) else "open", path, more.get("dir_fd"))
            return original(path, flags, *given, **more)

        return call

    def _opening(self, original):
        def call(file, mode="r", *given, **more):
            if isinstance(file, int):
                return _watched(original(file, mode, *given, **more), file, self)
            self.check("open to write" if set(mode) & set("wax+") else "open", file)
            return _watched(original(file, mode, *given, **more), file, self)

        return call


class _Watched:
    """A file whose reads and writes are counted."""

    def __init__(self, file, path, calls):
        self._file, self._path, self._calls = file, path, calls

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __iter__(self):
        self._calls.check("read", self._path)
        return iter(self._file)

    def __enter__(self):
        self._file.__enter__()
        return self

    def __exit__(self, *error):
        return self._file.__exit__(*error)

    def read(self, *given):
        self._calls.check("read", self._path)
        return self._file.read(*given)

    def readinto(self, *given):
        self._calls.check("read", self._path)
        return self._file.readinto(*given)

    def readline(self, *given):
        self._calls.check("read", self._path)
        return self._file.readline(*given)

    def write(self, *given):
        self._calls.check("write", self._path)
        return self._file.write(*given)


def _watched(file, path, calls):
    if isinstance(path, int):
        try:
            path = str(Path(f"/proc/self/fd/{path}").readlink())
        except OSError:
            return file
    if not os.path.abspath(os.fsdecode(path)).startswith(f"{calls.root}{os.sep}"):  # noqa: PTH100
        return file
    return _Watched(file, path, calls)


def _caller():
    """Return the innermost function of kzoo on the stack, or of Keras where it writes by itself."""
    frame = sys._getframe(2)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith(("kzoo.", "kzoo_zoo.")):
            return f"{name}.{frame.f_code.co_name}"
        frame = frame.f_back
    return "none of ours"


def turn(share):
    """Return which of so many parts of all calls are to fail, and how often all parts had their turn.

    The first part, or what ``KZOO_FAULTS`` says: another number, or ``all`` for one that `chosen` takes for every site.
    """
    said = os.environ.get("KZOO_FAULTS", "0")
    return (None, 0) if said == "all" else (int(said) % share, int(said) // share)


def chosen(seen, share=1):
    """Return what is to fail: every so many sites, of each one of its calls, with a fault.

    Args:
        seen: What `FaultyCalls.seen` was after a run without faults.
        share: Of how many sites one is taken. With the next numbers of ``KZOO_FAULTS`` come the others, and then other
            calls of each site with other faults.
    """
    part, round_ = turn(share)
    ours = [site for site in seen if not site.endswith("none of ours")]
    return [
        (site, round_ % seen[site] + 1, FAULTS[(number + round_) % len(FAULTS)])
        for number, site in enumerate(ours)
        if part in (None, number % share)
    ]
