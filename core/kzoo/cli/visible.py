"""Text for a terminal: what would steer it, rather than be shown, is written out.

Names of files and classes, cards of models, summaries of plugins and the words of exceptions come from strangers. A
terminal obeys what is hidden in them: it can be made to hide a line, to change its title, to fill the clipboard.
"""

from __future__ import annotations

import re
from typing import Any

from kzoo.streams import visible

__all__ = ["in_json", "visible", "visible_in"]

_UNSAFE_JSON = re.compile("[\x7f-\x9f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""What `visible` writes out and JSON does not escape itself; and halves of characters, which no encoding can write."""


def visible_in(value: Any) -> Any:
    """Return plain data with all its texts made visible."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, dict):
        return {visible_in(key): visible_in(item) for key, item in value.items()}
    return [visible_in(item) for item in value] if isinstance(value, (list, tuple)) else value


def in_json(text: str) -> str:
    """Return JSON that says the same, with escapes for what steers a terminal: it stays exact."""
    return (
        text if text.isascii() and "\x7f" not in text else _UNSAFE_JSON.sub(lambda one: f"\\u{ord(one[0]):04x}", text)
    )
