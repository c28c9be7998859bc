"""NovoGrad: gradients of each layer divided by a running mean of their norm."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.layerwise import LayerwiseOptimizer
from kzoo_plugins.optimizers.moments import approach, decay_rate

__all__ = ["NovoGrad"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class NovoGrad(LayerwiseOptimizer):
    """Momentum of gradients that are divided, variable by variable, by a running mean of their norm.

    Formula: with the gradient g of one variable, the learning rate c and the weight decay d,

    ```
    v = beta_2 * v + (1 - beta_2) * sum(g^2)        the first time: v = sum(g^2)
    u = g / (sqrt(v) + epsilon) + d * w
    m = beta_1 * m + u                              with `grad_averaging`: m = beta_1 * m + (1 - beta_1) * u
    w = w - c * m                                   the first time: m = u
    ```

    This is the paper's Algorithm 1. The first time is that of the first gradient of the variable that is not 0, so that
    a layer which is idle at the start does not begin with a step 1 / sqrt(1 - beta_2) times as long.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.01.
        beta_1: The decay of the momentum, in [0, 1). Defaults to 0.95.
        beta_2: The decay of the mean of squared norms, in [0, 1). Defaults to 0.98.
        epsilon: Added to the root, above 0. Defaults to 1e-8.
        weight_decay: The share d of the weights that goes into the momentum, as in the paper; at least 0, or None.
        grad_averaging: Whether the momentum is a mean and not a sum. Defaults to False.
        **base: Keras's own arguments, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0, -1.0])
        >>> optimizer = NovoGrad(1.0)
        >>> optimizer.apply([keras.ops.array([3.0, 4.0])], [weight])  # the gradient over its norm, 5
        >>> [round(float(w), 6) for w in weight.numpy()]
        [0.4, -1.8]

    References:
        - [Ginsburg et al., 2019](https://arxiv.org/abs/1905.11286), Stochastic Gradient Methods with Layer-wise
          Adaptive Moments for Training of Deep Networks
    """

    means = ("momentum",)
    numbers = ("squared_norm",)

    def __init__(
        self,
        learning_rate: Any = 0.01,
        beta_1: float = 0.95,
        beta_2: float = 0.98,
        epsilon: float = 1e-8,
        weight_decay: float | None = None,
        *,
        grad_averaging: bool = False,
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon, above=0)
        self.grad_averaging = bool(grad_averaging)

    def decayed_step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any], decay: float) -> Any:
        """Return the new weights."""
        kept, square = state["squared_norm"], ops.sum(ops.square(gradient))
        first = ops.equal(kept, 0)
        state["squared_norm"] = ops.where(first, square, approach(kept, square, self.beta_2))
        direction = gradient / (ops.sqrt(state["squared_norm"]) + self.epsilon) + decay * weights
        if self.grad_averaging:
            direction = ops.where(first, 1.0, 1 - self.beta_1) * direction
        state["momentum"] = self.beta_1 * state["momentum"] + direction
        return weights - rate * state["momentum"]
