"""What wrappers of one metric have in common: they hold what it holds, and are saved with it inside."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["AroundMetric"]


class AroundMetric(keras.metrics.Metric):  # type: ignore[misc] # Keras has no types
    """A metric around another one, whose name, dtype and result it has.

    Args:
        metric: The metric, or its configuration as Keras serializes it.
        name: By default that of ``metric``.
    """

    def __init__(self, metric: Any, name: str | None = None) -> None:
        if isinstance(metric, dict):
            metric = keras.saving.deserialize_keras_object(metric)
        super().__init__(name=name or metric.name, dtype=metric.dtype)
        self.metric = metric

    def result(self) -> Any:
        """Return the wrapped metric's result."""
        return self.metric.result()

    def reset_state(self) -> None:
        """Reset the wrapped metric."""
        self.metric.reset_state()

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"metric": keras.saving.serialize_keras_object(self.metric), "name": self.name}
