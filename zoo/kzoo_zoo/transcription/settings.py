"""What can be set: how lines and their texts are read, which network, how it is trained, how it is used."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from kzoo.errors import UsageError
from kzoo.settings import setting, settings

__all__ = ["AugmentSettings", "LineSettings", "NetworkSettings", "ReaderSettings", "SampleSettings"]

_ROWS = 16
"""The networks halve the height four times."""


@settings
class SampleSettings:
    """How large lines become, and how the sample is drawn."""

    height: Annotated[int, setting("The rows that every line gets, a multiple of 16.", ge=16, le=128)] = 32
    width: (
        Annotated[
            int,
            setting(
                "The columns that every line gets: a shorter one is padded at its right, a longer one squeezed; by "
                "itself as many as the longest line to train on needs at this height, at most 512.",
                ge=16,
                le=4096,
            ),
        ]
        | None
    ) = None
    channels: Annotated[
        Literal[1, 3, "auto"],
        setting("1 for pictures in gray, 3 for colours; by itself 3 unless all pictures to train on are gray."),
    ] = "auto"
    lines: Annotated[int, setting("Lines of the sample to train on; a quarter as many to test on.", ge=20)] = 3000
    digits: Annotated[
        tuple[
            Annotated[int, setting("", ge=1, le=64)],
            Annotated[int, setting("", ge=1, le=64)],
        ],
        setting("The fewest and the most digits in a line of the sample."),
    ] = (3, 6)
    seed: Annotated[int, setting("Decides which lines the sample has.", ge=0)] = 0

    def __post_init__(self) -> None:
        """Refuse what one setting alone does not decide."""
        if self.height % _ROWS:
            message = (
                f"`data.height` is {self.height}, and the networks halve it four times: take a multiple of {_ROWS}, "
                f"such as {max(_ROWS, round(self.height / _ROWS) * _ROWS)}."
            )
            raise UsageError(message)
        if self.digits[0] > self.digits[1]:
            message = f"`data.digits` is {list(self.digits)}: the fewest digits come first, then the most."
            raise UsageError(message)


@settings
class LineSettings(SampleSettings):
    """How lines and their texts are read."""

    labels: Annotated[
        Literal["auto", "list", "beside", "names"],
        setting(
            "Where texts stand: list is a CSV (image,text) or a text file of names and texts, beside a .txt by each "
            "picture, names the pictures' own names; by itself a list where there is one, else beside."
        ),
    ] = "auto"
    pattern: Annotated[
        str,
        setting(
            "With labels=names: a regular expression of a picture's name without its ending, with one group for the "
            "text."
        ),
    ] = "(.+)"
    alphabet: Annotated[
        str, setting("All symbols that texts may have, one after the other; by itself those of the texts to train on.")
    ] = ""
    case: Annotated[
        Literal["keep", "lower", "upper"],
        setting("Whether capitals and small letters are told apart, or all become small or capitals."),
    ] = "keep"
    unreadable: Annotated[
        Literal["stop", "skip"],
        setting("What to do about lines that cannot be used: stop and name them, or skip them and say so."),
    ] = "stop"

    def __post_init__(self) -> None:
        """Refuse what one setting alone does not decide."""
        super().__post_init__()
        try:
            groups = re.compile(self.pattern).groups
        except re.error as error:
            message = f"`data.pattern` is `{self.pattern}`, which is no regular expression: {error}."
            raise UsageError(message) from error
        if groups != 1:
            message = (
                f"`data.pattern` is `{self.pattern}` and has {groups} groups: put what is the text in one pair of "
                r"parentheses, as in `\d+_(.+)_\d+`; further ones are written (?:...)."
            )
            raise UsageError(message)
        if twice := sorted({symbol for symbol in self.alphabet if self.alphabet.count(symbol) > 1}):
            message = f"`data.alphabet` has {twice[0]!r} {self.alphabet.count(twice[0])} times: each symbol comes once."
            raise UsageError(message)


@settings
class NetworkSettings:
    """Which network."""

    network: Annotated[
        Literal["default", "classic"],
        setting("default is all of convolutions, classic is the CRNN with two layers of LSTM in both directions."),
    ] = "default"
    width: (
        Annotated[
            int,
            setting(
                "The channels of the first convolution; by itself 24, and 64 in the classic network.", ge=4, le=512
            ),
        ]
        | None
    ) = None
    stride: Annotated[
        Literal[2, 4],
        setting("The columns of pixels in a step, of the default network; a text needs a step for each symbol."),
    ] = 4
    dropout: Annotated[float, setting("The part of the features that is left out in training.", ge=0, lt=1)] = 0.1

    def __post_init__(self) -> None:
        """Refuse what one setting alone does not decide."""
        if self.network == "classic" and self.stride != 4:  # noqa: PLR2004 - that of the paper
            message = "`model.stride` is a setting of the default network; a step of the classic one has 4 columns."
            raise UsageError(message)

    @property
    def channels(self) -> int:
        """The channels of the first convolution."""
        return self.width or (64 if self.network == "classic" else 24)

    def steps(self, width: int) -> int:
        """Return the steps along a line of so many columns."""
        return width // self.stride - (self.network == "classic")


@settings
class AugmentSettings:
    """How lines are changed at random."""

    rotation: Annotated[float, setting("The largest turn, in degrees.", ge=0, le=45)] = 1.0
    shear: Annotated[float, setting("The largest slant of upright lines, in degrees.", ge=0, le=45)] = 8.0
    zoom: Annotated[
        tuple[
            Annotated[float, setting("", gt=0, le=4)],
            Annotated[float, setting("", gt=0, le=4)],
        ],
        setting("The smallest and the largest part of the sides that is seen."),
    ] = (0.97, 1.08)
    shift: Annotated[float, setting("The longest way, as a part of the height.", ge=0, le=1)] = 0.06
    colour: Annotated[float, setting("The largest change of brightness and contrast, as a part.", ge=0, lt=1)] = 0.2


@settings
class ReaderSettings:
    """How texts are told from what the network says."""

    decoding: Annotated[
        Literal["greedy", "beam"],
        setting(
            "greedy takes the most probable symbol of each step; beam looks for the most probable text, which takes "
            "longer and tells other texts as well (--top)."
        ),
    ] = "greedy"
    beams: Annotated[int, setting("How many beginnings of texts a beam search keeps at each step.", ge=1, le=1000)] = 25
    batch: Annotated[int, setting("The most pictures that are read at once.", ge=1)] = 32
