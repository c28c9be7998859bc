"""What a hand shows, from what a network says of each frame of a film: a hidden Markov model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Follower"]

_CHANGE = 0.2
"""How likely the next frame shows something else, times the window; like the next two, chosen on a film and judged on
another."""
_TRUST = 0.75
"""How much of what a frame says is new, as a power of its probabilities: frames err together, not each by itself."""
_DOUBT = 0.01
"""The part of every frame's probabilities that is spread evenly: no single frame may rule a count out."""


class Follower:
    """Follows which class a film shows: each frame changes what is believed, as far as it is sure.

    A hand goes on showing what it showed, and now and then something else, any class as likely as another. So one
    frame that says another thing is hardly heard, a few of them are, and those the sooner the surer they are. Of frames
    that come together, the later ones have a say in the earlier ones too (Rabiner 1989,
    https://doi.org/10.1109/5.18626: the forward-backward procedure).

    Args:
        num_classes: How many classes there are.
        window: How long what was seen is kept against frames that say otherwise: in each frame something else is shown
            with the probability 0.2 / window. 1 keeps nothing: each frame stands for itself.

    Attributes:
        belief: How likely each class is by now, shape (K,).
        frames: How many frames there were.

    Example:
        >>> follower = Follower(3, window=7)
        >>> one, another = np.array([0.02, 0.96, 0.02]), np.array([0.02, 0.02, 0.96])
        >>> film = [one, one, one, another, one, one, another, another, another]
        >>> [follower.follow([frame])[0].argmax().item() for frame in film]
        [1, 1, 1, 1, 1, 1, 1, 2, 2]
        >>> follower.reset()
        >>> follower.follow(film)[0].argmax(axis=1).tolist()
        [1, 1, 1, 1, 1, 1, 2, 2, 2]
    """

    def __init__(self, num_classes: int, window: int = 7) -> None:
        self.num_classes, self.window = num_classes, window
        change = min(_CHANGE / window, (num_classes - 1) / num_classes)
        self._moves = np.full((num_classes, num_classes), change / (num_classes - 1))
        np.fill_diagonal(self._moves, 1 - change)
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self.belief = np.full(self.num_classes, 1 / self.num_classes)
        self.frames = 0

    def follow(self, rows: Sequence[np.ndarray | None]) -> tuple[np.ndarray, np.ndarray]:
        """Take in frames that follow one another, and return how likely each class is in each, shape (N, K).

        Args:
            rows: What each frame says by itself, shape (K,); None where it abstains.

        Returns:
            By all of these frames, and by those up to each.
        """
        heard = [self._heard(row) for row in rows]
        forward = []
        for likelihood in heard:
            before = self.belief if not self.frames or self.window == 1 else self.belief @ self._moves
            self.belief = _normal(likelihood if self.window == 1 else before * likelihood)
            self.frames += 1
            forward.append(self.belief)
        if self.window == 1:
            return np.stack(forward), np.stack(forward)
        found, later = [], np.ones(self.num_classes)
        for belief, likelihood in zip(reversed(forward), reversed(heard), strict=True):
            found.append(_normal(belief * later))
            later = _normal(self._moves @ (likelihood * later))
        return np.stack(found[::-1]), np.stack(forward)

    def _heard(self, row: np.ndarray | None) -> np.ndarray:
        if row is None:
            return np.ones(self.num_classes)
        if self.window == 1:
            return row
        likelihood: np.ndarray = ((1 - _DOUBT) * row + _DOUBT / self.num_classes) ** _TRUST
        return likelihood


def _normal(weights: np.ndarray) -> np.ndarray:
    found: np.ndarray = weights / weights.sum()
    return found
