"""Regularizers of a matrix's singular values."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import Regularizer
from kzoo_plugins.regularizers.arguments import check_at_least_0
from kzoo_plugins.regularizers.matrices import as_matrix, small_gram, top_direction

__all__ = ["Nuclear", "Spectral", "nuclear", "spectral"]

_EPSILON = {"float32": 2**-23, "float64": 2**-52}


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Spectral(Regularizer):
    """Square of the largest singular value: keeps a layer from stretching any input much.

    Formula:

    ```
    penalty = factor * s_1^2,    s_1 = max |W x| over |x| = 1
    ```

    W is the kernel of shape (..., outputs) as the matrix (positions * inputs, outputs), as in the paper. The
    norm of a convolution itself is another one, at most the root of the number of positions larger. The paper's factor
    is twice this one.

    The value comes from power iteration with 8192 steps and no random start, which costs 13 products of k x k matrices,
    k being the smaller side. It is exact but for rounding when the square of the second singular value is 0.3 %
    smaller, and otherwise at most `1 - k^(-1/16384)` too small: 0.04 % for k = 512. Where several singular values are
    the largest, the gradient is that of one of them or a mixture.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.01.

    Call arguments:
        weights: Weights with at least one axis.

    Raises:
        ValueError: `factor` is below 0 or not finite; the weights are a single number.

    Example:
        >>> float(Spectral(factor=1.0)(ops.convert_to_tensor([[1.0, 0.0], [0.0, 3.0], [0.0, 0.0]])))
        9.0

    References:
        - [Yoshida, Miyato, 2017](https://arxiv.org/abs/1705.10941), Spectral Norm Regularization for Improving the
          Generalizability of Deep Learning
    """

    def __init__(self, factor: float = 0.01) -> None:
        check_at_least_0(factor=factor)
        self.factor = factor

    def __call__(self, weights: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * spectral(weights)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class Nuclear(Regularizer):
    """Sum of the singular values: drives a matrix to a low rank.

    Formula:

    ```
    penalty = factor * sum_i s_i
    ```

    W is the kernel of shape (..., outputs) as the matrix (positions * inputs, outputs), s_i its singular values. The
    proximal step of it lowers every singular value by `factor`, to 0 at least. Singular values that are 0 but for
    rounding, as `numpy.linalg.matrix_rank` sees it, have the gradient 0, as an absolute value has at 0. Each step costs
    a singular value decomposition.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.01.

    Call arguments:
        weights: Weights with at least one axis.

    Raises:
        ValueError: `factor` is below 0 or not finite; the weights are a single number.

    Example:
        >>> float(Nuclear(factor=1.0)(ops.convert_to_tensor([[2.0, 0.0], [0.0, -3.0]])))
        5.0

    References:
        - [Recht, Fazel, Parrilo, 2010](https://arxiv.org/abs/0706.4138), Guaranteed Minimum-Rank Solutions of Linear
          Matrix Equations via Nuclear Norm Minimization
        - [Cai, Candes, Shen, 2010](https://arxiv.org/abs/0810.3286), A Singular Value Thresholding Algorithm for Matrix
          Completion
    """

    def __init__(self, factor: float = 0.01) -> None:
        check_at_least_0(factor=factor)
        self.factor = factor

    def __call__(self, weights: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * nuclear(weights)


def spectral(weights: Any) -> Any:
    """Return the square of the largest singular value; see `Spectral`.

    Example:
        >>> round(float(spectral([[3.0, 0.0], [4.0, 0.0]])), 4)
        25.0
    """
    gram = small_gram(as_matrix(weights))
    direction = top_direction(gram)
    return ops.sum(direction * ops.matmul(gram, ops.expand_dims(direction, -1))[:, 0])


def nuclear(weights: Any) -> Any:
    """Return the sum of the singular values; see `Nuclear`.

    Example:
        >>> round(float(nuclear([[3.0, 3.0], [4.0, 4.0]])), 4)
        7.0711
    """
    matrix = as_matrix(weights)
    # The vectors are constants to the gradient. That is exact, and unlike the derivative of the vectors themselves it
    # is finite where singular values are equal.
    left, sizes, right = ops.svd(ops.stop_gradient(matrix), full_matrices=False)
    # What NumPy's matrix_rank takes for 0.
    tolerance = max(matrix.shape) * _EPSILON[keras.backend.standardize_dtype(matrix.dtype)]
    counts = ops.cast(sizes > tolerance * ops.max(sizes), matrix.dtype)
    polar = ops.stop_gradient(ops.matmul(left * counts, right))
    return ops.sum(polar * matrix)
