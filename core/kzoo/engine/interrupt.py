"""Ctrl-C and SIGTERM as a wish to stop, heard between two things and never in the middle of one that must be whole."""

from __future__ import annotations

import contextlib
import signal
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["StopRequest", "Stopped", "as_ctrl_c", "came_from_a_signal", "stoppable"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """Somebody asked to stop; raised by a `StopRequest` and by nothing else."""


class StopRequest:
    """Whether somebody asked to stop, and when that is heard.

    While a stop is held, it is noted and whoever works asks for it at the next good place; otherwise `Stopped` is
    raised where the program is. A second wish while one is held raises it too.

    Args:
        notice: Called with a sentence when a wish arrives that is held.
        held: Whether it is held to begin with.

    Attributes:
        signal: The signal's name, or an empty text.
    """

    def __init__(self, notice: Callable[[str], None] | None = None, *, held: bool = True) -> None:
        self.signal = ""
        self._notice = notice
        self._held = held
        self._flag: Any = None
        self._agreement: _Agreement | None = None

    def __call__(self) -> bool:
        """Return whether somebody asked."""
        return bool(self.signal)

    def check(self) -> None:
        """Raise `Stopped` where somebody asked."""
        if self.signal:
            raise Stopped(self.signal)

    def ask(self, name: str) -> None:
        """Take a wish to stop, the name of a signal.

        Raises:
            Stopped: It is not held, or it is the second one.
        """
        again = bool(self.signal) if self._agreement is None else bool(self._agreement.name)
        if self._agreement is None:
            self.signal = name
        else:
            self._agreement.name = name
        self.lift_flag()
        if again or not (self._held or self._agreement):
            raise Stopped(name)
        if self._notice:
            # A signal may come while a line is being written, and a second one cannot be begun inside of it.
            with contextlib.suppress(RuntimeError):
                self._notice("Stopping after the current steps; press Ctrl-C again to stop at once.")

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Have a wish wait until the block ends, for what must be whole; then ask with `check`."""
        before, self._held = self._held, True
        try:
            yield
        finally:
            self._held = before

    @contextlib.contextmanager
    def heard(self) -> Iterator[None]:
        """Have a wish raise `Stopped` inside the block, at once where one has been waiting."""
        before, self._held = self._held, False
        try:
            self.check()
            yield
        finally:
            self._held = before

    def flag(self) -> Any:
        """Return a boolean variable of TensorFlow that a compiled loop may look at: true once somebody asked.

        A signal is noted by Python only when the compiled call returns; the variable changes while that goes on.
        """
        if self._flag is None:
            import tensorflow as tf

            # Not under the strategy in force: its variables are several, and this one is set by another thread.
            with tf.init_scope(), tf.device("CPU:0"):
                self._flag = tf.Variable(self(), trainable=False, dtype=tf.bool, name="stop")
        return self._flag

    def lift_flag(self) -> None:
        """Set the variable, if there is one: that of the wish where others have to agree."""
        flag = self._flag if self._agreement is None else self._agreement.wish
        if flag is not None:
            import tensorflow as tf

            with tf.init_scope():  # a signal may come while a function is traced
                flag.assign(True)

    def share(self, ask: Callable[[bool], bool]) -> None:
        """Have a wish wait from now on until all processes of a training know of it, so that all stop at one step.

        Compiled steps agree through `wish` and `flag`, and `settle` takes note of it; `agree` is for what lies between.

        Args:
            ask: Called at the same places in all processes; whether one of them has a wish.
        """
        import tensorflow as tf

        with tf.init_scope(), tf.device("CPU:0"):
            wish = tf.Variable(self(), trainable=False, dtype=tf.bool, name="wish")
        self._agreement = _Agreement(ask, wish, self.signal)
        self.signal, self._flag = "", None

    def wish(self) -> Any:
        """Return the variable that is true once somebody asked this one process, after `share`."""
        assert self._agreement is not None, "the wish is shared"
        return self._agreement.wish

    def agree(self) -> None:
        """Ask all processes, where there are several; a wish of one is then heard by each."""
        if self._agreement is not None and self._agreement.ask(bool(self._agreement.name)):
            self.flag().assign(True)
            self.settle()

    def settle(self) -> None:
        """Take note of what compiled steps have agreed on; nothing where there is one process."""
        if self._agreement is not None and self._flag is not None and bool(self._flag):
            self.signal = self._agreement.name or "SIGTERM"


@dataclass
class _Agreement:
    """A wish to stop that the processes of a training share.

    Attributes:
        ask: Returns whether one of them has a wish.
        wish: A variable: whether this one has.
        name: The signal that this one had, or an empty text.
    """

    ask: Callable[[bool], bool]
    wish: Any
    name: str


class _Handler:
    """What Python calls at a signal while a `StopRequest` is in force."""

    def __init__(self, request: StopRequest) -> None:
        self.request = request

    def __call__(self, number: int, frame: Any) -> None:
        del frame
        self.request.ask(signal.Signals(number).name)


@contextlib.contextmanager
def stoppable(notice: Callable[[str], None] | None = None, *, held: bool = True) -> Iterator[StopRequest]:
    """Yield a `StopRequest` that Ctrl-C and SIGTERM set.

    Outside the main thread, where signals cannot be handled, it is never set.

    Args:
        notice: Called with a sentence when a wish arrives that is held.
        held: Whether a wish waits to be asked for; a second one never does.
    """
    request = StopRequest(notice, held=held)
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    before = {number: signal.signal(number, _Handler(request)) for number in _SIGNALS}
    try:
        with _listening(request):
            yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _listening(request: StopRequest) -> Iterator[None]:
    """Have another thread set the request's variable, while the main thread is in a compiled call and hears nothing."""
    import socket

    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    if before != -1:  # somebody else's, such as asyncio's: the wish is heard when the call returns
        signal.set_wakeup_fd(before)

    def listen() -> None:
        while came := receiver.recv(1):
            if came[0] in _SIGNALS:
                request.lift_flag()

    thread = threading.Thread(target=listen, name="kzoo-stop", daemon=True)
    thread.start()
    try:
        yield
    finally:
        if before == -1:
            signal.set_wakeup_fd(-1)
        sender.close()
        thread.join()
        receiver.close()


@contextlib.contextmanager
def as_ctrl_c() -> Iterator[None]:
    """Have SIGTERM interrupt as Ctrl-C does, where nobody handles it in another way."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def came_from_a_signal(error: BaseException) -> bool:
    """Return whether an exception means that a person, or the system, wants an end.

    While a `StopRequest` is in force, a signal raises `Stopped`, so any other ``KeyboardInterrupt`` is somebody's code.
    """
    if isinstance(error, Stopped):
        return True
    return isinstance(error, KeyboardInterrupt) and not isinstance(signal.getsignal(signal.SIGINT), _Handler)
