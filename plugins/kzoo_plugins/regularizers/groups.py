"""Regularizers that drive whole groups of weights to 0, such as a filter or all that an input feeds."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from kzoo.component import Regularizer, widen
from kzoo_plugins.regularizers.arguments import check_at_least_0, check_axis
from kzoo_plugins.regularizers.matrices import group_norms

__all__ = ["GroupLasso", "SparseGroupLasso", "group_lasso", "sparse_group_lasso"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class GroupLasso(Regularizer):
    """Sum of the lengths of groups of weights: drives whole groups to 0.

    Formula, for groups g of p_g weights each:

    ```
    penalty = factor * sum_g sqrt(p_g) * sqrt(sum_{i in g} w_i^2)
    ```

    The proximal step of it shrinks each group towards 0 by `factor * sqrt(p_g)`, and a shorter one to 0: that is how
    it selects. Gradient descent comes close to 0 and swings about it with the size of its steps, so groups that are to
    be removed are found by a threshold on their length. A group of zeros has the gradient 0.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.01.
        axis: The axis of the weights that counts the groups; all weights with the same place on it are one group.
            -1: the weights of one output (a filter, a neuron). -2: the weights of one input channel, at all positions
            of a kernel. Defaults to -1.

    Call arguments:
        weights: Weights of any shape that has this axis; kernels of Keras have the shape (..., inputs, outputs).

    Raises:
        ValueError: `factor` is below 0 or not finite; `axis` is no integer, or the weights have no such axis.

    Example:
        >>> float(GroupLasso(factor=1.0)(ops.convert_to_tensor([[3.0, 0.0], [4.0, 0.0], [0.0, 0.0], [0.0, 0.0]])))
        10.0

    References:
        - [Yuan, Lin, 2006](https://doi.org/10.1111/j.1467-9868.2005.00532.x), Model Selection and Estimation in
          Regression with Grouped Variables
        - [Wen et al., 2016](https://arxiv.org/abs/1608.03665), Learning Structured Sparsity in Deep Neural Networks
    """

    def __init__(self, factor: float = 0.01, axis: int = -1) -> None:
        check_at_least_0(factor=factor)
        check_axis(axis)
        self.factor = factor
        self.axis = axis

    def __call__(self, weights: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * group_lasso(weights, axis=self.axis)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SparseGroupLasso(Regularizer):
    """Group lasso and L1 together: drives whole groups to 0, and single weights in the groups that stay.

    Formula, for groups g of p_g weights each:

    ```
    penalty = factor * ((1 - alpha) * sum_g sqrt(p_g) * sqrt(sum_{i in g} w_i^2) + alpha * sum_i |w_i|)
    ```

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.01.
        alpha: The share of L1, from 0 (group lasso) to 1 (L1). Defaults to 0.95, as in the authors'
            own R package.
        axis: The axis of the weights that counts the groups, as in `GroupLasso`. Defaults to -1, the outputs.

    Call arguments:
        weights: Weights of any shape that has this axis.

    Raises:
        ValueError: `factor` is below 0 or not finite; `alpha` is not from 0 to 1; `axis` is no integer, or the weights
            have no such axis.

    Example:
        >>> float(SparseGroupLasso(factor=1.0, alpha=0.5)(ops.convert_to_tensor([[3.0], [4.0], [0.0], [0.0]])))
        8.5

    References:
        - [Simon et al., 2013](https://doi.org/10.1080/10618600.2012.681250), A Sparse-Group Lasso
        - [Scardapane et al., 2017](https://arxiv.org/abs/1607.00485), Group Sparse Regularization for Deep Neural
          Networks
    """

    def __init__(self, factor: float = 0.01, alpha: float = 0.95, axis: int = -1) -> None:
        check_at_least_0(factor=factor)
        check_axis(axis)
        _check_share(alpha)
        self.factor = factor
        self.alpha = alpha
        self.axis = axis

    def __call__(self, weights: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * sparse_group_lasso(weights, alpha=self.alpha, axis=self.axis)


def group_lasso(weights: Any, *, axis: int = -1) -> Any:
    """Return the sum of the groups' lengths, each times the root of its size; see `GroupLasso`.

    Example:
        >>> float(group_lasso([[3.0, 0.0], [4.0, 0.0]], axis=-2))
        9.899495124816895
    """
    norms, size = group_norms(weights, axis)
    return math.sqrt(size) * ops.sum(norms)


def sparse_group_lasso(weights: Any, *, alpha: float = 0.95, axis: int = -1) -> Any:
    """Return the mixture of group lasso and L1; see `SparseGroupLasso`.

    Example:
        >>> float(sparse_group_lasso([[3.0], [-4.0]], alpha=1.0))
        7.0
    """
    _check_share(alpha)
    return (1 - alpha) * group_lasso(weights, axis=axis) + alpha * ops.sum(ops.abs(widen(weights)))


def _check_share(alpha: float) -> None:
    if not 0 <= alpha <= 1:
        message = f"`alpha` must be from 0 (group lasso) to 1 (L1), not {alpha}."
        raise ValueError(message)
