"""A table that changes in place while runs are trained, or lines where nobody watches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from kzoo.streams import visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

__all__ = ["LiveTable", "plain"]

_PER_SECOND = 4


class LiveTable:
    """What a table that changes in place needs; who derives from it draws it in ``table``.

    Args:
        say: Takes a line for each run, where there is no table; None where nobody wants them.
        warn: Takes warnings.
        console: What shows the table; None for none.
    """

    def __init__(
        self, *, say: Callable[[str], None] | None, warn: Callable[[str], None], console: Console | None = None
    ) -> None:
        self._say, self._warn = say, warn
        self._console = console
        self._began = time.monotonic()
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console is not None:
            from rich.live import Live

            self._live = Live(get_renderable=self.table, console=self._console, refresh_per_second=_PER_SECOND)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def elapsed(self) -> str:
        """The time since it began, in minutes and seconds."""
        seconds = int(time.monotonic() - self._began)
        return f"{seconds // 60}:{seconds % 60:02}"

    def warn(self, text: str) -> None:
        """Write a warning, above the table where there is one."""
        if self._live is not None:
            self._live.console.print(f"warning: {visible(text)}", markup=False)
        else:
            self._warn(text)

    def line(self, text: str) -> None:
        """Write a line, where there is no table and somebody wants it."""
        if self._live is None and self._say is not None:
            self._say(text)

    def table(self) -> Table:
        """Return the table as it is now."""
        raise NotImplementedError


def plain(text: str) -> Any:
    """Return text that rich takes as it is: brackets of a component are no markup."""
    from rich.text import Text

    return Text(visible(text))
