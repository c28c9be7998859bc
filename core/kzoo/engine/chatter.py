"""What TensorFlow says while it is imported or converts: chatter is left out, all else is heard, also where it dies."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["without_chatter"]

_CHATTER = (
    # What TensorFlow 2.18 to 2.21 says on every start, of no use to anyone who did not ask. Anything else is passed on.
    rb"^(WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    rb"|I\d{4} .*"
    rb"|\d{4}-\d\d-\d\d [\d:.]+: I .*"
    rb"|To enable the following instructions: .*"
    rb"|[EW]\d{4} .*(cuda_\w+\.cc|cudart_stub\.cc|computation_placer\.cc).*"
    rb"|.*: [EW] .*(cuda_\w+\.cc|cudart_stub\.cc).*"
    # Of its converter to LiteRT, whose refusals are exceptions that say the same, and of the interpreter.
    rb"|loc\(.*\): error: .*|error: failed while converting: .*|Some ops are not supported by the native TFLite .*"
    rb"|TF Select ops: .*|Details:|\ttf\.\w+\(.*"
    rb"|W\d{4} .*(tf_tfl_flatbuffer_helpers|flatbuffer_export)\.cc.*"
    rb"|fully_quantize: \d+, inference_type: .*"
    rb"|INFO: (Created TensorFlow Lite|Initialized TensorFlow Lite) .*)\r?\n?$"
)

_END = b"\0kzoo: the import is over\n"

_DIED = (
    b"error: kzoo was ended while TensorFlow was being imported. If it was not you who ended it, what TensorFlow said "
    b"of it stands above. Where it speaks of instructions such as AVX, the processor or the virtual machine lacks what "
    b"this build of TensorFlow needs: use another build, or another machine.\n"
)

_LISTENER = f"""
import re, sys
chatter, died = re.compile({_CHATTER!r}), {_DIED!r}
for line in sys.stdin.buffer:
    before, end, _ = line.partition({_END!r})
    if before and not chatter.match(before):
        sys.stderr.buffer.write(before)
        sys.stderr.buffer.flush()
    if end:
        died = b""
        break
sys.stderr.buffer.write(died)
"""
"""A process of its own, since what dies in native code says nothing more itself."""


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Leave the chatter out of what is written to stderr in the block, also by native code, and pass all else on.

    TensorFlow writes before its log level counts, straight to file descriptor 2, and where the processor lacks what it
    needs it ends the process right after. So another process reads along, to the end. Where none can be started,
    nothing is left out.
    """
    listener = _listener()
    if listener is None:
        yield
        return
    assert listener.stdin is not None
    _flush()
    kept = os.dup(2)
    os.dup2(listener.stdin.fileno(), 2)
    listener.stdin.close()
    try:
        yield
    finally:
        _flush()
        with contextlib.suppress(OSError):  # the listener was ended by somebody
            os.write(2, _END)
        os.dup2(kept, 2)
        os.close(kept)
        listener.wait()


def _listener() -> subprocess.Popen[bytes] | None:
    """Start the process that reads along; None where there is no stderr to write to, or no process to be had."""
    if not sys.executable:
        return None
    try:
        return subprocess.Popen(  # noqa: S603 - this interpreter, with the text above
            [sys.executable, "-I", "-S", "-c", _LISTENER],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C ends what is imported, and not who says so
        )
    except OSError:
        return None


def _flush() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or none at all
        sys.stderr.flush()
