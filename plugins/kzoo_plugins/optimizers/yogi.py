"""Yogi: Adam whose mean of squared gradients moves by addition."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import MomentOptimizer, approach, debias, decay_rate

__all__ = ["Yogi"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Yogi(MomentOptimizer):
    """Adam whose estimate of squared gradients does not forget a large one within a few small ones.

    Formula: with the gradient g, the learning rate c and the step t, from 1,

    ```
    m = beta_1 * m + (1 - beta_1) * g
    v = v - (1 - beta_2) * sign(v - g^2) * g^2
    w = w - c * m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)
    ```

    m begins at 0 and v at `initial_accumulator_value`. The paper's Algorithm 2 has no corrections by ``1 - beta^t``;
    TensorFlow Addons, optax and this class have them. (optax begins m at `initial_accumulator_value` too.)

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.01.
        beta_1: The decay of the mean of gradients, in [0, 1). Defaults to 0.9.
        beta_2: One minus the speed of the estimate of squared gradients, in [0, 1). Defaults to 0.999.
        epsilon: Added to the root, above 0; larger values make steps less adaptive. Defaults to 1e-3.
        initial_accumulator_value: What v begins at, at least 0. Defaults to 1e-6. The paper takes the square of a
            gradient over many samples.
        **base: Keras's own arguments, as in `BaseOptimizer`. Weight decay is decoupled: its share of the
            weights, times the rate, comes off before the step.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0, -1.0])
        >>> optimizer = Yogi(1.0, epsilon=1e-8, initial_accumulator_value=0.0)
        >>> optimizer.apply([keras.ops.array([0.5, 0.25])], [weight])  # the first step is Adam's
        >>> [round(float(w), 6) for w in weight.numpy()]
        [0.0, -2.0]

    References:
        - [Zaheer et al., 2018](https://papers.nips.cc/paper/8186-adaptive-methods-for-nonconvex-optimization), Adaptive
          Methods for Nonconvex Optimization
    """

    means = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.01,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-3,
        initial_accumulator_value: float = 1e-6,
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon, above=0)
        self.initial_accumulator_value = number("initial_accumulator_value", initial_accumulator_value, at_least=0)

    def initializer(self, name: str) -> Any:
        """Return 0 for the mean of gradients, and what v begins at."""
        begin = self.initial_accumulator_value if name == "velocity" else 0.0
        return keras.initializers.Constant(begin)

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights."""
        steps = self.steps_taken(gradient.dtype)
        state["momentum"] = approach(state["momentum"], gradient, self.beta_1)
        velocity, square = state["velocity"], ops.square(gradient)
        state["velocity"] = velocity - (1 - self.beta_2) * ops.sign(velocity - square) * square
        root = ops.sqrt(state["velocity"] / debias(self.beta_2, steps))
        return weights - rate * state["momentum"] / debias(self.beta_1, steps) / (root + self.epsilon)
