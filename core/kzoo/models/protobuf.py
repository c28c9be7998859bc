"""Messages in the wire format of Protocol Buffers, read field by field without the classes that describe them.

A file from a stranger is looked at before a library builds objects of it: nothing is copied, and what does not end
where it says is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Message", "WireError"]

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
_LONGEST_VARINT = 10


class WireError(ValueError):
    """Bytes that are no message."""


class Message:
    """A message, or a text, somewhere in a file.

    Args:
        content: The bytes of the file.
        start: Where it begins.
        end: Behind its last byte.
    """

    __slots__ = ("content", "end", "start")

    def __init__(self, content: memoryview, start: int = 0, end: int | None = None) -> None:
        self.content, self.start = content, start
        self.end = len(content) if end is None else end

    def __len__(self) -> int:
        return self.end - self.start

    def fields(self) -> Iterator[tuple[int, int | Message]]:
        """Yield each field's number and value: a whole number, or what is a message, a text or packed numbers.

        Raises:
            WireError: It is no message.
        """
        at = self.start
        while at < self.end:
            key, at = self._varint(at)
            number, kind = key >> 3, key & 7
            if not number:
                message = "a field has the number 0"
                raise WireError(message)
            if kind == _VARINT:
                value, at = self._varint(at)
                yield number, value
                continue
            if kind not in (_EIGHT, _BYTES, _FOUR):
                message = f"a field is of the unknown kind {kind}"
                raise WireError(message)
            length, at = self._varint(at) if kind == _BYTES else (8 if kind == _EIGHT else 4, at)
            if length > self.end - at:
                message = "a field is longer than what it stands in"
                raise WireError(message)
            yield number, Message(self.content, at, at + length)
            at += length

    def read(self) -> bytes:
        """Return its bytes."""
        return bytes(self.content[self.start : self.end])

    def text(self) -> str:
        """Return it as text; raise `WireError` where it is none."""
        try:
            return self.read().decode()
        except UnicodeDecodeError as error:
            message = "a text is no UTF-8"
            raise WireError(message) from error

    def numbers(self) -> list[int]:
        """Return it as packed whole numbers."""
        found, at = [], self.start
        while at < self.end:
            value, at = self._varint(at)
            found.append(value)
        return found

    def _varint(self, at: int) -> tuple[int, int]:
        value = 0
        for place in range(_LONGEST_VARINT):
            if at >= self.end:
                message = "it ends in the middle of a number"
                raise WireError(message)
            byte = self.content[at]
            at += 1
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:  # noqa: PLR2004 - the last one
                return value, at
        message = "a number is too long"
        raise WireError(message)
