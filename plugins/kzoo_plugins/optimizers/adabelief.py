"""AdaBelief: Adam that divides by how far gradients are from what it expected."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import MomentOptimizer, approach, debias, decay_rate
from kzoo_plugins.optimizers.radam import rectification

__all__ = ["AdaBelief"]

_THRESHOLD = 5.0


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class AdaBelief(MomentOptimizer):
    """Adam that takes large steps where gradients are as its running mean expects them, and small ones elsewhere.

    Formula: with the gradient g, the learning rate c and the step t, from 1,

    ```
    m = beta_1 * m + (1 - beta_1) * g
    s = beta_2 * s + (1 - beta_2) * (g - m)^2 + epsilon
    w = w - c * m / (1 - beta_1^t) / (sqrt(s / (1 - beta_2^t)) + epsilon)
    ```

    This is the paper's Algorithm 2, in which epsilon is added twice, the first time into the running mean. With
    ``rectify`` the step has the factor and the first steps of `kzoo_plugins.optimizers.radam.RAdam`, as in the authors'
    code and in TensorFlow Addons, where that is the default.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.001.
        beta_1: The decay of the mean of gradients, in [0, 1). Defaults to 0.9.
        beta_2: The decay of the mean of squared differences, in [0, 1). Defaults to 0.999.
        epsilon: Added to the mean and to the root, above 0. Defaults to 1e-16, as in the authors' code.
        rectify: Whether to rectify the first steps as RAdam does. Defaults to False.
        **base: Keras's own arguments, as in `BaseOptimizer`. Weight decay is decoupled: its share of the
            weights, times the rate, comes off before the step.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0, -1.0])
        >>> optimizer = AdaBelief(0.9)
        >>> optimizer.apply([keras.ops.array([0.5, 0.25])], [weight])  # 0.9 / 0.9, since g - m is 0.9 g
        >>> [round(float(w), 6) for w in weight.numpy()]
        [0.0, -2.0]

    References:
        - [Zhuang et al., 2020](https://arxiv.org/abs/2010.07468), AdaBelief Optimizer: Adapting Stepsizes by the Belief
          in Observed Gradients
    """

    means = ("momentum", "variance")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-16,
        *,
        rectify: bool = False,
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon, above=0)
        self.rectify = bool(rectify)

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights."""
        steps = self.steps_taken(gradient.dtype)
        momentum = state["momentum"] = approach(state["momentum"], gradient, self.beta_1)
        surprise = ops.square(gradient - momentum)
        state["variance"] = approach(state["variance"], surprise, self.beta_2) + self.epsilon
        scale = 1 / (ops.sqrt(state["variance"] / debias(self.beta_2, steps)) + self.epsilon)
        if self.rectify:
            factor = rectification(self.beta_2, steps, _THRESHOLD)
            scale = ops.where(factor > 0, factor * scale, 1.0)
        return weights - rate * momentum / debias(self.beta_1, steps) * scale
