"""Schedules of a run whose length is known: a warm-up, perhaps a plateau, and a decay."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo.component import ConfigFromSignature
from kzoo_plugins.optimizers.schedules.arguments import check_choice, check_rate, check_steps, steps_of

__all__ = ["WarmupCosine", "WarmupStableDecay"]

_SHAPES = ("1-sqrt", "linear", "cosine")


class _Warmup(ConfigFromSignature, keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras has no types
    """Rises in a straight line, then follows `_after_warmup`."""

    max_learning_rate: float
    total_steps: int
    initial_learning_rate: float
    final_learning_rate: float
    _rise: int

    def _take(self, highest: float, total_steps: int, warmup_steps: float, initial: float, final: float) -> None:
        """Check and keep the arguments that every such schedule has."""
        check_rate("max_learning_rate", highest)
        check_steps("total_steps", total_steps)
        check_rate("initial_learning_rate", initial, zero=True)
        check_rate("final_learning_rate", final, zero=True)
        self.max_learning_rate, self.total_steps = highest, total_steps
        self.initial_learning_rate, self.final_learning_rate = initial, final
        self._rise = steps_of("warmup_steps", warmup_steps, total_steps)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at ``step``, counted from 0, as a float32 scalar."""
        step = ops.cast(step, "float32")
        highest, initial = float(self.max_learning_rate), float(self.initial_learning_rate)
        rising = initial + (highest - initial) * (step / max(self._rise, 1))
        return ops.where(step < self._rise, rising, self._after_warmup(step))

    def _after_warmup(self, step: Any) -> Any:
        raise NotImplementedError

    def _between(self, left: Any) -> Any:
        """Return the rate where ``left`` of the way from the highest to the final rate is still to go."""
        highest, final = float(self.max_learning_rate), float(self.final_learning_rate)
        return final + (highest - final) * left


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class WarmupCosine(_Warmup):
    """Rises in a straight line to ``max_learning_rate``, then falls along half a cosine until the last step.

    Formula: with T total steps, W of them warm-up, and steps t counted from 0:

    ```
    t < W:   initial + (max - initial) * t / W
    t >= W:  final + (max - final) * ((1 + cos(pi * (t - W) / (T - W))) / 2) ** exponent
    ```

    From step T on it stays at `final_learning_rate`.

    Args:
        max_learning_rate: The rate at the end of the warm-up, above 0.
        total_steps: Optimizer steps in the whole run, the warm-up among them, at least 1.
        warmup_steps: Steps of the warm-up; below 1, their share of `total_steps`. Defaults to 0.1.
        initial_learning_rate: The rate at step 0, at least 0. Defaults to 0.
        final_learning_rate: The rate at the end, at least 0. Defaults to 0.
        exponent: Above 1 the rate falls earlier, below 1 later. Defaults to 1.

    Raises:
        ValueError: An argument is out of its range, or the warm-up leaves no step for the decay.

    Example:
        >>> schedule = WarmupCosine(max_learning_rate=1.0, total_steps=10, warmup_steps=2)
        >>> [round(float(schedule(step)), 3) for step in (0, 1, 2, 6, 10, 100)]
        [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]

    References:
        - [Loshchilov, Hutter, 2016](https://arxiv.org/abs/1608.03983), SGDR: Stochastic Gradient Descent with Warm
          Restarts
        - [Goyal et al., 2017](https://arxiv.org/abs/1706.02677), Accurate, Large Minibatch SGD (the warm-up)
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        warmup_steps: float = 0.1,
        initial_learning_rate: float = 0.0,
        final_learning_rate: float = 0.0,
        exponent: float = 1.0,
    ) -> None:
        super().__init__()
        self._take(max_learning_rate, total_steps, warmup_steps, initial_learning_rate, final_learning_rate)
        check_rate("exponent", exponent)
        self.exponent = exponent
        if self._rise >= total_steps:
            message = (
                f"`warmup_steps` must leave steps for the decay: {self._rise} of them are warm-up, "
                f"and `total_steps` is {total_steps}."
            )
            raise ValueError(message)

    def _after_warmup(self, step: Any) -> Any:
        left = ops.clip((self.total_steps - step) / (self.total_steps - self._rise), 0.0, 1.0)
        return self._between(ops.power(_half_cosine(left), float(self.exponent)))


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class WarmupStableDecay(_Warmup):
    """Rises to ``max_learning_rate``, stays there, and falls only at the end; also known as a trapezoid or WSD.

    A run can be prolonged from any step of the plateau, which a cosine does not allow.

    Formula: with T total steps, W of warm-up and D of decay, steps t counted from 0, and what is left of the decay
    l = (T - t) / D:

    ```
    t < W:            initial + (max - initial) * t / W
    W <= t <= T - D:  max
    t > T - D:        final + (max - final) * shape(l)

    shape(l) is 1 - sqrt(1 - l) for "1-sqrt", l for "linear", (1 - cos(pi * l)) / 2 for "cosine"
    ```

    From step T on it stays at `final_learning_rate`.

    Args:
        max_learning_rate: The rate of the plateau, above 0.
        total_steps: Optimizer steps in the whole run, at least 1.
        warmup_steps: Steps of the warm-up; below 1, their share of `total_steps`. Defaults to 0.1.
        decay_steps: Steps of the decay; below 1, their share of `total_steps`. Defaults to 0.2.
        decay_shape: "1-sqrt", "linear" or "cosine". Defaults to "1-sqrt".
        initial_learning_rate: The rate at step 0, at least 0. Defaults to 0.
        final_learning_rate: The rate at the end, at least 0. Defaults to 0.

    Raises:
        ValueError: An argument is out of its range, or warm-up and decay together are longer than the run.

    Example:
        >>> schedule = WarmupStableDecay(max_learning_rate=1.0, total_steps=100, decay_shape="linear")
        >>> [round(float(schedule(step)), 3) for step in (0, 5, 10, 80, 90, 100)]
        [0.0, 0.5, 1.0, 1.0, 0.5, 0.0]

    References:
        - [Hu et al., 2024](https://arxiv.org/abs/2404.06395), MiniCPM
        - [Haegele et al., 2024](https://arxiv.org/abs/2405.18392), Scaling Laws and Compute-Optimal Training Beyond
          Fixed Training Durations (the shape 1-sqrt)
    """

    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int,
        warmup_steps: float = 0.1,
        decay_steps: float = 0.2,
        decay_shape: str = "1-sqrt",
        initial_learning_rate: float = 0.0,
        final_learning_rate: float = 0.0,
    ) -> None:
        super().__init__()
        self._take(max_learning_rate, total_steps, warmup_steps, initial_learning_rate, final_learning_rate)
        check_choice("decay_shape", decay_shape, _SHAPES)
        self.decay_shape = decay_shape
        self._fall = steps_of("decay_steps", decay_steps, total_steps)
        if self._rise + self._fall > total_steps:
            message = (
                f"`warmup_steps` and `decay_steps` must fit into the run: {self._rise} and {self._fall} steps are more "
                f"than the {total_steps} of `total_steps`."
            )
            raise ValueError(message)

    def _after_warmup(self, step: Any) -> Any:
        # A decay without steps ends the run at the highest rate, and what follows is at the final one.
        left = ops.clip((self.total_steps - step) / max(self._fall, 1), 0.0, 1.0)
        if self.decay_shape == "cosine":
            left = _half_cosine(left)
        elif self.decay_shape == "1-sqrt":
            # 1 - sqrt(1 - l), without the cancellation that would spoil the last, smallest rates
            left = left / (1.0 + ops.sqrt(1.0 - left))
        return self._between(left)


def _half_cosine(left: Any) -> Any:
    """Return (1 - cos(pi x)) / 2 as a square, which does not cancel at the smallest rates."""
    return ops.square(ops.sin(left * (math.pi / 2)))
