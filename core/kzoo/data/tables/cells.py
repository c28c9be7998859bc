"""What a cell of a table says: a number, a category, or nothing."""

from __future__ import annotations

import math
import re

__all__ = ["DOUBTFUL", "Numbers", "folded", "is_doubtful", "is_missing"]

DOUBTFUL = "has a sign that may separate thousands or decimals, and nothing in the table says which"
"""Why a number such as 1,234 is refused where all of a file's numbers leave that open."""

_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?"})
_WITH_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?")
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
_PADDED = re.compile(r"\s*[+-]?0\d")
_SUSPECT = frozenset("0+- ")  # a number that begins otherwise has no zeros before it
_SHORT = 15  # digits that a 64-bit float surely keeps

_LARGEST = 2**53
"""Above it a 64-bit float cannot tell an integer from the next one."""


def is_missing(text: str) -> bool:
    """Return whether a cell says nothing: empty, or NA, N/A, NaN, null, None or ? in any case.

    Example:
        >>> [is_missing(text) for text in ("", " n/a ", "0")]
        [True, True, False]
    """
    return text.strip().lower() in _MISSING


def folded(text: str) -> str:
    """Return a text as it is compared with others: neither the case of its letters nor the width of its gaps counts.

    Example:
        >>> folded("  New   YORK ")
        'new york'
    """
    return " ".join(text.casefold().split())


def is_doubtful(text: str) -> bool:
    """Return whether a number by itself leaves open what its sign separates, thousands or decimals.

    Example:
        >>> [is_doubtful(text) for text in ("1,234", "0.123", "12.5")]
        [True, False, False]
    """
    return _EITHER.fullmatch(text.strip()) is not None


class Numbers:
    """Reads numbers as one file writes them.

    A decimal comma is understood where the columns are not separated by commas. What has a zero before its other digits
    (``01234``), or is an integer so long that a 64-bit float would change it, is no number but a name made of digits.

    Args:
        separator: What separates the columns of the file.
        decimal: The one decimal sign of the file, a comma or a point, where it is known; the other is then refused.
        doubtful: Whether numbers like 1,234 are refused, since nothing says what their sign is.

    Example:
        >>> Numbers(";").read("3,5"), Numbers(",").read("-1e3")
        (3.5, -1000.0)
    """

    def __init__(self, separator: str, decimal: str = "", *, doubtful: bool = False) -> None:
        self.decimal = decimal
        self._commas = separator != "," and decimal != "."
        self._points = decimal != ","
        self._doubtful = doubtful

    def read(self, text: str, *, padded: bool = False) -> float:
        """Return the number, or NaN where the cell is missing; raise ``ValueError`` where it is neither.

        Args:
            text: The cell.
            padded: Whether zeros before the other digits do no harm.
        """
        try:
            value = float(text)
        except ValueError:
            if text.strip().lower() in _MISSING:
                return math.nan
            return self._read_comma(text.strip(), padded=padded)
        if math.isinf(value):
            message = "infinite"
            raise ValueError(message)
        if len(text) > _SHORT and abs(value) > _LARGEST and text.strip().lstrip("+-").isdecimal():
            message = "an integer too long for a number"
            raise ValueError(message)
        if not padded and text[0] in _SUSPECT:
            _refuse_padded(text)
        if "_" in text:
            message = "could not convert: a number has no `_`"  # Python's own numbers may
            raise ValueError(message)
        if "." in text:
            self._check_point(text)
        return value

    def _read_comma(self, text: str, *, padded: bool) -> float:
        if not (self._commas and _WITH_COMMA.fullmatch(text)):
            message = "could not convert"
            raise ValueError(message)
        if not padded:
            _refuse_padded(text)
        if self._doubtful and is_doubtful(text):
            raise ValueError(DOUBTFUL)
        return float(text.replace(",", "."))

    def _check_point(self, text: str) -> None:
        if not self._points:
            message = "could not convert: the decimal sign of this file is the comma"
            raise ValueError(message)
        if self._doubtful and is_doubtful(text):
            raise ValueError(DOUBTFUL)

    @staticmethod
    def hint(text: str) -> str:
        """Return what a cell that is no number may be meant as, as a sentence, or an empty text."""
        text = text.strip()
        if re.fullmatch(r"[+-]?(?!0[.,]\d{3}$)\d{1,3}([.,' ]\d{3})+([.,]\d+)?", text):
            return " It looks like a number with separated thousands: write it without them."
        if re.fullmatch(r"[+-]?0\d+([.,]\d+)?", text):
            return " A number has no zeros before its other digits: this is a code, such as a postal code."
        if _WITH_COMMA.fullmatch(text):
            return " Decimal commas are read only where the columns are separated by semicolons, tabs or bars."
        return ""


def _refuse_padded(text: str) -> None:
    if _PADDED.match(text):
        message = "zeros before the other digits"
        raise ValueError(message)
