"""A line that shows how much of a download has arrived."""

from __future__ import annotations

from typing import Any, Self

from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from kzoo.cli import output
from kzoo.cli.visible import visible

__all__ = ["TransferLine"]


class TransferLine:
    """Called with the bytes that have arrived, draws a bar on a terminal; elsewhere one line for each file.

    In a ``with`` block the bar goes when the block ends, however that comes.
    """

    def __init__(self) -> None:
        self._name = ""
        self._bar: Progress | None = None
        self._task: Any = None
        self._console = output.message_console()

    def __call__(self, done: int, total: int | None, name: str) -> None:
        """Show the progress of one file; the last call of a file has ``done == total``."""
        if name != self._name:
            self.close()
            self._start(total, name)
        if self._bar:
            self._bar.update(self._task, completed=done, total=total)
        if total is not None and done >= total:
            self.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar:
            self._bar.stop()
        self._bar = None

    def _start(self, total: int | None, name: str) -> None:
        self._name = name
        shown = escape(visible(name))
        if not self._console.is_terminal:
            size = f" ({total / 1e6:.1f} MB)" if total else ""
            self._console.print(f"downloading {shown}{size}", soft_wrap=True)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
                   TimeRemainingColumn())  # fmt: skip
        self._bar = Progress(*columns, console=self._console)
        self._task = self._bar.add_task(f"downloading {shown}", total=total)
        self._bar.start()
