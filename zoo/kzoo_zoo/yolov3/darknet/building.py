"""A Darknet network as a Keras model, right to the fourth decimal.

What other ports get wrong and still draw plausible boxes: the epsilon of batch normalization (1e-6 under the root, not
Keras's 1e-3), the padding of strided convolutions (the same on both sides, not Keras's ``same``), the slope of the
leaky ReLU (0.1), nearest-neighbour upsampling, and RGB input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers, ops

from kzoo_zoo.yolov3.darknet.layers import (
    AvgPool,
    Convolution,
    Dropout,
    MaxPool,
    Route,
    ScaleChannels,
    Shortcut,
    Upsample,
    Yolo,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo_zoo.yolov3.darknet.layers import Layer
    from kzoo_zoo.yolov3.darknet.network import Network

__all__ = ["EPSILON", "build"]

EPSILON = 1e-6
"""Darknet divides by sqrt(variance) + 1e-6 on the CPU; OpenCV has 1e-6 under the root, and so has this."""

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
    each anchor tx, ty, tw, th, objectness and one logit for each class, before any sigmoid. A network with one head
    returns that alone, as Keras does; one without heads its last layer.

    Layers with weights are named ``conv_N`` and ``bn_N`` after the number N of the layer in Darknet.

    Args:
        network: What `read_cfg` returned.
        input_shape: (height, width) or (height, width, channels) of the images; None stands for any size, here as
            well as for a side. The cfg's by default.
        channels: The channels of the images; the cfg's by default.
        regularizer: A Keras regularizer for the kernels, not for biases and batch normalization.
    """
    height, width, *rest = input_shape or (network.height, network.width)
    inputs = keras.Input((height, width, (rest or [channels or network.channels])[0]), dtype="float32", name="image")
    passed: list[Any] = []
    heads: list[Any] = []
    x = inputs
    for layer in network.layers:
        x = _LAYERS[type(layer)](layer, x, passed, regularizer)
        passed.append(x)
        if isinstance(layer, Yolo):
            heads.append(x)
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
    if layer.padding and not _is_same(layer.size, layer.stride, 2 * layer.padding):
        x = layers.ZeroPadding2D(layer.padding, name=f"border_{number}")(x)
        padding = "valid"
    else:
        padding = "same" if layer.padding else "valid"
    common = {
        "kernel_size": layer.size,
        "strides": layer.stride,
        "padding": padding,
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
    Yolo: _yolo,
}


def _identifier(name: str) -> str:
    """Return a name that Keras takes: letters, digits and underscores."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name) or "darknet"
