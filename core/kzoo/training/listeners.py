"""Who is told what happens where a program trains: nobody, a terminal, a file, or a notebook."""

from __future__ import annotations

import html
import sys
from typing import TYPE_CHECKING, Any

from kzoo.arguments import described
from kzoo.engine.listener import Silent
from kzoo.errors import UsageError
from kzoo.streams import visible
from kzoo.training.progress_line import format_logs, in_time, line_of_epoch

if TYPE_CHECKING:
    from kzoo.engine.listener import Listener
    from kzoo.training.progress_line import Moment

__all__ = ["NotebookScreen", "in_notebook", "listener_for"]

_BAR, _LINES = 1, 2


def listener_for(verbose: Any) -> Listener:
    """Return who is told of a run that a program starts.

    Args:
        verbose: As in Keras's ``fit``: 0 for nothing, 1 for a bar, 2 for a line an epoch; ``auto`` is 1 where a
            terminal or a notebook shows it, and 2 elsewhere.

    Raises:
        UsageError: It is none of these.
    """
    if not (verbose == "auto" or (isinstance(verbose, int) and verbose in (0, _BAR, _LINES))):
        message = f"`verbose` must be 0 (nothing), 1 (a bar), 2 (a line an epoch) or 'auto', not {described(verbose)}."
        raise UsageError(message)
    if verbose == 0:
        return Silent()
    watched = in_notebook() or (sys.stderr is not None and sys.stderr.isatty())
    return _Told(live=verbose == _BAR if verbose != "auto" else watched)


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook, which shows HTML."""
    ipython = sys.modules.get("IPython")  # where it is not imported, nobody runs a kernel
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


class _Told(Silent):
    """Tells a person who runs a program; warnings stay those of Python, which a program can catch.

    Args:
        live: Whether to show a bar.
    """

    def __init__(self, *, live: bool) -> None:
        self._live = live
        self._notebook = in_notebook()
        self._downloaded = ""

    def say(self, text: str) -> None:
        """Write a message: in a notebook to stdout, since what is on stderr looks like an error there."""
        stream = sys.stdout if self._notebook else sys.stderr
        if stream is not None:
            print(visible(text), file=stream, flush=True)

    def download(self, done: int, total: int | None, name: str) -> None:
        """Say once of each file that it is being downloaded."""
        del done
        if name != self._downloaded:
            self._downloaded = name
            self.say(f"Downloading {name}{f' ({total / 1e6:,.1f} MB)' if total else ''} ...")

    def progress(self, *, examples: int, batch_size: int, unit: str) -> Any:
        """Return the callback that shows the training."""
        from rich.console import Console

        from kzoo.training.progress import ProgressLines, TerminalScreen

        if self._notebook and self._live:
            return ProgressLines(NotebookScreen(), examples=examples, batch_size=batch_size, unit=unit)
        console = Console(stderr=not self._notebook, highlight=False, force_jupyter=False)
        # A console that is no terminal cannot draw a line anew; each drawing would be a line of its own.
        # What a kernel has for stdout calls itself a terminal, of no width in particular: nothing is left out there.
        screen = TerminalScreen(console, live=self._live and console.is_terminal, whole=self._notebook)
        return ProgressLines(screen, examples=examples, batch_size=batch_size, unit=unit)


class NotebookScreen:
    """The output of a notebook's cell: the lines of the epochs, and below them a bar."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._shown: Any = None

    def draw(self, moment: Moment) -> None:
        """Show the live line anew."""
        left = "" if moment.left is None else f"{in_time(moment.left)} left"
        words = "  ".join(filter(None, (f"{moment.step}/{moment.steps}", left, format_logs(moment.logs), moment.rate)))
        bar = f'<progress value="{moment.step}" max="{moment.steps}" style="width:10em"></progress>'
        self._show(f"{html.escape(moment.title)} {bar} {html.escape(words)}", f"{moment.title}  {words}")

    def leave(self, title: str, logs: str, rest: str) -> None:
        """Add the line of an epoch in place of the bar."""
        self._lines.append(line_of_epoch(title, logs, rest))
        self.close()

    def close(self) -> None:
        """Take the bar away."""
        self._show("", "")

    def _show(self, bar: str, text: str) -> None:
        from IPython.display import display

        show: Any = display  # untyped where it is installed
        lines = "\n".join(self._lines)
        block = f'<pre style="margin:0;white-space:pre-wrap">{html.escape(lines)}</pre>' if lines else ""
        bundle = {
            "text/html": block + (f'<div style="font-family:monospace">{bar}</div>' if bar else ""),
            "text/plain": "\n".join(filter(None, (lines, text))),
        }
        if self._shown is None:
            self._shown = show(bundle, raw=True, display_id=True)
        else:
            self._shown.update(bundle, raw=True)
