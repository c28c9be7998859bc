"""Darknet's weights into a Keras model and out of one, byte for byte.

Darknet's kernels are (filters, channels of a group, height, width).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo.errors import DataError
from kzoo.files import replacing
from kzoo_zoo.yolov3.darknet.weight_files import FLOAT, Block, Contents, Header, read_weights

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["Header", "assign", "load_weights", "save_weights"]


def load_weights(
    model: Any, path: Path, *, layers: int | None = None, partial: bool = False, trust: bool = False
) -> Header:
    """Set the weights of a model that `build` made from a Darknet file; nothing is set unless the file is right.

    Args:
        model: The model.
        path: The file.
        layers: Take only the layers of Darknet with a smaller number, whatever follows in the file: the backbone of a
            network whose heads are other ones. YOLOv3's has 75 layers.
        partial: The file may end early, but only between two convolutions, as ``darknet53.conv.74`` does.
        trust: Take numbers, too, that no network can have.

    Raises:
        DataError: The file cannot be read, is none of Darknet's, or does not fit the model; says by how much.
    """
    blocks = []
    for number, _, variables in _convolutions(model):
        parts = tuple((name, int(np.prod(variable.shape))) for name, variable in variables.items())
        blocks.append(Block(number, parts))
    contents = read_weights(path, blocks, layers=layers, partial=partial, trust=trust)
    assign(model, contents)
    return contents.header


def assign(model: Any, contents: Contents) -> None:
    """Set the weights of a model from a file that was found right for it."""
    places = {number: (depthwise, variables) for number, depthwise, variables in _convolutions(model)}
    for number, arrays in contents.arrays:
        depthwise, variables = places[number]
        for name, values in arrays.items():
            shape = variables[name].shape
            variables[name].assign(_from_darknet(values, shape, depthwise=depthwise) if name == "kernel" else values)


def save_weights(model: Any, path: Path, header: Header = Header()) -> None:  # noqa: B008 - it cannot be changed
    """Write the weights of a model that `build` made as a Darknet file, whole or not at all.

    Raises:
        DataError: The model has no such layers, or the file cannot be written.
    """
    convolutions = list(_convolutions(model))
    try:
        with replacing(path) as temporary, temporary.open("wb") as file:
            file.write(header.pack())
            for _, depthwise, variables in convolutions:
                for name, variable in variables.items():
                    array = keras.ops.convert_to_numpy(variable)
                    if name == "kernel":
                        array = array.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1))
                    file.write(np.ascontiguousarray(array, dtype=FLOAT).tobytes())
    except OSError as error:
        message = f"The weights cannot be written to {path}: {error.strerror or error}."
        raise DataError(message) from error


def _convolutions(model: Any) -> Iterator[tuple[int, bool, dict[str, Any]]]:
    """Yield a model's convolutions in Darknet's order, which the layers' names tell.

    Yields:
        The number, whether it is depthwise, and the variables in the order of the file.
    """
    named = {layer.name: layer for layer in _layers(model)}
    numbers = sorted(int(name[5:]) for name in named if name.startswith("conv_") and name[5:].isdecimal())
    if not numbers:
        message = (
            f"The model `{model.name}` was not made from a Darknet cfg: it has no layer with a name such as conv_0."
        )
        raise DataError(message)
    for number in numbers:
        convolution, norm = named[f"conv_{number}"], named.get(f"bn_{number}")
        if norm is not None:
            first = {
                "beta": norm.beta,
                "gamma": norm.gamma,
                "mean": norm.moving_mean,
                "variance": norm.moving_variance,
            }
        else:
            first = {"bias": convolution.bias}
        depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
        yield number, depthwise, {**first, "kernel": convolution.kernel}


def _layers(model: Any) -> Iterator[Any]:
    """Yield the layers of a model, and those of models inside it."""
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from _layers(layer)
        else:
            yield layer


def _from_darknet(values: np.ndarray, shape: Sequence[int], *, depthwise: bool) -> np.ndarray:
    """Return the values of a file in the shape of a Keras kernel."""
    height, width, inputs, outputs = shape
    if depthwise:  # (height, width, channels, multiplier); filter i * multiplier + m belongs to channel i, in both
        return values.reshape(inputs, outputs, height, width).transpose(2, 3, 0, 1)
    return values.reshape(outputs, inputs, height, width).transpose(2, 3, 1, 0)
