"""Transcription: pictures of lines of text, and the texts that a network reads off them."""

from __future__ import annotations

import csv
import functools
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from kzoo.data.frames import Frame
from kzoo.errors import DataError, KzooError
from kzoo.tasks.task import Confusion, Measured, Task
from kzoo.tasks.text_measures import aligned, edit_distance

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["LineOfText", "LinesWithText", "ReadLine", "TextOutcome", "Transcription"]

_NOTHING = "(nothing)"
_BLANKS = {" ": "(space)", "\t": "(tab)"}
_MOST_SHOWN = 16  # symbols in a table of a terminal


@runtime_checkable
class LineOfText(Protocol):
    """A picture of a line of text, read when it is asked for."""

    @property
    def name(self) -> str:
        """What it is called in tables."""

    @property
    def path(self) -> Path | None:
        """Its file; None where it is in memory."""

    @property
    def text(self) -> str:
        """What stands in it."""

    def pixels(self) -> np.ndarray:
        """Return the picture, uint8 of shape (H, W, C)."""


@runtime_checkable
class LinesWithText(Protocol):
    """A split that knows its pictures and the texts in them."""

    @property
    def lines(self) -> Sequence[LineOfText]:
        """The pictures of all examples, in their order."""


@dataclass(frozen=True, eq=False)
class ReadLine:
    """What was read off one picture.

    Attributes:
        line: The picture.
        true: What stands in it.
        said: What was read.
        confidence: The probability that the network gives what was read.
    """

    line: LineOfText
    true: str
    said: str
    confidence: float

    @property
    def right(self) -> bool:
        """Whether every symbol is right."""
        return self.true == self.said

    @functools.cached_property
    def edits(self) -> int:
        """The fewest symbols to put in, leave out or replace that make the true text of it."""
        return edit_distance(self.true, self.said)

    def pixels(self) -> np.ndarray:
        """Return the picture."""
        return self.line.pixels()


@dataclass(frozen=True, eq=False)
class TextOutcome:
    """Texts that were read, beside the true ones.

    Attributes:
        lines: What was read off each picture.
    """

    lines: Sequence[ReadLine]

    @functools.cached_property
    def pairs(self) -> dict[tuple[str | None, str | None], int]:
        """How often each true symbol was read as which one; None where there is none."""
        counts: dict[tuple[str | None, str | None], int] = {}
        for one in self.lines:
            for pair in aligned(one.true, one.said):
                counts[pair] = counts.get(pair, 0) + 1
        return counts

    def metrics(self) -> dict[str, float]:
        """Return the part of the lines that are right in every symbol, and the error rates of symbols and words.

        ``cer`` is the number of edits of all lines over the number of true symbols, and above 1 where more is put in
        than there is; ``wer`` likewise of words, where a true text has a blank in it.
        """
        symbols = sum(len(one.true) for one in self.lines)
        found = {
            "sequence_accuracy": float(np.mean([one.right for one in self.lines])),
            "cer": sum(one.edits for one in self.lines) / max(symbols, 1),
        }
        if any(len(one.true.split()) > 1 for one in self.lines):
            words = [(one.true.split(), one.said.split()) for one in self.lines]
            total = sum(len(true) for true, _ in words)
            found["wer"] = sum(edit_distance(true, said) for true, said in words) / max(total, 1)
        return {**found, "mean_confidence": float(np.mean([one.confidence for one in self.lines]))}

    def measures(self) -> dict[str, float]:
        """Return the same: none of it needs a compiled loss."""
        return self.metrics()

    def per_class(self) -> dict[str, dict[str, Any]]:
        """Return for each symbol how often it stands in the lines, and which part of these was read as it is."""
        rows: dict[str, dict[str, Any]] = {}
        for symbol in sorted({true for true, _ in self.pairs if true is not None}):
            own = {said: count for (true, said), count in self.pairs.items() if true == symbol}
            total = sum(own.values())
            rows[_shown(symbol)] = {"recall": own.get(symbol, 0) / total, "count": total}
        return rows

    def confusion(self) -> Confusion:
        """Return which symbol was read as which, by the fewest edits, with a row and a column for none."""
        symbols = sorted({symbol for pair in self.pairs for symbol in pair if symbol is not None})
        places: dict[str | None, int] = {symbol: place for place, symbol in enumerate(symbols)}
        places[None] = len(symbols)
        counts = np.zeros((len(places), len(places)), np.int64)
        for (true, said), count in self.pairs.items():
            counts[places[true], places[said]] += count
        return Confusion([*map(_shown, symbols), _NOTHING], counts, _MOST_SHOWN)

    def figures(self) -> dict[str, Figure]:
        """Return lines spread over all, those read worst, how sure it was, and which symbol was taken for which."""
        from kzoo.tasks.class_figures import confusion_matrix
        from kzoo.tasks.text_figures import MOST_LINES, confidences, sheet

        spread = np.unique(np.linspace(0, len(self.lines) - 1, min(MOST_LINES, len(self.lines))).astype(int))
        found = {
            "lines": sheet([self.lines[place] for place in spread]),
            "worst": sheet(self.worst(MOST_LINES)),
            "confidence": confidences(self.lines),
        }
        return {**found, "confusion": confusion_matrix(self.confusion(), axis_names=("true", "read"))}

    def worst(self, most: int) -> list[ReadLine]:
        """Return those with most edits for each of their symbols, the surest of these first; then the least sure."""

        def rank(one: ReadLine) -> tuple[float, float]:
            rate = one.edits / max(len(one.true), 1)
            return -rate, -one.confidence if rate else one.confidence

        return sorted(self.lines, key=rank)[:most]

    def files(self) -> dict[str, str]:
        """Return a table (CSV) with each picture, its true text, what was read, the edits and the probability."""
        out = io.StringIO()
        table = csv.writer(out, lineterminator="\n")
        table.writerow(["image", "true", "read", "edits", "confidence"])
        for one in self.worst(len(self.lines)):
            table.writerow([one.line.name, one.true, one.said, one.edits, f"{one.confidence:.4f}"])
        return {"texts": out.getvalue()}


