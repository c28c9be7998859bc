"""Conditional gradient, or Frank-Wolfe: weights that stay in a ball without a projection."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo_plugins.arguments import number
from kzoo_plugins.optimizers.layerwise import norm
from kzoo_plugins.optimizers.moments import MomentOptimizer

__all__ = ["ConditionalGradient"]

_BALLS = ("frobenius", "nuclear")


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class ConditionalGradient(MomentOptimizer):
    """Goes, for each variable, a part of the way to the point of a ball that the gradient points to.

    Formula: with the gradient g of one variable and the learning rate c, in [0, 1],

    ```
    s = -radius * g / |g|            ball of the Frobenius norm: the root of the sum of squares
    s = -radius * u v^T              ball of the nuclear norm: u and v are g's first singular vectors
    w = w + c * (s - w)
    ```

    s is the point of the ball with the least sum(g * s). Weights that begin in the ball never leave it, and from
    outside they come closer at every step. Where g is 0, every point is as good and the weights stay. The nuclear
    norm makes matrices of low rank; a kernel of more dimensions is taken for a matrix with its outputs as columns, and
    a vector's nuclear norm is its Frobenius norm.

    Args:
        radius: The radius of the ball, above 0: each variable's weights are held to this norm.
        norm: Which norm, ``"frobenius"`` or ``"nuclear"``. Defaults to ``"frobenius"``.
        learning_rate: The part c of the way, or a schedule. Defaults to 0.01. TensorFlow Addons had 1 - c here. The
            method's own schedule is 2 / (step + 2).
        **base: Keras's own arguments, as in `BaseOptimizer`. Weight decay is decoupled: its share of the
            weights, times the rate, comes off before the step.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> weight = keras.Variable([1.0, 0.0])
        >>> optimizer = ConditionalGradient(radius=10.0, learning_rate=0.5)
        >>> optimizer.apply([keras.ops.array([0.0, -3.0])], [weight])  # half of the way to (0, 10)
        >>> [round(float(w), 6) for w in weight.numpy()]
        [0.5, 5.0]

    References:
        - [Jaggi, 2013](https://proceedings.mlr.press/v28/jaggi13.html), Revisiting Frank-Wolfe: Projection-Free Sparse
          Convex Optimization
        - [Ravi et al., 2018](https://arxiv.org/abs/1803.06453), Constrained Deep Learning using Conditional Gradient
          and Applications in Computer Vision
    """

    def __init__(self, radius: float, norm: str = "frobenius", learning_rate: Any = 0.01, **base: Any) -> None:
        super().__init__(learning_rate, **base)
        if norm not in _BALLS:
            message = f"`norm` must be one of {', '.join(_BALLS)}, not {norm!r}."
            raise ValueError(message)
        self.radius = number("radius", radius, above=0)
        self.norm = norm

    def step(self, gradient: Any, weights: Any, rate: Any, state: dict[str, Any]) -> Any:
        """Return the new weights."""
        del state
        is_matrix = len(gradient.shape) > 1
        direction = _first_component(gradient) if is_matrix and self.norm == "nuclear" else _unit(gradient)
        point = ops.where(ops.any(ops.not_equal(gradient, 0)), -self.radius * direction, weights)
        return weights + rate * (point - weights)


def _unit(gradient: Any) -> Any:
    """Return the gradient at a norm of 1, or 0 where it is 0."""
    size = norm(gradient)
    return gradient / ops.where(size > 0, size, 1.0)


def _first_component(gradient: Any) -> Any:
    """Return the product of the first singular vectors, in the gradient's shape."""
    matrix = _unit(ops.reshape(gradient, (-1, gradient.shape[-1])))
    left, _, right = ops.svd(matrix, full_matrices=False)
    return ops.reshape(left[:, :1] * right[:1, :], gradient.shape)
