"""Giving a run up between two epochs, where whoever watches it says that nothing will come of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["Pruning"]


class Pruning(keras.callbacks.Callback):  # type: ignore[misc]
    """Ends the training after an epoch where it is told that the run is given up.

    Args:
        ask: Called with the number of each epoch, from 1, and its logs; returns why the run is given up, or an empty
            text where it goes on.

    Attributes:
        why: Why the run was given up; empty where it was not.
    """

    def __init__(self, ask: Callable[[int, Mapping[str, Any]], str]) -> None:
        super().__init__()
        self.why = ""
        self._ask = ask
        self._asked = False

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Ask, and end the training where that is the answer."""
        self.ask(epoch + 1, logs or {})
        if self.why:
            self.model.stop_training = True

    def ask(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Ask after an epoch."""
        self._asked = True
        self.why = self._ask(epoch, logs)

    def ask_again(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Ask of the last epoch where this process took none: the one before it was killed before it could answer."""
        if history and not self._asked:
            self.ask(len(history), history[-1])
