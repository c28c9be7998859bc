"""One HTML page that shows a run: it holds its pictures itself and needs no network."""

from __future__ import annotations

import base64
import html
import math
import struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["code", "facts", "page", "paragraph", "picture", "table", "warning"]

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --warn: #d1600a; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; }
.facts th { font-weight: normal; opacity: .7; white-space: nowrap; }
.facts td { overflow-wrap: anywhere; }
img { background: white; }
.warning { border-left: 4px solid var(--warn); padding-left: .8rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .6rem; } }
@media (prefers-color-scheme: dark) {
  body { background: #16181c; color: #e4e4e4; }
  img.chart { filter: invert(.91) hue-rotate(180deg); }
  img.photo { filter: brightness(.85); }
}
"""

_DECIMALS = 4
_LARGE, _LARGER, _SMALL = 100.0, 10_000.0, 1e-3
_SCROLLED = 38  # rem: a picture that is wider than a phone is scrolled from here on, not made smaller


def page(title: str, parts: Sequence[tuple[str, str]]) -> str:
    """Return the whole page.

    Args:
        title: Its title, plain text.
        parts: Heading (plain text; empty for none) and HTML of each part, in order.
    """
    body = "\n".join((f"<h2>{html.escape(heading)}</h2>\n" if heading else "") + content for heading, content in parts)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{html.escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def table(rows: Sequence[Mapping[str, Any]], headings: Sequence[str] = ()) -> str:
    """Return rows as an HTML table; ``headings`` are the keys to show, by default those of the first row.

    The numbers of a column have the same number of decimals, and stand below each other.
    """
    if not rows:
        return ""
    keys = list(headings or rows[0])
    columns = {key: [row.get(key) for row in rows] for key in keys}
    forms = {key: _form(values) for key, values in columns.items()}
    numbers = {key: any(map(_is_number, values)) for key, values in columns.items()}
    head = "".join(f"<th{_NUMBER if numbers[key] else ''}>{html.escape(key)}</th>" for key in keys)
    lines = ["".join(_cell(row.get(key), forms[key]) for key in keys) for row in rows]
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def facts(told: Mapping[str, str]) -> str:
    """Return what is known by name, one below the other; what is an empty text is left out."""
    rows = "".join(
        f"<tr><th>{html.escape(name)}</th><td>{html.escape(value)}</td></tr>" for name, value in told.items() if value
    )
    return f'<table class="facts">{rows}</table>'


def warning(text: str) -> str:
    """Return a paragraph that cannot be missed."""
    return f'<p class="warning"><strong>{html.escape(text)}</strong></p>'


def paragraph(text: str) -> str:
    """Return plain text as a paragraph."""
    return f"<p>{html.escape(text)}</p>"


def code(text: str) -> str:
    """Return text as it stands."""
    return f"<pre>{html.escape(text)}</pre>"


def picture(png: bytes, text: str, *, photo: bool = False) -> str:
    """Return a PNG image as an element that holds it.

    Args:
        png: The bytes of the file.
        text: What it shows, for whom cannot see it.
        photo: Whether it shows photos; anything else may be drawn in other colours on a dark page.
    """
    width, height = struct.unpack(">II", png[16:24])  # where every PNG has them
    style = f"max-width:100%;height:auto;min-width:min({width}px,{_SCROLLED}rem)"
    data = base64.b64encode(png).decode()
    return (
        f'<div class="wide"><img class="{"photo" if photo else "chart"}" alt="{html.escape(text, quote=True)}" '
        f'width="{width}" height="{height}" style="{style}" src="data:image/png;base64,{data}"></div>'
    )


_NUMBER = ' class="number"'


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _form(values: Sequence[Any]) -> str:
    """Return the format of all fractions of a column: as many decimals as the largest and the smallest need."""
    sizes = [abs(value) for value in values if isinstance(value, float) and math.isfinite(value) and value]
    if not sizes or (max(sizes) < _LARGE and min(sizes) >= _SMALL):
        return f",.{_DECIMALS}f"
    if min(sizes) < _SMALL:
        return f".{_DECIMALS - 1}e"
    return ",.2f" if max(sizes) < _LARGER else ",.0f"


def _cell(value: Any, form: str) -> str:
    if not _is_number(value):
        return f"<td>{html.escape('' if value is None else str(value))}</td>"
    return f"<td{_NUMBER}>{value:,}</td>" if isinstance(value, int) else f"<td{_NUMBER}>{value:{form}}</td>"
