"""The Hoyer-square regularizer: how many weights, or groups of them, are in use."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import Regularizer, widen
from kzoo_plugins.regularizers.arguments import check_at_least_0, check_axis
from kzoo_plugins.regularizers.matrices import group_norms

__all__ = ["HoyerSquare", "hoyer_square"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class HoyerSquare(Regularizer):
    """Squared L1 norm over the squared L2 norm: a smooth count of the weights that are not 0.

    Formula:

    ```
    penalty = factor * (sum_i |w_i|)^2 / sum_i w_i^2
    penalty = factor * (sum_g |w_g|)^2 / sum_g |w_g|^2      axis given, |w_g| being the length of group g
    ```

    Between `factor` (one weight left) and `factor` times the number of weights (all of one size). It does not change
    when all weights are multiplied by a number, so that it makes weights sparse without making them small: those below
    `sum w^2 / sum |w|` shrink, those above it grow. Weights that are all 0 have the penalty 0 and the gradient 0.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.01.
        axis: The axis of the weights that counts groups, as in `GroupLasso`: -1 for outputs, -2 for input channels.
            Defaults to None: every weight by itself.

    Call arguments:
        weights: Weights of any shape that has this axis.

    Raises:
        ValueError: `factor` is below 0 or not finite; `axis` is no integer, or the weights have no such axis.

    Example:
        >>> one, four = [[2.0, 0.0], [0.0, 0.0]], [[3.0, -3.0], [3.0, 3.0]]
        >>> penalty = HoyerSquare(factor=1.0)
        >>> float(penalty(ops.convert_to_tensor(one))), float(penalty(ops.convert_to_tensor(four)))
        (1.0, 4.0)

    References:
        - [Yang, Wen, Li, 2020](https://arxiv.org/abs/1908.09979), DeepHoyer: Learning Sparser Neural Network with
          Differentiable Scale-Invariant Sparsity Measures
        - [Hoyer, 2004](https://www.jmlr.org/papers/v5/hoyer04a.html), Non-negative Matrix Factorization with Sparseness
          Constraints
    """

    def __init__(self, factor: float = 0.01, axis: int | None = None) -> None:
        check_at_least_0(factor=factor)
        if axis is not None:
            check_axis(axis)
        self.factor = factor
        self.axis = axis

    def __call__(self, weights: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * hoyer_square(weights, axis=self.axis)


def hoyer_square(weights: Any, *, axis: int | None = None) -> Any:
    """Return the squared sum of the sizes over the sum of their squares; see `HoyerSquare`.

    Example:
        >>> float(hoyer_square([[3.0, 0.0], [4.0, 0.0]], axis=-1)), float(hoyer_square([[1.0, -1.0], [1.0, -1.0]]))
        (1.0, 4.0)
    """
    sizes = ops.abs(widen(weights)) if axis is None else group_norms(weights, axis)[0]
    # The value does not depend on the scale; sizes relative to the largest can neither overflow nor vanish.
    largest = ops.stop_gradient(ops.max(sizes))
    sizes = sizes / ops.where(largest > 0, largest, 1.0)
    squares = ops.sum(ops.square(sizes))
    return ops.square(ops.sum(sizes)) / ops.where(largest > 0, squares, 1.0)
