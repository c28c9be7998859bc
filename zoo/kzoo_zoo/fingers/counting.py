"""Frames to counts, by a network or by the outline: one interface, the same region, votes and drawing for both."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.pipeline import ClassPrediction, Reader, picture_shape
from kzoo_zoo.fingers.calibration import seen_in_ways, tempered
from kzoo_zoo.fingers.closer import close_ups, is_large
from kzoo_zoo.fingers.data import CLASS_NAMES
from kzoo_zoo.fingers.following import Follower
from kzoo_zoo.fingers.framing import framed
from kzoo_zoo.fingers.hindrances import ADVICE, in_words
from kzoo_zoo.fingers.steady import Steady

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.data.frames import Frame, Source
    from kzoo.engine.forward import Forward
    from kzoo.pipeline import Prediction
    from kzoo_zoo.fingers.classical import OutlineCounter, Reading
    from kzoo_zoo.fingers.region import Region

__all__ = ["CountPrediction", "CountReader"]

_STILL = "images"
_OFTEN = 0.25
"""The part of a source's frames in which something uncountable is seen, from which on this is said at its end."""
_CLAUSES = {
    "near": "it is too near the camera",
    "far": "it is too far from the camera",
    "beside": "much else is new in the scene beside the hand",
    "colour": "no hand stands out from the scene by its colour",
}
_NO_ANSWER = ("calibrating", "moved", "not empty")
"""States of the outline in which there is nothing to vote on."""


