"""Keras's layers as nodes of an ONNX graph, one function for each kind; each returns what the layer makes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from keras import layers

from kzoo.export.onnx_activations import activated, clipped, softmax
from kzoo.export.onnx_windows import averaged, convolved, depthwise, pooled, resized, transposed
from kzoo.export.refusal import NotExportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo.export.onnx_graph import Graph, Value

__all__ = ["LAYERS"]


def _same(graph: Graph, layer: Any, x: Value) -> Value:
    """Return what it is given: layers that do something in training alone."""
    del graph, layer
    return x


def _dense(graph: Graph, layer: Any, x: Value) -> Value:
    x = graph.channels_last(x)
    kernel = graph.constant(np.asarray(layer.kernel), f"{layer.name}_kernel", layer)
    bias = graph.constant(np.asarray(layer.bias), f"{layer.name}_bias", layer) if layer.use_bias else ""
    if x.rank == 2:  # noqa: PLR2004 - rows
        name = graph.add("Gemm", [x.name, kernel, *filter(None, [bias])], layer.name)
    else:
        name = graph.add("MatMul", [x.name, kernel], layer.name)
        name = graph.add("Add", [name, bias]) if bias else name
    shape = (*x.shape[:-1], layer.units)
    return activated(graph, replace(x, name=name, shape=shape), layer.activation, layer)


def _batch_normalization(graph: Graph, layer: Any, x: Value) -> Value:
    axis = layer.axis[0] if isinstance(layer.axis, (list, tuple)) else layer.axis
    if axis % x.rank != x.rank - 1:
        raise NotExportedError(layer, f"over the axis {axis}", "that over the last")
    variance = np.asarray(layer.moving_variance)
    parts = {
        "gamma": np.asarray(layer.gamma) if layer.scale else np.ones_like(variance),
        "beta": np.asarray(layer.beta) if layer.center else np.zeros_like(variance),
        "mean": np.asarray(layer.moving_mean),
        "variance": variance,
    }
    if x.rank == 4:  # noqa: PLR2004 - pictures
        x = graph.channels_first(x)
    elif x.rank != 2:  # noqa: PLR2004 - rows
        raise NotExportedError(layer, f"of {x.rank} axes", "those of 2 and 4")
    names = [graph.constant(array, f"{layer.name}_{part}", layer) for part, array in parts.items()]
    return replace(x, name=graph.add("BatchNormalization", [x.name, *names], layer.name, epsilon=layer.epsilon))


def _rescaling(graph: Graph, layer: Any, x: Value) -> Value:
    x = graph.cast(x, layer.compute_dtype)
    for operator, number, neutral in (("Mul", layer.scale, 1), ("Add", layer.offset, 0)):
        if np.any(np.asarray(number) != neutral):
            beside = graph.beside(x, number, f"{layer.name}_{operator}", layer)
            x = replace(x, name=graph.add(operator, [x.name, beside]))
    return x


def _normalization(graph: Graph, layer: Any, x: Value) -> Value:
    x = graph.cast(x, layer.compute_dtype)
    mean = np.asarray(layer.mean, x.dtype)
    deviation = np.maximum(np.sqrt(np.asarray(layer.variance, x.dtype)), 1e-7)  # Keras's smallest
    steps = [("Mul", deviation), ("Add", mean)] if layer.invert else [("Sub", mean), ("Div", deviation)]
    for operator, array in steps:
        x = replace(x, name=graph.add(operator, [x.name, graph.beside(x, array, f"{layer.name}_{operator}", layer)]))
    return x


def _activation(graph: Graph, layer: Any, x: Value) -> Value:
    return activated(graph, x, layer.activation, layer)


def _relu(graph: Graph, layer: Any, x: Value) -> Value:
    slope, most = layer.negative_slope, layer.max_value
    if layer.threshold or (slope and most is not None):
        raise NotExportedError(layer, "with a threshold, or a slope and a largest value")
    if most is not None:
        return clipped(graph, x, 0.0, float(most))
    if slope:
        return replace(x, name=graph.add("LeakyRelu", [x.name], layer.name, alpha=float(slope)))
    return replace(x, name=graph.add("Relu", [x.name], layer.name))


def _leaky_relu(graph: Graph, layer: Any, x: Value) -> Value:
    return replace(x, name=graph.add("LeakyRelu", [x.name], layer.name, alpha=float(layer.negative_slope)))


def _softmax(graph: Graph, layer: Any, x: Value) -> Value:
    if not isinstance(layer.axis, int):
        raise NotExportedError(layer, "over several axes", "that over one")
    return softmax(graph, x, layer.axis)


def _unit_length(graph: Graph, layer: Any, x: Value) -> Value:
    if layer.axis not in (-1, x.rank - 1):
        raise NotExportedError(layer, f"over the axis {layer.axis}", "that over the last")
    x = graph.channels_last(x)
    return replace(x, name=graph.add("LpNormalization", [x.name], layer.name, axis=-1, p=2))


def _padding(graph: Graph, layer: Any, x: Value) -> Value:
    x = graph.channels_first(x)
    (top, bottom), (left, right) = layer.padding
    pads = graph.constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), f"{layer.name}_pads", layer)
    return replace(x, name=graph.add("Pad", [x.name, pads], layer.name))


def _concatenated(graph: Graph, layer: Any, xs: Sequence[Value]) -> Value:
    xs = graph.alike([graph.cast(x, layer.compute_dtype) for x in xs])
    return replace(xs[0], name=graph.add("Concat", [x.name for x in xs], layer.name, axis=xs[0].axis(layer.axis)))


def _merged(operator: str) -> Callable[[Graph, Any, Sequence[Value]], Value]:
    def merge(graph: Graph, layer: Any, xs: Sequence[Value]) -> Value:
        if len({x.rank for x in xs}) > 1:
            raise NotExportedError(layer, "of different numbers of axes")
        xs = graph.alike(xs)
        found = xs[0]
        for x in xs[1:]:
            found = replace(found, name=graph.add(operator, [found.name, x.name]))
        return found

    return merge


def _average_merged(graph: Graph, layer: Any, xs: Sequence[Value]) -> Value:
    total = _merged("Add")(graph, layer, xs)
    return replace(total, name=graph.add("Div", [total.name, graph.beside(total, len(xs), f"{layer.name}_count")]))


def _flattened(graph: Graph, layer: Any, x: Value) -> Value:
    x = graph.channels_last(x)
    shape = graph.constant(np.array([0, -1], np.int64), f"{layer.name}_shape", layer)
    return replace(x, name=graph.add("Reshape", [x.name, shape], layer.name), first=False)


def _reshaped(graph: Graph, layer: Any, x: Value) -> Value:
    x = graph.channels_last(x)
    sides = [-1 if side is None else int(side) for side in layer.target_shape]
    if sides.count(0):
        raise NotExportedError(layer, "to a side of 0")
    shape = graph.constant(np.array([0, *sides], np.int64), f"{layer.name}_shape", layer)
    return replace(x, name=graph.add("Reshape", [x.name, shape], layer.name), first=False)


LAYERS: dict[type, Callable[..., Value]] = {
    layers.Activation: _activation,
    layers.ActivityRegularization: _same,
    layers.Add: _merged("Add"),
    layers.Average: _average_merged,
    layers.AveragePooling2D: pooled("AveragePool"),
    layers.BatchNormalization: _batch_normalization,
    layers.Concatenate: _concatenated,
    layers.Conv2D: convolved,
    layers.Conv2DTranspose: transposed,
    layers.Dense: _dense,
    layers.DepthwiseConv2D: depthwise,
    layers.Dropout: _same,
    layers.Flatten: _flattened,
    layers.GaussianDropout: _same,
    layers.GaussianNoise: _same,
    layers.GlobalAveragePooling2D: averaged("GlobalAveragePool"),
    layers.GlobalMaxPooling2D: averaged("GlobalMaxPool"),
    layers.Identity: _same,
    layers.LeakyReLU: _leaky_relu,
    layers.MaxPooling2D: pooled("MaxPool"),
    layers.Maximum: _merged("Max"),
    layers.Minimum: _merged("Min"),
    layers.Multiply: _merged("Mul"),
    layers.Normalization: _normalization,
    layers.ReLU: _relu,
    layers.Rescaling: _rescaling,
    layers.Reshape: _reshaped,
    layers.Softmax: _softmax,
    layers.SpatialDropout2D: _same,
    layers.Subtract: _merged("Sub"),
    layers.UnitNormalization: _unit_length,
    layers.UpSampling2D: resized,
    layers.ZeroPadding2D: _padding,
}
"""Each kind of layer that is written; one derived from it may do something else, and is not."""
