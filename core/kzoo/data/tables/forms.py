"""The forms in which columns write what is a number all the same: amounts, dates, times of day, yes or no."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import TYPE_CHECKING, Literal

from kzoo.data.tables.cells import Numbers, is_missing

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PLAIN", "Form", "FormName", "Told", "is_known_unit", "is_price", "told"]

FormName = Literal["number", "padded", "amount", "date", "time", "yes or no"]

_CURRENCIES = "$€£¥₹₩₽₺₪฿"
_CURRENCY_CODES = "USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|SEK|NOK|DKK|PLN|CZK|BRL|MXN|KRW|RUB|TRY|ZAR"
_UNITS = frozenset(
    re.findall(
        r"\S+",
        """% ‰ ° °C °F g kg mg µg t lb lbs oz m km cm mm µm nm mi mile miles ft in yd s sec ms µs min h hr hrs
        d l L ml mL dl m2 m² km2 km² ha sqft sqm m3 m³ km/h mph m/s kn W kW MW Wh kWh MWh V mV A mA Hz kHz
        MHz GHz J kJ MJ cal kcal N Pa hPa kPa bar K k M B bn kB KB MB GB TB PB px pt x ppm ppb dB mol rpm""",
    )
)
_AMOUNT = re.compile(
    rf"""(?P<sign>[+-]?)\s*(?P<before>[{_CURRENCIES}]|(?:{_CURRENCY_CODES})(?=\s|\d))?\s*(?P<inner>[+-]?)
    (?P<numeral>\d[\d.,'\u2019\u00a0\u202f\x20]*|[.,]\d+)
    (?P<after>[{_CURRENCIES}%‰°a-zA-Zµ][a-zA-Zµ°²³23/]{{0,11}})?""",
    re.VERBOSE,
)
_SPACES = "'\u2019\u00a0\u202f "
_GROUPED = {
    ",": re.compile(r"(?!0,\d{3}$)\d{1,3}(,\d{3})+(\.\d*)?"),
    ".": re.compile(r"(?!0\.\d{3}$)\d{1,3}(\.\d{3})+(,\d*)?"),
    " ": (_SPACED := re.compile(rf"\d{{1,3}}([{_SPACES}])\d{{3}}(\1\d{{3}})*([.,]\d*)?")),
    "'": _SPACED,
}
_DATE = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?:[T ]+(\d{1,2}:\d{2}.*))?")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?:\s?([ap])\.?m\.?)?(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_OTHER_DATE = re.compile(
    rf"\d{{1,2}}([./-])\d{{1,2}}\1(\d{{4}}|\d{{2}})(\s.*)?|"
    rf"\d{{1,2}}[ .-]*({_MONTHS})[a-z]*[ .,-]*(\d{{4}}|\d{{2}})(\s.*)?|"
    rf"({_MONTHS})[a-z]*\.? \d{{1,2}},? \d{{4}}(\s.*)?",
    re.IGNORECASE,
)
_CODE = re.compile(r"[+-]?0\d+([.,]\d+)?|[+-]?\d{16,}")
_ANSWERS = (("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = 24 * 3600
_MAGNITUDES = frozenset(
    re.findall(r"\S+", "k M MM mn mio B b bn tn hundred thousand million millions billion billions trillion lakh crore")
)
"""Words that say how much a number counts; what stands without one is another amount."""


@dataclass(frozen=True)
class Form:
    """How a column of numbers writes them.

    Attributes:
        name: ``number``; ``padded``, a number that may have zeros before it; ``amount``, one with a unit or separated
            thousands; ``date``, read as days since 1970-01-01 in UTC; ``time``, hours since midnight; ``yes or no``,
            1 or 0.
        unit: What stands beside each amount, such as ``$``, ``%`` or ``kg``, or ``$ M`` for a sign before it and a word
            behind it; empty for separated thousands alone.
        grouping: What separates thousands: a comma, a point, a space, an apostrophe, or nothing.
    """

    name: FormName = "number"
    unit: str = ""
    grouping: str = ""

    @property
    def words(self) -> str:
        """What the column holds and what becomes of it."""
        said = {
            "number": "numbers",
            "padded": "numbers, with the zeros before them left out",
            "date": "dates, as days since 1970-01-01",
            "time": "times of day, as hours",
            "yes or no": "yes or no, as 1 or 0",
        }
        if self.name != "amount":
            return said[self.name]
        thousands = f"`{self.grouping}` between thousands" if self.grouping else ""
        return f"numbers, without {' and '.join(filter(None, (f'`{self.unit}`' if self.unit else '', thousands)))}"

    def parser(self, numbers: Numbers) -> Callable[[str], float]:
        """Return the function from a cell to its number, NaN for a missing one.

        It raises ``ValueError``, in words that end a sentence, where a cell is neither.

        Args:
            numbers: Reads the plain numbers of the file.
        """
        if self.name == "number":
            return numbers.read
        if self.name == "padded":
            return functools.partial(numbers.read, padded=True)
        read = {"amount": self._amount, "date": _days, "time": _hours, "yes or no": _answer}[self.name]

        def parse(text: str) -> float:
            return float("nan") if is_missing(text) else read(text.strip())

        if self.name != "amount":
            return parse

        def parse_amount(text: str) -> float:
            return float("nan") if is_missing(text) else self._amount(text.strip(), numbers)

        return parse_amount

    def _amount(self, text: str, numbers: Numbers | None = None) -> float:
        found = _AMOUNT.fullmatch(text)
        if found is None or not self._is_of(unit := _unit(found)):
            message = f"is no number{f' of `{self.unit}`' if self.unit else ''}"
            if found is not None and unit:
                message = f"is of `{unit}` where the others are of `{self.unit}`" if self.unit else f"is of `{unit}`"
            raise ValueError(message)
        if numbers is not None and self.grouping and numbers.decimal == self.grouping and self.grouping in text:
            message = f"has a `{self.grouping}`, the decimal sign of this file, which separated thousands in training"
            raise ValueError(message)
        sign = -1.0 if "-" in (found["sign"], found["inner"]) else 1.0
        numeral = found["numeral"].strip()
        if self.grouping and _GROUPED[self.grouping].fullmatch(numeral):
            return sign * float(_ungrouped(numeral, self.grouping))
        if self.grouping in (",", ".") and self.grouping in numeral:
            message = f"has a `{self.grouping}` that does not separate thousands, as it does in this column"
            raise ValueError(message)
        if self.grouping == ".":
            return sign * float(numeral.replace(",", "."))
        try:
            return sign * (numbers or Numbers(",")).read(numeral, padded=True)
        except ValueError:
            message = "is no number in the way that this file writes them"
            raise ValueError(message) from None

    def _is_of(self, unit: str) -> bool:
        """Return whether an amount may be taken for one of this column; a plain number may where it is as large."""
        if unit or not self.unit:
            return unit == self.unit
        return " " not in self.unit and not {self.unit, self.unit.casefold()} & _MAGNITUDES


PLAIN = Form()


@dataclass(frozen=True)
class Told:
    """What a cell that is no plain number may be.

    Attributes:
        kind: ``code`` (digits that are no number), ``amount``, ``date``, ``other date``, ``time``, ``yes or no`` or
            ``text``.
        detail: The unit of an amount; of yes or no the two words; whether a date has an offset from UTC.
        grouping: What surely separates thousands in it, or an empty text.
        maybe: What may separate them: in ``1,234`` the comma.
        decimal: What surely separates decimals in it, or an empty text.
    """

    kind: str
    detail: str = ""
    grouping: str = ""
    maybe: str = ""
    decimal: str = ""


@functools.lru_cache(maxsize=1 << 14)
def told(text: str) -> Told:
    """Return what a cell that is no plain number may be; texts come again and again."""
    text = text.strip()
    if _CODE.fullmatch(text):
        return Told("code")
    folded = text.casefold()
    if pair := next((pair for pair in _ANSWERS if folded in pair), None):
        return Told("yes or no", f"{pair[1]}/{pair[0]}")
    if text[:1].isalpha() and not text[:3].isupper():
        return Told("other date" if _OTHER_DATE.fullmatch(text) else "text")  # most texts end here
    for kind, read in (("date", _days), ("time", _hours)):
        try:
            read(text)
        except ValueError:
            continue
        moment = _DATE.fullmatch(text)
        offset = moment is not None and bool(moment[5]) and bool(re.search(r"Z$|[+-]\d{2}:?\d{2}$", moment[5]))
        return Told(kind, "with an offset from UTC" if offset else "")
    if _OTHER_DATE.fullmatch(text):
        return Told("other date")
    return _told_amount(text)


def _told_amount(text: str) -> Told:
    found = _AMOUNT.fullmatch(text)
    if found is None:
        return Told("text")
    unit, numeral = _unit(found), found["numeral"]
    spaced = numeral != numeral.rstrip()
    numeral = numeral.strip()
    if not (found["before"] or unit in _UNITS or unit in _CURRENCIES or spaced):
        return Told("text")  # 3a, 12B: names of things more often than amounts
    sign = next((sign for sign, pattern in _GROUPED.items() if pattern.fullmatch(numeral)), "")
    if not sign and not re.fullmatch(r"\d+([.,]\d*)?|[.,]\d+", numeral):
        return Told("text")
    if sign == " " and re.search(r"['\u2019]", numeral):
        sign = "'"
    decimal = next((one for one in ",." if one in numeral and one != sign), "")
    # A price with a comma has two decimals and not three, so that there are thousands; with a point it may be of fuel.
    sure = sign in (" ", "'") or len(re.findall("[.,]", numeral)) > 1 or (sign == "," and is_price(unit))
    return Told("amount", unit, sign if sure else "", "" if sure else sign, decimal)


def _unit(found: re.Match[str]) -> str:
    return " ".join(filter(None, ((found["before"] or "").strip(), (found["after"] or "").strip())))


def is_price(unit: str) -> bool:
    """Return whether a currency is in a unit, as in ``$`` or ``$ M``."""
    return any(map(_is_currency, unit.split()))


def _is_currency(unit: str) -> bool:
    return bool(unit) and (unit in _CURRENCIES or unit in _CURRENCY_CODES.split("|"))


def is_known_unit(unit: str) -> bool:
    """Return whether a unit is a currency's, a part or one of physics, and no word of a category."""
    return any(one in _UNITS or _is_currency(one) for one in unit.split())


def _ungrouped(numeral: str, grouping: str) -> str:
    for sign in grouping if grouping in ",." else _SPACES:
        numeral = numeral.replace(sign, "")
    return numeral.replace(",", ".")


def _days(text: str) -> float:
    found = _DATE.fullmatch(text)
    if found is None:
        message = "is no date such as 2024-12-31"
        raise ValueError(message)
    year, _, month, day, clock = found.groups()
    try:
        moment = datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        message = "is no date of the calendar"
        raise ValueError(message) from None
    hours = _hours(clock.strip()) if clock else 0.0
    return (moment - _EPOCH).days + hours * 3600 / _DAY


def _hours(text: str) -> float:
    found = _TIME.fullmatch(text)
    if found is None:
        message = "is no time of day such as 13:45"
        raise ValueError(message)
    hour, half = int(found[1]), (found[4] or "").lower()
    try:
        if half:
            hour = datetime.strptime(f"{hour} {half}m", "%I %p").hour  # noqa: DTZ007 - the hour is all that is taken
        clock = time(hour, int(found[2]), int(float(found[3] or 0)))
    except ValueError:
        message = "is no time of day"
        raise ValueError(message) from None
    offset, shift = found[5] or "Z", 0.0
    if offset.upper() != "Z":
        shift = (int(offset[1:3]) + int(offset[-2:]) / 60) * (-1 if offset.startswith("-") else 1)
    return clock.hour + clock.minute / 60 + float(found[3] or 0) / 3600 - shift


def _answer(text: str) -> float:
    folded = text.casefold()
    for no, yes in _ANSWERS:
        if folded in (no, yes):
            return float(folded == yes)
    message = "is neither yes nor no"
    raise ValueError(message)
