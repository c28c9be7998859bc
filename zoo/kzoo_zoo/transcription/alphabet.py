"""Texts as they are learned, and the symbols that they have: those of the texts to train on, or those given."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

from kzoo.errors import in_short

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from kzoo_zoo.transcription.lines import Line

__all__ = ["known", "written"]

_MOST_NAMED = 20


def written(lines: Iterable[Line], case: str, faults: list[str]) -> list[Line]:
    """Return the lines with their texts as they are learned; what has none is a fault."""
    found = []
    for line in lines:
        text = unicodedata.normalize("NFC", line.text.strip())
        text = text.lower() if case == "lower" else text.upper() if case == "upper" else text
        if not text:
            faults.append(f"{line.name}: it has no text")
        elif not text.isprintable():
            odd = next(symbol for symbol in text if not symbol.isprintable())
            faults.append(f"{line.name}: its text {in_short(ascii(text))} has the control character U+{ord(odd):04X}")
        else:
            found.append(replace(line, text=text))
    return found


def known(
    root: Path, lines: Sequence[Line], given: str, faults: list[str], *, trained: bool
) -> tuple[list[int], str, list[str]]:
    """Return the numbers of the lines whose symbols are all known, the alphabet, and what must be said of it.

    Args:
        root: Where they are from.
        lines: The lines, each with its split.
        given: The alphabet; empty where the texts to train on say it.
        faults: Where a symbol that is not known is named with its file.
        trained: Whether the alphabet is that of a trained network.
    """
    given = unicodedata.normalize("NFC", given)
    learned = {symbol for line in lines if line.split == "train" for symbol in line.text}
    alphabet = given or "".join(sorted(learned))
    symbols, kept = set(alphabet), []
    whose = "the network knows" if trained else "`data.alphabet` has" if given else "any text to train on has"
    for number, line in enumerate(lines):
        strange = [symbol for symbol in dict.fromkeys(line.text) if symbol not in symbols]
        if not strange:
            kept.append(number)
            continue
        named = " ".join(strange[:_MOST_NAMED])
        faults.append(f"{line.name}: its text {in_short(line.text)!r} has {named}, which is no symbol that {whose}")
    notes = []
    if not trained and given and (absent := "".join(symbol for symbol in given if symbol not in learned)):
        notes.append(
            f"`data.alphabet` has {len(absent)} symbol(s) that no text to train on in {root} has, and a network never "
            f"says what it has not learned: {in_short(absent)}"
        )
    return kept, alphabet, notes
