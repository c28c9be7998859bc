"""A Darknet network as plain data: its layers, the shape of what each passes on, and its heads. Needs no Keras."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.errors import DataError
from kzoo_zoo.yolov3.darknet.cfg import Entry, Section, parse_sections, read_text, write_sections
from kzoo_zoo.yolov3.darknet.keys import ALIASES
from kzoo_zoo.yolov3.darknet.layers import Convolution, Cost, Head, Layer, Shape, Softmax, Yolo
from kzoo_zoo.yolov3.darknet.reading import read_layer, read_size

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Network", "parse_cfg", "read_cfg", "refuse_missing_cfg"]


@dataclass(frozen=True)
class Network:
    """What a cfg says.

    Attributes:
        name: The name of the file without its suffix, or of the built-in cfg.
        width: The width of the input in pixels.
        height: Its height.
        channels: Its channels, 3 for RGB.
        layers: The layers in the cfg's order; Darknet's numbers are their places, from 0.
        shapes: Height, width and channels of what each layer passes on.
        heads: The heads in the cfg's order, which is the order of the model's outputs.
        sections: The cfg, section by section, ``[net]`` first.
    """

    name: str
    width: int
    height: int
    channels: int
    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...]
    heads: tuple[Head, ...]
    sections: tuple[Section, ...]

    @property
    def classes(self) -> int:
        """The number of classes."""
        if self.heads:
            return self.heads[0].classes
        return self.shapes[-1].channels if self.classifier else 0

    @property
    def bins(self) -> int:
        """How many bins each side of a box has in its heads; 0 where they say boxes otherwise."""
        return self.heads[0].bins if self.heads else 0

    @property
    def classifier(self) -> bool:
        """Whether it ends in the probabilities of classes, ``[softmax]``."""
        last = next((layer for layer in reversed(self.layers) if not isinstance(layer, Cost)), None)
        return isinstance(last, Softmax) and not self.heads

    @property
    def convolutions(self) -> list[Convolution]:
        """The layers with weights, in the order of the file of weights."""
        return [layer for layer in self.layers if isinstance(layer, Convolution)]

    @property
    def text(self) -> str:
        """The cfg without comments; `parse_cfg` makes the same network of it."""
        return write_sections(self.sections)

    def resized(self, width: int, height: int | None = None) -> Network:
        """Return the network for an input of another size, with the same weights.

        Raises:
            DataError: Some layers do not fit together at this size.
        """
        height = width if height is None else height
        return self._rewritten({0: {"width": str(width), "height": str(height)}})

    def adapted(
        self,
        *,
        classes: int | None = None,
        anchors: Sequence[tuple[float, float]] | None = None,
        bins: int | None = None,
    ) -> Network:
        """Return the network for other classes, anchors or bins: the last convolution before each head changes too.

        Args:
            classes: The number of classes.
            anchors: Width and height of each anchor in input pixels, as many as before; the heads' masks choose.
            bins: How many bins each side of a box has; the cfg gets a key for it that Darknet does not know.

        Raises:
            DataError: It has no heads, or the number of anchors differs.
        """
        changes: dict[int, dict[str, str]] = {}
        for layer in self.layers:
            if not isinstance(layer, Yolo):
                continue
            place = layer.index + 1  # [net] is the first section
            head = dataclasses.replace(
                layer.head,
                classes=layer.head.classes if classes is None else classes,
                bins=layer.head.bins if bins is None else bins,
            )
            if classes is not None or bins is not None:
                changes[place - 1] = {"filters": str(len(head.anchors) * head.numbers)}
                changes[place] = {"classes": str(head.classes), **({"bins": str(head.bins)} if head.bins else {})}
            if anchors is not None:
                unit = layer.head.stride if layer.head.kind == "region" else 1  # those are in cells
                listed = ",".join(_written(side / unit) for pair in anchors for side in pair)
                changes.setdefault(place, {})["anchors"] = listed
        return self._rewritten(changes)

    def _rewritten(self, changes: dict[int, dict[str, str]]) -> Network:
        sections = list(self.sections)
        for place, values in changes.items():
            old = sections[place]
            new = {key: Entry(value, old.line) for key, value in values.items()}
            sections[place] = dataclasses.replace(old, entries={**old.entries, **new})
        return _assemble(sections, self.name)


def read_cfg(source: str | Path, *, width: int | None = None, height: int | None = None) -> Network:
    """Return the network that a cfg describes.

    Args:
        source: A file, or the name of a built-in one: ``yolov3``, ``yolov3-tiny``, ``yolov3-spp``.
        width: Another width of the input than the cfg's, in pixels.
        height: Another height; the width if that is given alone.

    Raises:
        DataError: The file cannot be read, or a line of it cannot be understood; the message names it.
    """
    from kzoo_zoo.yolov3.darknet.builtin import BUILT_IN, builtin_cfg

    refuse_missing_cfg(source)
    if str(source) in BUILT_IN:
        network = parse_cfg(builtin_cfg(str(source)), str(source))
    else:
        path = Path(source).expanduser()
        network = parse_cfg(read_text(path), str(path))
    return network if width is None and height is None else network.resized(width or network.width, height)


def refuse_missing_cfg(source: str | Path) -> None:
    """Raise `DataError` where there is neither a file nor a built-in cfg of that name."""
    from kzoo_zoo.yolov3.darknet.builtin import BUILT_IN

    if str(source) not in BUILT_IN and not Path(source).expanduser().exists():
        message = f"There is no cfg {source}. Name a file, or a built-in one: {', '.join(BUILT_IN)}."
        raise DataError(message)


def parse_cfg(text: str, origin: str) -> Network:
    """Return the network that the text of a cfg describes.

    Args:
        text: The cfg.
        origin: Where it is from, for messages.

    Raises:
        DataError: A section or key is not known, a value cannot be used, or layers do not fit together.
    """
    sections = [dataclasses.replace(s, name=ALIASES.get(s.name, s.name)) for s in parse_sections(text, origin)]
    return _assemble(sections, Path(origin).stem)


def _written(number: float) -> str:
    """Return a number in as few digits as tell it."""
    short = f"{number:g}"
    return short if float(short) == number else repr(float(number))


def _assemble(sections: Sequence[Section], name: str) -> Network:
    first, *rest = sections
    if first.name != "net":
        first.fail("a cfg begins with the section [net].")
    width, height, channels = read_size(first)
    if not rest:
        first.fail("there is no layer after it.")
    layers: list[Layer] = []
    shapes: list[Shape] = []
    source = Shape(height, width, channels)
    for index, section in enumerate(rest):
        layer, shape = read_layer(section, index, layers, shapes, source)
        layers.append(layer)
        shapes.append(shape)
    heads = tuple(layer.head for layer in layers if isinstance(layer, Yolo))
    for layer in layers:
        if isinstance(layer, Yolo) and layer.head.classes != heads[0].classes:
            rest[layer.index].fail(
                f"it has {layer.head.classes} classes; the first head has {heads[0].classes}.", "classes"
            )
        if isinstance(layer, Yolo) and layer.head.bins != heads[0].bins:
            rest[layer.index].fail(
                f"its sides have {layer.head.bins} bins; those of the first head have {heads[0].bins}.", "bins"
            )
    return Network(name, width, height, channels, tuple(layers), tuple(shapes), heads, tuple(sections))
