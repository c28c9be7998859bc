"""What a person sees while a model trains: a live line for each epoch, or one plain line where nobody watches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

import keras

from kzoo.streams import visible
from kzoo.training.progress_line import Moment, format_logs, line_of_epoch, live_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live

__all__ = ["ProgressLines", "Screen", "TerminalScreen"]

_REFRESH = 0.5  # seconds between two drawings of the live line: the training waits while it is drawn


class Screen(Protocol):
    """Where progress is shown."""

    def draw(self, moment: Moment) -> None:
        """Show the live line anew."""

    def leave(self, title: str, logs: str, rest: str) -> None:
        """Take the live line away, and leave one with what came of an epoch."""

    def close(self) -> None:
        """Take the live line away."""


class ProgressLines(keras.callbacks.Callback):  # type: ignore[misc]
    """Shows progress: a live line within an epoch, where the screen has one, and a line for each that is done.

    Args:
        screen: Where to show it.
        examples: Training examples in one epoch.
        batch_size: Examples in one step.
        unit: What the examples are called in the speed.
        whole: Whether to show all values, those with several parts too.
    """

    def __init__(
        self, screen: Screen, *, examples: int, batch_size: int, unit: str = "img", whole: bool = False
    ) -> None:
        super().__init__()
        self._screen = screen
        self._examples = examples
        self._batch_size = batch_size
        self._unit = unit
        self._whole = whole
        self._epoch = 0
        self._began = self._timed_from = self._drawn = self._ended = 0.0
        self._done = self._skipped = 0
        self._optimizer: Any = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Start the epoch's line."""
        del logs
        self._epoch, self._done = epoch, 0
        self._began = self._timed_from = self._ended = time.perf_counter()
        self._skipped = 0
        self._screen.draw(Moment(self._title(), 0, self.params["steps"], None, {}, ""))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Redraw the live line, if it is time."""
        now = time.perf_counter()
        done = min((batch + 1) * self._batch_size, self._examples)
        if not self._done and self._optimizer is not self.model.optimizer and done < self._examples:
            self._timed_from, self._skipped = now, done  # a first call also compiles; the speed is that of the rest
        self._optimizer = self.model.optimizer  # another one means that the step is compiled anew
        self._ended, self._done = now, done
        if self._ended - self._drawn >= _REFRESH:
            self._drawn = self._ended
            speed = self._speed()
            left = (self._examples - done) / speed if speed else None
            steps = self.params["steps"]
            self._screen.draw(Moment(self._title(), batch + 1, steps, left, logs or {}, self._rate()))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Leave one line with the epoch's results."""
        del epoch
        seconds = time.perf_counter() - self._began
        shown = format_logs(logs or {}, whole=self._whole)
        self._screen.leave(self._title(), shown, "  ".join(filter(None, (self._rate(), f"{seconds:.1f} s"))))

    def on_train_end(self, logs: Any = None) -> None:
        """Take the live line away."""
        del logs
        self._screen.close()

    def close(self) -> None:
        """Take the live line away, also after an error."""
        self._screen.close()

    def _title(self) -> str:
        return f"epoch {self._epoch + 1}/{self.params['epochs']}"

    def _speed(self) -> float:
        """Return how many examples the training steps of this epoch take in a second, validation left out."""
        seconds = self._ended - self._timed_from
        done = self._done - self._skipped
        return done / seconds if seconds > 0 and done else 0.0

    def _rate(self) -> str:
        speed = self._speed()
        return f"{speed:,.0f} {self._unit}/s" if speed else ""


class TerminalScreen:
    """A console: a line that changes in place and is as wide as the terminal, or lines alone.

    Args:
        console: Where to write.
        live: Whether to draw a line that changes in place.
        whole: Whether the line of an epoch may be wider than the terminal, which wraps it then.
    """

    def __init__(self, console: Console, *, live: bool, whole: bool = False) -> None:
        self._console = console
        self._is_live = live
        self._whole = whole
        self._live: Live | None = None

    def draw(self, moment: Moment) -> None:
        """Show the live line anew."""
        if not self._is_live:
            return
        from rich.live import Live

        if self._live is None:
            # A refreshing thread would take turns with the training.
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(_Fitted(moment), refresh=True)

    def leave(self, title: str, logs: str, rest: str) -> None:
        """Take the live line away, and leave one with what came of an epoch."""
        self.close()
        width = self._console.width if self._console.is_terminal and not self._whole else None
        line = visible(line_of_epoch(title, logs, rest, width))
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def close(self) -> None:
        """Take the live line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class _Fitted:
    """The live line, made anew for the width that the terminal has now."""

    def __init__(self, moment: Moment) -> None:
        self._moment = moment

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from rich.text import Text

        del console
        # The last column stays free: some terminals go to the next line when it is written to.
        line = visible(live_line(self._moment, options.max_width - 1, ascii_only=options.ascii_only))
        yield Text(line, no_wrap=True, overflow="crop", end="")
