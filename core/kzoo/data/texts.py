"""Text files that people and programs wrote: UTF-8, with or without a byte order mark."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from kzoo.files import read_regular

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LONGEST", "reason_of", "text_of"]

LONGEST = 8_000_000
"""The most bytes of the annotations of one image, or of a file with a few settings."""

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(path: Path, limit: int = LONGEST) -> str:
    """Return the text of a file.

    Args:
        path: The file.
        limit: The most bytes that it may have.

    Raises:
        OSError: It cannot be read, has more bytes, or is a pipe or a device.
        UnicodeDecodeError: It is no UTF-8; see `reason_of`.
    """
    return read_regular(path, limit).decode("utf-8-sig")


def reason_of(error: OSError | UnicodeDecodeError) -> str:
    """Return why a file could not be read, as the end of a sentence."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    if error.object[:2] in _UTF_16:
        return "it is text in UTF-16, as some Windows programs write it; save it as UTF-8"
    line = error.object.count(b"\n", 0, error.start) + 1
    return f"it is no text in UTF-8 (byte {error.object[error.start]:#04x} in line {line})"
