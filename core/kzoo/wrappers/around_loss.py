"""What wrappers of one loss have in common: they are called as it is, and saved with it inside."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["AroundLoss"]


class AroundLoss(keras.losses.Loss):  # type: ignore[misc] # Keras has no types
    """A loss around another one, whose name and reduction it has.

    Args:
        loss: The loss, or its configuration as Keras serializes it.
        name: By default that of ``loss``.
    """

    def __init__(self, loss: Any, name: str | None = None, **kwargs: Any) -> None:
        if isinstance(loss, dict):
            loss = keras.saving.deserialize_keras_object(loss)
        super().__init__(name=name or loss.name, reduction=loss.reduction, **kwargs)
        self.loss = loss

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"loss": keras.saving.serialize_keras_object(self.loss), "name": self.name}
