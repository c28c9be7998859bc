"""A schedule that goes up and down between two rates."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo.component import ConfigFromSignature
from kzoo_plugins.optimizers.schedules.arguments import check_choice, check_rate, check_steps

__all__ = ["Cyclical"]

_MODES = ("triangular", "triangular2", "exp_range")


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Cyclical(ConfigFromSignature, keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras has no types
    """Goes from ``initial_learning_rate`` to ``max_learning_rate`` and back in straight lines, again and again.

    Formula: the arithmetic of `torch.optim.lr_scheduler.CyclicLR` with `cycle_momentum=False`. With `U` steps up and
    `D` steps down, steps t counted from 0, and the step of the cycle `s = t mod (U + D)`:

    ```
    height = s / U           on the way up, s <= U
    height = (U + D - s) / D on the way down
    rate   = initial + (max - initial) * height * scale

    triangular:   scale = 1
    triangular2:  scale = 1 / 2 ** (number of cycles done)
    exp_range:    scale = gamma ** t
    ```

    Args:
        initial_learning_rate: The lowest rate, at least 0.
        max_learning_rate: The highest rate, above `initial_learning_rate`.
        step_size: Steps on the way up, a whole number of at least 1. Smith proposes 2 to 10 epochs.
        mode: "triangular", "triangular2" (each cycle half as high) or "exp_range" (lower with every step). Defaults to
            "triangular".
        gamma: The factor of each step for "exp_range", in (0, 1]. Defaults to 1.
        step_size_down: Steps on the way down, a whole number of at least 1. None is `step_size`. Defaults to None.

    Raises:
        ValueError: An argument is out of its range, or `gamma` is given to a mode that has none.

    Example:
        >>> schedule = Cyclical(initial_learning_rate=0.0, max_learning_rate=1.0, step_size=2, mode="triangular2")
        >>> [float(schedule(step)) for step in range(9)]
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.25, 0.5, 0.25, 0.0]

    References:
        - [Smith, 2015](https://arxiv.org/abs/1506.01186), Cyclical Learning Rates for Training Neural Networks
    """

    def __init__(
        self,
        initial_learning_rate: float,
        max_learning_rate: float,
        step_size: int,
        mode: str = "triangular",
        gamma: float = 1.0,
        step_size_down: int | None = None,
    ) -> None:
        super().__init__()
        check_rate("initial_learning_rate", initial_learning_rate, zero=True)
        check_rate("max_learning_rate", max_learning_rate)
        if max_learning_rate < initial_learning_rate:
            message = (
                f"`max_learning_rate` must not be below `initial_learning_rate`, {initial_learning_rate}, "
                f"but is {max_learning_rate}."
            )
            raise ValueError(message)
        check_steps("step_size", step_size)
        if step_size_down is not None:
            check_steps("step_size_down", step_size_down)
        check_choice("mode", mode, _MODES)
        if not 0 < gamma <= 1:
            message = f"`gamma` must lie in (0, 1], not {gamma}."
            raise ValueError(message)
        if gamma != 1 and mode != "exp_range":
            message = f"`gamma` belongs to the mode exp_range; {mode} has none. It was {gamma}."
            raise ValueError(message)
        self.initial_learning_rate = initial_learning_rate
        self.max_learning_rate = max_learning_rate
        self.step_size = step_size
        self.mode = mode
        self.gamma = gamma
        self.step_size_down = step_size_down

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at ``step``, counted from 0, as a float32 scalar."""
        up, down = int(self.step_size), int(self.step_size_down or self.step_size)
        # Whole numbers find the place in the cycle exactly, however many cycles have passed.
        step = ops.cast(step, "int32")
        place = ops.cast(ops.mod(step, up + down), "float32")
        height = ops.where(place <= up, place / up, (up + down - place) / down)
        if self.mode == "triangular2":
            height = height * ops.power(0.5, ops.cast(ops.floor_divide(step, up + down), "float32"))
        elif self.mode == "exp_range":
            # The logarithm of gamma is rounded once; gamma itself would be rounded anew by each power.
            height = height * ops.exp(ops.cast(step, "float32") * math.log(self.gamma))
        lowest, highest = float(self.initial_learning_rate), float(self.max_learning_rate)
        return lowest + (highest - lowest) * height
