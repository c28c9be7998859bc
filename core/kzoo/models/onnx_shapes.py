"""How large what each node of an ONNX graph makes is, told from the shape of one input without running anything."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["OPERATORS", "Node", "ShapeError", "Tensor", "largest"]

Shape = tuple[int, ...]


class ShapeError(ValueError):
    """A graph whose shapes cannot be told, as the end of a sentence."""


@dataclass(frozen=True)
class Tensor:
    """An array of weights, or an input.

    Attributes:
        name: Its name.
        dtype: ONNX's number of its type.
        dims: Its shape; -1 for a side of any length.
        numbers: What it holds where that is a few whole numbers of 64 bits.
        floats: Likewise of floating-point numbers.
    """

    name: str
    dtype: int
    dims: Shape
    numbers: tuple[int, ...] = ()
    floats: tuple[float, ...] = ()


@dataclass(frozen=True)
class Node:
    """A node of a graph.

    Attributes:
        operator: What it does.
        sources: The names of what it is given; empty for an optional one that is left out.
        made: The names of what it makes.
        attributes: Its whole numbers and texts by name.
    """

    operator: str
    sources: tuple[str, ...]
    made: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


class _Given:
    """What a node is given: the shapes, and the constants among them."""

    def __init__(self, node: Node, shapes: Mapping[str, Shape], weights: Mapping[str, Tensor]) -> None:
        self.node, self._shapes, self._weights = node, shapes, weights

    def shape(self, place: int = 0) -> Shape:
        return self._shapes[self.node.sources[place]]

    def shapes(self) -> list[Shape]:
        return [self._shapes[name] for name in self.node.sources if name]

    def numbers(self, place: int) -> tuple[int, ...]:
        return self._weights[self.node.sources[place]].numbers

    def floats(self, place: int) -> tuple[float, ...]:
        return self._weights[self.node.sources[place]].floats

    def has(self, place: int) -> bool:
        return len(self.node.sources) > place and bool(self.node.sources[place])

    def get(self, name: str, otherwise: Any = None) -> Any:
        return self.node.attributes.get(name, otherwise)


def largest(nodes: Sequence[Node], weights: Mapping[str, Tensor], name: str, shape: Sequence[int]) -> tuple[int, str]:
    """Return the most numbers that a node makes, and the name of what that is.

    Args:
        nodes: The nodes, each after those whose values it is given.
        weights: The constants by name.
        name: The name of the input.
        shape: Its shape, with the batch of one.

    Raises:
        ShapeError: A node does not fit what it is given, or its shape is not told by constants.
    """
    shapes: dict[str, Shape] = {one.name: one.dims for one in weights.values()}
    shapes[name] = tuple(shape)
    most, where = 0, ""
    for node in nodes:
        given = _Given(node, shapes, weights)
        try:
            found = OPERATORS[node.operator](given)
            made = found if isinstance(found, list) else [found]
            shapes.update(zip(node.made, made, strict=True))
        except (KeyError, IndexError, ValueError, TypeError, OverflowError, ZeroDivisionError) as error:
            told = node.made[0] if node.made else node.operator
            message = f"its node `{told[:80]}` ({node.operator}) does not fit what it is given"
            raise ShapeError(message) from error
        for one, label in zip(made, node.made, strict=True):
            if (size := math.prod(one)) > most:
                most, where = size, label[:80]
    return most, where


def _same(given: _Given) -> Shape:
    return given.shape()


def _broadcast(given: _Given) -> Shape:
    shapes = given.shapes()
    rank = max(map(len, shapes))
    sides = zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True)
    found = []
    for side in sides:
        wide = set(side) - {1}
        if len(wide) > 1:
            raise ValueError(side)
        found.append(wide.pop() if wide else 1)
    return tuple(found)


def _windowed(given: _Given, channels: int, size: Sequence[int]) -> Shape:
    batch, _, *sides = given.shape()
    strides, dilations = given.get("strides", [1] * len(sides)), given.get("dilations", [1] * len(sides))
    pads = given.get("pads", [0] * 2 * len(sides))
    found = []
    for at, side in enumerate(sides):
        if min(strides[at], dilations[at], size[at]) < 1 or min(pads) < 0:
            raise ValueError(strides)
        if given.get("auto_pad", "NOTSET") == "SAME_UPPER":
            found.append(-(-side // strides[at]))
            continue
        reach = (size[at] - 1) * dilations[at] + 1
        found.append((side + pads[at] + pads[at + len(sides)] - reach) // strides[at] + 1)
    return _whole((batch, channels, *found))


def _convolved(given: _Given) -> Shape:
    filters, _, *size = given.shape(1)
    return _windowed(given, filters, size)


def _transposed(given: _Given) -> Shape:
    (batch, channels, *sides), (wanted, filters, *size) = given.shape(), given.shape(1)
    strides, pads = given.get("strides", [1] * len(sides)), given.get("pads", [0] * 2 * len(sides))
    unknown = {"auto_pad", "dilations", "group", "output_padding", "output_shape"} & set(given.node.attributes)
    if unknown or channels != wanted or min(*strides, *size) < 1 or min(pads) < 0:
        raise ValueError(unknown)
    ends = [before + after for before, after in zip(pads[: len(sides)], pads[len(sides) :], strict=True)]
    walks = zip(sides, strides, size, ends, strict=True)
    return _whole((batch, filters, *((side - 1) * stride + length - end for side, stride, length, end in walks)))


def _pooled(given: _Given) -> Shape:
    return _windowed(given, given.shape()[1], given.get("kernel_shape"))


def _averaged(given: _Given) -> Shape:
    batch, channels, *sides = given.shape()
    return (batch, channels, *[1] * len(sides))


def _multiplied(given: _Given) -> Shape:
    if any(given.get(name, 0) for name in ("transA", "transB")) or given.shape()[-1] != given.shape(1)[-2]:
        raise ValueError(given.shape(1))
    return (*given.shape()[:-1], given.shape(1)[-1])


def _flattened(given: _Given) -> Shape:
    shape, axis = given.shape(), given.get("axis", 1)
    return math.prod(shape[:axis]), math.prod(shape[axis:])


def _reshaped(given: _Given) -> Shape:
    shape, sides = given.shape(), list(given.numbers(1))
    found = [shape[at] if side == 0 else side for at, side in enumerate(sides)]
    if -1 in found:
        known = -math.prod(found)
        found[found.index(-1)] = math.prod(shape) // known
    if math.prod(found) != math.prod(shape):
        raise ValueError(found)
    return _whole(tuple(found))


def _turned(given: _Given) -> Shape:
    shape, order = given.shape(), given.get("perm")
    if sorted(order) != list(range(len(shape))):
        raise ValueError(order)
    return tuple(shape[at] for at in order)


def _beside(given: _Given) -> Shape:
    shapes, axis = given.shapes(), given.get("axis")
    first = list(shapes[0])
    if any(len(shape) != len(first) for shape in shapes):
        raise ValueError(shapes)
    first[axis] = sum(shape[axis] for shape in shapes)
    return tuple(first)


def _padded(given: _Given) -> Shape:
    shape, pads = given.shape(), given.numbers(1)
    if len(pads) != 2 * len(shape):
        raise ValueError(pads)
    return _whole(tuple(side + pads[at] + pads[at + len(shape)] for at, side in enumerate(shape)))


def _resized(given: _Given) -> Shape:
    scales = given.floats(2)
    return _whole(tuple(int(side * scale) for side, scale in zip(given.shape(), scales, strict=True)))


def _sliced(given: _Given) -> Shape:
    found = list(given.shape())
    steps = given.numbers(4) if given.has(4) else (1,) * len(given.numbers(1))
    for start, end, axis, step in zip(given.numbers(1), given.numbers(2), given.numbers(3), steps, strict=True):
        low = None if step < 0 and start == -1 else start
        high = None if step < 0 and end < -found[axis] else end
        found[axis] = len(range(found[axis])[low:high:step])
    return tuple(found)


def _split(given: _Given) -> list[Shape]:
    shape, axis, sizes = given.shape(), given.get("axis", 0), given.numbers(1)
    if sum(sizes) != shape[axis] or min(sizes) < 0:
        raise ValueError(sizes)
    return [(*shape[:axis], size, *shape[axis:][1:]) for size in sizes]


def _whole(shape: Shape) -> Shape:
    if min(shape, default=0) < 0:
        raise ValueError(shape)
    return shape


OPERATORS: dict[str, Callable[[_Given], Shape | list[Shape]]] = {
    **dict.fromkeys(
        ("BatchNormalization", "Cast", "Clip", "DequantizeLinear", "Elu", "Exp", "HardSigmoid", "Identity", "LeakyRelu",
         "LpNormalization", "QuantizeLinear", "Relu", "Selu", "Sigmoid", "Softmax", "Softplus", "Softsign",
         "Tanh"), _same
    ),
    **dict.fromkeys(("Add", "Div", "Max", "Min", "Mul", "Sub"), _broadcast),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _averaged),
    **dict.fromkeys(("Gemm", "MatMul"), _multiplied),
    **dict.fromkeys(("AveragePool", "MaxPool"), _pooled),
    "Concat": _beside,
    "Conv": _convolved,
    "ConvTranspose": _transposed,
    "Flatten": _flattened,
    "Pad": _padded,
    "Reshape": _reshaped,
    "Resize": _resized,
    "Slice": _sliced,
    "Split": _split,
    "Transpose": _turned,
}  # fmt: skip
"""The shape that each operator makes; those of others are not known, and neither are the operators."""
