"""What callbacks add to the logs of an epoch, such as the learning rate that a scheduler of Keras's has set."""

from __future__ import annotations

import json
from typing import Any

import keras

from kzoo.arguments import described
from kzoo.errors import UsageError

__all__ = ["LastLogs"]


class LastLogs(keras.callbacks.Callback):  # type: ignore[misc]
    """The last callback of all, which sees the logs as the others left them: Keras hands them a copy."""

    def __init__(self) -> None:
        super().__init__()
        self._logs: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Keep the logs."""
        del epoch
        self._logs = logs or {}

    def added_to(self, logs: dict[str, Any]) -> dict[str, Any]:
        """Return what is in the logs beside these, as plain numbers and texts.

        Raises:
            UsageError: Something that no file of a run could hold.
        """
        return {name: _plain(name, value) for name, value in self._logs.items() if name not in logs}


def _plain(name: str, value: Any) -> Any:
    """Return a value as JSON has it."""
    found = value.numpy() if hasattr(value, "numpy") else value
    found = found.tolist() if hasattr(found, "tolist") else found
    try:
        json.dumps({name: found})
    except (TypeError, ValueError) as error:
        message = (
            f"A callback has put `{name}` into the logs, {described(value)}. The log of a run holds numbers, texts and "
            "lists of them: give it as one of these."
        )
        raise UsageError(message) from error
    return found
