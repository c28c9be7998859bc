"""The nodes and weights of an ONNX graph as they are collected, and where the channels of each value lie.

Keras has the channels last, ONNX's convolutions and poolings have them first. A value remembers how it lies, and is
turned only where a node needs it otherwise, once: between two convolutions nothing is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DTYPES", "Graph", "Value"]

DTYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "uint8": TensorProto.UINT8,
    "int8": TensorProto.INT8,
    "int32": TensorProto.INT32,
    "int64": TensorProto.INT64,
    "bool": TensorProto.BOOL,
}
"""The types of numbers that are written, by their names in Keras."""

_TO_FIRST, _TO_LAST = (0, 3, 1, 2), (0, 2, 3, 1)
_PLACE = (0, 2, 3, 1)
"""Where each axis of a picture with its channels last lies where they are first."""


@dataclass(frozen=True)
class Value:
    """What a node makes.

    Attributes:
        name: Its name in the graph.
        shape: Its shape as Keras has it, channels last, None for what is not known before it is run.
        dtype: The type of its numbers, one of `DTYPES`.
        first: Whether it lies with the channels before the sides; only a value of four axes can.
    """

    name: str
    shape: tuple[int | None, ...]
    dtype: str
    first: bool = False

    @property
    def rank(self) -> int:
        """The number of its axes."""
        return len(self.shape)

    def axis(self, number: int) -> int:
        """Return where an axis of Keras, which may be counted from the end, lies in the graph."""
        number %= self.rank
        return _PLACE[number] if self.first else number


class Graph:
    """Nodes and weights, in the order in which they are computed.

    Attributes:
        nodes: The nodes.
        weights: The constants.
    """

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._turned: dict[str, Value] = {}
        self._known: dict[Any, str] = {}
        self._names: Counter[str] = Counter()

    def add(self, operator: str, sources: Sequence[str], label: str = "", **attributes: Any) -> str:
        """Add a node with one output; return the name of that."""
        return self.add_several(operator, sources, 1, label, **attributes)[0]

    def add_several(
        self, operator: str, sources: Sequence[str], count: int, label: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs; return their names."""
        name = self._named(label or operator)
        made = [name] if count == 1 else [f"{name}_{number}" for number in range(count)]
        self.nodes.append(helper.make_node(operator, list(sources), made, name=name, **attributes))
        return made

    def constant(self, array: Any, label: str, owner: object = None) -> str:
        """Add an array of numbers; return its name.

        Args:
            array: The array.
            label: What it is.
            owner: Whose it is, such as a layer: what it has under this label is written once, however often it is used.
        """
        key = (id(owner), label)
        if owner is not None and key in self._known:
            return self._known[key]
        name = self._named(label)
        # `ascontiguousarray` makes a scalar an array of one number.
        self.weights.append(numpy_helper.from_array(np.array(array, order="C"), name))
        if owner is not None:
            self._known[key] = name
        return name

    def channels_first(self, value: Value) -> Value:
        """Return a picture with its channels before its sides."""
        return value if value.first or value.rank != len(_TO_FIRST) else self._turn(value, _TO_FIRST)

    def channels_last(self, value: Value) -> Value:
        """Return a value as it lies in Keras."""
        return self._turn(value, _TO_LAST) if value.first else value

    def alike(self, values: Sequence[Value]) -> list[Value]:
        """Return values that all lie in one way: channels first where they all can and one does."""
        if any(value.first for value in values) and all(value.rank == len(_TO_FIRST) for value in values):
            return [self.channels_first(value) for value in values]
        return [self.channels_last(value) for value in values]

    def cast(self, value: Value, dtype: str) -> Value:
        """Return a value in another type of numbers."""
        if value.dtype == dtype:
            return value
        return replace(value, name=self.add("Cast", [value.name], to=DTYPES[dtype]), dtype=dtype)

    def beside(self, value: Value, array: Any, label: str, owner: object = None) -> str:
        """Add an array that is combined with a value number by number, as NumPy would with it as Keras has it."""
        found = np.asarray(array, value.dtype)
        if value.first and found.ndim:
            found = found.reshape((1,) * (len(_TO_FIRST) - found.ndim) + found.shape).transpose(_TO_FIRST)
            label = f"{label}_first"
        return self.constant(found, label, owner)

    def _turn(self, value: Value, order: Sequence[int]) -> Value:
        if value.name not in self._turned:
            name = self.add("Transpose", [value.name], perm=list(order))
            turned = replace(value, name=name, first=not value.first)
            self._turned[value.name] = turned
            self._turned[name] = value
        return self._turned[value.name]

    def _named(self, label: str) -> str:
        """Return a name that no other node or constant has."""
        self._names[label] += 1
        count = self._names[label]
        name = label if count == 1 else f"{label}__{count}"
        return name if count == 1 or name not in self._names else self._named(name)
