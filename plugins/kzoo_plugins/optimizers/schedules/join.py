"""A schedule made of others, one after another."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import keras
from keras import ops

from kzoo.component import ConfigFromSignature
from kzoo_plugins.optimizers.schedules.arguments import check_rate, check_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Join"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Join(ConfigFromSignature, keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras has no types
    """Follows one schedule after another; each counts its steps from where it begins.

    Formula: with boundaries b_1 < b_2 < ..., the rate at step t is `schedules[0](t)` for t < b_1,
    `schedules[1](t - b_1)` for b_1 <= t < b_2, and so on; the last one has no end.

    Args:
        schedules: The schedules in order, at least one; a number is a constant rate. By name, each is a reference such
            as "one_cycle:max_learning_rate=0.1" or a table with `name`; a schedule that needs the steps of the run
            is given those of its own part.
        boundaries: The steps at which the second, third, ... schedule begins: whole numbers above 0, each above the
            one before, one fewer than schedules.

    Raises:
        ValueError: The boundaries do not fit the schedules, or do not rise.

    Example:
        >>> decay = keras.optimizers.schedules.ExponentialDecay(1.0, decay_steps=1, decay_rate=0.5)
        >>> schedule = Join(schedules=[0.125, decay], boundaries=[2])
        >>> [float(schedule(step)) for step in range(5)]
        [0.125, 0.125, 1.0, 0.5, 0.25]
    """

    def __init__(self, schedules: Sequence[Any], boundaries: Sequence[int]) -> None:
        super().__init__()
        for name, value in (("schedules", schedules), ("boundaries", boundaries)):
            if not isinstance(value, (list, tuple)):
                message = f"`{name}` must be a list, not {value!r}."
                raise ValueError(message)  # noqa: TRY004 - the same error for every wrong argument
        if not schedules or len(boundaries) != len(schedules) - 1:
            message = (
                f"`boundaries` must hold one step fewer than there are `schedules`, where each but the first begins; "
                f"there are {len(boundaries)} and {len(schedules)}."
            )
            raise ValueError(message)
        for boundary in boundaries:
            check_steps("boundaries", boundary)
        if any(one >= other for one, other in pairwise(boundaries)):
            message = f"`boundaries` must rise, not {list(boundaries)}."
            raise ValueError(message)
        for schedule in schedules:
            if isinstance(schedule, (int, float)):
                check_rate("schedules", schedule, zero=True)
            elif not callable(schedule):
                message = f"`schedules` must hold schedules or numbers, not {schedule!r}."
                raise ValueError(message)  # noqa: TRY004
        self.schedules = list(schedules)
        self.boundaries = [int(boundary) for boundary in boundaries]

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at ``step``, counted from 0, as a float32 scalar."""
        step = ops.convert_to_tensor(step)
        rate = self._rate(0, step)
        for number, boundary in enumerate(self.boundaries, 1):
            # Before its beginning a schedule is asked for its first rate, not for one at a step below 0.
            own = self._rate(number, ops.maximum(step - ops.cast(boundary, step.dtype), 0))
            rate = ops.where(step >= boundary, own, rate)
        return rate

    def _rate(self, number: int, step: Any) -> Any:
        schedule = self.schedules[number]
        value = float(schedule) if isinstance(schedule, (int, float)) else schedule(step)
        return ops.cast(value, "float32")
