"""Bytes of files changed at random, seeded, and a loop that tells what a reader makes of each."""

import contextlib
import faulthandler
import random
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from kzoo.errors import KzooError

__all__ = ["KINDS", "Outcomes", "mutated", "survive"]

ALARM = 30
"""Seconds after which a reader counts as one that hangs; it takes milliseconds."""

_TOKENS = (
    b"\x00", b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b'"', b",", b"=", b"[", b"{",
    b"9" * 30, b"-1", b"1e999", b"NaN", b"\\ud800", b"\x1b[2J",
)  # fmt: skip
_HEADS = (
    b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a", b"%!PS-Adobe-3.0\n",
    b"<!DOCTYPE html>\n", b"BM", b"RIFF\xff\xff\xff\x7fWEBP", b"II*\x00", b"\x93NUMPY\x01\x00", b"\x80\x02",
    b"\x89HDF\r\n\x1a\n",
    b"P6\n99999 99999\n255\n", b"BZh9", b"\xfd7zXZ\x00",
)  # fmt: skip


def _bits(draw, data):
    for _ in range(draw.choice((1, 1, 2, 8))):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _head_bits(draw, data):
    for _ in range(draw.choice((1, 2, 4))):
        data[draw.randrange(min(len(data), 128))] = draw.choice((0, 1, 0x7F, 0xFF, draw.randrange(256)))


def _cut(draw, data):
    del data[draw.randrange(len(data)) :]


def _hole(draw, data):
    at = draw.randrange(len(data))
    del data[at : at + draw.choice((1, 2, 4, 100))]


def _inserted(draw, data):
    at = draw.randrange(len(data) + 1)
    data[at:at] = draw.choice((*_TOKENS, draw.randbytes(draw.randrange(1, 20))))


def _repeated(draw, data):
    at, length = draw.randrange(len(data)), draw.choice((1, 4, 64, 1024))
    data[at:at] = data[at : at + length] * draw.choice((1, 2, 50))


def _zeroed(draw, data):
    at, length = draw.randrange(len(data)), draw.choice((1, 4, 8, 512))
    length = min(length, len(data) - at)
    data[at : at + length] = bytes((draw.choice((0, 255)),)) * length


def _other_head(draw, data):
    head = draw.choice(_HEADS)
    data[: draw.choice((0, len(head)))] = head


KINDS = (_bits, _head_bits, _cut, _hole, _inserted, _repeated, _zeroed, _other_head)
"""What is done to a file: functions that change an array of bytes, which is never empty."""


def mutated(data, count, *, seed=0):
    """Yield so many versions of the bytes with a name for each; every kind of change comes in turn."""
    draw = random.Random(f"{seed} {len(data)}")
    for number in range(count):
        kind = KINDS[number % len(KINDS)]
        changed = bytearray(data)
        kind(draw, changed)
        if draw.random() < 0.2 and changed:
            draw.choice(KINDS)(draw, changed)
        yield f"{kind.__name__.strip('_')} {number}", bytes(changed)


@dataclass
class Outcomes:
    """What became of the changed files of one kind.

    Attributes:
        counts: How many were read and refused.
        unexpected: Of those that ended in another way, which and how.
        longest: Seconds that the slowest took.
    """

    counts: Counter = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    longest: float = 0.0

    def __str__(self):
        found = ", ".join(f"{count} {what}" for what, count in sorted(self.counts.items()))
        return f"{found}, {len(self.unexpected)} unexpected, the slowest {self.longest:.2f} s"


def survive(cases, read):
    """Call ``read`` with the bytes of each case; it returns, or raises a `KzooError` of one paragraph.

    Returns:
        The `Outcomes`. One that takes longer than `ALARM` ends the test, with the traceback of where it hangs.
    """
    found = Outcomes()
    for name, content in cases:
        began = time.perf_counter()
        with _alarm(name):
            try:
                read(content)
            except KzooError as error:
                found.counts["refused"] += 1
                if "\n" in str(error) or not 10 < len(str(error)) < 20_000:
                    found.unexpected.append(f"{name}: not one paragraph: {str(error)[:300]!r}")
            except BaseException as error:
                if isinstance(error, (KeyboardInterrupt, _HangsError)):
                    raise
                found.unexpected.append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
            else:
                found.counts["read"] += 1
        found.longest = max(found.longest, time.perf_counter() - began)
    return found


class _HangsError(BaseException):
    """A reader did not come back; no reader catches it."""


@contextlib.contextmanager
def _alarm(name):
    if not hasattr(signal, "SIGALRM") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_):
        raise _HangsError(name)

    before = signal.signal(signal.SIGALRM, ring)
    faulthandler.dump_traceback_later(2 * ALARM, file=sys.__stderr__)  # where it hangs in C, no handler is called
    signal.alarm(ALARM)
    try:
        yield
    finally:
        signal.alarm(0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
