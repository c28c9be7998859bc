"""The layers of a cfg as plain data, read from its sections and checked against what comes before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from kzoo_zoo.yolov3.darknet.keys import check_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kzoo_zoo.yolov3.darknet.cfg import Section

__all__ = [
    "ACTIVATIONS",
    "AvgPool",
    "Convolution",
    "Dropout",
    "Head",
    "Layer",
    "MaxPool",
    "Route",
    "ScaleChannels",
    "Shape",
    "Shortcut",
    "Upsample",
    "Yolo",
    "read_layer",
    "read_size",
]

ACTIVATIONS = ("leaky", "linear", "logistic", "mish", "relu", "relu6", "swish")

# What no real cfg reaches: a mistyped number must not ask for terabytes.
_MOST_FILTERS = 1 << 16
_MOST_PIXELS = 1 << 14
_MOST_CLASSES = 100_000
_MOST_ANCHORS = 1000
_LARGEST_KERNEL = 99
_LARGEST_STRIDE = 64


class Shape(NamedTuple):
    """Height, width and channels of a feature map."""

    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}x{self.channels}"


@dataclass(frozen=True)
class Head:
    """One output of the network.

    Attributes:
        anchors: Width and height in pixels of the network's input, those that the head's mask chooses.
        classes: The number of classes.
        scale_x_y: By how much the sigmoid of the centre is stretched.
        stride: Pixels of the input for each cell of its grid.
        mask: Which of the cfg's anchors these are.
        ignore_thresh: A box that overlaps a true one by more than this is not held against the objectness in training.
    """

    anchors: tuple[tuple[float, float], ...]
    classes: int
    scale_x_y: float = 1.0
    stride: int = 32
    mask: tuple[int, ...] = ()
    ignore_thresh: float = 0.5

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data, for a model's card."""
        return {
            "anchors": [list(anchor) for anchor in self.anchors],
            "classes": self.classes,
            "scale_x_y": self.scale_x_y,
            "stride": self.stride,
            "mask": list(self.mask),
            "ignore_thresh": self.ignore_thresh,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Head:
        """Return the head that `to_dict` made plain; raise `ValueError` where it did not."""
        head = msgspec.convert(data, cls)
        sizes = [side for anchor in head.anchors for side in anchor]
        if min((head.classes, head.stride, head.scale_x_y, *sizes), default=0) <= 0 or not sizes:
            message = "its anchors, its classes and its stride must be above 0"
            raise ValueError(message)
        return head


@dataclass(frozen=True)
class Convolution:
    """A convolution with batch normalization or a bias, and an activation; the only layer with weights."""

    index: int
    inputs: int
    filters: int
    size: int
    stride: int
    padding: int
    groups: int
    batch_normalize: bool
    activation: str

    @property
    def kernel_count(self) -> int:
        """The number of weights in its kernel."""
        return self.filters * (self.inputs // self.groups) * self.size**2

    @property
    def count(self) -> int:
        """The number of its values in a file of weights."""
        return self.kernel_count + self.filters * (4 if self.batch_normalize else 1)


@dataclass(frozen=True)
class MaxPool:
    """The largest value of each window; ``padding`` is the sum of both sides."""

    index: int
    size: int
    stride: int
    padding: int


@dataclass(frozen=True)
class Upsample:
    """Each value repeated ``stride`` times along both axes."""

    index: int
    stride: int


@dataclass(frozen=True)
class Route:
    """Earlier layers side by side in their channels, or one of ``groups`` equal parts of each."""

    index: int
    sources: tuple[int, ...]
    groups: int
    group_id: int


@dataclass(frozen=True)
class Shortcut:
    """The sum of the layer before and earlier ones, whose further channels are left out and missing ones zero."""

    index: int
    sources: tuple[int, ...]
    activation: str


@dataclass(frozen=True)
class Dropout:
    """Values set to zero at random in training; nothing otherwise."""

    index: int
    rate: float


@dataclass(frozen=True)
class AvgPool:
    """The mean of each channel."""

    index: int


@dataclass(frozen=True)
class ScaleChannels:
    """An earlier layer, each channel multiplied with the one value that the layer before has for it."""

    index: int
    source: int
    activation: str


@dataclass(frozen=True)
class Yolo:
    """An output of the network."""

    index: int
    head: Head


Layer: TypeAlias = Convolution | MaxPool | AvgPool | Upsample | Route | Shortcut | ScaleChannels | Dropout | Yolo


def read_size(section: Section) -> tuple[int, int, int]:
    """Return width, height and channels of the input from the section ``[net]``."""
    check_keys(section)
    width = section.integer("width", 416, 1, _MOST_PIXELS)
    height = section.integer("height", 416, 1, _MOST_PIXELS)
    return width, height, section.integer("channels", 3, 1, 64)


def read_layer(
    section: Section, index: int, layers: Sequence[Layer], shapes: Sequence[Shape], source: Shape
) -> tuple[Layer, Shape]:
    """Return the layer that a section describes, and the shape of what it passes on.

    Args:
        section: The section.
        index: The layer's number, from 0.
        layers: The layers before it.
        shapes: What those pass on.
        source: The shape of the network's input.

    Raises:
        DataError: A key is not known, a value cannot be used, or it does not fit what comes before it.
    """
    check_keys(section)
    before = _Before(layers, shapes, shapes[-1] if shapes else source, source)
    return _READERS[section.name](section, index, before)


class _Before(NamedTuple):
    """What stands before a layer; ``last`` is the shape that it is given, ``source`` that of the network's input."""

    layers: Sequence[Layer]
    shapes: Sequence[Shape]
    last: Shape
    source: Shape


def _convolution(section: Section, index: int, before: _Before) -> tuple[Layer, Shape]:
    size = section.integer("size", 1, 1, _LARGEST_KERNEL)
    stride = section.integer("stride", 1, 1, _LARGEST_STRIDE)
    padding = section.integer("padding", 0, 0, _LARGEST_KERNEL)
    if section.integer("pad", 0, 0, 1):  # the flag goes before the number, as in Darknet
        padding = size // 2
    filters = section.integer("filters", 1, 1, _MOST_FILTERS)
    groups = section.integer("groups", 1, 1, _MOST_FILTERS)
    if before.last.channels % groups or filters % groups:
        section.fail(
            f"{before.last.channels} channels and {filters} filters cannot be divided into {groups} groups.", "groups"
        )
    layer = Convolution(
        index,
        before.last.channels,
        filters,
        size,
        stride,
        padding,
        groups,
        bool(section.integer("batch_normalize", 0, 0, 1)),
        section.word("activation", "logistic", ACTIVATIONS),  # Darknet's default
    )
    return layer, _windowed(section, before.last, size, stride, 2 * padding, filters)


def _maxpool(section: Section, index: int, before: _Before) -> tuple[Layer, Shape]:
    stride = section.integer("stride", 1, 1, _LARGEST_STRIDE)
    size = section.integer("size", stride, 1, _LARGEST_KERNEL)
    padding = section.integer("padding", size - 1, 0, _LARGEST_KERNEL)
    shape = _windowed(section, before.last, size, stride, padding, before.last.channels)
    return MaxPool(index, size, stride, padding), shape


def _upsample(section: Section, index: int, before: _Before) -> tuple[Layer, Shape]:
    stride = section.integer("stride", 2, 1, _LARGEST_STRIDE)
    height, width, channels = before.last
    return Upsample(index, stride), Shape(height * stride, width * stride, channels)


def _route(section: Section, index: int, before: _Before) -> tuple[Layer, Shape]:
    sources = _sources(section, "layers", index)
    shapes = [before.shapes[source] for source in sources]
    if len({shape[:2] for shape in shapes}) > 1:
        listed = ", ".join(f"layer {source} has {shape}" for source, shape in zip(sources, shapes, strict=True))
        section.fail(f"the layers differ in width or height: {listed}.", "layers")
    groups = section.integer("groups", 1, 1, _MOST_FILTERS)
    group_id = section.integer("group_id", 0, 0, _MOST_FILTERS)
    if group_id >= groups:
        section.fail(f"there is no group {group_id}: with {groups} groups the last is {groups - 1}.", "group_id")
    for source, shape in zip(sources, shapes, strict=True):
        if shape.channels % groups:
            section.fail(
                f"the {shape.channels} channels of layer {source} cannot be divided into {groups} groups.", "groups"
            )
    channels = sum(shape.channels // groups for shape in shapes)
    return Route(index, sources, groups, group_id), Shape(*shapes[0][:2], channels)


def _shortcut(section: Section, index: int, before: _Before) -> tuple[Layer, Shape]:
    if not before.shapes:
        section.fail("there is no layer before it.")
    sources = _sources(section, "from", index)
    for source in sources:
        if before.shapes[source][:2] != before.last[:2]:
            section.fail(f"layer {source} has {before.shapes[source]}, the layer before has {before.last}.", "from")
    return Shortcut(index, sources, section.word("activation", "linear", ACTIVATIONS)), before.last


def _dropout(section: Section, index: int, before: _Before) -> tuple[Layer, Shape]:
    rate = section.number("probability", 0.5, 0.0, 1.0)
    if rate == 1:
        section.fail("`probability` must be less than 1.", "probability")
    return Dropout(index, rate), before.last


def _avgpool(section: Section, index: int, before: _Before) -> tuple[Layer, Shape]:
    del section
    return AvgPool(index), Shape(1, 1, before.last.channels)


def _scale_channels(section: Section, index: int, before: _Before) -> tuple[Layer, Shape]:
    source, *more = _sources(section, "from", index)
    if more:
        section.fail("`from` must name one layer.", "from")
    shape = before.shapes[source]
    if before.last != (1, 1, shape.channels):
        section.fail(
            f"layer {source} has {shape}, so the layer before needs 1x1x{shape.channels}; it has {before.last}."
        )
    return ScaleChannels(index, source, section.word("activation", "linear", ACTIVATIONS)), shape


def _yolo(section: Section, index: int, before: _Before) -> tuple[Layer, Shape]:
    classes = section.integer("classes", 20, 1, _MOST_CLASSES)
    count = section.integer("num", 1, 1, _MOST_ANCHORS)
    sides = section.numbers("anchors", 1e-3, 1e5)
    if len(sides) != 2 * count:
        section.fail(f"`num={count}` anchors need {2 * count} numbers; `anchors` has {len(sides)}.", "anchors")
    pairs = tuple(zip(sides[::2], sides[1::2], strict=True))
    mask = section.integers("mask", 0, count - 1) or tuple(range(count))
    filters = len(mask) * (5 + classes)
    if not before.layers:
        section.fail("there is no layer before it.")
    if before.last.channels != filters:
        section.fail(
            f"{len(mask)} anchors of {classes} classes need filters={filters} in the layer before, which has "
            f"{before.last.channels} channels.",
            "classes",
        )
    head = Head(
        tuple(pairs[i] for i in mask),
        classes,
        section.number("scale_x_y", 1.0, 0.1, 10.0),
        max(1, round(before.source.width / before.last.width)),
        mask,
        section.number("ignore_thresh", 0.5, 0.0, 1.0),
    )
    return Yolo(index, head), before.last


def _windowed(section: Section, shape: Shape, size: int, stride: int, padding: int, channels: int) -> Shape:
    """Return the shape after windows moved over a padded map; ``padding`` is the sum of both sides."""
    height, width = ((side + padding - size) // stride + 1 for side in shape[:2])
    if height < 1 or width < 1:
        section.fail(
            f"nothing is left of a map of {shape} under a window of {size}x{size} with stride {stride}.", "size"
        )
    return Shape(height, width, channels)


def _sources(section: Section, key: str, index: int) -> tuple[int, ...]:
    """Return the layers that are named under ``key``, as numbers from 0; negative ones count back from ``index``."""
    named = section.integers(key, -index, index - 1) if index else ()
    if not named:
        section.fail(f"the key `{key}` is missing." if index else "there is no layer before it.", key)
    return tuple(index + number if number < 0 else number for number in named)


_READERS: dict[str, Callable[[Section, int, _Before], tuple[Layer, Shape]]] = {
    "convolutional": _convolution,
    "maxpool": _maxpool,
    "upsample": _upsample,
    "route": _route,
    "shortcut": _shortcut,
    "dropout": _dropout,
    "avgpool": _avgpool,
    "scale_channels": _scale_channels,
    "yolo": _yolo,
}
