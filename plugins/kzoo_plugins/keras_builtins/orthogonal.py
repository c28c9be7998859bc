"""Keras's orthogonal regularizer, made to take the kernels of convolutions too."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

__all__ = ["OrthogonalRegularizer"]


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class OrthogonalRegularizer(keras.regularizers.OrthogonalRegularizer):  # type: ignore[misc] # Keras has no types
    """Mean dot product of different rows (or columns) of a matrix, times a factor.

    Formula: rows (or columns) are scaled to length one; the penalty is `factor` times the mean of the absolute dot
    products of all pairs of different ones.

    Keras's own refuses everything but a matrix. Here a convolution's kernel of shape (height, width, in, out) counts as
    the matrix of shape (height * width * in, out), whose columns are the filters, as is usual for orthogonal
    convolutions. A single row or column, as in a layer with one output, has no penalty; Keras's own gives NaN there.

    Args:
        factor: Strength of the penalty. Defaults to 0.01.
        mode: Which vectors are to be orthogonal: "rows" or "columns". Defaults to "rows".

    Raises:
        ValueError: `mode` is neither.

    Example:
        >>> float(OrthogonalRegularizer(factor=1.0, mode="columns")(ops.reshape(ops.eye(4), (2, 2, 1, 4))))
        0.0

    References:
        - [Bansal, Chen, Wang, 2018](https://arxiv.org/abs/1810.09102), Can We Gain More from Orthogonality
          Regularizations in Training Deep CNNs?
    """

    def __call__(self, inputs: Any) -> Any:
        """Return the penalty of a kernel of two or more dimensions."""
        inputs = ops.convert_to_tensor(inputs)  # Keras's normalize fails on columns of a NumPy array
        if len(inputs.shape) > 2:  # noqa: PLR2004 - a matrix has two
            inputs = ops.reshape(inputs, (-1, inputs.shape[-1]))
        if inputs.shape[0 if self.mode == "rows" else 1] == 1:
            return ops.sum(inputs) * 0.0  # a single vector makes no pair, and Keras's mean over none is no number
        return super().__call__(inputs)
