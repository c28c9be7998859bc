"""Proximal Adagrad: Adagrad whose L1 term makes weights exactly 0."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import MomentOptimizer

__all__ = ["ProximalAdagrad"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class ProximalAdagrad(MomentOptimizer):
    """Adagrad that takes the L1 and L2 terms of the loss in a step of their own, which sets small weights to 0.

    Formula: with the gradient g of the loss without these terms, and the learning rate c,

    ```
    a = a + g^2                                          begun at `initial_accumulator_value`
    e = c / sqrt(a)
    z = w - e * g
    w = sign(z) * max(|z| - e * l1, 0) / (1 + e * l2)
    ```

    This is the minimum of ``|w - z|^2 / 2 + e * (l1 * |w| + l2 * w^2 / 2)``. An L1 regularizer, in the gradient, takes
    weights near to 0 and seldom onto it.

    Of an embedding, whose gradient on TensorFlow names the rows that a batch looked up, only those move: the others
    keep their weights, which the L1 and L2 terms would shrink. A row that was looked up several times has one gradient,
    their sum. With `gradient_accumulation_steps` the gradient has all rows, and all of them move.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.001.
        initial_accumulator_value: What the sums of squares begin at, above 0. Defaults to 0.1.
        l1_regularization_strength: The factor l1 of the sum of absolute weights, at least 0. Defaults to 0.
        l2_regularization_strength: The factor l2 of half the sum of squared weights, at least 0. Defaults to 0.
        **base: Keras's own arguments, as in `BaseOptimizer`. Weight decay is decoupled: its share of the
            weights, times the rate, comes off before the step.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0, 0.25])
        >>> optimizer = ProximalAdagrad(1.0, initial_accumulator_value=1.0, l1_regularization_strength=0.5)
        >>> optimizer.apply([keras.ops.zeros(2)], [weight])
        >>> [round(float(w), 6) for w in weight.numpy()]
        [0.5, 0.0]

    References:
        - [Duchi, Singer, 2009](https://www.jmlr.org/papers/v10/duchi09a.html), Efficient Online and Batch Learning
          Using Forward Backward Splitting
        - [Duchi et al., 2011](https://www.jmlr.org/papers/v12/duchi11a.html), Adaptive Subgradient Methods for Online
          Learning and Stochastic Optimization
    """

    means = ("accumulator",)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, **base)
        self.initial_accumulator_value = number("initial_accumulator_value", initial_accumulator_value, above=0)
        self.l1_regularization_strength = number("l1_regularization_strength", l1_regularization_strength, at_least=0)
        self.l2_regularization_strength = number("l2_regularization_strength", l2_regularization_strength, at_least=0)

    def initializer(self, name: str) -> Any:
        """Return what the sums of squares begin at."""
        del name
        return keras.initializers.Constant(self.initial_accumulator_value)

    def moved(self, gradient: Any, variable: Any) -> Any:
        """Return which rows of an embedding were looked up, shape (N, 1, ...); None where the gradient has all."""
        indices = getattr(gradient, "indices", None)
        if indices is None or callable(indices):  # torch's tensors have a method of that name
            return None
        indices = ops.reshape(indices, (-1, 1))
        counts = ops.scatter(indices, ops.ones_like(indices[:, 0], dtype="float32"), (variable.shape[0],))
        return ops.reshape(counts > 0, (-1, *[1] * (len(variable.shape) - 1)))

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights."""
        state["accumulator"] = state["accumulator"] + ops.square(gradient)
        rates = rate / ops.sqrt(state["accumulator"])
        ahead = weights - rates * gradient
        kept = ops.sign(ahead) * ops.relu(ops.abs(ahead) - rates * self.l1_regularization_strength)
        return kept / (1 + rates * self.l2_regularization_strength)
