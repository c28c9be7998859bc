"""Regularizers that drive a matrix towards orthonormal columns, or rows where those are fewer."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import Regularizer
from kzoo_plugins.regularizers.arguments import check_at_least_0
from kzoo_plugins.regularizers.matrices import as_matrix, group_norms, small_gram, top_direction

__all__ = ["SRIP", "SoftOrthogonal", "soft_orthogonal", "srip"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SoftOrthogonal(Regularizer):
    """Squared distance of a matrix's inner products from those of an orthonormal one.

    Formula:

    ```
    penalty = factor * ||W^T W - I||_F^2
    ```

    W is the kernel of shape (..., outputs) as the matrix (positions * inputs, outputs), one column for each output. A
    matrix with more columns than rows cannot have orthonormal columns: there the rows count, `W W^T - I`. That changes
    the value by the constant outputs - inputs and the gradient not at all, and lets the penalty reach 0.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.01.

    Call arguments:
        weights: Weights with at least one axis.

    Raises:
        ValueError: `factor` is below 0 or not finite; the weights are a single number.

    Example:
        >>> penalty = SoftOrthogonal(factor=1.0)
        >>> float(penalty(ops.eye(3))), float(penalty(2 * ops.eye(3)))
        (0.0, 27.0)

    References:
        - [Bansal, Chen, Wang, 2018](https://arxiv.org/abs/1810.09102), Can We Gain More from Orthogonality
          Regularizations in Training Deep CNNs?
    """

    def __init__(self, factor: float = 0.01) -> None:
        check_at_least_0(factor=factor)
        self.factor = factor

    def __call__(self, weights: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * soft_orthogonal(weights)


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class SRIP(Regularizer):
    """Spectral restricted isometry: how far any singular value of a matrix is from 1, at most.

    Formula:

    ```
    penalty = factor * sigma(W^T W - I) = factor * max_i |s_i^2 - 1|
    ```

    sigma is the spectral norm, s_i the singular values. W is the kernel of shape (..., outputs) as the matrix
    (positions * inputs, outputs). Where it has more columns than rows, `W W^T - I` takes the place of `W^T W - I`,
    whose norm could not fall below 1.

    The norm comes from power iteration with 8192 steps and no random start, which costs 13 products of k x k matrices,
    k being the smaller side. It is exact but for rounding when the largest `|s_i^2 - 1|` stands out by 0.3 %, and
    otherwise at most `1 - k^(-1/16384)` too small: 0.04 % for k = 512. At the limit, where many are equal, the gradient
    is that of one of them, so that gradient descent swings about it with the size of its steps.

    Args:
        factor: Strength of the penalty, at least 0. Defaults to 0.01.

    Call arguments:
        weights: Weights with at least one axis.

    Raises:
        ValueError: `factor` is below 0 or not finite; the weights are a single number.

    Example:
        >>> float(SRIP(factor=1.0)(ops.convert_to_tensor([[1.0, 0.0], [0.0, 2.0]])))
        3.0

    References:
        - [Bansal, Chen, Wang, 2018](https://arxiv.org/abs/1810.09102), Can We Gain More from Orthogonality
          Regularizations in Training Deep CNNs?
    """

    def __init__(self, factor: float = 0.01) -> None:
        check_at_least_0(factor=factor)
        self.factor = factor

    def __call__(self, weights: Any) -> Any:
        """Return the penalty, one number."""
        return self.factor * srip(weights)


def soft_orthogonal(weights: Any) -> Any:
    """Return the squared Frobenius norm of the inner products less the identity; see `SoftOrthogonal`.

    Example:
        >>> float(soft_orthogonal([[1.0, 1.0], [0.0, 0.0]]))
        2.0
    """
    return ops.sum(ops.square(_departure(weights)))


def srip(weights: Any) -> Any:
    """Return the spectral norm of the inner products less the identity; see `SRIP`.

    Example:
        >>> round(float(srip([[1.0, 1.0], [0.0, 0.0]])), 5)
        1.0
    """
    departure = _departure(weights)
    # Eigenvalues of both signs may be equally far from 0, so it is the length of the image that is the norm.
    image = ops.matmul(departure, ops.expand_dims(top_direction(departure), -1))
    return ops.sum(group_norms(image, axis=-1)[0])


def _departure(weights: Any) -> Any:
    gram = small_gram(as_matrix(weights))
    return gram - ops.eye(gram.shape[0], dtype=gram.dtype)
