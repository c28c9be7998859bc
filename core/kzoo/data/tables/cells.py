"""What a cell of a table says: a number, a category, or nothing."""

from __future__ import annotations

import math
import re

__all__ = ["Numbers", "is_missing"]

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
_WITH_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")


def is_missing(text: str) -> bool:
    """Return whether a cell says nothing: empty, or NA, N/A, NaN, null, None or ? in any case.

    Example:
        >>> [is_missing(text) for text in ("", " n/a ", "0")]
        [True, True, False]
    """
    return text.strip().lower() in _MISSING


class Numbers:
    """Reads numbers as one file writes them.

    A decimal comma is understood where the columns are not separated by commas; a file that has both signs is
    ambiguous (is 1.234 a thousand?), and `mixed` says so.

    Args:
        separator: What separates the columns of the file.

    Example:
        >>> Numbers(";").read("3,5"), Numbers(",").read("-1e3")
        (3.5, -1000.0)
    """

    def __init__(self, separator: str) -> None:
        self.commas = separator != ","
        self._with_comma = self._with_point = ""

    def read(self, text: str) -> float:
        """Return the number, or NaN where the cell is missing; raise ``ValueError`` where it is neither."""
        try:
            value = float(text)
        except ValueError:
            stripped = text.strip()
            if stripped.lower() in _MISSING:
                return math.nan
            if not (self.commas and _WITH_COMMA.fullmatch(stripped)):
                raise
            self._with_comma = self._with_comma or stripped
            return float(stripped.replace(",", "."))
        if math.isinf(value):
            message = "infinite"
            raise ValueError(message)
        if self.commas and not self._with_point and "." in text:
            self._with_point = text.strip()
        return value

    @property
    def mixed(self) -> str:
        """Why the numbers read so far are ambiguous, or an empty text."""
        if self._with_comma and self._with_point:
            return f"holds `{self._with_comma}` with a decimal comma and `{self._with_point}` with a point"
        return ""

    @staticmethod
    def hint(text: str) -> str:
        """Return what a cell that is no number may be meant as, as a sentence, or an empty text."""
        if re.fullmatch(r"[+-]?\d{1,3}([.,' ]\d{3})+([.,]\d+)?", text.strip()):
            return " It looks like a number with separated thousands: write it without them."
        if _WITH_COMMA.fullmatch(text.strip()):
            return " Decimal commas are read only where the columns are separated by semicolons, tabs or bars."
        return ""
