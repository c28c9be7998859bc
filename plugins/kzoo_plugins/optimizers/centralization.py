"""Gradient centralization: gradients without their mean."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component import dense_gradient
from kzoo_plugins.optimizers.wrapper import OptimizerWrapper

__all__ = ["GradientCentralization"]

_CONVOLUTION = 3
"""The least rank of a convolution's kernel."""


@keras.saving.register_keras_serializable(package="kzoo_plugins")
class GradientCentralization(OptimizerWrapper):
    """Takes the mean off each output's gradient before another optimizer steps.

    Formula: the gradient G of a kernel whose last axis is its outputs becomes

    ```
    G[..., j] - mean(G[..., j])
    ```

    for each output j. Biases and scales, whose gradients have one axis, are left alone. The mean of the weights of
    each output then stays what it was at the start. Clipping and weight decay of the inner optimizer come after it.

    Args:
        inner: The optimizer that takes the steps: an object, or the name of one of Keras's.
        conv_only: Whether kernels of two axes, those of dense layers, are left alone too. Defaults to False.
        name: The name of the optimizer.

    Raises:
        ValueError: ``inner`` cannot be wrapped.

    Example:
        >>> kernel = keras.Variable([[0.0], [0.0]])
        >>> optimizer = GradientCentralization(keras.optimizers.SGD(1.0))
        >>> optimizer.apply([keras.ops.array([[1.0], [3.0]])], [kernel])
        >>> keras.ops.convert_to_numpy(kernel).tolist()
        [[1.0], [-1.0]]

    References:
        - [Yong et al., 2020](https://arxiv.org/abs/2004.01461), Gradient Centralization
    """

    def __init__(
        self,
        inner: Any,
        conv_only: bool = False,  # noqa: FBT001, FBT002 - named as an argument in `conv_only=true`
        name: str = "gradient_centralization",
    ) -> None:
        super().__init__(inner, name=name)
        self.conv_only = bool(conv_only)

    def prepare(self, gradients: list[Any], variables: list[Any]) -> list[Any]:
        """Return the gradients without their means."""
        return [self._centralized(*pair) for pair in zip(gradients, variables, strict=True)]

    def _centralized(self, gradient: Any, variable: Any) -> Any:
        rank = len(variable.shape)
        if gradient is None or rank < (_CONVOLUTION if self.conv_only else 2):
            return gradient
        gradient = dense_gradient(gradient, variable)
        return gradient - ops.mean(gradient, axis=tuple(range(rank - 1)), keepdims=True)
