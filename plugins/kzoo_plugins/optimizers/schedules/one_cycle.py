"""The 1cycle schedule."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo.component import ConfigFromSignature
from kzoo_plugins.optimizers.schedules.arguments import check_choice, check_rate, check_steps

__all__ = ["OneCycle"]

_STRATEGIES = ("cos", "linear")


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class OneCycle(ConfigFromSignature, keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras has no types
    """The 1cycle policy: the rate rises to ``max_learning_rate``, then falls far below where it began.

    Formula: the arithmetic of `torch.optim.lr_scheduler.OneCycleLR` with `cycle_momentum=False`. With T total steps,
    counted from 0, the rate goes

    ```
    initial = max_learning_rate / div_factor, minimum = initial / final_div_factor
    initial -> max_learning_rate   until step pct_start * T - 1
    max_learning_rate -> minimum   until step T - 1
    ```

    or, in three phases, back to `initial` until step 2 * pct_start * T - 2 and from there to the minimum. Between two
    rates a and b, a fraction f of the phase done, it is `a + (b - a) * f` for "linear" and
    `b + (a - b) * (1 + cos(pi * f)) / 2` for "cos". After step T - 1 it stays at the minimum.

    Args:
        max_learning_rate: The highest rate, above 0.
        total_steps: Optimizer steps in the whole run, at least 1.
        pct_start: The share of the steps in which the rate rises, in [0, 1]. Defaults to 0.3.
        anneal_strategy: "cos" or "linear". Defaults to "cos".
        div_factor: The highest rate is this many times the first. Defaults to 25.
        final_div_factor: The first rate is this many times the last. Defaults to 1e4.
        three_phase: Whether the rate returns to the first before it falls to the last. Defaults to False.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> schedule = OneCycle(max_learning_rate=1.0, total_steps=10, anneal_strategy="linear")
        >>> [round(float(schedule(step)), 3) for step in (0, 1, 2, 9, 100)]
        [0.04, 0.52, 1.0, 0.0, 0.0]

    References:
        - [Smith, Topin, 2017](https://arxiv.org/abs/1708.07120), Super-Convergence
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `one_cycle:three_phase=true`
    ) -> None:
        super().__init__()
        for name, value in (
            ("max_learning_rate", max_learning_rate),
            ("div_factor", div_factor),
            ("final_div_factor", final_div_factor),
        ):
            check_rate(name, value)
        check_steps("total_steps", total_steps)
        if not 0 <= pct_start <= 1:
            message = f"`pct_start` must lie in [0, 1], not {pct_start}."
            raise ValueError(message)
        check_choice("anneal_strategy", anneal_strategy, _STRATEGIES)
        self.max_learning_rate = max_learning_rate
        self.total_steps = total_steps
        self.pct_start = pct_start
        self.anneal_strategy = anneal_strategy
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor
        self.three_phase = three_phase

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at ``step``, counted from 0, as a float32 scalar."""
        step = ops.minimum(ops.cast(step, "float32"), float(self.total_steps - 1))
        *earlier, (begin, end, rate, next_rate) = self._phases()
        learning_rate = self._between(step, begin, end, rate, next_rate)
        for begin, end, rate, next_rate in reversed(earlier):
            learning_rate = ops.where(step <= end, self._between(step, begin, end, rate, next_rate), learning_rate)
        return learning_rate

    def _phases(self) -> list[tuple[float, float, float, float]]:
        """Return each phase's first and last step and the rates there."""
        top = float(self.max_learning_rate)
        initial = top / self.div_factor
        minimum = initial / self.final_div_factor
        summit, last = self.pct_start * self.total_steps - 1, float(self.total_steps - 1)
        if not self.three_phase:
            return [(0.0, summit, initial, top), (summit, last, top, minimum)]
        valley = 2 * self.pct_start * self.total_steps - 2
        return [(0.0, summit, initial, top), (summit, valley, top, initial), (valley, last, initial, minimum)]

    def _between(self, step: Any, begin: float, end: float, rate: float, next_rate: float) -> Any:
        """Return the rate at ``step`` of the phase; a phase without length is over at once."""
        left = (end - step) / (end - begin) if end != begin else ops.zeros_like(step)
        if self.anneal_strategy == "linear":
            return next_rate + (rate - next_rate) * left
        # sin^2(pi/2 x) is (1 - cos(pi x))/2 without the cancellation that would spoil the last, smallest rates.
        return next_rate + (rate - next_rate) * ops.square(ops.sin(left * (math.pi / 2)))
