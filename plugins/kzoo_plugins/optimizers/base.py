"""Keras's own arguments of an optimizer: what they mean, how the optimizers here take them, and how they are saved."""

from __future__ import annotations

from typing import Any

import keras

from kzoo.component import ConfigFromSignature
from kzoo_plugins.arguments import number

__all__ = ["BaseOptimizer"]


class BaseOptimizer(ConfigFromSignature, keras.optimizers.Optimizer):  # type: ignore[misc] # Keras has no types
    """An optimizer whose subclass names its own arguments and hands Keras's on, as ``**base``.

    Args:
        learning_rate: The rate: a number, or a schedule.
        weight_decay: The share of the weights that, times the rate, comes off before each step; at least 0, or None.
        clipnorm: The largest norm that the gradient of one variable may have: a longer one is shortened to it. At most
            one of `clipnorm`, `clipvalue` and `global_clipnorm` may be set.
        clipvalue: The largest size that a single number of a gradient may have.
        global_clipnorm: The largest norm that the gradients of all variables may have together.
        use_ema: Whether a moving average of the weights is kept, which takes their place. Defaults to False.
        ema_momentum: The decay of that average, in [0, 1]. Defaults to 0.99.
        ema_overwrite_frequency: Steps from one time that the average takes the weights' place to the next, at least 1,
            or None for the end of the training alone.
        loss_scale_factor: A number that the loss is multiplied by and the gradients are divided by, so that gradients
            too small for half precision are kept. None for 1.
        gradient_accumulation_steps: Batches whose mean gradient makes one step, at least 2. None for a step with each.
        name: The name of the optimizer.

    Raises:
        ValueError: An argument is out of its range.
    """

    def __init__(self, learning_rate: Any, **base: Any) -> None:
        whole = isinstance(learning_rate, int) and not isinstance(learning_rate, bool)  # Keras takes floats alone
        super().__init__(learning_rate=float(learning_rate) if whole else learning_rate, **base)
        if self.weight_decay is not None:
            number("weight_decay", self.weight_decay, at_least=0)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments and all of Keras's own, the learning rate as it is now."""
        base = keras.optimizers.Optimizer.get_config(self)
        return {**base, **super().get_config(), "learning_rate": base["learning_rate"]}
