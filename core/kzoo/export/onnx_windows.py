"""Layers that move a window over a picture, as nodes of an ONNX graph: convolutions, poolings, enlargement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.export.onnx_activations import activated
from kzoo.export.refusal import NotExportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo.export.onnx_graph import Graph, Value

__all__ = ["averaged", "convolved", "depthwise", "pooled", "resized", "transposed"]


def convolved(graph: Graph, layer: Any, x: Value) -> Value:
    """Return what a `keras.layers.Conv2D` makes."""
    kernel = np.asarray(layer.kernel).transpose(3, 2, 0, 1)
    return _convolution(graph, layer, x, kernel, layer.groups)


def depthwise(graph: Graph, layer: Any, x: Value) -> Value:
    """Return what a `keras.layers.DepthwiseConv2D` makes."""
    height, width, channels, multiplier = layer.kernel.shape
    kernel = np.asarray(layer.kernel).transpose(2, 3, 0, 1).reshape(channels * multiplier, 1, height, width)
    return _convolution(graph, layer, x, kernel, channels)


def transposed(graph: Graph, layer: Any, x: Value) -> Value:
    """Return what a `keras.layers.Conv2DTranspose` makes.

    Raises:
        NotExportedError: It is dilated, has an output padding of its own, or a kernel shorter than its strides.
    """
    _channels_last(layer)
    kernel = np.asarray(layer.kernel).transpose(3, 2, 0, 1)
    size, strides = kernel.shape[2:], tuple(layer.strides)
    if layer.padding not in ("same", "valid"):
        raise NotExportedError(layer, f"padding `{layer.padding}`", "`same` and `valid`")
    if tuple(layer.dilation_rate) != (1, 1) or layer.output_padding is not None:
        raise NotExportedError(layer, "dilated, or with `output_padding`", "those without either")
    if any(length < stride for length, stride in zip(size, strides, strict=True)):
        raise NotExportedError(
            layer, f"a kernel of {size} with strides of {strides}", "kernels as long as their strides"
        )
    x = graph.channels_first(x)
    sources = [x.name, graph.constant(kernel, f"{layer.name}_kernel", layer)]
    if layer.use_bias:
        sources.append(graph.constant(np.asarray(layer.bias), f"{layer.name}_bias", layer))
    over = [length - stride for length, stride in zip(size, strides, strict=True)]
    ends = [*(one // 2 for one in over), *(one - one // 2 for one in over)] if layer.padding == "same" else [0] * 4
    name = graph.add("ConvTranspose", sources, layer.name, kernel_shape=[*size], strides=[*strides], pads=ends)
    found = replace(x, name=name, shape=(*x.shape[:-1], kernel.shape[1]))
    return activated(graph, found, layer.activation, layer)


def pooled(operator: str) -> Callable[[Graph, Any, Value], Value]:
    """Return the function for a layer of poolings."""

    def pool(graph: Graph, layer: Any, x: Value) -> Value:
        _channels_last(layer)
        x = graph.channels_first(x)
        window = _window(x, layer.pool_size, layer.strides, layer.padding)
        return replace(x, name=graph.add(operator, [x.name], layer.name, kernel_shape=[*layer.pool_size], **window))

    return pool


def averaged(operator: str) -> Callable[[Graph, Any, Value], Value]:
    """Return the function for a layer that makes one number of each channel."""

    def average(graph: Graph, layer: Any, x: Value) -> Value:
        _channels_last(layer)
        x = graph.channels_first(x)
        name = graph.add(operator, [x.name], layer.name)
        if layer.keepdims:
            return replace(x, name=name)
        return replace(x, name=graph.add("Flatten", [name], axis=1), shape=(x.shape[0], x.shape[-1]), first=False)

    return average


def resized(graph: Graph, layer: Any, x: Value) -> Value:
    """Return a picture whose sides are whole multiples of what they were.

    Raises:
        NotExportedError: The interpolation is neither ``nearest`` nor ``bilinear``.
    """
    ways = {
        "nearest": {"mode": "nearest", "nearest_mode": "floor", "coordinate_transformation_mode": "asymmetric"},
        "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    }
    if layer.interpolation not in ways:
        raise NotExportedError(layer, layer.interpolation, "nearest and bilinear ones")
    x = graph.channels_first(x)
    scales = graph.constant(np.array([1, 1, *layer.size], np.float32), f"{layer.name}_scales", layer)
    return replace(x, name=graph.add("Resize", [x.name, "", scales], layer.name, **ways[layer.interpolation]))


def _convolution(graph: Graph, layer: Any, x: Value, kernel: np.ndarray, groups: int) -> Value:
    _channels_last(layer)
    if layer.padding not in ("same", "valid"):
        raise NotExportedError(layer, f"padding `{layer.padding}`", "`same` and `valid`")
    x = graph.channels_first(x)
    sources = [x.name, graph.constant(kernel, f"{layer.name}_kernel", layer)]
    if layer.use_bias:
        sources.append(graph.constant(np.asarray(layer.bias), f"{layer.name}_bias", layer))
    window = _window(x, kernel.shape[2:], layer.strides, layer.padding, layer.dilation_rate)
    name = graph.add("Conv", sources, layer.name, kernel_shape=[*kernel.shape[2:]], group=groups, **window)
    found = replace(x, name=name, shape=(*x.shape[:-1], kernel.shape[0]))
    return activated(graph, found, layer.activation, layer)


def _window(
    x: Value, size: Sequence[int], strides: Sequence[int], padding: str, dilation: Sequence[int] = (1, 1)
) -> dict[str, Any]:
    """Return how a window moves: the border is TensorFlow's, which puts more behind than before."""
    found: dict[str, Any] = {"strides": [*strides]}
    if any(step != 1 for step in dilation):
        found["dilations"] = [*dilation]
    if padding != "same":
        return found
    if None in x.shape[1:3]:
        return {**found, "auto_pad": "SAME_UPPER"}
    before, after = [], []
    for side, length, stride, step in zip(x.shape[1:3], size, strides, dilation, strict=True):
        assert side is not None
        reach = (length - 1) * step + 1
        total = max(0, (-(-side // stride) - 1) * stride + reach - side)
        before.append(total // 2)
        after.append(total - total // 2)
    return {**found, "pads": [*before, *after]}


def _channels_last(layer: Any) -> None:
    if layer.data_format != "channels_last":
        raise NotExportedError(layer, "channels first", "layers with their channels last")
