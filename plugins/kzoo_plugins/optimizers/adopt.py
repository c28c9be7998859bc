"""ADOPT: Adam that divides each gradient by the mean square of those before it."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import MomentOptimizer, approach, decay_rate

__all__ = ["ADOPT"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class ADOPT(MomentOptimizer):
    """Adam that converges with any `beta_2`: it scales a gradient by what came before it, and takes the mean after.

    Formula: with the gradient g, the learning rate c and the number t of steps before this one,

    ```
    m = beta_1 * m + (1 - beta_1) * clip(g / max(sqrt(v), epsilon), -t^0.25, t^0.25)
    w = w - c * m
    v = beta_2 * v + (1 - beta_2) * g^2
    ```

    The first step only sets v to g^2. The bound t^0.25 is that of the paper, 1 at the second step; some libraries
    count one step more. A weight decay acts at every step, the first among them.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.001.
        beta_1: The decay of the mean, in [0, 1). Defaults to 0.9.
        beta_2: The decay of the mean square, in [0, 1). Defaults to 0.9999.
        epsilon: The least root to divide by, above 0. Defaults to 1e-6.
        clip: Whether scaled gradients are bounded. Without it, one outlier can throw the weights far. Defaults to True.
        weight_decay: The share of the weights that is taken off at each step, at least 0, or None for none.
        **base: Keras's own arguments, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0])
        >>> optimizer = ADOPT(0.25, beta_1=0.0)
        >>> optimizer.apply([keras.ops.ones(1)], [weight])  # looks only
        >>> optimizer.apply([keras.ops.ones(1)], [weight])
        >>> round(float(weight[0]), 6)
        0.75

    References:
        - [Taniguchi et al., 2024](https://arxiv.org/abs/2411.02853), ADOPT: Modified Adam Can Converge with Any beta_2
          with the Optimal Rate
    """

    means = ("mean", "square_mean")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.9999,
        epsilon: float = 1e-6,
        clip: bool = True,  # noqa: FBT001, FBT002 - named as an argument on the command line
        weight_decay: float | None = None,
        *,
        name: str = "adopt",
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon, above=0)
        self.clip = bool(clip)

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights."""
        before = self.steps_taken(gradient.dtype) - 1
        first = ops.equal(before, 0)
        scaled = gradient / ops.maximum(ops.sqrt(state["square_mean"]), self.epsilon)
        if self.clip:
            bound = ops.power(before, 0.25)
            scaled = ops.clip(scaled, -bound, bound)
        mean = ops.where(first, 0.0, approach(state["mean"], scaled, self.beta_1))
        square = ops.square(gradient)
        square_mean = ops.where(first, square, approach(state["square_mean"], square, self.beta_2))
        state.update(mean=mean, square_mean=square_mean)
        return weights - rate * mean
