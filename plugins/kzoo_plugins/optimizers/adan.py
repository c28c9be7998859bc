"""Adan: Adam with Nesterov's look ahead, taken from the change of the gradient."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import MomentOptimizer, approach, debias, decay_rate

__all__ = ["Adan"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Adan(MomentOptimizer):
    """Steps along the mean gradient and the mean change of the gradient, each weight at a scale of its own.

    Formula: with the gradient g, the one of the step before g_before (at the first step, g) and the learning rate c,

    ```
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * (g - g_before)
    n = beta_3 * n + (1 - beta_3) * (g + beta_2 * (g - g_before))^2
    w = (w - c * (m' + beta_2 * v') / (sqrt(n') + epsilon)) / (1 + c * weight_decay)
    ```

    where m', v' and n' are m, v and n divided by 1 - beta^step, as in its authors' code. What the paper calls beta is
    1 - beta here. The decay is the paper's, a proximal step; Keras's own optimizers multiply by 1 - c * weight_decay
    before the step.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.001.
        beta_1: The decay of the mean gradient, in [0, 1). Defaults to 0.98.
        beta_2: The decay of the mean change of the gradient, in [0, 1). Defaults to 0.92.
        beta_3: The decay of the mean square, in [0, 1). Defaults to 0.99.
        epsilon: Added to the root, above 0. Defaults to 1e-8.
        weight_decay: The strength of the decay, at least 0, or None for none.
        **base: Keras's own arguments, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0])
        >>> optimizer = Adan(0.25)
        >>> optimizer.apply([keras.ops.ones(1)], [weight])
        >>> round(float(weight[0]), 6)
        0.75

    References:
        - [Xie et al., 2022](https://arxiv.org/abs/2208.06677), Adan: Adaptive Nesterov Momentum Algorithm
    """

    means = ("gradient_mean", "change_mean", "square_mean", "gradient_before")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.98,
        beta_2: float = 0.92,
        beta_3: float = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float | None = None,
        *,
        name: str = "adan",
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.beta_3 = decay_rate("beta_3", beta_3)
        self.epsilon = number("epsilon", epsilon, above=0)

    def _apply_weight_decay(self, variables: Any) -> None:
        """Do nothing: the decay is the end of the step."""

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Take the step of one variable, then let it decay."""
        super().update_step(gradient, variable, learning_rate)
        if self.weight_decay and self._use_weight_decay(variable):
            rate = ops.cast(learning_rate, variable.dtype)
            self.assign(variable, variable / (1 + rate * ops.cast(self.weight_decay, variable.dtype)))

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights, before they decay."""
        steps = self.steps_taken(gradient.dtype)
        before = ops.where(ops.equal(self.iterations, 0), gradient, state["gradient_before"])
        change = gradient - before
        mean = approach(state["gradient_mean"], gradient, self.beta_1)
        change_mean = approach(state["change_mean"], change, self.beta_2)
        square_mean = approach(state["square_mean"], ops.square(gradient + self.beta_2 * change), self.beta_3)
        state.update(gradient_mean=mean, change_mean=change_mean, square_mean=square_mean, gradient_before=gradient)
        direction = mean / debias(self.beta_1, steps) + self.beta_2 * change_mean / debias(self.beta_2, steps)
        return weights - rate * direction / (ops.sqrt(square_mean / debias(self.beta_3, steps)) + self.epsilon)
