"""A Keras network -> an ONNX model: a walk over its layers, which takes no more memory than the weights do.

Tracing the network through TensorFlow, as `model.export` does, takes minutes and tens of gigabytes where it is as large
as YOLOv3.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import keras
from onnx import helper

from kzoo._version import __version__
from kzoo.errors import KzooError, words_of
from kzoo.export.onnx_graph import DTYPES, Graph, Value
from kzoo.export.onnx_layers import LAYERS
from kzoo.export.onnx_operations import OPERATIONS
from kzoo.export.refusal import NotExportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["IR_VERSION", "OPSET", "onnx_model"]

OPSET, IR_VERSION = 17, 9
"""Of 2022 and 2023: what every runtime in use reads."""

_INPUT, _BATCH = "input", "N"
_FULL = ("float32", "float64")


def onnx_model(model: Any) -> Any:
    """Return a Keras network as an `onnx.ModelProto`, with inputs and outputs of the same shapes and types.

    Args:
        model: A functional or sequential model with one input.

    Raises:
        NotExportedError: It has a layer that is not written.
    """
    graph = Graph()
    model = getattr(model, "_functional", None) or model
    if not hasattr(model, "_nodes_by_depth"):
        raise NotExportedError(model, "whose layers are not told", "functional and sequential networks")
    if len(model.inputs) != 1:
        raise NotExportedError(model, f"of {len(model.inputs)} inputs", "networks of one")
    (image,) = model.inputs
    if image.dtype not in DTYPES:
        raise NotExportedError(model, f"an input of {image.dtype}", f"inputs of {', '.join(DTYPES)}")
    given = Value(_INPUT, tuple(image.shape), image.dtype)
    outputs = []
    for number, value in enumerate(_walked(graph, model, [given])):
        last = graph.channels_last(value)
        name = graph.add("Identity", [last.name], "output" if len(model.outputs) == 1 else f"output_{number}")
        outputs.append(replace(last, name=name))
    made = helper.make_graph(graph.nodes, model.name, [_told(given)], [_told(one) for one in outputs], graph.weights)
    return helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="kzoo",
        producer_version=__version__,
    )


def _told(value: Value) -> Any:
    """Return what an ONNX model says of an input or output; sides of any length get names."""
    sides = [_BATCH, *(f"{value.name}_side_{axis}" if side is None else side
                       for axis, side in enumerate(value.shape[1:], 1))]  # fmt: skip
    return helper.make_tensor_value_info(value.name, DTYPES[value.dtype], sides)


def _walked(graph: Graph, network: Any, inputs: Sequence[Value]) -> list[Value]:
    """Add the nodes of a network for its inputs; return its outputs."""
    values = {id(tensor): value for tensor, value in zip(network.inputs, inputs, strict=True)}
    for _, nodes in sorted(network._nodes_by_depth.items(), reverse=True):  # noqa: SLF001 - Keras walks over it likewise
        for node in nodes:
            if node.is_input or node.operation is None:
                continue
            args, kwargs = node.arguments.fill_in(values)
            found = _added(graph, node.operation, args, kwargs)
            for tensor, value in zip(node.outputs, found, strict=True):
                values[id(tensor)] = replace(value, shape=tuple(tensor.shape), dtype=tensor.dtype)
    return [values[id(tensor)] for tensor in network.outputs]


def _added(graph: Graph, operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Value]:
    """Add the nodes of a layer, of an inner network, or of another operation of Keras."""
    inner = getattr(operation, "_functional", None) or operation
    if hasattr(inner, "_nodes_by_depth"):
        return _walked(graph, inner, _values_in(args))
    if not isinstance(operation, keras.Layer):
        return _operated(graph, operation, args, kwargs)
    if operation.compute_dtype not in _FULL:
        raise NotExportedError(operation, f"which computes in {operation.compute_dtype}", "layers of 32 and 64 bits")
    args = keras.tree.map_structure(lambda one: _as_computed(graph, operation, one), list(args))
    if (write := LAYERS.get(type(operation))) is not None:
        return [write(graph, operation, *args)]
    return _opened(graph, operation, _values_in(args))


def _operated(graph: Graph, operation: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Value]:
    write = OPERATIONS.get(type(operation).__name__)
    if write is None:
        raise NotExportedError(operation)
    found = write(graph, operation, *args, **kwargs)
    return found if isinstance(found, list) else [found]


def _opened(graph: Graph, layer: Any, inputs: Sequence[Value]) -> list[Value]:
    """Add the nodes of a layer that is made of other layers and operations of Keras: what its ``call`` does."""
    specimens = [keras.Input(batch_shape=value.shape, dtype=value.dtype) for value in inputs]
    told = {"training": False} if layer._call_has_training_arg else {}  # noqa: SLF001 - as Keras asks itself
    try:
        outputs = layer.call(*specimens, **told)
        inner = keras.Function(specimens, outputs)
    except Exception as error:
        why = f"{type(error).__name__}: {' '.join(words_of(error).split())[:200]}"
        raise NotExportedError(layer, f"and what it does cannot be followed: {why}", _known()) from error
    try:
        return _walked(graph, inner, inputs)
    except NotExportedError as error:
        message = f"{error} It is inside of `{layer.name}` ({type(layer).__name__})."
        raise KzooError(message) from error


def _known() -> str:
    return f"the layers {', '.join(sorted(kind.__name__ for kind in LAYERS))}, and layers that are made of them"


def _as_computed(graph: Graph, layer: Any, value: Any) -> Any:
    """Return what a layer is given in the type that it computes in, as Keras hands it over."""
    if not isinstance(value, Value) or not layer.autocast or not value.dtype.startswith("float"):
        return value
    return graph.cast(value, layer.compute_dtype)


def _values_in(args: Sequence[Any]) -> list[Value]:
    return [one for one in keras.tree.flatten(list(args)) if isinstance(one, Value)]
