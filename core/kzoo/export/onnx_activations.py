"""Keras's activation functions as nodes of an ONNX graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kzoo.export.refusal import NotExportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.export.onnx_graph import Graph, Value

__all__ = ["activated", "clipped", "softmax"]


def activated(graph: Graph, value: Value, function: Any, whose: Any) -> Value:
    """Return a value after an activation function of Keras.

    Args:
        graph: The graph.
        value: The value.
        function: The function, as a layer has it; None for none.
        whose: The layer, for messages.

    Raises:
        NotExportedError: It is none of those that are written.
    """
    name = "linear" if function is None else getattr(function, "__name__", type(function).__name__)
    own = str(getattr(function, "__module__", "keras")).partition(".")[0] == "keras"
    if name in _NODES and own:
        operator, attributes = _NODES[name]
        return replace(value, name=graph.add(operator, [value.name], **attributes))
    if name in _MADE and own:
        return _MADE[name](graph, value)
    known = ", ".join(sorted([*_NODES, *_MADE]))
    raise NotExportedError(whose, f"the activation `{name}`", f"the activations {known}")


def softmax(graph: Graph, value: Value, axis: int = -1) -> Value:
    """Return the softmax over an axis of Keras."""
    return replace(value, name=graph.add("Softmax", [value.name], axis=value.axis(axis)))


def clipped(graph: Graph, value: Value, low: float, high: float) -> Value:
    """Return a value between two numbers."""
    ends = [graph.constant(_number(value, end), "bound") for end in (low, high)]
    return replace(value, name=graph.add("Clip", [value.name, *ends]))


def _number(value: Value, number: float) -> Any:
    import numpy as np

    return np.asarray(number, value.dtype)


def _silu(graph: Graph, value: Value) -> Value:
    gate = graph.add("Sigmoid", [value.name])
    return replace(value, name=graph.add("Mul", [value.name, gate]))


def _mish(graph: Graph, value: Value) -> Value:
    gate = graph.add("Tanh", [graph.add("Softplus", [value.name])])
    return replace(value, name=graph.add("Mul", [value.name, gate]))


def _gelu(graph: Graph, value: Value) -> Value:
    root = graph.constant(_number(value, 0.5**0.5), "root")
    erf = graph.add("Erf", [graph.add("Mul", [value.name, root])])
    half = graph.add("Mul", [value.name, graph.constant(_number(value, 0.5), "half")])
    return replace(value, name=graph.add("Add", [half, graph.add("Mul", [half, erf])]))


def _linear(graph: Graph, value: Value) -> Value:
    del graph
    return value


_NODES: dict[str, tuple[str, dict[str, Any]]] = {
    "elu": ("Elu", {"alpha": 1.0}),
    "exponential": ("Exp", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "relu": ("Relu", {}),
    "selu": ("Selu", {}),
    "sigmoid": ("Sigmoid", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "tanh": ("Tanh", {}),
}
_MADE: dict[str, Callable[[Graph, Value], Value]] = {
    "gelu": _gelu,
    "linear": _linear,
    "mish": _mish,
    "relu6": lambda graph, value: clipped(graph, value, 0.0, 6.0),
    "silu": _silu,
    "softmax": softmax,
}
