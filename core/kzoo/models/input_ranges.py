"""How far an input is from those that a model learned from: a simple measure that is kept in the model's card.

Of pictures a few figures are taken, such as brightness and contrast; of rows of a table each number is one. What lies
outside the range of the training inputs by more than a margin is said to be far from them. What lies inside may be
strange all the same: this finds the photo that is inverted, blank, of another unit, and not the cat among the digits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.splits import Split

__all__ = ["InputRanges", "Watch", "figures_of"]

FEWEST = 20
"""Fewer training examples say nothing of a range."""

_MOST = 2048  # training examples that are looked at
_MOST_NUMBERS = 4 * 10**8  # of these examples together, which large pictures are read for
_FEWEST_LARGE = 100
_CHUNK = 32
_MARGIN = 0.1  # of the range, on both sides; more where few examples were seen
_MOST_SAID = 3

_OF_PICTURES = ("brightness", "contrast", "detail", "brightness of the border", "colour")
_LESS = {
    "brightness": "darker",
    "contrast": "poorer in contrast",
    "detail": "smoother",
    "brightness of the border": "darker at the border",
    "colour": "less coloured",
}
_MORE = {
    "brightness": "brighter",
    "contrast": "richer in contrast",
    "detail": "rougher",
    "brightness of the border": "brighter at the border",
    "colour": "more coloured",
}


def figures_of(inputs: np.ndarray) -> np.ndarray | None:
    """Return what is compared of each input, float64 of shape (N, F); None where inputs are neither pictures nor rows.

    Args:
        inputs: Pictures of shape (N, H, W, C), uint8, or floating-point from 0 to 1; or rows of numbers, shape (N, F).
    """
    if inputs.ndim == 2:  # noqa: PLR2004 - rows
        return inputs.astype(np.float64)
    if inputs.ndim != 4 or inputs.shape[-1] not in (1, 3) or min(inputs.shape[1:3]) < 2:  # noqa: PLR2004
        return None
    pixels = inputs.astype(np.float32) / (255 if inputs.dtype == np.uint8 else 1)
    gray = pixels.mean(axis=-1)
    detail = np.abs(np.diff(gray, axis=1)).mean(axis=(1, 2)) + np.abs(np.diff(gray, axis=2)).mean(axis=(1, 2))
    border = np.concatenate([gray[:, 0], gray[:, -1], gray[:, :, 0], gray[:, :, -1]], axis=1).mean(axis=1)
    figures = [gray.mean(axis=(1, 2)), gray.std(axis=(1, 2)), detail, border]
    if inputs.shape[-1] > 1:
        figures.append((pixels.max(axis=-1) - pixels.min(axis=-1)).mean(axis=(1, 2)))
    return np.stack(figures, axis=1).astype(np.float64)


@dataclass(frozen=True)
class InputRanges:
    """The ranges of what is compared, with their margins.

    Attributes:
        names: What is compared: figures of pictures, or the inputs of a row.
        low: The least value of each that is not far from the training inputs.
        high: The largest.
        pictures: Whether they are of pictures.
    """

    names: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    pictures: bool = True

    @classmethod
    def of(cls, split: Split, input_names: Sequence[str] = ()) -> InputRanges | None:
        """Return the ranges of training inputs, of some of them where there are many; None where they cannot be told.

        Args:
            split: The training examples.
            input_names: The name of each input where these are rows.
        """
        if len(split) < FEWEST:
            return None
        numbers = max(1, int(np.prod(split.examples(np.zeros(1, int))[0].shape)))
        count = min(len(split), _MOST, max(_FEWEST_LARGE, _MOST_NUMBERS // numbers))
        chosen = np.sort(np.random.default_rng(0x5EE2).permutation(len(split))[:count])
        found = [figures_of(split.examples(part)[0]) for part in np.split(chosen, range(_CHUNK, count, _CHUNK))]
        if any(part is None for part in found):
            return None
        figures = np.concatenate([part for part in found if part is not None])
        low, high = figures.min(axis=0), figures.max(axis=0)
        margin = (_MARGIN + 10 / count) * (high - low) + 1e-9 * np.maximum(np.abs(low), np.abs(high))
        least, width = low - margin, figures.shape[1]
        pictures = split.examples(chosen[:1])[0].ndim > 2  # noqa: PLR2004 - rows
        if pictures:  # no figure is below 0, and a blank picture has 0 of some: half of the least is far
            names, least = _OF_PICTURES[:width], np.maximum(least, low / 2)
        else:
            names = tuple(input_names) or tuple(f"input {number}" for number in range(1, width + 1))
        return cls(names, tuple(least.tolist()), tuple((high + margin).tolist()), pictures)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> InputRanges | None:
        """Return what `to_dict` told, or None where there is nothing of the kind."""
        try:
            found = msgspec.convert(dict(stored), cls)
        except msgspec.ValidationError:
            return None
        return found if len(found.names) == len(found.low) == len(found.high) and found.names else None

    def to_dict(self) -> dict[str, Any]:
        """Return them as plain data, for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def doubts(self, inputs: np.ndarray) -> list[str]:
        """Return for each input how it is far from those that were learned from, or an empty text."""
        figures = figures_of(inputs)
        if figures is None or figures.shape[1] != len(self.names):
            return [""] * len(inputs)
        low, high = np.asarray(self.low), np.asarray(self.high)
        outside = (figures < low) | (figures > high)
        return [
            self._said(row, np.flatnonzero(out)) if out.any() else "" for row, out in zip(figures, outside, strict=True)
        ]

    def _said(self, figures: np.ndarray, outside: np.ndarray) -> str:
        said = []
        for number in outside[:_MOST_SAID].tolist():
            name, value, low, high = self.names[number], figures[number], self.low[number], self.high[number]
            form = _form_apart(value, low if value < low else high, 3 if self.pictures else 6)
            shown = f"{value:{form}}, and not {low:{form}} to {high:{form}}"
            said.append(
                f"{(_LESS if value < low else _MORE)[name]} ({shown})" if self.pictures else f"`{name}` is {shown}"
            )
        more = f", and {len(outside) - _MOST_SAID} more" if len(outside) > _MOST_SAID else ""
        begin = "It is far from what the network learned from: "
        return f"{begin}{', '.join(said)}{more}."


def _form_apart(value: float, bound: float, fewest: int) -> str:
    """Return the form of numbers with as many digits as tell two of them apart, but so many at least."""
    forms = [f".{digits}g" for digits in range(fewest, 18)]
    return next((form for form in forms if f"{value:{form}}" != f"{bound:{form}}"), forms[-1])


class Watch:
    """Looks at the inputs of a network as they pass, and keeps what is to be said of each until it is asked for.

    Args:
        ranges: Those of the training inputs.
    """

    def __init__(self, ranges: InputRanges) -> None:
        self._ranges = ranges
        self._found: list[str] = []

    def __call__(self, inputs: Any) -> None:
        """Look at a batch."""
        self._found += self._ranges.doubts(np.asarray(inputs))

    def take(self, count: int) -> list[str]:
        """Return what is to be said of the last ``count`` inputs, and forget it.

        A reader may show the network each of them several times, such as mirrored, one whole batch after the other;
        where it shows something else, nothing is known of any of them.
        """
        found, self._found = self._found, []
        return found[:count] if count and found and len(found) % count == 0 else [""] * count
