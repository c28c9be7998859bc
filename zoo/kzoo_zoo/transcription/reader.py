"""Frames -> texts: each picture as the network takes it, the symbols of its steps, and how probable the text is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.data.frames import Label, write_labels
from kzoo.errors import KzooError
from kzoo.pipeline import Reader, picture_shape
from kzoo.tasks.transcript import Transcript
from kzoo_zoo.transcription.decoding import beam_search, greedy, log_probabilities
from kzoo_zoo.transcription.lines import fitted
from kzoo_zoo.transcription.sizes import too_small

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.frames import Frame
    from kzoo.engine.forward import Forward
    from kzoo_zoo.transcription.settings import ReaderSettings

__all__ = ["LineReader", "alphabet_of"]

_TOP = 10
"""Texts that a beam search tells at most."""
_NARROWEST = 480
"""A picture of fewer pixels across is enlarged, so that the text below it can be read."""
_TEXT = 22
_SQUEEZED = 0.8
"""A picture that less of its width is left of has letters that the network has hardly seen."""


class LineReader(Reader):
    """Reads the text in pictures that show one line of it.

    Args:
        card: What is stored with the network: ``input_shape`` and ``alphabet``.
        forward: The network.
        settings: How texts are told from what it says.
    """

    def __init__(self, card: Mapping[str, Any], forward: Forward, settings: ReaderSettings) -> None:
        self.forward, self.settings = forward, settings
        self.input_shape = picture_shape(card)
        self.alphabet = alphabet_of(card)
        self.batch_size = settings.batch

    def load(self) -> None:
        """Load the network."""
        _ = self.forward.model

    def predict(self, items: Sequence[Frame]) -> list[Transcript]:
        """Return the text of each picture, with the probability that the network gives it."""
        shown = [fitted(frame.pixels, self.input_shape) for frame in items]
        logits = np.asarray(self.forward(np.stack([pixels for pixels, _ in shown])), np.float32)
        if logits.ndim != 3 or logits.shape[-1] != len(self.alphabet) + 1:  # noqa: PLR2004 - (N, T, K)
            message = (
                f"The network gives outputs of shape {logits.shape[1:]}, and logits of {len(self.alphabet)} symbols "
                "and the blank are due at each step: its file belongs to another pipeline than its card says."
            )
            raise KzooError(message)
        if self.settings.decoding == "beam":
            found = beam_search(logits, self.settings.beams, _TOP)
        else:
            found = [[symbols] for symbols in greedy(logits)]
        ranked = self._ranked(logits, found)
        lefts = [left for _, left in shown]
        return [self._transcript(frame, own, left) for frame, own, left in zip(items, ranked, lefts, strict=True)]

    def draw(self, frame: Frame, prediction: Transcript) -> np.ndarray:  # type: ignore[override]
        """Return the picture, enlarged where it is small, and below it the text."""
        factor = max(1, -(-_NARROWEST // frame.pixels.shape[1])) if frame.pixels.shape[1] < _NARROWEST else 1
        picture = frame.pixels.repeat(factor, axis=0).repeat(factor, axis=1)
        strip = np.full((2 * _TEXT, picture.shape[1], 3), 255, np.uint8)
        label = Label(prediction.text, (0.0, 1.0), (0, 0, 0), (255, 255, 255))
        return write_labels(np.concatenate([picture, strip]), [label], size=_TEXT)

    def _ranked(self, logits: np.ndarray, found: list[list[tuple[int, ...]]]) -> list[list[tuple[str, float]]]:
        """Return the texts of each sequence with their probabilities, the most probable first."""
        whose = [number for number, own in enumerate(found) for _ in own]
        flat = [symbols for own in found for symbols in own]
        chances = np.exp(log_probabilities(logits[whose], flat))
        ranked: list[list[tuple[str, float]]] = [[] for _ in found]
        for number, symbols, chance in zip(whose, flat, chances.tolist(), strict=True):
            ranked[number].append(("".join(self.alphabet[one - 1] for one in symbols), min(1.0, chance)))
        return [sorted(own, key=lambda text: -text[1]) for own in ranked]

    def _transcript(self, frame: Frame, ranked: list[tuple[str, float]], left: float) -> Transcript:
        (text, confidence), *others = ranked
        rows, columns = frame.pixels.shape[:2]
        doubt = ""
        if why := too_small(rows, columns):
            doubt = f"The picture has {columns} x {rows} pixels, {why}: what is said of it means nothing."
        elif left < _SQUEEZED:
            doubt = (
                f"The picture is longer than the lines that the network learned from: it was squeezed to {left:.0%} of "
                "its width. Cut it into shorter ones, or train with a larger data.width."
            )
        return Transcript(text, confidence, tuple(others), doubt)


def alphabet_of(card: Mapping[str, Any]) -> str:
    """Return the symbols that a network knows, as its card has them.

    Raises:
        KzooError: It has none.
    """
    found = card.get("alphabet")
    if not isinstance(found, str) or not found or len(set(found)) < len(found):
        message = (
            f"The network's card says that its `alphabet` is {found!r:.60}, where its symbols are due, each once: the "
            "file belongs to another pipeline than its card says."
        )
        raise KzooError(message)
    return found
