"""The layers of a cfg as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from kzoo_zoo.yolov3.darknet.heads import Head

__all__ = [
    "ACTIVATIONS",
    "AvgPool",
    "Convolution",
    "Cost",
    "Dropout",
    "Head",
    "Layer",
    "MaxPool",
    "Reorg",
    "Route",
    "Sam",
    "ScaleChannels",
    "Shape",
    "Shortcut",
    "Softmax",
    "Upsample",
    "Yolo",
]

ACTIVATIONS = ("leaky", "linear", "logistic", "mish", "relu", "relu6", "swish")


class Shape(NamedTuple):
    """Height, width and channels of a feature map."""

    height: int
    width: int
    channels: int

    def __str__(self) -> str:
        return f"{self.width}x{self.height}x{self.channels}"


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
    dilation: int = 1

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
class Sam:
    """The layer before and an earlier one, multiplied value by value."""

    index: int
    source: int
    activation: str


@dataclass(frozen=True)
class Reorg:
    """A map of a smaller grid with ``stride`` squared times the channels.

    Attributes:
        index: Its number.
        stride: By how much the sides shrink.
        scrambled: As ``[reorg]`` has it since YOLOv2: it takes the map's memory for one of a quarter of the channels
            and twice the sides (with stride 2), and the networks were trained so. ``[reorg3d]`` is what was meant: the
            values of each square of cells side by side in the channels.
    """

    index: int
    stride: int
    scrambled: bool


@dataclass(frozen=True)
class Softmax:
    """The probabilities of classes, where a classifier ends."""

    index: int
    temperature: float


@dataclass(frozen=True)
class Cost:
    """What Darknet trains a classifier with; it passes on what it is given."""

    index: int


@dataclass(frozen=True)
class Yolo:
    """An output of a detector."""

    index: int
    head: Head


Layer: TypeAlias = (
    Convolution
    | MaxPool
    | AvgPool
    | Upsample
    | Route
    | Shortcut
    | ScaleChannels
    | Sam
    | Reorg
    | Dropout
    | Softmax
    | Cost
    | Yolo
)
