"""What a person sees while a model trains: a live line for each epoch, or one plain line where nobody watches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import keras
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["ProgressLines", "format_logs"]

_REFRESH = 0.5  # seconds between two drawings of the live line: the training waits while it is drawn


def format_logs(logs: dict[str, Any]) -> str:
    """Return logs in one line, single values only: ``loss 0.213  accuracy 0.941  val_loss 0.252``."""
    names = [name for name, value in logs.items() if isinstance(value, (int, float))]
    names.sort(key=lambda name: (name.startswith("val_"), name.removeprefix("val_") != "loss"))
    return "  ".join(f"{name} {logs[name]:.4g}" for name in names)


class ProgressLines(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes progress to a console: live where it is a terminal, one line an epoch elsewhere.

    Args:
        console: Where to write.
        examples: Training examples in one epoch.
        batch_size: Examples in one step.
        live: Whether to draw a line that changes in place.
        unit: What the examples are called in the speed.
    """

    def __init__(self, console: Console, *, examples: int, batch_size: int, live: bool, unit: str = "img") -> None:
        super().__init__()
        self._console = console
        self._examples = examples
        self._batch_size = batch_size
        self._live = live
        self._unit = unit
        self._bar: Progress | None = None
        self._task: Any = None
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
        if self._live:
            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(bar_width=24),
                TextColumn("{task.completed:.0f}/{task.total:.0f}  {task.fields[logs]}  {task.fields[rate]}"),
                TimeRemainingColumn(),
                TextColumn("left"),
                console=self._console,
                auto_refresh=False,  # a refreshing thread would take turns with the training
                transient=True,
            )
            self._task = self._bar.add_task(self._title(), total=self.params["steps"], logs="", rate="")
            self._bar.start()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Redraw the live line, if it is time."""
        now = time.perf_counter()
        done = min((batch + 1) * self._batch_size, self._examples)
        if not self._done and self._optimizer is not self.model.optimizer and done < self._examples:
            self._timed_from, self._skipped = now, done  # a first call also compiles; the speed is that of the rest
        self._optimizer = self.model.optimizer  # another one means that the step is compiled anew
        self._ended, self._done = now, done
        if self._bar and self._ended - self._drawn >= _REFRESH:
            self._drawn = self._ended
            self._bar.update(self._task, completed=batch + 1, logs=format_logs(logs or {}), rate=self._rate())
            self._bar.refresh()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Leave one line with the epoch's results."""
        del epoch
        self._stop_bar()
        seconds = time.perf_counter() - self._began
        line = f"{self._title()}  {format_logs(logs or {})}  {self._rate()}  {seconds:.1f} s"
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)

    def on_train_end(self, logs: Any = None) -> None:
        """Take the live line away."""
        del logs
        self._stop_bar()

    def close(self) -> None:
        """Take the live line away, also after an error."""
        self._stop_bar()

    def _stop_bar(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _title(self) -> str:
        return f"epoch {self._epoch + 1}/{self.params['epochs']}"

    def _rate(self) -> str:
        """Return the speed of the training steps in this epoch, validation left out."""
        seconds = self._ended - self._timed_from
        done = self._done - self._skipped
        return f"{done / seconds:,.0f} {self._unit}/s" if seconds > 0 and done else ""
