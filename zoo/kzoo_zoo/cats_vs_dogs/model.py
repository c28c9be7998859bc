"""Networks for photos in a few classes, with labels or shares. Raw uint8 pixels in, probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from kzoo_zoo.blocks import MirrorAverage, normalized_relu, pooled_convolution, residual

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MirrorAverage", "build_classic", "build_default", "probabilities"]


def build_classic(
    input_shape: Sequence[int], num_classes: int, regularizer: Any = None, *, task: str = ""
) -> keras.Model:
    """Return the tutorial's network: three convolutions with max-pooling and a hidden dense layer with dropout."""
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape, dtype="uint8")
    # About zero: between 0 and 1 the network stands still at chance for many epochs of changed photos.
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    for width in (32, 64, 64):
        x = layers.Conv2D(width, 3, activation="relu", **regularized)(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu", **regularized)(x)
    x = layers.Dropout(0.5)(x)
    return keras.Model(inputs, probabilities(x, num_classes, regularizer, task), name="cats_vs_dogs_classic")


def build_default(
    input_shape: Sequence[int],
    num_classes: int,
    regularizer: Any = None,
    *,
    widths: Sequence[int] = (16, 32, 64, 128),
    dropout: float = 0.2,
    task: str = "",
) -> keras.Model:
    """Return a small residual network, its first convolution with stride 2; outside training it looks twice.

    Every width after the first is a stage: a convolution, max-pooling, and from the second stage on a residual block
    of two convolutions, all batch-normalized; then the average over all places and one dense layer. What it says of a
    photo is the average over the photo and its mirror image.

    Args:
        input_shape: Height, width and channels of the images.
        num_classes: The number of classes.
        regularizer: For the kernels of all convolutions and dense layers, or None.
        widths: The channels of the first convolution and of each stage.
        dropout: The part of the averaged features that is dropped in training.
        task: As for `probabilities`.
    """
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape)
    x = inputs
    x = layers.Conv2D(widths[0], 5, strides=2, padding="same", use_bias=False, **regularized)(x)
    x = normalized_relu(x)
    for stage, width in enumerate(widths[1:]):
        x = pooled_convolution(x, width, regularized)
        if stage > 0:
            x = residual(x, width, regularized)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dropout(dropout)(x)
    network = keras.Model(inputs, probabilities(x, num_classes, regularizer, task), name="one_view")
    pixels = keras.Input(input_shape, dtype="uint8")
    outputs = MirrorAverage(network, dtype="float32", name="mirror_average")(
        layers.Rescaling(1 / 127.5, offset=-1)(pixels)
    )
    return keras.Model(pixels, outputs, name="cats_vs_dogs_default")


def probabilities(x: Any, num_classes: int, regularizer: Any = None, task: str = "") -> Any:
    """Return the last layer's output.

    Args:
        x: The features.
        num_classes: The number of classes or labels.
        regularizer: For its kernel, or None.
        task: For ``multilabel`` the probability of each label by itself, for ``distribution`` the share of every class.
            For any other task it follows from the number: the probability of the second of two, or of every class.
    """
    if task == "multilabel":
        units, activation = num_classes, "sigmoid"
    elif task == "distribution" or num_classes != 2:  # noqa: PLR2004 - yes and no
        units, activation = num_classes, "softmax"
    else:
        units, activation = 1, "sigmoid"
    return layers.Dense(units, activation=activation, dtype="float32", kernel_regularizer=regularizer)(x)
