"""The sections ``[yolo]`` and ``[region]`` as the heads of a detector."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from kzoo_zoo.yolov3.darknet.heads import FEWEST_BINS, MOST_BINS, Head
from kzoo_zoo.yolov3.darknet.layers import Convolution, Layer, Shape, Yolo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kzoo_zoo.yolov3.darknet.cfg import Section

__all__ = ["TREE", "Before", "read_region", "read_yolo"]

_MOST_CLASSES = 100_000
_MOST_ANCHORS = 1000

TREE = "its classes are a tree, as in YOLO9000, and only a plain list of classes is built here."
"""What is said of a file with a tree of classes; OpenCV refuses it, too."""


class Before(NamedTuple):
    """What stands before a layer; ``last`` is the shape that it is given, ``source`` that of the network's input."""

    layers: Sequence[Layer]
    shapes: Sequence[Shape]
    last: Shape
    source: Shape

    @property
    def stride(self) -> int:
        """Pixels of the input for each cell of the map before it."""
        return max(1, round(self.source.width / self.last.width))


def read_yolo(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    """Return the head that ``[yolo]`` describes."""
    classes = section.integer("classes", 20, 1, _MOST_CLASSES)
    pairs = _anchors(section)
    mask = section.integers("mask", 0, len(pairs) - 1) or tuple(range(len(pairs)))
    bins = section.integer("bins", 0, 0, MOST_BINS)
    new = section.integer("new_coords", 0, 0, 1)
    if 0 < bins < FEWEST_BINS:
        section.fail(f"a side is said by {FEWEST_BINS} bins or more, not by {bins}.", "bins")
    if bins and new:
        section.fail("`new_coords=1` says how sides are numbers, and `bins` that they are distributions.", "bins")
    head = Head(
        tuple(pairs[i] for i in mask),
        classes,
        section.number("scale_x_y", 1.0, 0.1, 10.0),
        before.stride,
        mask,
        section.number("ignore_thresh", 0.5, 0.0, 1.0),
        "new_coords" if new else "bins" if bins else "yolo",
        bins,
    )
    _check_filters(section, before, head)
    if new:
        _check_bounded(section, before.layers[-1])
    return Yolo(index, head), before.last


def read_region(section: Section, index: int, before: Before) -> tuple[Layer, Shape]:
    """Return the head that ``[region]`` describes; its anchors are in cells of the grid in the file."""
    classes = section.integer("classes", 20, 1, _MOST_CLASSES)
    if "tree" in section.entries:
        section.fail(TREE, "tree")
    if not section.integer("softmax", 0, 0, 1):
        section.fail("only softmax=1 is built, the classes of YOLOv2; without it they are scores without bounds.")
    pairs = tuple((width * before.stride, height * before.stride) for width, height in _anchors(section))
    head = Head(pairs, classes, 1.0, before.stride, tuple(range(len(pairs))), kind="region")
    _check_filters(section, before, head)
    return Yolo(index, head), before.last


def _anchors(section: Section) -> tuple[tuple[float, float], ...]:
    count = section.integer("num", 1, 1, _MOST_ANCHORS)
    sides = section.numbers("anchors", 1e-3, 1e5)
    if len(sides) != 2 * count:
        section.fail(f"`num={count}` anchors need {2 * count} numbers; `anchors` has {len(sides)}.", "anchors")
    return tuple(zip(sides[::2], sides[1::2], strict=True))


def _check_filters(section: Section, before: Before, head: Head) -> None:
    """Refuse a head whose numbers are not those of the layer before."""
    anchors = len(head.anchors)
    filters = anchors * head.numbers
    bins = f" and {head.bins} bins" if head.bins else ""
    if not before.layers:
        section.fail("there is no layer before it.")
    if before.last.channels != filters:
        section.fail(
            f"{anchors} anchors of {head.classes} classes{bins} need filters={filters} in the layer before, which has "
            f"{before.last.channels} channels.",
            "classes",
        )


def _check_bounded(section: Section, layer: Layer) -> None:
    """Refuse ``new_coords=1`` after anything but a convolution that ends in the logistic function, as all have it."""
    if not isinstance(layer, Convolution) or layer.activation != "logistic" or layer.batch_normalize:
        section.fail(
            "`new_coords=1` takes numbers between 0 and 1: the layer before it must be a [convolutional] with "
            "activation=logistic and without batch normalization.",
            "new_coords",
        )
