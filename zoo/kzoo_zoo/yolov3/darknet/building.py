"""A Darknet network as a Keras model, right to the fourth decimal.

What other ports get wrong and still draw plausible boxes: the epsilon of batch normalization (1e-6 under the root, not
Keras's 1e-3), the padding of strided convolutions (the same on both sides, not Keras's ``same``), the slope of the
leaky ReLU (0.1), nearest-neighbour upsampling, and RGB input.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from kzoo.errors import UsageError
from kzoo_zoo.yolov3.darknet.layers import (
    AvgPool,
    Convolution,
    Cost,
    Dropout,
    MaxPool,
    Reorg,
    Route,
    Sam,
    ScaleChannels,
    Shortcut,
    Softmax,
    Upsample,
    Yolo,
)
from kzoo_zoo.yolov3.darknet.weight_files import EPSILON

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo_zoo.yolov3.darknet.layers import Layer
    from kzoo_zoo.yolov3.darknet.network import Network

__all__ = ["build"]

_SLOPE = 0.1


def build(
    network: Network,
    *,
    input_shape: Sequence[int | None] | None = None,
    channels: int | None = None,
    regularizer: Any = None,
) -> keras.Model:
    """Return the network as an uncompiled Keras model with random weights.

    It takes float32 RGB images in [0, 1] of shape (batch, height, width, channels) and returns a list with the raw
    outputs of each head in the cfg's order, of shape (batch, grid height, grid width, anchors * (5 + classes)): for
    each anchor tx, ty, tw, th, objectness and one logit for each class, before any sigmoid, also where the cfg has the
    sigmoid in the convolution before the head (``new_coords=1``). A network with one head returns that alone, as Keras
    does; a classifier the probabilities of its classes, of shape (batch, classes); any other its last layer.

    Layers with weights are named ``conv_N`` and ``bn_N`` after the number N of the layer in Darknet.

    Args:
        network: What `read_cfg` returned.
        input_shape: (height, width) or (height, width, channels) of the images; None stands for any size, here as
            well as for a side. The cfg's by default.
        channels: The channels of the images; the cfg's by default.
        regularizer: A Keras regularizer for the kernels, not for biases and batch normalization.

    Raises:
        UsageError: The network has a layer that needs a fixed size, and a side may have any.
    """
    height, width, *rest = input_shape or (network.height, network.width)
    inputs = keras.Input((height, width, (rest or [channels or network.channels])[0]), dtype="float32", name="image")
    passed: list[Any] = []
    heads: list[Any] = []
    x = inputs
    squashed = {
        layer.index - 1 for layer in network.layers if isinstance(layer, Yolo) and layer.head.kind == "new_coords"
    }
    logits = x
    for layer in network.layers:
        if layer.index in squashed:
            assert isinstance(layer, Convolution)
            logits = _convolution(dataclasses.replace(layer, activation="linear"), x, passed, regularizer)
            x = activate(logits, layer.activation, f"act_{layer.index}")
        else:
            x = _LAYERS[type(layer)](layer, logits if layer.index - 1 in squashed else x, passed, regularizer)
        passed.append(x)
        if isinstance(layer, Yolo):
            heads.append(x)
    if network.classifier:
        x = layers.Flatten(name="classes")(x)
    return keras.Model(inputs, heads or x, name=_identifier(network.name))


def activate(x: Any, name: str, layer_name: str) -> Any:
    """Return the features after an activation of Darknet."""
    if name == "linear":
        return x
    if name == "leaky":
        return layers.LeakyReLU(negative_slope=_SLOPE, name=layer_name)(x)
    return layers.Activation({"logistic": "sigmoid", "swish": "silu"}.get(name, name), name=layer_name)(x)


def _convolution(layer: Convolution, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del passed
    number = layer.index
    # Of a window with holes, the padding grows as they do; it is read only where that leaves the map's size as it is.
    if layer.padding and layer.dilation == 1 and not _is_same(layer.size, layer.stride, 2 * layer.padding):
        x = layers.ZeroPadding2D(layer.padding, name=f"border_{number}")(x)
        padding = "valid"
    else:
        padding = "same" if layer.padding else "valid"
    common = {
        "kernel_size": layer.size,
        "strides": layer.stride,
        "padding": padding,
        "dilation_rate": layer.dilation,
        "use_bias": not layer.batch_normalize,
        "name": f"conv_{number}",
    }
    if layer.groups == layer.inputs > 1:
        multiplier = layer.filters // layer.inputs
        x = layers.DepthwiseConv2D(depth_multiplier=multiplier, depthwise_regularizer=regularizer, **common)(x)
    else:
        x = layers.Conv2D(layer.filters, groups=layer.groups, kernel_regularizer=regularizer, **common)(x)
    if layer.batch_normalize:
        x = layers.BatchNormalization(epsilon=EPSILON, name=f"bn_{number}")(x)
    return activate(x, layer.activation, f"act_{number}")


def _maxpool(layer: MaxPool, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del passed, regularizer
    name = f"pool_{layer.index}"
    if _is_same(layer.size, layer.stride, layer.padding):
        return layers.MaxPooling2D(layer.size, layer.stride, padding="same", name=name)(x)
    if layer.padding:
        before = layer.padding // 2
        sides = (before, layer.padding - before)
        x = ops.pad(x, ((0, 0), sides, sides, (0, 0)), constant_values=-3e38)  # no value is less, so none is hidden
    return layers.MaxPooling2D(layer.size, layer.stride, name=name)(x)


def _upsample(layer: Upsample, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del passed, regularizer
    return layers.UpSampling2D(layer.stride, interpolation="nearest", name=f"upsample_{layer.index}")(x)


def _route(layer: Route, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del x, regularizer
    parts = [passed[source] for source in layer.sources]
    if layer.groups > 1:
        parts = [ops.split(part, layer.groups, axis=-1)[layer.group_id] for part in parts]
    return parts[0] if len(parts) == 1 else layers.Concatenate(name=f"route_{layer.index}")(parts)


def _shortcut(layer: Shortcut, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del regularizer
    channels = x.shape[-1]
    earlier = [_with_channels(passed[source], channels) for source in layer.sources]
    x = layers.Add(name=f"shortcut_{layer.index}")([x, *earlier])
    return activate(x, layer.activation, f"act_{layer.index}")


def _with_channels(x: Any, channels: int) -> Any:
    """Return the first ``channels`` of a map, or all of it and zeros."""
    missing = channels - x.shape[-1]
    if missing > 0:
        return ops.pad(x, ((0, 0), (0, 0), (0, 0), (0, missing)))
    return x[..., :channels] if missing else x


def _dropout(layer: Dropout, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del passed, regularizer
    return layers.Dropout(layer.rate, name=f"dropout_{layer.index}")(x)


def _avgpool(layer: AvgPool, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del passed, regularizer
    return layers.GlobalAveragePooling2D(keepdims=True, name=f"average_{layer.index}")(x)


def _scale_channels(layer: ScaleChannels, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del regularizer
    x = layers.Multiply(name=f"scale_{layer.index}")([passed[layer.source], x])
    return activate(x, layer.activation, f"act_{layer.index}")


def _sam(layer: Sam, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del regularizer
    x = layers.Multiply(name=f"sam_{layer.index}")([x, passed[layer.source]])
    return activate(x, layer.activation, f"act_{layer.index}")


def _reorg(layer: Reorg, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del passed, regularizer
    stride = layer.stride
    if not layer.scrambled:
        corners = [x[:, row::stride, column::stride, :] for row in range(stride) for column in range(stride)]
        return layers.Concatenate(name=f"reorg_{layer.index}")(corners)
    height, width, channels = x.shape[1:]
    if None in (height, width):
        message = "[reorg] needs an input of a fixed size: leave out `augment.scales`."
        raise UsageError(message)
    # Darknet reads the memory of the map (channels, height, width) as one of fewer channels and larger sides.
    x = ops.reshape(ops.transpose(x, (0, 3, 1, 2)), (-1, channels // stride**2, height, stride, width, stride))
    x = ops.reshape(ops.transpose(x, (0, 3, 5, 1, 2, 4)), (-1, channels * stride**2, height // stride, width // stride))
    return ops.transpose(x, (0, 2, 3, 1))


def _softmax(layer: Softmax, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del passed, regularizer
    if layer.temperature != 1:
        x = x / layer.temperature
    return layers.Softmax(dtype="float32", name=f"softmax_{layer.index}")(x)


def _cost(layer: Cost, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    del layer, passed, regularizer
    return x


def _yolo(layer: Yolo, x: Any, passed: Sequence[Any], regularizer: Any) -> Any:
    """Pass the raw outputs on in float32; a layer of its own, so that each output has a name and none is lost."""
    del passed, regularizer
    return layers.Activation("linear", dtype="float32", name=f"yolo_{layer.index}")(x)


def _is_same(size: int, stride: int, padding: int) -> bool:
    """Return whether Keras's padding ``same`` puts as much on each side; with a stride its sum depends on the image."""
    return stride == 1 and padding == size - 1


_LAYERS: dict[type[Layer], Callable[[Any, Any, Sequence[Any], Any], Any]] = {
    Convolution: _convolution,
    MaxPool: _maxpool,
    Upsample: _upsample,
    Route: _route,
    Shortcut: _shortcut,
    Dropout: _dropout,
    AvgPool: _avgpool,
    ScaleChannels: _scale_channels,
    Sam: _sam,
    Reorg: _reorg,
    Softmax: _softmax,
    Cost: _cost,
    Yolo: _yolo,
}


def _identifier(name: str) -> str:
    """Return a name that Keras takes: letters, digits and underscores."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name) or "darknet"
