"""Where words go: results to stdout as tables or JSON, messages to stderr.

On a terminal a table is wrapped to the width; anywhere else every row is one line that holds everything, for ``grep``
and ``cut``. Written without rich, whose import costs a third of a list command. What would steer a terminal is written
out on its way through here, see `kzoo.cli.visible`.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

from kzoo.cli.visible import in_json, visible
from kzoo.columns import NARROWEST, cell, name_lines, padded_to, table_lines, width_of, wrap
from kzoo.streams import readable, silence

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from rich.console import Console

__all__ = [
    "cell",
    "console",
    "emit",
    "emit_json",
    "emit_json_line",
    "emit_names",
    "error",
    "message",
    "message_console",
    "padded_to",
    "paint",
    "paragraph",
    "say",
    "show",
    "show_painted",
    "show_traceback",
    "table_lines",
    "terminal_width",
    "uses_color",
    "warn",
    "width_of",
]

_STYLES = {"bold": "1", "dim": "2", "red": "31;1", "yellow": "33;1", "cyan": "36", "heading": "1"}


def emit(
    rows: Sequence[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    as_json: bool,
    whole: bool = False,
    spelled: Collection[str] = (),
) -> None:
    """Write rows to stdout: as a table with these columns, or as JSON with everything the rows hold.

    Args:
        rows: One mapping for each row; lists and numbers stay what they are in JSON.
        columns: The keys to show in the table and the heading of each, in order.
        as_json: Write a JSON list instead of a table.
        whole: Break no cell of the first column, see `table_lines`.
        spelled: The keys whose headings are data, likewise.
    """
    if as_json:
        emit_json(list(rows))
        return
    if not rows:
        return
    width = terminal_width(sys.stdout) if sys.stdout.isatty() else None
    colours = paint if uses_color(sys.stdout) else None
    lines = table_lines(rows, columns, width=width, paint=colours, whole=whole, spelled=spelled)
    show_painted("\n".join(lines))


def emit_names(rows: Sequence[tuple[str, str]]) -> None:
    """Write names with a sentence each to the terminal behind stdout, as wide as that is."""
    for line in name_lines(rows, terminal_width(sys.stdout), paint=paint if uses_color(sys.stdout) else None):
        show_painted(line)


def emit_json(value: Any) -> None:
    """Write one value to stdout as JSON; what JSON has no form for becomes text, and NaN becomes null."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    show_painted(in_json(json.dumps(_jsonable(value), indent=2, ensure_ascii=ascii_only, allow_nan=False)))


def emit_json_line(value: Any) -> None:
    """Write one value to stdout as one line of JSON, at once, for whoever reads along."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    text = in_json(json.dumps(_jsonable(value), ensure_ascii=ascii_only, allow_nan=False))
    show_painted(text, flush=True)


def show(text: str = "", *, flush: bool = False) -> None:
    """Write a line of results to stdout."""
    show_painted(visible(text), flush=flush)


def show_painted(text: str, *, flush: bool = False) -> None:
    """Write a line to stdout whose colours are ours and whose other texts are `visible` already."""
    print(readable(text), flush=flush)  # noqa: T201 - the one place that does


def show_traceback(error: BaseException) -> None:
    """Write the traceback of an exception to stderr."""
    import traceback

    message(visible("".join(traceback.format_exception(error))).removesuffix("\n"))


def say(text: str) -> None:
    """Write a message to stderr, wrapped to the terminal."""
    message(paragraph(text, sys.stderr))


def message(text: str) -> None:
    """Write text to stderr as it is; where that is full, there is nobody to be told, and the work goes on."""
    try:
        print(readable(text), file=sys.stderr)  # noqa: T201
    except OSError:
        silence(sys.stderr)


def warn(text: str) -> None:
    """Write a warning to stderr."""
    _labelled("warning:", text, "yellow")


def error(text: str) -> None:
    """Write an error to stderr."""
    _labelled("error:", text, "red")


def console() -> Console:
    """Return a rich console for results that a table cannot show."""
    from rich.console import Console

    return Console(soft_wrap=not sys.stdout.isatty(), highlight=False)


def message_console() -> Console:
    """Return a rich console for progress and messages."""
    from rich.console import Console

    class Visible(Console):
        """Writes texts as `show` does."""

        def print(self, *objects: Any, **given: Any) -> None:
            try:
                super().print(*(visible(one) if isinstance(one, str) else one for one in objects), **given)
            except OSError:  # as in `message`
                silence(sys.stderr)

        def on_broken_pipe(self) -> None:
            """Let the error through; rich would end the process with exit code 1 and no word."""
            raise  # noqa: PLE0704 - it is called where the error is handled

    return Visible(stderr=True, highlight=False)


def paint(text: str, style: str) -> str:
    """Return the text in a style: ``bold``, ``dim``, ``red``, ``yellow``, ``cyan`` or ``heading``."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if text else text


def uses_color(stream: TextIO) -> bool:
    """Return whether to colour what goes to ``stream``: a terminal that can, and no ``NO_COLOR``."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    capable = os.name != "nt" or bool(os.environ.get("WT_SESSION") or os.environ.get("TERM"))
    return capable and stream.isatty()


def terminal_width(stream: TextIO) -> int:
    """Return the number of columns of the terminal behind ``stream``; ``COLUMNS`` goes first.

    One that is narrower than a word, as some that are none say of themselves, breaks the lines itself.
    """
    return max(_columns(stream), NARROWEST)


def _columns(stream: TextIO) -> int:
    with contextlib.suppress(KeyError, ValueError):
        return int(os.environ["COLUMNS"])
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return shutil.get_terminal_size().columns


def paragraph(text: str, stream: TextIO) -> str:
    """Return the text wrapped for ``stream``: to the width of a terminal, else in one line."""
    text = visible(" ".join(text.split()))
    return "\n".join(wrap(text, min(terminal_width(stream), 100))) if stream.isatty() else text


def _labelled(label: str, text: str, style: str) -> None:
    painted = paint(label, style) if uses_color(sys.stderr) else label
    # Colour codes have no width, so the label is put in after wrapping.
    message(paragraph(f"{label} {text}", sys.stderr).replace(label, painted, 1))


def _jsonable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict) or hasattr(value, "items"):
        return {readable(str(key)): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(readable(str(item)) for item in value)
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if value is None or isinstance(value, (int, float)):
        return value
    return value.tolist() if hasattr(value, "tolist") else readable(str(value))
