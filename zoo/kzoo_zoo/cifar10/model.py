"""Networks for CIFAR-10: small colour photos. Raw uint8 pixels in, probabilities out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from kzoo_zoo.blocks import Dirac, MirrorAverage, pooled_convolution
from kzoo_zoo.whitening import PATCH, whitening

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_classic", "build_default", "build_staged"]

_SHARPNESS = 0.2  # what the logits are of the last layer's outputs
_AS_GELU = 1.702  # SiLU of so many times a number is about so many times its GELU


def build_classic(input_shape: Sequence[int], num_classes: int, regularizer: Any = None) -> keras.Model:
    """Return the tutorial's network: two convolutions with max-pooling and a hidden dense layer."""
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    for _ in range(2):
        x = layers.Conv2D(32, (4, 4), activation="relu", **regularized)(x)
        x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(256, activation="relu", **regularized)(x)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", **regularized)(x)
    return keras.Model(inputs, outputs, name="cifar10_classic")


def build_default(
    input_shape: Sequence[int], num_classes: int, regularizer: Any = None, *, widths: Sequence[int] = (32, 64, 128)
) -> keras.Model:
    """Return the small whitened network, to be whitened before training.

    A frozen convolution whitens 4x4 patches; stages of convolution, max-pooling, batch normalization and ReLU follow,
    then one dense layer.

    References:
        Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024, https://arxiv.org/abs/2404.00498
    """
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape, dtype="uint8")
    x = layers.Rescaling(1 / 255)(inputs)
    x = whitening(input_shape[-1])(x)
    for width in widths:
        x = pooled_convolution(x, width, regularized)
    x = layers.Flatten()(x)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32", **regularized)(x)
    return keras.Model(inputs, outputs, name="cifar10_default")


def build_staged(
    input_shape: Sequence[int],
    num_classes: int,
    regularizer: Any = None,
    *,
    widths: Sequence[int] = (64, 128, 256),
    convolutions: int = 2,
    patch: int = PATCH,
    shift: int = 0,
) -> keras.Model:
    """Return a whitened network made for Muon, to be whitened before training; outside training it looks twice or more.

    As `build_default`, but with more convolutions in each stage, which begin by handing on what they are given, SiLU as
    sharp as GELU, the largest value of each last map where a stage has several, and logits that are a fifth of what
    the dense layer says. What it says of a photo is the average over the photo and its mirror image, and over both a
    little shifted where that is asked for.

    Args:
        input_shape: Height, width and channels of the images.
        num_classes: The number of classes.
        regularizer: For the kernels of all convolutions and of the dense layer, or None.
        widths: The channels of each stage.
        convolutions: How many each stage has; the first is pooled.
        patch: Side of the patches that are whitened, every ``patch / 2`` pixels: 2 keeps the size of the photo but for
            one row and column, 4 halves it, which takes a third of the processor's time and costs accuracy.
        shift: Outside training, half of what it says is of photos shifted by so many pixels, in three times the time.

    References:
        Jordan, 94% on CIFAR-10 in 3.29 Seconds on a Single GPU, 2024, https://arxiv.org/abs/2404.00498
        Hendrycks and Gimpel, Gaussian Error Linear Units, 2016, https://arxiv.org/abs/1606.08415, for x s(1.702 x)
    """
    regularized = {"kernel_regularizer": regularizer}
    inputs = keras.Input(input_shape)
    x = whitening(input_shape[-1], patch)(inputs)

    def convolved(x: Any, width: int) -> Any:
        begun = {"kernel_initializer": Dirac(), **regularized}  # one for each: it draws the same numbers every time
        return layers.Conv2D(width, 3, padding="same", use_bias=False, **begun)(x)

    for width in widths:
        x = _normalized(layers.MaxPooling2D()(convolved(x, width)))
        for _ in range(convolutions - 1):
            x = _normalized(convolved(x, width))
    # One convolution a stage sees little of the photo at once, so the last maps are kept as they lie.
    x = layers.Flatten()(x) if convolutions == 1 else layers.GlobalMaxPooling2D()(x)
    x = layers.Dense(num_classes, dtype="float32", **regularized)(x)
    x = layers.Rescaling(_SHARPNESS, dtype="float32")(x)
    network = keras.Model(inputs, layers.Softmax(dtype="float32")(x), name="one_view")
    pixels = keras.Input(input_shape, dtype="uint8")
    looks = MirrorAverage(network, shift, dtype="float32", name="mirror_average")
    outputs = looks(layers.Rescaling(1 / 255)(pixels))
    return keras.Model(pixels, outputs, name="cifar10_staged")


def _normalized(x: Any) -> Any:
    """Return the batch-normalized SiLU, which begins as sharp as GELU.

    GELU's error function and its gradient take a third of a step's time on a processor, and TensorFlow has no quick
    one of it; learned scales of the normalization cost nothing.
    """
    sharp = keras.initializers.Constant(_AS_GELU)
    x = layers.BatchNormalization(momentum=0.9, gamma_initializer=sharp)(x)
    return layers.Activation("silu")(x)
