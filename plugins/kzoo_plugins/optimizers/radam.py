"""RAdam: Adam that rectifies the variance of its first steps."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.moments import MomentOptimizer, approach, debias, decay_rate

__all__ = ["RAdam", "rectification", "seen_length"]

_SHORTEST = 4.0  # below this length the variance of the root mean square is not finite
_SMALL = 0.5


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class RAdam(MomentOptimizer):
    """Adam that takes plain steps of momentum until it has seen enough gradients to divide by their root mean square.

    Formula: with the gradient g, the learning rate c and the step t, from 1,

    ```
    m = beta_1 * m + (1 - beta_1) * g
    v = beta_2 * v + (1 - beta_2) * g^2
    L = 2 / (1 - beta_2) - 1                                length of the running mean v in the end
    l = L - 2 * t * beta_2^t / (1 - beta_2^t)               its length at step t
    r = sqrt((l - 4) * (l - 2) * L / ((L - 4) * (L - 2) * l))
    w = w - c * r * m / (1 - beta_1^t) * sqrt(1 - beta_2^t) / (sqrt(v) + epsilon)    where l > threshold
    w = w - c * m / (1 - beta_1^t)                                                   before
    ```

    The paper's Algorithm 2 has a threshold of 4 and no epsilon. Its authors' code, `torch.optim.RAdam` and this one
    have 5, which makes one step more of momentum with the default `beta_2`: 5 in place of 4. The length l is computed
    in a form in which nothing cancels, so that float32 has it as exactly as float64.

    Args:
        learning_rate: The rate, or a schedule. Defaults to 0.001.
        beta_1: The decay of the mean of gradients, in [0, 1). Defaults to 0.9.
        beta_2: The decay of the mean of squared gradients, in [0, 1). Defaults to 0.999.
        epsilon: Added to the root, above 0. Defaults to 1e-8.
        threshold: The length above which the step is divided by the root mean square, at least 4. Defaults to 5.
        **base: Keras's own arguments, as in `BaseOptimizer`. Weight decay is decoupled: its share of the
            weights, times the rate, comes off before the step.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0, -1.0])
        >>> optimizer = RAdam(0.5)
        >>> optimizer.apply([keras.ops.array([0.5, 0.25])], [weight])  # a step of plain momentum, corrected
        >>> [round(float(w), 6) for w in weight.numpy()]
        [0.75, -1.125]

    References:
        - [Liu et al., 2019](https://arxiv.org/abs/1908.03265), On the Variance of the Adaptive Learning Rate and Beyond
    """

    means = ("momentum", "velocity")

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        threshold: float = 5.0,
        **base: Any,
    ) -> None:
        super().__init__(learning_rate, **base)
        self.beta_1 = decay_rate("beta_1", beta_1)
        self.beta_2 = decay_rate("beta_2", beta_2)
        self.epsilon = number("epsilon", epsilon, above=0)
        if not (math.isfinite(threshold) and threshold >= _SHORTEST):
            message = f"`threshold` must be a finite number of at least 4, not {threshold}."
            raise ValueError(message)
        self.threshold = float(threshold)

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights."""
        steps = self.steps_taken(gradient.dtype)
        state["momentum"] = approach(state["momentum"], gradient, self.beta_1)
        state["velocity"] = approach(state["velocity"], ops.square(gradient), self.beta_2)
        seen = ops.sqrt(debias(self.beta_2, steps)) / (ops.sqrt(state["velocity"]) + self.epsilon)
        factor = rectification(self.beta_2, steps, self.threshold)
        scale = ops.where(factor > 0, factor * seen, 1.0)
        return weights - rate * state["momentum"] / debias(self.beta_1, steps) * scale


def rectification(beta_2: float, steps: Any, threshold: float) -> Any:
    """Return the factor of an adaptive step, in (0, 1), or 0 while the running mean is no longer than ``threshold``.

    Args:
        beta_2: The decay of the mean of squared gradients.
        steps: The number of steps, this one among them; a floating tensor.
        threshold: The length above which the factor is more than 0, at least 4.

    Example:
        >>> [round(float(rectification(0.999, keras.ops.array(float(t)), 5)), 4) for t in (5, 6, 100, 10000)]
        [0.0, 0.0258, 0.2153, 0.9998]
    """
    longest = (1 + beta_2) / (1 - beta_2)
    if longest <= threshold:
        return ops.zeros_like(steps)
    length = seen_length(beta_2, steps)
    square = (length - 4) * (length - 2) / length * (longest / ((longest - 4) * (longest - 2)))
    return ops.where(length > threshold, ops.sqrt(ops.maximum(square, 0.0)), 0.0)


def seen_length(beta: float, steps: Any) -> Any:
    """Return the length of the simple mean that is like a running mean of decay ``beta``, above 0, after some steps.

    It is ``2 / (1 - beta) - 1 - 2 * t * beta^t / (1 - beta^t)``, in which the large numbers cancel. With
    ``beta = exp(-x)`` and ``langevin(z) = coth(z) - 1 / z`` it is ``langevin(x / 2) + t * (1 - langevin(x * t / 2))``.

    Example:
        >>> [round(float(seen_length(0.999, keras.ops.array(float(t)))), 4) for t in (1, 5, 10000)]
        [1.0, 4.996, 1998.0966]
    """
    half = -math.log(beta) / 2
    near_zero = _langevin_series(half)
    first = near_zero if half < _SMALL else 1 / math.tanh(half) - 1 / half
    at = half * steps
    far = 1 / at - 2 / ops.expm1(2 * at)
    return first + steps * ops.where(at < _SMALL, 1 - _langevin_series(ops.minimum(at, _SMALL)), far)


def _langevin_series(z: Any) -> Any:
    """Return ``coth(z) - 1 / z`` for z up to 0.5, where the next term is below 2e-9."""
    square = z * z
    return z * (1 / 3 - square * (1 / 45 - square * (2 / 945 - square * (1 / 4725 - square * 2 / 93555))))
