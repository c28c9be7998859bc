"""Ctrl-C and SIGTERM as a wish to stop: the training ends at the next step and keeps what it has."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["StopRequest", "stoppable"]


class StopRequest:
    """Whether somebody asked to stop.

    Attributes:
        signal: The signal's name, or an empty text.
    """

    def __init__(self) -> None:
        self.signal = ""

    def __call__(self) -> bool:
        """Return whether somebody asked."""
        return bool(self.signal)


@contextlib.contextmanager
def stoppable(notice: Any = None) -> Iterator[StopRequest]:
    """Yield a `StopRequest` that the first Ctrl-C or SIGTERM sets; a second one interrupts at once.

    Outside the main thread, where signals cannot be handled, the request is never set.

    Args:
        notice: Called with a sentence when the wish arrives.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, frame: Any) -> None:
        del frame
        if request.signal:
            raise KeyboardInterrupt
        request.signal = signal.Signals(number).name
        if notice:
            notice("Stopping after the current steps; press Ctrl-C again to stop at once.")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
