"""Networks for counting fingers. Raw uint8 pixels in, probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from kzoo_zoo.blocks import normalized_relu

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_classic", "build_default"]


def build_classic(input_shape: Sequence[int], num_classes: int, regularizer: Any = None) -> keras.Model:
    """Return three plain convolutions with max-pooling and a hidden dense layer, as tutorials have it."""
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    for width in (16, 32, 64):
        x = layers.Conv2D(width, 3, activation="relu", **regularized)(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(64, activation="relu", **regularized)(x)
    x = layers.Dropout(0.5)(x)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", **regularized)(x)
    return keras.Model(inputs, outputs, name="fingers_classic")


def build_default(
    input_shape: Sequence[int],
    num_classes: int,
    regularizer: Any = None,
    *,
    widths: Sequence[int] = (16, 32, 64, 96, 128),
    dropout: float = 0.2,
) -> keras.Model:
    """Return batch-normalized convolutions, two on the last two grids, and one dense layer.

    Args:
        input_shape: Height, width and channels of the pictures.
        num_classes: The number of classes.
        regularizer: For the kernels of all convolutions and the dense layer, or None.
        widths: The channels of the first convolution and of each stage.
        dropout: The part of the features before the dense layer that is dropped in training.
    """
    regularized = {"kernel_regularizer": regularizer, "use_bias": False, "padding": "same"}
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1.0)(inputs)
    # A stride in place of the first pooling: the full-size activations would cost more than all the rest.
    x = normalized_relu(layers.Conv2D(widths[0], 5, strides=2, **regularized)(x))
    for place, width in enumerate(widths[1:]):
        x = layers.Conv2D(width, 3, **regularized)(x)
        x = normalized_relu(layers.MaxPooling2D()(x))
        if place >= len(widths) - 3:
            x = normalized_relu(layers.Conv2D(width, 3, **regularized)(x))
    # Which parts there are, and how they lie: fingers are side by side, so the grid is kept.
    x = layers.Flatten()(x)
    x = layers.Dropout(dropout)(x)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", kernel_regularizer=regularizer)(x)
    return keras.Model(inputs, outputs, name="fingers_default")
