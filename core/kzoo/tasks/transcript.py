"""The text that was read off one picture, as a prediction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kzoo.tasks.predictions import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Transcript"]


@dataclass(frozen=True)
class Transcript(Prediction):
    """What stands in a picture, as a network read it.

    Attributes:
        string: The text.
        confidence: The probability of this very text, in [0, 1].
        others: Other texts with their probabilities, the most probable first, as far as any were looked for.
        doubt: What speaks against it, as a sentence; or an empty text.
    """

    string: str
    confidence: float
    others: Sequence[tuple[str, float]] = ()
    doubt: str = ""

    @property
    def text(self) -> str:
        """The text and its probability."""
        return f"{self.string or '(nothing)'} {self.confidence:.0%}"

    @property
    def doubts(self) -> Sequence[str]:
        """What speaks against it."""
        return (self.doubt,) if self.doubt else ()

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return text and probability, and up to ``top`` - 1 other texts in one column where any were looked for."""
        found = {"text": self.string, "confidence": f"{self.confidence:.4f}"}
        if top <= 1 or not self.others:
            return found
        return {**found, "next": ", ".join(f"{text} {p:.3f}" for text, p in self.others[: top - 1])}

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return text and probability, and up to ``top`` - 1 other texts with theirs."""
        others = [{"text": text, "confidence": p} for text, p in self.others[: max(0, top - 1)]]
        return {"text": self.string, "confidence": self.confidence, "others": others}

    def rows(self) -> list[dict[str, Any]]:
        """Return text and probability as one row."""
        return [{"text": self.string, "confidence": self.confidence}]
