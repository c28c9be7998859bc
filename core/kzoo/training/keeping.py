"""When the state of a training goes to the disk: copied between two calls, written while the next ones run."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from kzoo.training.state import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo.runs.state import SavedState, StateFolder
    from kzoo.training.state import Place

__all__ = ["StateKeeper"]


class StateKeeper:
    """Writes the state at the end of every epoch, in between where time has passed, and at a stop.

    Args:
        folder: Where to.
        model: The model that is trained.
        callbacks: Those with ``state`` are asked for it.
        every: Seconds of training after which a state is written within an epoch; 0 for never.
        warn: Called with a sentence where a state cannot be written; the training goes on, and the one before stays.
        **more: What else the state holds for its reader, such as the settings.
    """

    def __init__(
        self,
        folder: StateFolder,
        model: Any,
        callbacks: Sequence[Any],
        *,
        every: float,
        warn: Callable[[str], None],
        **more: Any,
    ) -> None:
        self._folder, self._model, self._callbacks = folder, model, callbacks
        self._every, self._warn, self._more = every, warn, more
        self._last = time.perf_counter()
        self._thread: threading.Thread | None = None
        self._fault: OSError | None = None
        self._said = False
        self._told = ""

    def keep(self, place: Place, *, ended: bool = False, at_once: bool = False) -> None:
        """Take the state where it is time.

        Args:
            place: Where the training is; the model has the weights that it goes on from.
            ended: Whether an epoch came to its end.
            at_once: Whether the process ends soon, so that the state is to be on the disk first.
        """
        due = self._every and time.perf_counter() - self._last >= self._every
        if not (ended or at_once or due):
            return
        self.finish()
        state = gather(self._model, place, self._callbacks, **self._more)
        self._last = time.perf_counter()
        # The interpreter waits for this thread at its end, so that a state that was begun is written whole.
        self._thread = threading.Thread(target=self._write, args=(state,), name="kzoo-state")
        self._thread.start()
        if at_once:
            self.finish()

    def note_random(self, operations: Sequence[str]) -> None:
        """Say, once, that these operations of the training step draw random numbers that no state holds."""
        if operations and not self._said:
            self._said = True
            self._warn(
                "The network or a component draws random numbers from TensorFlow itself "
                f"({', '.join(operations)}), whose state nobody can read: a run that is stopped and resumed draws "
                "others. `keras.random` with a `keras.random.SeedGenerator` goes on exactly."
            )

    def finish(self) -> None:
        """Wait until the last state is on the disk; warn where it could not be written."""
        thread, self._thread = self._thread, None
        # A second Ctrl-C may come in the midst of its start; what has not begun cannot be waited for.
        if thread is not None and thread.is_alive():
            thread.join()
        fault, self._fault = self._fault, None
        if fault is None:
            return
        reason = f"{fault.strerror or fault}"
        if reason != self._told:  # every state after it would say the same
            before = "from the state before" if self._folder.newest() else "only by beginning anew"
            self._warn(
                f"The state of the training could not be written to {self._folder.path}: {reason}. The training goes "
                f"on; if it is stopped now, it can go on {before}. This is tried again, and not said again."
            )
        self._told = reason

    def _write(self, state: SavedState) -> None:
        try:
            self._folder.write(state)
        except OSError as error:
            self._fault = error
        else:
            self._told = ""
