"""U-Nets: pictures made smaller step by step, and larger again, with what was seen at each size handed across."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_classic", "build_default", "of_any_size"]

_MOMENTUM = 0.9  # a short run: with the usual 0.99 the averages would lag behind the weights at its end
_RESIDUAL = (0, 1, 2, 3)  # blocks at each size of the default network


def build_default(
    input_shape: Sequence[int | None],
    outputs: int,
    regularizer: Any = None,
    *,
    widths: Sequence[int] | None = None,
    blocks: Sequence[int] | None = None,
    dropout: float = 0.1,
) -> keras.Model:
    """Return a narrow residual U-Net, small enough to train on two cores.

    The first convolution halves the picture at once, and the last step enlarges the class scores, not features: at full
    size there is one convolution of few channels and no more. At each of the other sizes but the largest are residual
    blocks. At the smallest, each channel is weighed by what the whole picture has of all (Hu et al. 2018). On the way
    back features are enlarged by repeating them, which costs a processor a tenth of what mixing them does, and added to
    those of their size; a convolution then smoothes both.

    Args:
        input_shape: Height, width and channels, 1 or 3 of these; the sides are multiples of 16, or None for any such.
        outputs: The number of classes, or 1 for one mask.
        regularizer: For the kernels, or None.
        widths: Channels at 1/2, 1/4, 1/8 and 1/16 of the sides; by default 16, 32, 96, 160.
        blocks: Residual blocks at each of these sizes; by default 0, 1, 2, 3.
        dropout: The part of the channels at the smallest size that is dropped in training.

    Returns:
        A model of uint8 pictures, which gives float32 probabilities for each of their pixels.
    """
    widths = tuple(widths or (16, 32, 96, 160))
    net = _Layers(regularizer)
    inputs = keras.Input(tuple(input_shape), dtype="uint8")
    x = net.convolved(layers.Rescaling(1 / 127.5, offset=-1)(inputs), widths[0], strides=2)
    seen = []
    for size, (width, count) in enumerate(zip(widths, blocks or _RESIDUAL, strict=True)):
        if size:
            seen.append(x)
            x = net.convolved(x, width, strides=2)
        for _ in range(count):
            x = net.residual(x, width)
    x = layers.SpatialDropout2D(dropout)(net.weighed(x, widths[-1]))
    for width, before in zip(widths[-2::-1], seen[::-1], strict=True):
        x = layers.UpSampling2D()(net.normalized(x, width, kernel=1))
        x = net.convolved(layers.Activation("relu")(layers.Add()([x, before])), width)
    x = layers.Conv2D(outputs, 1, kernel_regularizer=regularizer)(x)
    x = layers.UpSampling2D(interpolation="bilinear", dtype="float32")(x)  # in half precision three times as slow
    return keras.Model(inputs, _probabilities(x, outputs), name="segmentation_default")


def build_classic(
    input_shape: Sequence[int | None],
    outputs: int,
    regularizer: Any = None,
    *,
    widths: Sequence[int] | None = None,
    dropout: float = 0.5,
) -> keras.Model:
    """Return the U-Net of Ronneberger, Fischer and Brox (2015): two convolutions at each of five sizes, both ways.

    Theirs cuts its borders off at every convolution, and so its outputs are smaller than its inputs; here borders are
    filled with zeros, as in most that followed. Dropout is at the end of the contracting path, as theirs.

    Args:
        input_shape: Height, width and channels, 1 or 3 of these; the sides are multiples of 16, or None for any such.
        outputs: The number of classes, or 1 for one mask.
        regularizer: For the kernels, or None.
        widths: Channels at the five sizes; by default 64, 128, 256, 512, 1024, as in the paper.
        dropout: The part of the features at the smallest size that is dropped in training.

    Returns:
        A model of uint8 pictures, which gives float32 probabilities for each of their pixels.
    """
    widths = tuple(widths or (64, 128, 256, 512, 1024))
    options = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    options["kernel_regularizer"] = regularizer
    inputs = keras.Input(tuple(input_shape), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    seen = []
    for size, width in enumerate(widths):
        if size:
            seen.append(x)
            x = layers.MaxPooling2D()(x)
        for _ in range(2):
            x = layers.Conv2D(width, 3, **options)(x)
    x = layers.Dropout(dropout)(x)
    for width, before in zip(widths[-2::-1], seen[::-1], strict=True):
        x = layers.UpSampling2D()(x)
        x = layers.Conv2D(width, 2, **options)(x)  # the paper's "up-convolution"
        x = layers.Concatenate()([before, x])
        for _ in range(2):
            x = layers.Conv2D(width, 3, **options)(x)
    x = layers.Conv2D(outputs, 1, kernel_regularizer=regularizer)(x)
    return keras.Model(inputs, _probabilities(x, outputs), name="segmentation_classic")


def of_any_size(model: keras.Model) -> keras.Model:
    """Return a network with the weights of this one for pictures of any size, with sides that are multiples of 16."""
    inputs = keras.Input((None, None, model.input_shape[-1]), dtype=model.inputs[0].dtype)
    free = keras.models.clone_model(model, input_tensors=inputs)
    free.set_weights(model.get_weights())
    return free


def _probabilities(x: Any, outputs: int) -> Any:
    return layers.Activation("sigmoid" if outputs == 1 else "softmax", dtype="float32")(x)


class _Layers:
    """The layers of the default network, all with one regularizer."""

    def __init__(self, regularizer: Any) -> None:
        self.regularizer = regularizer

    def convolved(self, x: Any, width: int, *, strides: int = 1) -> Any:
        """Return a convolution with batch normalization and ReLU."""
        return layers.Activation("relu")(self.normalized(x, width, strides=strides))

    def residual(self, x: Any, width: int) -> Any:
        """Return two convolutions beside the way around them; the block begins as the identity."""
        y = self.normalized(self.convolved(x, width), width, gamma="zeros")
        return layers.Activation("relu")(layers.Add()([x, y]))

    def weighed(self, x: Any, width: int) -> Any:
        """Return the channels, each times a number from 0 to 1 that depends on the means of all over the picture."""
        y = layers.GlobalAveragePooling2D(keepdims=True)(x)
        for activation in ("relu", "sigmoid"):
            y = layers.Conv2D(width, 1, activation=activation, kernel_regularizer=self.regularizer)(y)
        return layers.Multiply()([x, y])

    def normalized(self, x: Any, width: int, *, kernel: int = 3, strides: int = 1, gamma: str = "ones") -> Any:
        """Return a convolution with batch normalization."""
        x = layers.Conv2D(
            width, kernel, strides=strides, padding="same", use_bias=False, kernel_regularizer=self.regularizer
        )(x)
        return layers.BatchNormalization(momentum=_MOMENTUM, gamma_initializer=gamma)(x)
