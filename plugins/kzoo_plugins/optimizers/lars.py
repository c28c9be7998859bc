"""LARS: steps of momentum as long, for each layer, as a small share of its weights."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.layerwise import LayerwiseOptimizer, norm
from kzoo_plugins.optimizers.moments import decay_rate

__all__ = ["LARS"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class LARS(LayerwiseOptimizer):
    """Stochastic gradient descent with momentum whose rate follows the size of each variable's weights and gradient.

    Formula: with the gradient g of one variable, its weights w, the learning rate c and the weight decay d,

    ```
    a = trust_coefficient * |w| / (|g| + d * |w|)       |.| is the root of the sum of squares
    m = momentum * m + c * a * (g + d * w)
    w = w - m                                           with `nesterov`: w - momentum * m - c * a * (g + d * w)
    ```

    a is 1 where |w| or the divisor is 0: the paper's formula would never move a bias that starts at 0. This is the
    paper's Algorithm 1. Some libraries multiply by the rate after the momentum, which is the same while the rate stays
    as it is, and optax divides by |g + d * w|, which is not.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.1. Rates of 1 and more, after a warm-up, are usual.
        momentum: The decay of the momentum, in [0, 1). Defaults to 0.9.
        trust_coefficient: The share of the weights that a step at a rate of 1 changes, above 0. Defaults to 0.001.
        weight_decay: The share d of the weights that is added to the gradient, at least 0, or None.
        nesterov: Whether to step from where the momentum leads. Defaults to False.
        skip_vectors: Whether variables of fewer than two dimensions (biases, batch normalization) are trained with
            a = 1 and d = 0, as later work does. Defaults to False, as in the paper.
        **base: Keras's own arguments, as in `BaseOptimizer`.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([3.0, 4.0])
        >>> optimizer = LARS(1.0, trust_coefficient=0.1)
        >>> optimizer.apply([keras.ops.array([0.0, 2.0])], [weight])  # a tenth of |w| = 5, along the gradient
        >>> [round(float(w), 6) for w in weight.numpy()]
        [3.0, 3.5]

    References:
        - [You et al., 2017](https://arxiv.org/abs/1708.03888), Large Batch Training of Convolutional Networks
    """

    means = ("momentum",)

    def __init__(
        self,
        learning_rate: Any = 0.1,
        momentum: float = 0.9,
        trust_coefficient: float = 0.001,
        weight_decay: float | None = None,
        *,
        nesterov: bool = False,
        skip_vectors: bool = False,
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay=weight_decay, **base)
        self.momentum = decay_rate("momentum", momentum)
        self.trust_coefficient = number("trust_coefficient", trust_coefficient, above=0)
        self.nesterov = bool(nesterov)
        self.skip_vectors = bool(skip_vectors)

    def decayed_step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any], decay: float) -> Any:
        """Return the new weights."""
        if not (self.skip_vectors and len(weights.shape) < 2):  # noqa: PLR2004 - a matrix has two
            rate = rate * self._share(norm(weights), norm(gradient), decay)
            gradient = gradient + decay * weights
        move = rate * gradient
        state["momentum"] = self.momentum * state["momentum"] + move
        return weights - (self.momentum * state["momentum"] + move if self.nesterov else state["momentum"])

    def _share(self, weights: Any, gradient: Any, decay: float) -> Any:
        """Return the factor of the rate, from the norms of weights and gradient."""
        divisor = gradient + decay * weights
        known = ops.logical_and(weights > 0, divisor > 0)
        return ops.where(known, self.trust_coefficient * weights / ops.where(known, divisor, 1.0), 1.0)
