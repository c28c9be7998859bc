"""What stands in a Keras network without being a layer, such as `keras.ops.pad`, as nodes of an ONNX graph."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from kzoo.export.onnx_graph import Value
from kzoo.export.refusal import NotExportedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.export.onnx_graph import Graph

__all__ = ["OPERATIONS"]

_LAST = np.iinfo(np.int64).max


def _both(operator: str) -> Callable[..., Value]:
    """Return the function for what combines two values, or a value and a number."""

    def combined(graph: Graph, operation: Any, x1: Any, x2: Any) -> Value:
        del operation
        if isinstance(x1, Value) and isinstance(x2, Value):
            if x1.rank != x2.rank:
                x1, x2 = graph.channels_last(x1), graph.channels_last(x2)
            one, other = graph.alike([x1, x2])
            return replace(one, name=graph.add(operator, [one.name, other.name]))
        value = x1 if isinstance(x1, Value) else x2
        names = [
            one.name if isinstance(one, Value) else graph.beside(value, np.asarray(one), "number") for one in (x1, x2)
        ]
        return replace(value, name=graph.add(operator, names))

    return combined


def _padded(graph: Graph, operation: Any, x: Value, constant_values: Any = None) -> Value:
    pads = operation.pad_width
    if operation.mode not in ("constant", "reflect") or len(pads) not in (1, x.rank):
        raise NotExportedError(operation, str(operation.mode), "borders of one value, and reflected ones")
    pads = pads * x.rank if len(pads) == 1 else pads
    places = sorted(range(x.rank), key=x.axis)
    width = np.array([pads[place][side] for side in (0, 1) for place in places], np.int64)
    sources = [x.name, graph.constant(width, "pads")]
    if constant_values:
        sources.append(graph.constant(np.asarray(constant_values, x.dtype), "border"))
    return replace(x, name=graph.add("Pad", sources, mode=operation.mode))


def _flipped(graph: Graph, operation: Any, x: Value) -> Value:
    axes = range(x.rank) if operation.axis is None else np.atleast_1d(operation.axis).tolist()
    return _sliced(graph, x, [(axis, -1, -_LAST, -1) for axis in axes])


def _taken(graph: Graph, operation: Any, x: Value, key: Any) -> Value:
    keys = list(key) if isinstance(key, (list, tuple)) else [key]
    if Ellipsis in keys:
        at = keys.index(Ellipsis)
        keys[at : at + 1] = [slice(None)] * (x.rank - len(keys) + 1)
    if not all(isinstance(one, slice) and (one.step or 1) > 0 for one in keys):
        raise NotExportedError(operation, f"of {key!r}", "slices with a positive step")
    parts = [(axis, one.start or 0, _LAST if one.stop is None else one.stop, one.step or 1)
             for axis, one in enumerate(keys) if one != slice(None)]  # fmt: skip
    return _sliced(graph, x, parts)


def _split(graph: Graph, operation: Any, x: Value) -> list[Value]:
    parts, length = operation.indices_or_sections, x.shape[operation.axis]
    if length is None:
        raise NotExportedError(operation, "of a side of any length", "splits of known sides")
    ends = [length * n // parts for n in range(1, parts)] if isinstance(parts, int) else list(parts)
    sizes = np.diff([0, *ends, length]).astype(np.int64)
    names = graph.add_several(
        "Split", [x.name, graph.constant(sizes, "sizes")], len(sizes), axis=x.axis(operation.axis)
    )
    return [replace(x, name=name) for name in names]


def _transposed(graph: Graph, operation: Any, x: Value) -> Value:
    x = graph.channels_last(x)
    axes = operation.axes or tuple(reversed(range(x.rank)))
    return replace(x, name=graph.add("Transpose", [x.name], perm=[int(axis) % x.rank for axis in axes]))


def _reshaped(graph: Graph, operation: Any, x: Value) -> Value:
    x = graph.channels_last(x)
    sides = np.atleast_1d(operation.newshape).astype(np.int64)
    if 0 in sides:
        raise NotExportedError(operation, "to a side of 0")
    return replace(x, name=graph.add("Reshape", [x.name, graph.constant(sides, "shape")]))


def _sliced(graph: Graph, x: Value, parts: list[tuple[int, int, int, int]]) -> Value:
    if not parts:
        return x
    axes, starts, ends, steps = (np.array(numbers, np.int64) for numbers in zip(*parts, strict=True))
    axes = np.array([x.axis(int(axis)) for axis in axes], np.int64)
    names = [graph.constant(array, label) for array, label in
             ((starts, "starts"), (ends, "ends"), (axes, "axes"), (steps, "steps"))]  # fmt: skip
    return replace(x, name=graph.add("Slice", [x.name, *names]))


OPERATIONS: dict[str, Callable[..., Any]] = {
    "Add": _both("Add"),
    "Flip": _flipped,
    "GetItem": _taken,
    "Maximum": _both("Max"),
    "Minimum": _both("Min"),
    "Multiply": _both("Mul"),
    "Pad": _padded,
    "Reshape": _reshaped,
    "Split": _split,
    "Subtract": _both("Sub"),
    "Transpose": _transposed,
    "TrueDivide": _both("Div"),
}
"""By the names of Keras's classes."""
