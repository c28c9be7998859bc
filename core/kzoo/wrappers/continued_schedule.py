"""A learning-rate schedule that goes on where another optimizer left it."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["ContinuedSchedule"]


@keras.saving.register_keras_serializable(package="kzoo")
class ContinuedSchedule(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule of which the first steps were taken by an optimizer before.

    Args:
        schedule: The schedule of the whole training.
        steps: How many of its steps were taken.
    """

    def __init__(self, schedule: Any, steps: int) -> None:
        super().__init__()
        if isinstance(schedule, dict):
            schedule = keras.saving.deserialize_keras_object(schedule)
        self.schedule, self.steps = schedule, int(steps)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after the steps before and ``step`` more."""
        return self.schedule(keras.ops.cast(step, "int64") + self.steps)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {"schedule": keras.saving.serialize_keras_object(self.schedule), "steps": self.steps}
