"""The networks: columns of features from a line of text, and a logit for each symbol at each step along it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["build_classic", "build_default"]

_EPSILON, _MOMENTUM = 1e-3, 0.9


def build_default(
    input_shape: Sequence[int], outputs: int, regularizer: Any = None, *, stride: int = 4, width: int = 32,
    dropout: float = 0.1,
) -> keras.Model:  # fmt: skip
    """Return a network of convolutions alone.

    Four of them halve the height, the first one or two of which halve the width as well. What is left of the height
    becomes one row, and two convolutions along it, each added to what it is of, let a step see its neighbours in the
    place of the recurrent layers of the CRNN: on a processor they take a fraction of the time.

    Args:
        input_shape: Height, width and channels; the height a multiple of 16 and the width one of ``stride``.
        outputs: The symbols and the blank.
        regularizer: For the kernels, or None.
        stride: Columns of pixels in a step, 2 or 4.
        width: The channels of the first convolution; the later ones have up to four times as many.
        dropout: The part of the features that is left out in training.

    Returns:
        A model of uint8 pictures, which gives float32 logits of shape (N, W / stride, outputs); 0 is the blank.
    """
    options: dict[str, Any] = {"padding": "same", "kernel_regularizer": regularizer, "use_bias": False}

    def convolved(x: Any, channels: int, kernel: Any, strides: Any = 1) -> Any:
        x = layers.Conv2D(channels, kernel, strides=strides, kernel_initializer="he_normal", **options)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON)(x))

    inputs = keras.Input(tuple(input_shape), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32")(inputs)
    x = convolved(x, width, 5, 2)
    x = convolved(x, 2 * width, 3, (2, stride // 2))
    x = convolved(x, 3 * width, 3, (2, 1))
    x = convolved(x, 4 * width, 3, (2, 1))
    rows = input_shape[0] // 16
    x = layers.Conv2D(4 * width, (rows, 1), use_bias=False, kernel_regularizer=regularizer)(x)
    x = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON)(x))
    for _ in range(2):
        x = layers.Add()([x, convolved(x, 4 * width, (1, 5))])
    x = layers.Dropout(dropout)(x)
    return _ended(inputs, x, outputs, regularizer, "transcription_default")


def build_classic(
    input_shape: Sequence[int], outputs: int, regularizer: Any = None, *, width: int = 64, dropout: float = 0.0
) -> keras.Model:
    """Return the CRNN: seven convolutions, and two layers of LSTM in both directions over its columns.

    The last convolution looks at two columns at once, as that of the paper does, so that there is one step less than
    the width over 4. Between the LSTMs is a dense layer that halves what both directions say: with it the network has
    the 8.3 million weights that the paper counts.

    Args:
        input_shape: Height, width and channels; the height a multiple of 16.
        outputs: The symbols and the blank.
        regularizer: For the kernels, or None.
        width: The channels of the first convolution, 64 in the paper; the last ones and the state of the LSTM have
            eight and four times as many.
        dropout: The part of the features that is left out in training.

    Returns:
        A model of uint8 pictures, which gives float32 logits of shape (N, W / 4 - 1, outputs); 0 is the blank.

    References:
        - [Shi, Bai, Yao, 2017](https://arxiv.org/abs/1507.05717), An end-to-end trainable neural network for
          image-based sequence recognition (CRNN)
    """
    options: dict[str, Any] = {"padding": "same", "activation": "relu", "kernel_regularizer": regularizer}
    inputs = keras.Input(tuple(input_shape), dtype="uint8")
    x = layers.Rescaling(1 / 127.5, offset=-1.0, dtype="float32")(inputs)
    x = layers.MaxPooling2D(2)(layers.Conv2D(width, 3, **options)(x))
    x = layers.MaxPooling2D(2)(layers.Conv2D(2 * width, 3, **options)(x))
    x = layers.Conv2D(4 * width, 3, **options)(x)
    x = layers.MaxPooling2D((2, 1))(layers.Conv2D(4 * width, 3, **options)(x))
    for last in (False, True):
        options["activation"] = None
        x = layers.Conv2D(8 * width, 3, use_bias=False, **options)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON)(x))
        x = layers.MaxPooling2D((2, 1))(x) if last else x
    rows = input_shape[0] // 16
    x = layers.Conv2D(8 * width, (rows, 2), activation="relu", kernel_regularizer=regularizer)(x)
    x = layers.Reshape((x.shape[2], x.shape[3]))(x)
    for last in (False, True):
        lstm = layers.LSTM(4 * width, return_sequences=True, kernel_regularizer=regularizer)
        x = layers.Bidirectional(lstm)(x)
        x = x if last else layers.Dense(4 * width, kernel_regularizer=regularizer)(x)
    x = layers.Dropout(dropout)(x)
    logits = layers.Dense(outputs, kernel_regularizer=regularizer, dtype="float32", name="logits")(x)
    return keras.Model(inputs, logits, name="transcription_classic")


def _ended(inputs: Any, x: Any, outputs: int, regularizer: Any, name: str) -> keras.Model:
    """Return the model of a row of features, with a logit of each symbol at each of them."""
    x = layers.Conv2D(outputs, 1, kernel_regularizer=regularizer, dtype="float32", name="logits")(x)
    logits = layers.Reshape((x.shape[2], outputs), dtype="float32")(x)
    return keras.Model(inputs, logits, name=name)
