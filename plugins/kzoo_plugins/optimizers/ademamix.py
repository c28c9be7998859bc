"""AdEMAMix: Adam with a second, much slower mean of the gradients."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import (
    MomentOptimizer,
    approach,
    debias,
    decay_rate,
)
from kzoo_plugins.optimizers.wrapper import whole_number

__all__ = ["AdEMAMix"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class AdEMAMix(MomentOptimizer):
    """Adam whose step follows a fast mean of the gradients and a slow one, which remembers thousands of steps.

    Formula: with the gradient g and the learning rate c,

    ```
    m = beta_1 * m + (1 - beta_1) * g
    s = b * s + (1 - b) * g
    v = beta_2 * v + (1 - beta_2) * g^2
    w = w - c * ((m / (1 - beta_1^step) + a * s) / (sqrt(v / (1 - beta_2^step)) + epsilon) + weight_decay * w)
    ```

    Without warm-up, a is alpha and b is beta_3. With it, a rises to alpha in a straight line, and 1 / ln(b), which is
    how long the mean remembers, goes from 1 / ln(beta_1) to 1 / ln(beta_3) in a straight line.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.001.
        beta_1: The decay of the fast mean, in [0, 1). Defaults to 0.9.
        beta_2: The decay of the mean square, in [0, 1). Defaults to 0.999.
        beta_3: The decay of the slow mean, in (0, 1). The paper takes 0.999 for short runs. Defaults to 0.9999.
        alpha: The weight of the slow mean, at least 0. The paper takes 4 to 10. Defaults to 5.
        warmup_steps: Steps until alpha and beta_3 are reached, at least 0. The paper takes all of the run. Defaults
            to 0.
        epsilon: Added to the root, above 0. Defaults to 1e-8.
        weight_decay: The share of the weights that is taken off at each step, at least 0, or None for none.
        **base: Keras's own arguments, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0])
        >>> optimizer = AdEMAMix(0.25, beta_3=0.5, alpha=2.0)
        >>> optimizer.apply([keras.ops.ones(1)], [weight])  # the fast mean is 1, the slow one 0.5
        >>> round(float(weight[0]), 6)
        0.5

    References:
        - [Pagliardini et al., 2024](https://arxiv.org/abs/2409.03137), The AdEMAMix Optimizer: Better, Faster, Older
    """

    means = ("fast_mean", "slow_mean", "square_mean")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        beta_3: float = 0.9999,
        alpha: float = 5.0,
        warmup_steps: int = 0,
        epsilon: float = 1e-8,
        weight_decay: float | None = None,
        *,
        name: str = "ademamix",
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        if not 0 < beta_3 < 1:
            message = f"`beta_3` must lie in (0, 1), not {beta_3}."
            raise ValueError(message)
        self.beta_3 = float(beta_3)
        self.alpha = number("alpha", alpha, at_least=0)
        self.warmup_steps = whole_number("warmup_steps", warmup_steps, 0)
        self.epsilon = number("epsilon", epsilon, above=0)

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights."""
        steps = self.steps_taken(gradient.dtype)
        alpha, share = self._slow(steps)
        fast = approach(state["fast_mean"], gradient, self.beta_1)
        slow = state["slow_mean"] + share * (gradient - state["slow_mean"])
        square = approach(state["square_mean"], ops.square(gradient), self.beta_2)
        state.update(fast_mean=fast, slow_mean=slow, square_mean=square)
        direction = fast / debias(self.beta_1, steps) + alpha * slow
        return weights - rate * direction / (ops.sqrt(square / debias(self.beta_2, steps)) + self.epsilon)

    def _slow(self, steps: Any) -> tuple[Any, Any]:
        """Return the weight of the slow mean, and the share of the gradient in it, at a step."""
        if not self.warmup_steps:
            return self.alpha, 1 - self.beta_3
        done = ops.minimum(steps / self.warmup_steps, 1.0)
        first = 1 / math.log(self.beta_1) if self.beta_1 else 0.0
        memory = first + done * (1 / math.log(self.beta_3) - first)
        # 1 - b by `expm1`: b is so near 1 that float32 has no digits left for the difference.
        return self.alpha * done, ops.maximum(-ops.expm1(1 / memory), 1 - self.beta_3)
