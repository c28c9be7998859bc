"""Text in columns, for terminals and files alike: tables, lines wrapped at words, numbers as people read them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from kzoo.streams import readable, visible

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

__all__ = ["GAP", "NARROWEST", "cell", "name_lines", "padded_to", "table_lines", "width_of", "wrap"]

GAP = "  "
NARROWEST = 12
"""A column is not made narrower than this to fit the terminal."""

_NAMES = 22  # columns of the names in a list of names and sentences; a longer one moves its sentence to the right
_MORE = " ..."
_LEAST_WHOLE, _MOST_WHOLE = 1e5, 1e15  # between these a fraction is written out without its decimals


def table_lines(
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, str],
    *,
    width: int | None = None,
    paint: Callable[[str, str], str] | None = None,
    whole: bool = False,
    spelled: Collection[str] = (),
) -> list[str]:
    """Return a table as lines.

    Args:
        rows: The rows.
        columns: Keys and headings.
        width: Wrap cells so that no line is wider; None keeps every row in one line.
        paint: Colours the headings and the first column; None for plain text.
        whole: Break no cell of the first column, which is to be copied: where the others have no room beside it, they
            stand below it.
        spelled: The keys whose headings are data, such as names of classes, and stay as they are spelled; others are
            written in capitals.
    """
    headings = {key: text if key in spelled else text.upper() for key, text in columns.items()}
    return [line for lines in _rows_of_lines(rows, headings, width, paint, whole=whole) for line in lines]


def _rows_of_lines(
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, str],
    width: int | None,
    paint: Callable[[str, str], str] | None,
    *,
    whole: bool,
) -> list[list[str]]:
    """Return the lines of the headings, which are as they are shown, and of each row; else as for `table_lines`."""
    cells = [[cell(row.get(key)) for key in columns] for row in rows]
    numeric = [_is_number_column([row.get(key) for row in rows]) for key in columns]
    headings = [visible(readable(heading)) for heading in columns.values()]
    by_column = list(zip(headings, *cells, strict=True))
    widths = [max(map(width_of, column)) for column in by_column]
    if width is not None:
        room = width - len(GAP) * (len(widths) - 1)
        words = [max(width_of(word) for cell in column for word in cell.split(" ")) for column in by_column]
        if whole:
            words[0] = widths[0]
            if sum(words) > room:
                return _below(rows, columns, width, paint, by_column[0])
        widths = _squeeze(widths, room, least=words)  # at spaces where that is enough
        widths = _squeeze(widths, room, least=[NARROWEST] * len(widths))
    elif paint is None:  # nothing to break and nothing to paint: what lists of a thousand components go through
        return [[GAP.join(map(padded_to, row, widths, numeric)).rstrip()] for row in [headings, *cells]]
    found = []
    for number, row in enumerate([headings, *cells]):
        wrapped = [wrap(cell, limit) for cell, limit in zip(row, widths, strict=True)]
        lines = []
        for depth in range(max(map(len, wrapped))):
            parts = [part[depth] if depth < len(part) else "" for part in wrapped]
            blanks = [" " * (limit - width_of(part)) for part, limit in zip(parts, widths, strict=True)]
            if paint:
                parts = [paint(parts[0], "cyan"), *parts[1:]] if number else [paint(part, "heading") for part in parts]
            padded = [
                blank + part if right else part + blank
                for part, blank, right in zip(parts, blanks, numeric, strict=True)
            ]
            lines.append(GAP.join(padded).rstrip())
        found.append(lines)
    return found


def _below(
    rows: Iterable[Mapping[str, Any]],
    columns: Mapping[str, str],
    width: int,
    paint: Callable[[str, str], str] | None,
    first: Sequence[str],
) -> list[list[str]]:
    """Return each row with its first cell on a line of its own, and the others below that as a table of theirs."""

    def headings_alone(text: str, style: str) -> str:
        return paint(text, style) if paint and style == "heading" else text

    others = dict(list(columns.items())[1:])
    below = _rows_of_lines(rows, others, width - len(GAP), headings_alone if paint else None, whole=False)
    styled = [paint(text, "cyan" if number else "heading") if paint else text for number, text in enumerate(first)]
    return [[text, *(f"{GAP}{line}".rstrip() for line in lines)] for text, lines in zip(styled, below, strict=True)]


def padded_to(text: str, width: int, right: bool = False) -> str:  # noqa: FBT001, FBT002 - called through map
    """Return text with blanks up to a width, behind it or before it."""
    blank = " " * (width - width_of(text))
    return blank + text if right else text + blank


def cell(value: Any) -> str:
    """Return a value as a table shows it."""
    if value is None or isinstance(value, bool):
        return {None: "", True: "yes", False: "no"}[value]
    if isinstance(value, (int, float)):
        if isinstance(value, int):
            return f"{value:,}"
        return f"{value:,.0f}" if _LEAST_WHOLE <= abs(value) < _MOST_WHOLE else f"{value:,.5g}"
    if isinstance(value, (list, tuple, set, frozenset)):
        values = list(value)
        if values and all(isinstance(row, list) for row in values):
            return f"a table of {len(values)} x {len(values[0])}, which --json writes out"
        # A comma within a number would look like one between two of them.
        return ", ".join(cell(one).replace(",", "") if isinstance(one, (int, float)) else cell(one) for one in values)
    # Also the bytes of names that are no UTF-8, so that widths are counted on what is shown.
    return visible(readable(" ".join(str(value).split())))


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


def wrap(text: str, limit: int) -> list[str]:
    """Break text at spaces into lines of at most ``limit`` columns; a longer word is cut, nothing is dropped."""
    if width_of(text) <= limit:
        return [text]
    lines = [""]
    for word in text.split(" "):
        rest = word
        joined = f"{lines[-1]} {rest}" if lines[-1] else rest
        if width_of(joined) <= limit:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        while width_of(rest) > limit:
            fitting = max(1, next(n for n in range(limit, -1, -1) if width_of(rest[:n]) <= limit))
            lines[-1], rest = rest[:fitting], rest[fitting:]
            lines.append("")
        lines[-1] = rest
    return [line for line in lines if line]


def width_of(text: str) -> int:
    """Return the columns that text takes on a terminal: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def name_lines(
    rows: Sequence[tuple[str, str]], width: int, *, paint: Callable[[str, str], str] | None = None
) -> list[str]:
    """Return names with a sentence each as lines of at most ``width`` columns, one or two for each name.

    Lines are broken at blanks. A sentence that has no room in two lines ends in ``...``; only where not even a name has
    room, there are more lines.

    Args:
        rows: Names and sentences.
        width: The columns that there are.
        paint: Colours the names; None for plain text.
    """
    named = [(cell(name), cell(text)) for name, text in rows]
    indent = min(max((width_of(name) for name, _ in named), default=0), _NAMES, max(width // 3, 1)) + len(GAP)
    lines = []
    for name, text in named:
        taken = max(width_of(name) + len(GAP), indent)
        shown = paint(name, "cyan") if paint else name
        first, rest = _first_line(text, width - taken)
        second = wrap(rest, max(width - indent, 1)) if rest else []
        if len(second) > 1:
            second = [_ended(second[0], width - indent)]
        lines.append(f"{shown}{' ' * (taken - width_of(name))}{first}".rstrip())
        lines += [f"{' ' * indent}{line}" for line in second]
    return lines


def _first_line(text: str, limit: int) -> tuple[str, str]:
    """Return as many words as the first line has room for, and the rest."""
    words = text.split(" ")
    taken = 0
    while taken < len(words) and width_of(" ".join(words[: taken + 1])) <= limit:
        taken += 1
    return " ".join(words[:taken]), " ".join(words[taken:])


def _ended(line: str, limit: int) -> str:
    """Return a line that stands for more than has room: cut at a blank, with ``...`` behind it."""
    while width_of(line) + len(_MORE) > limit and " " in line:
        line = line.rpartition(" ")[0]
    return f"{line}{_MORE}"
