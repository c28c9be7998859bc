"""One HTML page that shows a run: it holds its pictures itself and needs no network."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["code", "page", "paragraph", "picture", "table", "warning"]

_STYLE = """
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
td.number { text-align: right; font-variant-numeric: tabular-nums; }
img { max-width: 100%; height: auto; background: white; }
.warning { border-left: 4px solid #d1600a; padding-left: .8rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
"""


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
    """Return rows as an HTML table; ``headings`` are the keys to show, by default those of the first row."""
    if not rows:
        return ""
    keys = list(headings or rows[0])
    head = "".join(f"<th>{html.escape(key)}</th>" for key in keys)
    lines = ["".join(_cell(row.get(key)) for key in keys) for row in rows]
    return f"<table><tr>{head}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def warning(text: str) -> str:
    """Return a paragraph that cannot be missed."""
    return f'<p class="warning"><strong>{html.escape(text)}</strong></p>'


def paragraph(text: str) -> str:
    """Return plain text as a paragraph."""
    return f"<p>{html.escape(text)}</p>"


def code(text: str) -> str:
    """Return text as it stands."""
    return f"<pre>{html.escape(text)}</pre>"


def picture(png: bytes, text: str) -> str:
    """Return a PNG image as an element that holds it; ``text`` says what it shows to whom cannot see it."""
    return f'<img alt="{html.escape(text, quote=True)}" src="data:image/png;base64,{base64.b64encode(png).decode()}">'


def _cell(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return f"<td>{html.escape('' if value is None else str(value))}</td>"
    return f'<td class="number">{value:,}</td>' if isinstance(value, int) else f'<td class="number">{value:.5g}</td>'
