"""What a source yields: frames with their pixels, and failures in their place; and which part of it is wanted."""

from __future__ import annotations

import abc
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Literal

from kzoo.arguments import described
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

__all__ = ["Failure", "Frame", "Item", "Part", "Source", "SourceKind", "seconds"]

SourceKind = Literal["images", "video", "camera", "table"]


@dataclass(frozen=True, eq=False, kw_only=True)
class Item:
    """One input of a source.

    Attributes:
        index: Its number in the source, counted from 0; frames that were left out are counted too.
        path: The file that it comes from, or None for a camera, a stream or another URL.
        origin: What it comes from where that is no file: the number of a camera, a URL.
    """

    index: int
    path: Path | None = None
    origin: str = ""

    def columns(self) -> dict[str, Any]:
        """Return what tells this input from the others, as columns of a table."""
        return {"image": self.place}

    @property
    def place(self) -> str:
        """The file or, where there is none, the camera or URL."""
        return str(self.path) if self.path else self.origin


@dataclass(frozen=True, eq=False, kw_only=True)
class Frame(Item):
    """One picture.

    Attributes:
        pixels: RGB, uint8 of shape (H, W, 3).
        time: Seconds from the start of the video, or from the opening of the camera; None for an image.
    """

    pixels: np.ndarray
    time: float | None = None

    def columns(self) -> dict[str, Any]:
        """Return the image's path, or the number and the time of a video's or camera's frame."""
        if self.time is None:
            return super().columns()
        where = {"video": self.place} if self.place else {}
        return {**where, "frame": self.index, "time": round(self.time, 3)}


@dataclass(frozen=True, eq=False, kw_only=True)
class Failure(Item):
    """An input that could not be read.

    Attributes:
        error: Why, as one sentence that names it.
        kind: What it was taken for.
    """

    error: str
    kind: SourceKind = "images"

    def columns(self) -> dict[str, Any]:
        """Return the image, the video or the camera that could not be read."""
        return {"image" if self.kind == "images" else self.kind: self.place}


@dataclass(frozen=True, kw_only=True)
class Part:
    """The part of a source that is wanted; the whole of it by default.

    Attributes:
        every: Take one frame of this many.
        start: Seconds of a video or of a camera's time to leave out.
        end: Seconds at which to stop; the frame at that time is the first one left out.
        max_frames: Stop after this many inputs of each source.

    Raises:
        UsageError: A number that is out of range, or no number.
    """

    every: int = 1
    start: float = 0.0
    end: float | None = None
    max_frames: int | None = None

    def __post_init__(self) -> None:
        counts = [self.every, *([] if self.max_frames is None else [self.max_frames])]
        times = [self.start, *([] if self.end is None else [self.end])]
        if not all(isinstance(one, Integral) and not isinstance(one, bool) for one in counts):
            given = f"{described(self.every)} and {described(self.max_frames)}"
            message = f"`every` and `max_frames` must be whole numbers of at least 1, not {given}."
            raise UsageError(message)
        if not all(isinstance(one, Real) and not isinstance(one, bool) and one == one for one in times):  # noqa: PLR0124 - NaN
            given = f"{described(self.start)} and {described(self.end)}"
            message = f"`start` and `end` must be numbers of seconds, not {given}."
            raise UsageError(message)
        if self.every < 1 or (self.max_frames is not None and self.max_frames < 1):
            message = f"`every` and `max_frames` must be 1 or more, not {self.every} and {self.max_frames}."
            raise UsageError(message)
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            message = f"`start` must be 0 or more and `end` later, not {self.start} and {self.end} seconds."
            raise UsageError(message)


@dataclass(eq=False)
class Source(abc.ABC):
    """Something that inputs are read from, one after the other. Iterating over it opens it; it is read once.

    Attributes:
        name: What it is called in messages: a path, ``camera 0``, a URL.
        kind: ``images`` (unrelated pictures), ``video`` or ``camera`` (frames that follow one another; a stream counts
            as a camera), or ``table``.
        part: Which part of it is wanted.
        notes: What was found while reading that a user must know, such as a video that is cut off.
        rate: Frames in a second that it promises, or None; known once reading has begun.
        closed: Whether somebody asked it to stop.
    """

    name: str
    kind: SourceKind
    part: Part = field(default_factory=Part)
    notes: list[str] = field(default_factory=list)
    rate: float | None = None
    closed: bool = False

    @abc.abstractmethod
    def __iter__(self) -> Iterator[Item]:
        """Yield the inputs in order, and a `Failure` for each one that cannot be read."""

    def close(self) -> None:
        """Ask the source to end after the present input; safe in a signal handler and from another thread."""
        self.closed = True

    @property
    def live(self) -> bool:
        """Whether frames come by themselves, so that those nobody takes in time are lost."""
        return self.kind == "camera"


def seconds(text: str) -> float:
    """Return a time of the form ``12.5``, ``mm:ss`` or ``hh:mm:ss`` in seconds.

    Raises:
        UsageError: Text of another form.

    Example:
        >>> seconds("1:02.5")
        62.5
    """
    parts = text.split(":")
    try:
        numbers = [float(part) for part in parts]
    except ValueError:
        numbers = []
    right = 0 < len(numbers) <= 3 and all(0 <= number < float("inf") for number in numbers)  # noqa: PLR2004 - h, m, s
    if not right or any(number >= 60 for number in numbers[1:]):  # noqa: PLR2004 - 1:75 is a typing error
        message = f"`{text}` is no time: give seconds (12.5), mm:ss (1:30) or hh:mm:ss."
        raise UsageError(message)
    total = 0.0
    for number in numbers:
        total = 60 * total + number
    return total
