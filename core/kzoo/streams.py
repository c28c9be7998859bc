"""The standard streams: standard output is for results alone, and one that is closed or full does not lose the rest."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["READABLE", "open_missing", "readable", "silence", "stdout_to_stderr", "visible"]

_OUT, _ERR = 1, 2

READABLE = "kzoo.readable"
"""What stands as ``errors`` where text is written: a byte of a file's name that is no UTF-8 becomes ``\\xe9``, as a
shell writes it in ``$'caf\\xe9.png'``, and a sign that the encoding lacks becomes ``?``."""

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control characters but tab and line feed, those that turn the direction of text around, and what has no width."""
_BREAKING = re.compile(f"[\t\n{_STEERING.pattern[1:]}")
"""The same with tab and line feed."""

_BYTES = range(0xDC80, 0xDD00)  # how Python holds such bytes in text
_SURROGATES = range(0xD800, 0xE000)


def readable(text: str) -> str:
    r"""Return text that every file can hold: itself, but for the bytes of names that are no UTF-8, as in ``\xe9``.

    Example:
        >>> readable("caf\udce9.png")
        'caf\\xe9.png'
    """
    return text if text.isascii() else text.encode(errors=READABLE).decode()


def visible(text: str, *, one_line: bool = False) -> str:
    r"""Return the text with everything that steers a terminal written as Python would write it.

    Args:
        text: Any text, such as a name from a stranger.
        one_line: Write out tabs and line feeds too, as ``\x09`` and ``\x0a``: for a name, which is one line.

    Example:
        >>> print(visible("red \x1b[31m"))
        red \x1b[31m
    """
    if text.isprintable():
        return text
    return (_BREAKING if one_line else _STEERING).sub(lambda one: _escape(ord(one[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"  # noqa: PLR2004 - as Python writes them


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Answer an encoder, see `READABLE`."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(_written, error.object[error.start : error.end])), error.end


def _written(sign: str) -> str:
    code = ord(sign)
    if code in _BYTES:
        return _escape(code - 0xDC00)
    return _escape(code) if code in _SURROGATES else "?"


codecs.register_error(READABLE, _replaced)


def open_missing() -> bool:
    """Open what the process was started without, as by ``>&-``, to nowhere; return whether there was a stdout.

    A file or a pipe that is opened later would get the free descriptor, and what native code writes to it.
    """
    had_stdout = sys.stdout is not None
    for descriptor, name, mode in ((0, "stdin", "r"), (_OUT, "stdout", "w"), (_ERR, "stderr", "w")):
        if getattr(sys, name) is not None:
            continue
        try:
            os.fstat(descriptor)
        except OSError:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest free one, which may be another of the three
            if nowhere != descriptor:
                os.dup2(nowhere, descriptor)
                os.close(nowhere)
        setattr(sys, name, open(descriptor, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - a descriptor
    return had_stdout


def silence(stream: TextIO) -> None:
    """Send what a stream still holds nowhere, so that Python does not fail to write it when it ends."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    except (OSError, ValueError):
        return


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Send to stderr what is written to stdout in the block, by ``print``, a child process or native code alike.

    Where stderr is full, what is printed is lost and the block goes on.
    """
    with contextlib.redirect_stdout(_Unheard(sys.stderr)):
        try:
            kept = os.dup(_OUT)
        except OSError:  # it is closed: nothing can be written to it
            yield
            return
        _flush()  # what was written before is meant for stdout
        try:
            _point_at_stderr()
            yield
        finally:
            with contextlib.suppress(OSError, ValueError):
                _flush()
            os.dup2(kept, _OUT)
            os.close(kept)


class _Unheard:
    """A stream of what nobody needs to read: what it cannot take is lost, and no error of who writes it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, or lose it."""
        try:
            return self._stream.write(text)
        except OSError:
            silence(self._stream)
            return len(text)

    def flush(self) -> None:
        """Write what is held, or lose it."""
        try:
            self._stream.flush()
        except OSError:
            silence(self._stream)


def _point_at_stderr() -> None:
    try:
        os.dup2(_ERR, _OUT)
    except OSError:  # stderr is closed, so nobody is to read it
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, _OUT)
        os.close(nowhere)


def _flush() -> None:
    """Write what Python's own stream still holds to where the descriptor leads now."""
    if sys.__stdout__ is not None and not sys.__stdout__.closed:
        sys.__stdout__.flush()
