"""What a hand shows by now, from all frames so far: a hidden Markov model, followed forwards."""

from __future__ import annotations

import numpy as np

__all__ = ["Follower"]

_TRUST = 0.5
"""How much of what a frame says is new, as a power of its probabilities: frames err together, not each by itself."""
_DOUBT = 0.02
"""The part of every frame's probabilities that is spread evenly: no single frame may rule a count out."""


class Follower:
    """Follows which class a film shows: each frame changes what is believed, as far as it is sure.

    A hand goes on showing what it showed, and now and then something else, any class as likely as another. So one
    frame that says another thing is hardly heard, a few of them are, and those the sooner the surer they are.

    Args:
        num_classes: How many classes there are.
        window: For how many frames what was seen is kept against frames that say otherwise, roughly; 1 keeps nothing.

    Example:
        >>> follower = Follower(3, window=5)
        >>> frames = [[0.1, 0.8, 0.1]] * 3 + [[0.1, 0.2, 0.7]] + [[0.1, 0.8, 0.1]] + [[0.1, 0.1, 0.8]] * 5
        >>> [int(follower.see(np.array(frame)).argmax()) for frame in frames]
        [1, 1, 1, 1, 1, 1, 1, 1, 2, 2]
    """

    def __init__(self, num_classes: int, window: int = 7) -> None:
        self.num_classes, self.window = num_classes, window
        self.change = 0.0 if window == 1 else 0.15 / window
        self.reset()

    def reset(self) -> None:
        """Forget all frames."""
        self.belief = np.full(self.num_classes, 1 / self.num_classes)
        self.frames = 0

    def see(self, probabilities: np.ndarray | None) -> np.ndarray:
        """Take in a frame and return how likely each class is by now, shape (K,).

        Args:
            probabilities: What the frame says by itself, shape (K,); None where it abstains.
        """
        if self.window == 1:
            self.belief = np.full(self.num_classes, 1 / self.num_classes) if probabilities is None else probabilities
            self.frames += 1
            return self.belief
        others = (1 - self.belief) / (self.num_classes - 1)
        before = (1 - self.change) * self.belief + self.change * others
        if probabilities is not None:
            heard = (1 - _DOUBT) * probabilities + _DOUBT / self.num_classes
            before = before * heard**_TRUST
        self.belief = before / before.sum()
        self.frames += 1
        return self.belief
