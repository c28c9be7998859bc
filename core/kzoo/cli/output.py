"""Where words go: results to stdout as tables or JSON, messages to stderr.

On a terminal a table is wrapped to the width; anywhere else every row is one line that holds everything, for ``grep``
and ``cut``. Written without rich, whose import costs a third of a list command.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import sys
import unicodedata
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from rich.console import Console

__all__ = [
    "cell",
    "console",
    "emit",
    "emit_json",
    "emit_json_line",
    "error",
    "message_console",
    "paint",
    "paragraph",
    "say",
    "show",
    "table_lines",
    "terminal_width",
    "uses_color",
    "warn",
]

_STYLES = {"bold": "1", "dim": "2", "red": "31;1", "yellow": "33;1", "cyan": "36", "heading": "1"}
_GAP = "  "
_NARROWEST = 12  # a column is not made narrower than this to fit the terminal


def emit(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, as_json: bool) -> None:
    """Write rows to stdout: as a table with these columns, or as JSON with everything the rows hold.

    Args:
        rows: One mapping for each row; lists and numbers stay what they are in JSON.
        columns: The keys to show in the table and the heading of each, in order.
        as_json: Write a JSON list instead of a table.
    """
    if as_json:
        emit_json(list(rows))
        return
    if not rows:
        return
    width = terminal_width(sys.stdout) if sys.stdout.isatty() else None
    for line in table_lines(rows, columns, width=width, paint=paint if uses_color(sys.stdout) else None):
        show(line)


def emit_json(value: Any) -> None:
    """Write one value to stdout as JSON; what JSON has no form for becomes text, and NaN becomes null."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    show(json.dumps(_jsonable(value), indent=2, ensure_ascii=ascii_only, allow_nan=False))


def emit_json_line(value: Any) -> None:
    """Write one value to stdout as one line of JSON, at once, for whoever reads along."""
    ascii_only = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    show(json.dumps(_jsonable(value), ensure_ascii=ascii_only, allow_nan=False), flush=True)


def show(text: str = "", *, flush: bool = False) -> None:
    """Write a line of results to stdout."""
    print(text, flush=flush)  # noqa: T201 - the one place that does


def say(text: str) -> None:
    """Write a message to stderr, wrapped to the terminal."""
    print(paragraph(text, sys.stderr), file=sys.stderr)  # noqa: T201


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

    return Console(stderr=True, highlight=False)


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
    """Return the number of columns of the terminal behind ``stream``; ``COLUMNS`` goes first."""
    try:
        return int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return shutil.get_terminal_size().columns


def paragraph(text: str, stream: TextIO) -> str:
    """Return the text wrapped for ``stream``: to the width of a terminal, else in one line."""
    text = " ".join(text.split())
    return "\n".join(_wrap(text, min(terminal_width(stream), 100))) if stream.isatty() else text


def table_lines(
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    width: int | None = None,
    paint: Callable[[str, str], str] | None = None,
) -> list[str]:
    """Return a table as lines.

    Args:
        rows: The rows.
        columns: Keys and headings.
        width: Wrap cells so that no line is wider; None keeps every row in one line.
        paint: Colours the headings and the first column; None for plain text.
    """
    cells = [[cell(row.get(key)) for key in columns] for row in rows]
    numeric = [_is_number_column([row.get(key) for row in rows]) for key in columns]
    headings = [heading.upper() for heading in columns.values()]
    by_column = list(zip(headings, *cells, strict=True))
    widths = [max(map(_width, column)) for column in by_column]
    if width is not None:
        room = width - len(_GAP) * (len(widths) - 1)
        words = [max(_width(word) for cell in column for word in cell.split(" ")) for column in by_column]
        widths = _squeeze(widths, room, least=words)  # at spaces where that is enough
        widths = _squeeze(widths, room, least=[_NARROWEST] * len(widths))
    elif paint is None:  # nothing to break and nothing to paint: what lists of a thousand components go through
        return [_GAP.join(map(_padded, row, widths, numeric)).rstrip() for row in [headings, *cells]]
    lines = []
    for number, row in enumerate([headings, *cells]):
        wrapped = [_wrap(cell, limit) for cell, limit in zip(row, widths, strict=True)]
        for depth in range(max(map(len, wrapped))):
            parts = [part[depth] if depth < len(part) else "" for part in wrapped]
            blanks = [" " * (limit - _width(part)) for part, limit in zip(parts, widths, strict=True)]
            if paint:
                parts = [paint(parts[0], "cyan"), *parts[1:]] if number else [paint(part, "heading") for part in parts]
            padded = [
                blank + part if right else part + blank
                for part, blank, right in zip(parts, blanks, numeric, strict=True)
            ]
            lines.append(_GAP.join(padded).rstrip())
    return lines


def _padded(text: str, width: int, right: bool) -> str:
    blank = " " * (width - _width(text))
    return blank + text if right else text + blank


def _labelled(label: str, text: str, style: str) -> None:
    painted = paint(label, style) if uses_color(sys.stderr) else label
    # Colour codes have no width, so the label is put in after wrapping.
    print(paragraph(f"{label} {text}", sys.stderr).replace(label, painted, 1), file=sys.stderr)  # noqa: T201


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    if isinstance(value, str):
        return " ".join(value.split())
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, (list, tuple, set, frozenset)):
        return ", ".join(map(cell, value))
    return " ".join(str(value).split())


def _is_number_column(values: Sequence[Any]) -> bool:
    numbers = [isinstance(value, (int, float)) and not isinstance(value, bool) for value in values if value is not None]
    return bool(numbers) and all(numbers)


def _squeeze(widths: Sequence[int], room: int, least: Sequence[int]) -> list[int]:
    """Take from the widest columns until all fit the room, or none may become narrower."""
    widths = list(widths)
    while sum(widths) > room:
        free = [i for i, width in enumerate(widths) if width > least[i]]
        if not free:
            break
        widths[max(free, key=lambda i: widths[i])] -= 1
    return widths


def _wrap(text: str, limit: int) -> list[str]:
    """Break text at spaces into lines of at most ``limit`` columns; a longer word is cut, nothing is dropped."""
    if _width(text) <= limit:
        return [text]
    lines = [""]
    for word in text.split(" "):
        rest = word
        joined = f"{lines[-1]} {rest}" if lines[-1] else rest
        if _width(joined) <= limit:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        while _width(rest) > limit:
            lines[-1], rest = rest[:limit], rest[limit:]
            lines.append("")
        lines[-1] = rest
    return [line for line in lines if line]


def _width(text: str) -> int:
    """Return the columns that text takes on a terminal: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _jsonable(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict) or hasattr(value, "items"):
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(str, value))
    if isinstance(value, (list, tuple)):
        return [_jsonable(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    return value.tolist() if hasattr(value, "tolist") else str(value)
