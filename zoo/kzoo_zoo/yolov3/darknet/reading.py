"""The sections of a cfg as layers, checked against what comes before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kzoo_zoo.yolov3.darknet.keys import check_keys
from kzoo_zoo.yolov3.darknet.layers import (
    ACTIVATIONS,
    AvgPool,
    Convolution,
    Cost,
    Dropout,
    MaxPool,
    Reorg,
    Route,
    Sam,
    ScaleChannels,
    Shape,
    Shortcut,
    Softmax,
    Upsample,
)
from kzoo_zoo.yolov3.darknet.reading_heads import TREE, Before, read_region, read_yolo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo_zoo.yolov3.darknet.cfg import Section
    from kzoo_zoo.yolov3.darknet.layers import Layer

__all__ = ["read_layer", "read_size"]

# What no real cfg reaches: a mistyped number must not ask for terabytes.
_MOST_FILTERS = 1 << 16
_MOST_PIXELS = 1 << 14
_LARGEST_KERNEL = 99
_LARGEST_STRIDE = 64


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
    before = Before(layers, shapes, shapes[-1] if shapes else source, source)
    return _READERS[section.name](section, index, before)


def _convolution(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
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
    dilation = 1 if size == 1 else section.integer("dilation", 1, 1, _LARGEST_KERNEL)
    if dilation > 1 and (stride > 1 or 2 * padding != size - 1):
        section.fail(
            f"`dilation={dilation}` is built for windows of an odd size with stride 1 and pad=1; here the size is "
            f"{size}, the stride {stride} and the padding {padding}.",
            "dilation",
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
        dilation,
    )
    return layer, _windowed(section, before.last, size, stride, 2 * padding, filters)


def _maxpool(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    stride = section.integer("stride", 1, 1, _LARGEST_STRIDE)
    size = section.integer("size", stride, 1, _LARGEST_KERNEL)
    padding = section.integer("padding", size - 1, 0, _LARGEST_KERNEL)
    shape = _windowed(section, before.last, size, stride, padding, before.last.channels)
    return MaxPool(index, size, stride, padding), shape


def _upsample(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    stride = section.integer("stride", 2, 1, _LARGEST_STRIDE)
    height, width, channels = before.last
    return Upsample(index, stride), Shape(height * stride, width * stride, channels)


def _route(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
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


def _shortcut(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    if not before.shapes:
        section.fail("there is no layer before it.")
    sources = _sources(section, "from", index)
    for source in sources:
        if before.shapes[source][:2] != before.last[:2]:
            section.fail(f"layer {source} has {before.shapes[source]}, the layer before has {before.last}.", "from")
    return Shortcut(index, sources, section.word("activation", "linear", ACTIVATIONS)), before.last


def _dropout(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    rate = section.number("probability", 0.5, 0.0, 1.0)
    if rate == 1:
        section.fail("`probability` must be less than 1.", "probability")
    return Dropout(index, rate), before.last


def _avgpool(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    del section
    return AvgPool(index), Shape(1, 1, before.last.channels)


def _scale_channels(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    source, *more = _sources(section, "from", index)
    if more:
        section.fail("`from` must name one layer.", "from")
    shape = before.shapes[source]
    if before.last != (1, 1, shape.channels):
        section.fail(
            f"layer {source} has {shape}, so the layer before needs 1x1x{shape.channels}; it has {before.last}."
        )
    return ScaleChannels(index, source, section.word("activation", "linear", ACTIVATIONS)), shape


def _sam(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    source, *more = _sources(section, "from", index)
    if more:
        section.fail("`from` must name one layer.", "from")
    if before.shapes[source] != before.last:
        section.fail(f"layer {source} has {before.shapes[source]}, the layer before has {before.last}.", "from")
    return Sam(index, source, section.word("activation", "linear", ACTIVATIONS)), before.last


def _reorg(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    stride = section.integer("stride", 1, 1, _LARGEST_STRIDE)
    scrambled = section.name == "reorg"
    height, width, channels = before.last
    if height % stride or width % stride or (scrambled and channels % stride**2):
        channels_too = f", and its channels by {stride**2}" if scrambled else ""
        section.fail(
            f"the sides of the map before it, {before.last}, must be divisible by {stride}{channels_too}.", "stride"
        )
    shape = Shape(height // stride, width // stride, channels * stride**2)
    return Reorg(index, stride, scrambled), shape


def _softmax(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    if "tree" in section.entries:
        section.fail(TREE, "tree")
    if before.last[:2] != (1, 1):
        section.fail(f"it is read where one place is left, as after [avgpool]; the layer before has {before.last}.")
    return Softmax(index, section.number("temperature", 1.0, 1e-3, 1e3)), before.last


def _cost(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    del section
    return Cost(index), before.last


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


_READERS: dict[str, Callable[[Section, int, Before], tuple[Layer, Shape]]] = {
    "convolutional": _convolution,
    "maxpool": _maxpool,
    "upsample": _upsample,
    "route": _route,
    "shortcut": _shortcut,
    "dropout": _dropout,
    "avgpool": _avgpool,
    "scale_channels": _scale_channels,
    "sam": _sam,
    "reorg": _reorg,
    "reorg3d": _reorg,
    "softmax": _softmax,
    "cost": _cost,
    "yolo": read_yolo,
    "region": read_region,
}
