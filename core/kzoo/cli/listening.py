"""Who is told what a run does: a person before a terminal, or nobody, where another process tells it."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from kzoo.cli import output
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = ["Elsewhere", "Terminal"]


class Terminal:
    """Tells a person what happens, on stderr.

    Args:
        quiet: Whether to leave out all that can be missed.
        verbose: Whether to show all values of an epoch.

    Raises:
        UsageError: Both at once.
    """

    def __init__(self, *, quiet: bool, verbose: bool = False) -> None:
        if quiet and verbose:
            message = "--quiet shows no progress, and --verbose all of it: leave out one of them."
            raise UsageError(message)
        self._quiet = quiet
        self._verbose = verbose
        self._live = sys.stdout.isatty() and sys.stderr.isatty()
        self._download: Any = None

    def say(self, text: str) -> None:
        """Write a message."""
        if not self._quiet:
            output.say(text)

    def warn(self, text: str) -> None:
        """Write a warning, also when quiet."""
        output.warn(text)

    def starting(self) -> AbstractContextManager[None]:
        """Return a block in which the start of TensorFlow is said, or, when quiet, is not."""
        from kzoo.engine import runtime

        return runtime.unannounced() if self._quiet else nullcontext()

    def download(self, done: int, total: int | None, name: str) -> None:
        """Show how much of a file has arrived."""
        if self._quiet:
            return
        if self._download is None:
            from kzoo.cli.transfers import TransferLine

            self._download = TransferLine()
        self._download(done, total, name)

    def progress(self, *, examples: int, batch_size: int, unit: str) -> Any:
        """Return the callback that shows the training: a live line where both outputs are terminals."""
        if self._quiet:
            return None
        from kzoo.training.progress import ProgressLines, TerminalScreen

        screen = TerminalScreen(output.message_console(), live=self._live, whole=self._verbose)
        return ProgressLines(screen, examples=examples, batch_size=batch_size, unit=unit, whole=self._verbose)


class Elsewhere:
    """A listener in a process whose chief tells all there is to tell."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Say nothing: the chief warns of the same."""

    def starting(self) -> AbstractContextManager[None]:
        """Return a block in which nothing is said of the start of TensorFlow."""
        from kzoo.engine import runtime

        return runtime.unannounced()

    def download(self, done: int, total: int | None, name: str) -> None:
        """Show nothing."""

    def progress(self, *, examples: int, batch_size: int, unit: str) -> Any:
        """Show nothing."""
        del examples, batch_size, unit
