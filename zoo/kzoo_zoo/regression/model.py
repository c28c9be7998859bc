"""Networks for rows of numbers: the inputs of a table in, numbers in the unit of the target out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import layers

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["adapt", "build_classic", "build_default"]

_INPUTS, _OUTPUTS = "normalized_inputs", "unit_of_the_target"

# Large numbers such as times in seconds lose their last digits in 32 bits; once they are normalized, 32 bits do.
_WIDE = "float64"


def build_classic(
    input_shape: Sequence[int], num_outputs: int, regularizer: Any = None, *, predicts: str = "values"
) -> keras.Model:
    """Return the tutorial's network: two hidden layers of 64 ReLUs, on the inputs as they are."""
    inputs = keras.Input(input_shape, dtype=_WIDE)
    x = layers.Activation("linear", dtype="float32", name="inputs_as_they_are")(inputs)
    for _ in range(2):
        x = layers.Dense(64, activation="relu", kernel_regularizer=regularizer)(x)
    outputs = _head(x, num_outputs, regularizer, predicts)
    return keras.Model(inputs, outputs, name="regression_classic")


def build_default(
    input_shape: Sequence[int],
    num_outputs: int,
    regularizer: Any = None,
    *,
    predicts: str = "values",
    widths: Sequence[int] = (64, 64),
) -> keras.Model:
    """Return a network that learns in units of standard deviations, of the inputs and of the target; see `adapt`."""
    inputs = keras.Input(input_shape, dtype=_WIDE)
    x = layers.Normalization(name=_INPUTS, dtype=_WIDE)(inputs)
    x = layers.Activation("linear", dtype="float32", name="inputs_in_32_bits")(x)
    for width in widths:
        x = layers.Dense(width, activation="swish", kernel_regularizer=regularizer)(x)
    if predicts in ("values", "quantiles"):
        x = layers.Dense(num_outputs, kernel_regularizer=regularizer)(x)
        outputs = layers.Normalization(invert=True, name=_OUTPUTS, dtype="float32")(x)
    else:
        outputs = _head(x, num_outputs, regularizer, predicts)
    return keras.Model(inputs, outputs, name="regression_default")


def adapt(model: keras.Model, inputs: np.ndarray, targets: np.ndarray) -> None:
    """Give the default network the means and variances of the training rows, where it is one."""
    for name, values in ((_INPUTS, inputs), (_OUTPUTS, targets)):
        layer = next((layer for layer in model.layers if layer.name == name), None)
        if layer is None:
            continue
        layer.adapt(np.asarray(values, np.float64))
        # A column that never changes would be divided by Keras's smallest deviation: 1 more in a test row were 1e7.
        variance = np.asarray(layer.adapt_variance)
        layer.adapt_variance.assign(np.where(variance > 0, variance, 1.0))
        layer.finalize_state()


def _head(x: Any, num_outputs: int, regularizer: Any, predicts: str) -> Any:
    """Return the outputs: as they come, above 0, or a mean and a variance above 0."""
    if predicts == "gaussians":
        mean = layers.Dense(num_outputs, kernel_regularizer=regularizer, name="mean")(x)
        variance = layers.Dense(num_outputs, activation="softplus", kernel_regularizer=regularizer, name="variance")(x)
        return layers.Concatenate(dtype="float32")([mean, variance])
    activation = "softplus" if predicts == "positive" else None
    return layers.Dense(num_outputs, activation=activation, kernel_regularizer=regularizer, dtype="float32")(x)
