"""COCOB: steps without a learning rate, as bets on the next gradient."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import MomentOptimizer

__all__ = ["COCOB"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class COCOB(MomentOptimizer):
    """Bets, for each weight, a share of what its earlier bets won on the sign of the next gradient: no rate to tune.

    Formula: with the gradient g, times the learning rate,

    ```
    l = max(l, |g|)             the largest gradient; begun at epsilon
    n = n + |g|
    r = max(r - g * b, 0)       what the bets won
    t = t + g
    b = -t * (l + r) / (l * max(n + l, alpha * l))        the bet: how far the weight is from where it began
    w = w - (old b) + (new b)
    ```

    This is the paper's Algorithm 2. Bets follow the size of the gradients, so that a constant learning rate changes
    nothing; one that falls weighs early gradients more, and 0 stops the weights.

    Args:
        alpha: How many times the largest gradient the sum must reach before bets are full, at least 1. A first step
            changes a weight by 1 / alpha. Defaults to 100.
        epsilon: What the largest gradient begins at, above 0. Defaults to 1e-8.
        learning_rate: A factor of the gradients, or a schedule. Defaults to 1.
        **base: Keras's own arguments, as in `BaseOptimizer`. Weight decay is decoupled: its share of the
            weights, times the rate, comes off before the step.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0, -1.0])
        >>> optimizer = COCOB()
        >>> optimizer.apply([keras.ops.array([1000.0, -0.001])], [weight])
        >>> [round(float(w), 6) for w in weight.numpy()]
        [0.99, -0.99]

    References:
        - [Orabona, Tommasi, 2017](https://arxiv.org/abs/1705.07795), Training Deep Networks without Learning Rates
          Through Coin Betting
    """

    means = ("largest", "absolute_sum", "won", "sum", "bet")

    def __init__(self, alpha: float = 100.0, epsilon: float = 1e-8, learning_rate: Any = 1.0, **base: Any) -> None:
        super().__init__(learning_rate, **base)
        self.alpha = number("alpha", alpha, above=0)
        if alpha < 1:
            message = f"`alpha` must be at least 1, not {alpha}."
            raise ValueError(message)
        self.epsilon = number("epsilon", epsilon, above=0)

    def initializer(self, name: str) -> Any:
        """Return epsilon for the largest gradient, 0 for all else."""
        return keras.initializers.Constant(self.epsilon if name == "largest" else 0.0)

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights."""
        gradient, before = rate * gradient, state["bet"]
        largest = state["largest"] = ops.maximum(state["largest"], ops.abs(gradient))
        state["absolute_sum"] = state["absolute_sum"] + ops.abs(gradient)
        state["won"] = ops.relu(state["won"] - gradient * before)
        state["sum"] = state["sum"] + gradient
        # Each quotient is of numbers of one size, so that neither overflows.
        share = state["sum"] / ops.maximum(state["absolute_sum"] + largest, self.alpha * largest)
        state["bet"] = -share * (1 + state["won"] / largest)
        return weights + (state["bet"] - before)
