"""Networks for MNIST and other small gray images, a handful of classes. Raw uint8 pixels in, probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from kzoo_zoo.blocks import normalized_relu, pooled_convolution
from kzoo_zoo.whitening import whitening

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_classic", "build_default", "build_general"]

_LEAST_MAP = 3  # a map of this side is not pooled


def build_classic(input_shape: Sequence[int], num_classes: int, regularizer: Any = None) -> keras.Model:
    """Return the tutorial's network: one convolution with max-pooling and a hidden dense layer."""
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(32, (4, 4), activation="relu", **regularized)(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu", **regularized)(x)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", **regularized)(x)
    return keras.Model(inputs, outputs, name="mnist_classic")


def build_default(
    input_shape: Sequence[int], num_classes: int, regularizer: Any = None, *, widths: Sequence[int] = (16, 32, 64)
) -> keras.Model:
    """Return three batch-normalized convolutions and one dense layer."""
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    # A stride in place of the first pooling: the full-size activations would cost more than all the rest.
    x = layers.Conv2D(widths[0], 5, strides=2, padding="same", use_bias=False, **regularized)(x)
    x = normalized_relu(x)
    for width in widths[1:]:
        x = pooled_convolution(x, width, regularized)
    x = layers.Flatten()(x)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", **regularized)(x)
    return keras.Model(inputs, outputs, name="mnist_default")


def build_general(
    input_shape: Sequence[int], num_classes: int, regularizer: Any = None, *, widths: Sequence[int] = (32, 64, 128)
) -> keras.Model:
    """Return a network for pictures of any kind, to be whitened before training.

    A frozen convolution whitens 4x4 patches of whatever the pictures are; stages of convolution, max-pooling, batch
    normalization and ReLU follow, then one dense layer. Pooling ends at 3x3, which still tell what is where.

    References:
        Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024, https://arxiv.org/abs/2404.00498
    """
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    x = whitening(input_shape[-1])(x)
    for width in widths:
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, **regularized)(x)
        if min(x.shape[1:3]) > _LEAST_MAP:
            x = layers.MaxPooling2D()(x)
        x = normalized_relu(x)
    x = layers.Flatten()(x)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", **regularized)(x)
    return keras.Model(inputs, outputs, name="mnist_general")