@dataclass(frozen=True)
class CountPrediction(ClassPrediction):
    """The fingers that are seen, or that no hand is.

    Attributes:
        state: ``counting``, ``no hand``, ``unsure``, and with the outline ``calibrating``, ``moved`` and ``not empty``
            too.
        count: 0 to 5, or None where the state is another than ``counting``.
        frame_label: What this frame by itself says: a class's name, or an empty text where it abstains.
        contour: The hand's outline in pixels of the region, if there is one.
        by: What found the hand: ``network``, or of the outline ``scene`` and ``colour``.
        why: What stands in the way where the outline sees something and cannot count it, in a few words.
    """

    state: str = "counting"
    count: int | None = None
    frame_label: str = ""
    contour: Any = field(default=None, repr=False, compare=False)
    by: str = "network"
    why: str = ""

    @property
    def text(self) -> str:
        """The count and how sure it is, or the state."""
        if self.state == "counting":
            return f"{self.count} finger{'' if self.count == 1 else 's'} {self.probability:.0%}"
        said = f"{self.state} {self.probability:.0%}" if self.state in ("no hand", "calibrating") else self.state
        return f"{said}: {self.why}" if self.why else said

    def columns(self, top: int = 1) -> dict[str, Any]:
        """Return count, confidence and state."""
        del top
        shown = "" if self.count is None else self.count
        sure, alone = f"{self.probability:.2f}", self.frame_label
        return {"count": shown, "confidence": sure, "state": self.state, "this frame": alone}

    def to_dict(self, top: int = 1) -> dict[str, Any]:
        """Return count, state, confidence, what the frame says by itself, and the probabilities if there are any."""
        del top
        return {
            "count": self.count,
            "state": self.state,
            "confidence": self.probability,
            "class": self.label,
            "index": self.index,
            "frame_class": self.frame_label,
            "by": self.by,
            "why": self.why,
            "probabilities": dict(self.probabilities),
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return one row with the same."""
        named = {f"p({name})": p for name, p in self.probabilities.items()}
        return [
            {"count": self.count, "state": self.state, "confidence": self.probability, "class": self.label, **named}
        ]


class CountReader(Reader):
    """Counts in a region of each frame; in videos and cameras the last frames vote.

    Args:
        card: What is stored with the network.
        forward: The network, or None to count by the outline.
        region: Where to look, and whether frames are mirrored.
        counter: Counts by the outline; used where ``forward`` is None.
        window: Frames that vote; 1 shows each frame by itself.
        min_confidence: A frame that is less sure abstains.
        closer: Whether a hand is looked for in large frames, and counted from nearer.
    """

    batch_size = 16

    def __init__(
        self,
        card: Mapping[str, Any],
        forward: Forward | None,
        *,
        region: Region,
        counter: OutlineCounter,
        window: int = 7,
        min_confidence: float = 0.5,
        closer: bool = False,
    ) -> None:
        self.forward, self.region, self.counter = forward, region, counter
        self.class_names = list(card.get("class_names", CLASS_NAMES))
        self.input_shape = picture_shape(card) if forward is not None else ()
        self.min_confidence, self.closer = min_confidence, closer
        self.calibrated = "temperature" in card
        self.temperature = float(card.get("temperature", 1.0))
        self._steady = Steady(window)
        self._follower = Follower(len(self.class_names), window)
        self._wall = counter.wall
        self._still = False
        self._frames = self._calibrating = 0
        self._found: Counter[str] = Counter()
        self._hindered: Counter[str] = Counter()

    def load(self) -> None:
        """Load the network, if there is one."""
        if self.forward is not None:
            _ = self.forward.model

    def start(self, source: Source) -> None:
        """Forget the frames before; unrelated pictures do not vote, and have no background in common."""
        self._steady.reset()
        self._follower.reset()
        self._still = source.kind == _STILL
        self.counter.restart()
        self._frames = self._calibrating = 0
        self._found.clear()
        self._hindered.clear()
        self.counter.wall = self._wall or (self._still and not self.counter.has_background)

    def finish(self, source: Source) -> None:
        """Say why the outline could not count, or how it did, where the source itself was the reason."""
        if self._frames and self._calibrating == self._frames:
            source.notes.append(
                f"Nothing was counted in {source.name}: to learn the empty scene, the outline needs "
                f"{self.counter.calibration} frames in a row in which nothing moves. Give a picture of the scene "
                "(--background FILE), take fewer frames (--calibration N), leave none out, or count with a trained "
                "network."
            )
        elif self.counter.learned_hands and not self._found["colour"]:
            source.notes.append(
                f"When the empty scene was learned from {source.name}, something of a hand's colour and shape was in "
                "it. Until it had moved away, counts are missing or wrong. Keep the scene empty for the first second, "
                "give a picture of it (--background FILE), or count with a trained network."
            )
        if self._found["colour"] and self.counter.find == "auto":
            source.notes.append(
                f"In {self._found['colour']} of {self._frames} frames of {source.name} the hand was found by its "
                "colour, as no empty scene was known there: counts are less sure so. Keep the camera still and the "
                "scene empty for the first second, give a picture of it (--background FILE), or count with a trained "
                "network."
            )
        if self._hindered and sum(self._hindered.values()) >= _OFTEN * self._frames:
            why, number = self._hindered.most_common(1)[0]
            advice = ADVICE[why if why in ADVICE else "edge"]
            clause = _CLAUSES.get(why, f"an arm or more reaches in from the {why}")
            source.notes.append(
                f"In {sum(self._hindered.values())} of {self._frames} frames of {source.name} something is seen that "
                f"cannot be counted; in {number} of them {clause}. {advice}"
            )

    def predict(self, items: Sequence[Frame]) -> list[Prediction]:
        """Return a count, or a state without one, for each frame."""
        seen = [self.region.cut(frame.pixels) for frame in items]
        single = self._by_network(seen) if self.forward is not None else [self._by_outline(pixels) for pixels in seen]
        if not self._still:
            single = [self._voted(one) for one in single] if self.forward is None else self._followed(single)
        return list(single)

    def _by_network(self, seen: Sequence[np.ndarray]) -> list[CountPrediction]:
        rows = tempered(self._looked_at(seen), self.temperature)
        found = []
        for row in rows:
            index = int(np.argmax(row))
            named = {name: float(p) for name, p in zip(self.class_names, row, strict=True)}
            found.append(self._single(index, float(row[index]), named))
        return found

    def _looked_at(self, seen: Sequence[np.ndarray]) -> np.ndarray:
        """Return the class probabilities of frames; a large one is looked at as a whole and from nearer."""
        assert self.forward is not None
        size, count = self.input_shape[:2], len(self.class_names)
        rows = seen_in_ways(self.forward, np.stack([framed(pixels, size) for pixels in seen]), count)
        large = [place for place, pixels in enumerate(seen) if self.closer and is_large(pixels, size)]
        for shape in {seen[place].shape for place in large}:
            places = [place for place in large if seen[place].shape == shape]
            nearer = close_ups(self.forward, [seen[place] for place in places], size, count)
            rows[places] = (rows[places] + seen_in_ways(self.forward, np.stack(nearer), count)) / 2
        return rows

    def _by_outline(self, pixels: np.ndarray) -> CountPrediction:
        reading: Reading = self.counter.read(pixels)
        self._frames += 1
        self._calibrating += reading.state == "calibrating"
        hindered = reading.why if reading.state in ("unclear", "moved") else ""
        if hindered:
            self._hindered[hindered] += 1
        why = in_words(reading.why) if hindered else ""
        if reading.state in _NO_ANSWER:
            sure = reading.progress if reading.state == "calibrating" else 0.0
            return CountPrediction("none", 0, sure, state=reading.state, by=reading.by, why=why)
        if reading.state == "unclear":
            return CountPrediction("none", 0, 0.0, state="unsure", by=reading.by, why=why)
        index = 0 if reading.count is None else 1 + reading.count
        self._found[reading.by] += index > 0
        return replace(self._single(index, reading.confidence, {}), contour=reading.contour, by=reading.by)

    def _single(self, index: int, confidence: float, probabilities: Mapping[str, float]) -> CountPrediction:
        """Return what one frame says by itself."""
        label = self.class_names[index]
        sure = confidence >= self.min_confidence
        state = "unsure" if not sure else "counting" if index else "no hand"
        count = int(label) if index and sure else None
        return CountPrediction(label, index, confidence, probabilities, state, count, label if sure else "")

    def _voted(self, one: CountPrediction) -> CountPrediction:
        """Return the answer of the last frames, with this frame's outline and probabilities."""
        if one.state in _NO_ANSWER:
            self._steady.reset()
            return one
        answer = self._steady.vote(one.index if one.frame_label else None)
        if answer is None:
            return replace(one, state="unsure", count=None)
        label = self.class_names[answer]
        return replace(
            one,
            label=label,
            index=answer,
            probability=self._steady.agreement,
            state="counting" if answer else "no hand",
            count=int(label) if answer else None,
        )

    def _followed(self, single: Sequence[CountPrediction]) -> list[CountPrediction]:
        """Return the answer of all frames so far, and of those that came together, with each frame's probabilities."""
        # Where a temperature was fitted, a frame that is not sure says so by its probabilities, and a little of it is
        # heard; of another network nobody knows what its probabilities mean, so such a frame abstains.
        rows = [
            np.array(list(one.probabilities.values())) if self.calibrated or one.frame_label else None for one in single
        ]
        # One frame by itself is nothing that others agree with.
        alone = len(single) == 1 and self._follower.frames == 0 and self._follower.window > 1
        found = []
        for one, likely, by_then in zip(single, *self._follower.follow(rows), strict=True):
            index = int(np.argmax(likely))
            sure = float(max(likely[index], by_then[index]))
            if alone or sure < self.min_confidence:
                found.append(replace(one, state="unsure", count=None))
                continue
            label = self.class_names[index]
            state, count = ("counting", int(label)) if index else ("no hand", None)
            found.append(replace(one, label=label, index=index, probability=sure, state=state, count=count))
        return found

    def draw(self, frame: Frame, prediction: Prediction) -> np.ndarray:
        """Return the frame with region, outline and count on it."""
        assert isinstance(prediction, CountPrediction)
        return self.region.drawn(frame.pixels, prediction.text, prediction.contour)
