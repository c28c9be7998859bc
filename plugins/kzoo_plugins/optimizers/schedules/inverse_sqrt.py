"""A schedule that knows no end: a warm-up, then the inverse square root of the steps."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import ConfigFromSignature
from kzoo_plugins.optimizers.schedules.arguments import check_rate, check_steps

__all__ = ["InverseSqrt"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class InverseSqrt(ConfigFromSignature, keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc] # Keras has no types
    """Rises to ``max_learning_rate``, then falls with the inverse square root of the steps, without an end.

    Formula: with W steps of warm-up, the time scale S, and steps t counted from 0:

    ```
    t < W:   initial + (max - initial) * t / W
    t >= W:  max * sqrt(S / (S + t - W))
    ```

    With S = W and initial = 0 it is the rule of the Transformer, `max * min(t / W, sqrt(W / t))`.

    Args:
        max_learning_rate: The rate at the end of the warm-up, above 0.
        warmup_steps: Steps of the warm-up, a whole number of at least 0. Defaults to 1000.
        timescale: How many steps after the warm-up bring the rate to `max / sqrt(2)`, a whole number of at least 1.
            None is `warmup_steps`. Defaults to None.
        initial_learning_rate: The rate at step 0, at least 0. Defaults to 0.

    Raises:
        ValueError: An argument is out of its range, or there is neither a warm-up nor a time scale.

    Example:
        >>> schedule = InverseSqrt(max_learning_rate=1.0, warmup_steps=4)
        >>> [round(float(schedule(step)), 3) for step in (0, 2, 4, 16, 64)]
        [0.0, 0.5, 1.0, 0.5, 0.25]

    References:
        - [Vaswani et al., 2017](https://arxiv.org/abs/1706.03762), Attention Is All You Need
    """

    def __init__(
        self,
        max_learning_rate: float,
        warmup_steps: int = 1000,
        timescale: int | None = None,
        initial_learning_rate: float = 0.0,
    ) -> None:
        super().__init__()
        check_rate("max_learning_rate", max_learning_rate)
        check_rate("initial_learning_rate", initial_learning_rate, zero=True)
        check_steps("warmup_steps", warmup_steps, least=0)
        if timescale is not None:
            check_steps("timescale", timescale)
        elif not warmup_steps:
            message = "`timescale` must be given where `warmup_steps` is 0: nothing else says how fast the rate falls."
            raise ValueError(message)
        self.max_learning_rate = max_learning_rate
        self.warmup_steps = warmup_steps
        self.timescale = timescale
        self.initial_learning_rate = initial_learning_rate

    def __call__(self, step: Any) -> Any:
        """Return the learning rate at ``step``, counted from 0, as a float32 scalar."""
        step = ops.cast(step, "float32")
        highest, initial = float(self.max_learning_rate), float(self.initial_learning_rate)
        warmup, timescale = float(self.warmup_steps), float(self.timescale or self.warmup_steps)
        rising = initial + (highest - initial) * (step / max(warmup, 1.0))
        falling = highest * ops.sqrt(timescale / (timescale + ops.maximum(step - warmup, 0.0)))
        return ops.where(step < warmup, rising, falling)