class Transcription(Task):
    """Symbols numbered from 1, then zeros; networks give a logit for each symbol and the blank, 0, at each step."""

    name: ClassVar[str] = "transcription"
    predicts: ClassVar[str] = "sequences"
    rows: ClassVar[str] = "symbol"
    quality: ClassVar[str] = "sequence_accuracy"
    compared: ClassVar[Mapping[str, str]] = {"sequence_accuracy": "higher", "cer": "lower"}
    pictures: ClassVar[Mapping[str, str]] = {
        "lines": "Test lines with what was read: red where that is wrong",
        "worst": "The lines that were read worst, then those that were read least surely",
        "confidence": "How sure the reading was of lines that it read right and wrong",
        "confusion": "Which symbol was read as which, by the fewest edits",
    }
    photos: ClassVar[Collection[str]] = ("lines", "worst")
    files: ClassVar[Collection[str]] = ("texts",)
    epoch_figures: ClassVar[Mapping[str, str]] = {"val_sequence_accuracy": "sequence_accuracy", "val_cer": "cer"}
    own_measures: ClassVar[bool] = True

    def specimen(self, count: int, outputs: int, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
        """Return labels of one symbol and the logits of seven steps, shape (count, 7, outputs), that are all 0."""
        del num_classes
        labels = np.zeros((count, 2), np.int32)
        labels[:, 0] = 1
        return labels, np.zeros((count, 7, outputs), np.float32)

    def measure(self, measured: Measured) -> TextOutcome:
        """Return what the pipeline's reader reads off the pictures of a split, as ``kzoo predict`` would.

        Raises:
            DataError: There is no picture.
            KzooError: The pipeline does not tell the pictures and their texts.
        """
        split = measured.test
        if not isinstance(split, LinesWithText):
            message = (
                f"The examples ({measured.description}) do not tell their pictures and texts: a split for "
                "transcription needs `lines`, see `kzoo.tasks.texts.LinesWithText`."
            )
            raise KzooError(message)
        if not len(split.lines):
            message = f"There is no picture to measure on in {measured.description}."
            raise DataError(message)
        said = measured.said_of(split.lines, _frame)
        return TextOutcome([ReadLine(line, line.text, found.string, found.confidence) for line, _, found in said])


def _frame(number: int, line: LineOfText) -> Frame:
    pixels = line.pixels()
    return Frame(index=number, pixels=np.repeat(pixels, 3, axis=-1) if pixels.shape[-1] == 1 else pixels)


def _shown(symbol: str) -> str:
    """Return a symbol so that it can be seen in a table."""
    return _BLANKS.get(symbol, symbol)
