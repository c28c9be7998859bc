"""A steady answer from frames that flicker: the majority of the last few, and a change only where it is clear."""

from __future__ import annotations

from collections import Counter, deque

__all__ = ["Steady"]

_CLEAR = 0.6


class Steady:
    """Holds an answer until most of the last frames agree on another.

    Args:
        window: How many frames have a vote.
        clear: The part of the window that must agree on a new answer; the old one needs a third to stay. Between the
            two, the old answer stays: this is what keeps it from going back and forth.

    Example:
        >>> steady = Steady(window=5)
        >>> [steady.vote(count) for count in (3, 3, 3, 4, 3, 4, 4, 4, None, None)]
        [None, None, 3, 3, 3, 3, 4, 4, 4, 4]
    """

    def __init__(self, window: int = 7, clear: float = _CLEAR) -> None:
        self.window, self.clear = window, clear
        self.votes: deque[int | None] = deque(maxlen=window)
        self.answer: int | None = None

    def reset(self) -> None:
        """Forget all votes and the answer."""
        self.votes.clear()
        self.answer = None

    def vote(self, label: int | None) -> int | None:
        """Count one frame's answer, None where it abstains, and return the steady one, None where there is none."""
        self.votes.append(label)
        counts = Counter(vote for vote in self.votes if vote is not None)
        if counts:
            best, number = counts.most_common(1)[0]
            if number >= self.clear * self.window:
                self.answer = best
        if self.answer is not None and counts[self.answer] * 3 < min(self.window, len(self.votes)):
            self.answer = None
        return self.answer

    @property
    def agreement(self) -> float:
        """The part of the window that agrees with the answer."""
        if self.answer is None or not self.votes:
            return 0.0
        return sum(vote == self.answer for vote in self.votes) / len(self.votes)
