"""The network: residual blocks at half the size of the picture, or at the size of the small one that is enlarged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

from kzoo_zoo.restoration.tiles import stride_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build", "of_any_size", "reach_of"]


def reach_of(scale: int, blocks: int) -> int:
    """Return how many pixels of the input away from a pixel its restored value is decided at most.

    A convolution of 3 x 3 reaches one pixel of the size that it works at, which is half the picture's where that keeps
    its size. There are two in each block, one after them, one at the beginning and what enlarges at the end.
    """
    return (2 * blocks + 4) * stride_of(scale)


def build(
    input_shape: Sequence[int | None], scale: int, regularizer: Any = None, *, width: int = 48, blocks: int = 4
) -> keras.Model:
    """Return a network that says what is to be added to a picture.

    A picture that keeps its size is halved by the first convolution, as FFDNet does it by rearranging pixels: all that
    follows has a quarter of the work, and reaches twice as far. One that is enlarged goes through at its own small
    size, as in ESPCN, and is enlarged by the last convolution alone. Between these are residual blocks without
    normalization, as in EDSR. What comes out is added to the picture, whose pixels are repeated where it is enlarged;
    the last convolution begins at zero, so that a new network changes nothing.

    Args:
        input_shape: Height, width and channels, 1 or 3 of these; even sides where the picture keeps its size, or None
            for any such.
        scale: How many times as long the sides become.
        regularizer: For the kernels, or None.
        width: The channels between.
        blocks: The residual blocks, of two convolutions each.

    Returns:
        A model of uint8 pictures, which gives float32 pictures between 0 and 1, and beyond where it errs.

    References:
        - [Zhang, Zuo, Zhang, 2018](https://arxiv.org/abs/1710.04026), FFDNet
        - [Shi et al., 2016](https://arxiv.org/abs/1609.05158), Real-time single image super-resolution (ESPCN)
        - [Lim et al., 2017](https://arxiv.org/abs/1707.02921), Enhanced deep residual networks (EDSR)
    """
    options: dict[str, Any] = {"padding": "same", "kernel_regularizer": regularizer}
    inputs = keras.Input(tuple(input_shape), dtype="uint8")
    picture = layers.Rescaling(1 / 255, dtype="float32")(inputs)  # bytes need more digits than bfloat16 has
    centred = layers.Rescaling(2.0, offset=-1.0, dtype="float32")(picture)
    if scale == 1:
        x = first = layers.Conv2D(width, 4, strides=2, **options)(centred)
    else:
        x = first = layers.Conv2D(width, 3, **options)(centred)
    for _ in range(blocks):
        y = layers.Conv2D(width, 3, activation="relu", kernel_initializer="he_normal", **options)(x)
        y = layers.Conv2D(width, 3, **options)(y)
        x = layers.Add()([x, y])
    x = layers.Conv2D(width, 3, activation="relu", **options)(x)
    x = layers.Add()([x, first])
    times = max(2, scale)
    # As many as a convolution of 3 x 3 for each of the pixels that one becomes, which is how ESPCN says it.
    x = layers.Conv2DTranspose(input_shape[-1], 3 * times, strides=times, kernel_initializer="zeros", **options)(x)
    if scale > 1:
        picture = layers.UpSampling2D(scale, dtype="float32")(picture)
    outputs = layers.Add(dtype="float32")([layers.Activation("linear", dtype="float32")(x), picture])
    return keras.Model(inputs, outputs, name="restoration")


def of_any_size(model: keras.Model) -> Any:
    """Return a function from uint8 pictures of any size to restored ones, with the weights of this network."""
    import tensorflow as tf

    inputs = keras.Input((None, None, model.input_shape[-1]), dtype=model.inputs[0].dtype)
    free = keras.models.clone_model(model, input_tensors=inputs)
    free.set_weights(model.get_weights())
    form = [tf.TensorSpec((None, None, None, model.input_shape[-1]), tf.uint8)]
    return tf.function(lambda x: free(x, training=False), form, autograph=False)
