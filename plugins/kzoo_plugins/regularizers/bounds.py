"""Regularizers that hold weights within bounds: the length of each group, or the size of each weight."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo.component import Regularizer, widen
from kzoo_plugins.regularizers.arguments import check_at_least_0, check_axis, check_positive
from kzoo_plugins.regularizers.matrices import group_norms

__all__ = ["LogBarrier", "MaxNormPenalty", "log_barrier", "max_norm_penalty"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class MaxNormPenalty(Regularizer):
    """Squared excess of each group's length over a limit: the max-norm constraint as a penalty.

    Formula, for groups g of weights:

    ```
    penalty = factor * sum_g max(0, |w_g| - max_norm)^2
    ```

    Nothing happens to groups within the limit. `keras.constraints.MaxNorm` cuts the longer ones off after each step,
    this draws them back; the larger the factor, the less they stay outside.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.01.
        max_norm: The limit of each group's length, at least 0. Defaults to 2.0, as in `keras.constraints.MaxNorm`.
        axis: The axis of the weights that counts the groups: -1 for the weights of one output (a filter, a neuron),
            -2 for those of one input channel. Defaults to -1.

    Call arguments:
        weights: Weights of any shape that has this axis.

    Raises:
        ValueError: `factor` or `max_norm` is below 0 or not finite; `axis` is no integer, or the weights have no such
            axis.

    Example:
        >>> float(MaxNormPenalty(factor=1.0, max_norm=2.0)(ops.convert_to_tensor([[3.0, 1.0], [4.0, 1.0]])))
        9.0

    References:
        - [Srivastava et al., 2014](https://jmlr.org/papers/v15/srivastava14a.html), Dropout: A Simple Way to Prevent
          Neural Networks from Overfitting (the constraint)
    """

    def __init__(self, factor: float = 0.01, max_norm: float = 2.0, axis: int = -1) -> None:
        check_at_least_0(factor=factor, max_norm=max_norm)
        check_axis(axis)
        self.factor = factor
        self.max_norm = max_norm
        self.axis = axis

    def __call__(self, weights: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * max_norm_penalty(weights, max_norm=self.max_norm, axis=self.axis)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class LogBarrier(Regularizer):
    """Logarithmic barrier at a bound on the size of every weight, extended beyond it by its tangent.

    Formula, with x_i = w_i / bound:

    ```
    penalty = factor * sum_i (psi(x_i - 1) + psi(-x_i - 1))
    psi(z) = -log(-z) / t                          z <= -1 / t^2
    psi(z) = t * z - log(1 / t^2) / t + 1 / t      z > -1 / t^2
    ```

    The constraints are -bound <= w_i <= bound. Well within them this is close to L2 with the factor
    `factor / (t * bound^2)`; near the bound it grows steeply, and beyond it goes on as a straight line of slope
    `factor * t / bound`, so that weights that start outside, where the logarithm has no value, are drawn back in. 0
    where all weights are 0. With factor 1 and a minimum within the bounds, a convex loss of N weights ends at most
    2 N / t above its least value there: the larger t, the nearer the solution to the bound.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.01.
        bound: The largest size that a weight should have, above 0. Defaults to 1.0.
        t: How steep the barrier is, at least 1. Defaults to 5.0, the paper's first value.

    Call arguments:
        weights: Weights of any shape.

    Raises:
        ValueError: `factor` is below 0, `bound` is not above 0 or `t` is below 1, or one of them is not finite.

    Example:
        >>> penalty = LogBarrier(factor=1.0, bound=1.0, t=2.0)
        >>> [round(float(penalty(ops.convert_to_tensor([w]))), 4) for w in (0.0, 0.5, 1.0, 2.0)]
        [0.0, 0.1438, 0.8466, 2.6438]

    References:
        - [Kervadec et al., 2019](https://arxiv.org/abs/1904.04205), Constrained Deep Networks: Lagrangian Optimization
          via Log-Barrier Extensions
        - [Boyd, Vandenberghe, 2004](https://web.stanford.edu/~boyd/cvxbook/), Convex Optimization, section 11.2
    """

    def __init__(self, factor: float = 0.01, bound: float = 1.0, t: float = 5.0) -> None:
        check_at_least_0(factor=factor)
        check_positive(bound=bound)
        _check_steepness(t)
        self.factor = factor
        self.bound = bound
        self.t = t

    def __call__(self, weights: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * log_barrier(weights, bound=self.bound, t=self.t)


def max_norm_penalty(weights: Any, *, max_norm: float = 2.0, axis: int = -1) -> Any:
    """Return the sum of the squared excess of the groups' lengths; see `MaxNormPenalty`.

    Example:
        >>> float(max_norm_penalty([[3.0, 1.0], [4.0, 1.0]], max_norm=4.0))
        1.0
    """
    norms, _ = group_norms(weights, axis)
    return ops.sum(ops.square(ops.relu(norms - max_norm)))


def log_barrier(weights: Any, *, bound: float = 1.0, t: float = 5.0) -> Any:
    """Return the barrier summed over all weights; see `LogBarrier`.

    Example:
        >>> round(float(log_barrier([0.5, -0.5], bound=1.0, t=2.0)), 4)
        0.2877
    """
    _check_steepness(t)
    size = ops.abs(widen(weights)) / bound
    inside = size <= 1 - 1 / t**2
    # Both constraints in one logarithm: the sum of two would lose the digits of small weights. The inner `where` keeps
    # a logarithm of 0 or less out of the gradient.
    curve = -ops.log1p(-ops.square(ops.where(inside, size, 0.0))) / t
    tangent = t * (size - (1 - 1 / t**2)) + 2 * math.log(t) / t
    return ops.sum(ops.where(inside, curve, tangent - ops.log1p(size) / t))


def _check_steepness(t: float) -> None:
    if not (math.isfinite(t) and t >= 1):
        message = f"`t` must be a finite number of at least 1, not {t}: below 1 the tangent would begin outside 0."
        raise ValueError(message)
