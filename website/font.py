"""The font of the formulas: the letters and signs that they use, of STIX Two Math, which the package ziamath brings."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as ET

from fontTools import subset
from fontTools.ttLib import TTFont

from website.formulas import formulas, mathml
from website.places import FOLDERS, SOURCE

_ITALIC = {
    "A": 0x1D434,
    "a": 0x1D44E,
    "\N{GREEK CAPITAL LETTER ALPHA}": 0x1D6E2,
    "\N{GREEK SMALL LETTER ALPHA}": 0x1D6FC,
}
"""Where the slanted letters begin, in which browsers show a single letter; h has a place of its own."""


def write() -> None:
    """Write the font for the site."""
    font = TTFont(_whole())
    options = subset.Options(flavor="woff", layout_features=["*"], notdef_outline=True)
    maker = subset.Subsetter(options)
    maker.populate(unicodes=characters())
    maker.subset(font)
    subset.save_font(font, SOURCE / "math.woff", options)


def characters() -> set[int]:
    """Return the characters that the formulas use, each letter slanted as well."""
    texts = (mathml(tex) for kind in FOLDERS for one in formulas(kind).values() for tex in one["tex"])
    plain = {ord(sign) for text in texts for sign in "".join(ET.fromstring(text).itertext())}
    return plain | {slanted(one) for one in plain} | {0x20, 0x302, 0x304, 0xAF, 0x221A}


def slanted(letter: int) -> int:
    """Return the slanted form of a letter, or the sign itself."""
    if letter == ord("h"):
        return 0x210E
    for first, there in _ITALIC.items():
        if 0 <= letter - ord(first) < (26 if first.isascii() else 25):
            return there + letter - ord(first)
    return letter


def _whole() -> Path:
    spec = find_spec("ziamath")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "fonts" / "STIXTwoMath-Regular.ttf"
