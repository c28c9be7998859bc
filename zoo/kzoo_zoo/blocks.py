"""Parts of networks that several pipelines have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras import layers

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["normalized_relu", "pooled_convolution", "residual"]


def normalized_relu(x: Any) -> Any:
    """Return the batch-normalized ReLU."""
    # A short run: with the usual momentum of 0.99 the averages would lag behind the weights at its end.
    x = layers.BatchNormalization(momentum=0.9)(x)
    return layers.Activation("relu")(x)


def pooled_convolution(x: Any, width: int, regularized: Mapping[str, Any]) -> Any:
    """Return a 3x3 convolution of so many channels, pooled and normalized."""
    x = layers.Conv2D(width, 3, padding="same", use_bias=False, **regularized)(x)
    # Pooling before normalization: the same result up to the statistics, on a quarter of the pixels.
    return normalized_relu(layers.MaxPooling2D()(x))


def residual(x: Any, width: int, regularized: Mapping[str, Any]) -> Any:
    """Return what two convolutions add to ``x``, which has so many channels."""
    y = layers.Conv2D(width, 3, padding="same", use_bias=False, **regularized)(x)
    y = normalized_relu(y)
    y = layers.Conv2D(width, 3, padding="same", use_bias=False, **regularized)(y)
    # The branch begins at zero, so that the block begins as the identity.
    y = layers.BatchNormalization(momentum=0.9, gamma_initializer="zeros")(y)
    return layers.Activation("relu")(layers.Add()([x, y]))
