"""A network to train: its heads in one output, its weights from another one as far as the two agree."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from scipy.optimize import brentq
from scipy.special import softmax

from kzoo.command import load_model
from kzoo.errors import DataError, KzooError, UsageError
from kzoo_zoo.yolov3.darknet import build, parse_cfg, read_cfg
from kzoo_zoo.yolov3.darknet.layers import Route, Sam, ScaleChannels, Shortcut, Yolo
from kzoo_zoo.yolov3.darknet.pretrained import BACKBONES, PRETRAINED, named_weights
from kzoo_zoo.yolov3.darknet.weight_files import blocks_of, read_weights
from kzoo_zoo.yolov3.darknet.weights import assign

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kzoo_zoo.yolov3.darknet import Head, Network

__all__ = ["BACKBONE", "backbone_layers", "freeze", "layer_number", "start_from", "trainable_network", "widened"]

BACKBONE = "backbone"
"""What stands for the number of layers of a network's backbone."""

_RARE = 0.01  # how likely a box is at a place, before anything is learned
_MULTIPLE = 8
_STEEPEST = 30.0
"""The largest difference of the logits of two bins that a network begins with: e^-30 is as good as nothing."""


def trainable_network(
    network: Network, input_shape: Sequence[int | None], regularizer: Any, *, momentum: float
) -> keras.Model:
    """Return the network with one output (batch, places, numbers), in the order of `assignment.places`.

    At first it says everywhere that a box is unlikely: else the thousands of places without one are all that the first
    steps learn from. And it says a box of its anchor's sides, also where these are means of bins.

    Args:
        network: What it is.
        input_shape: Height, width and channels of the images; None for a side of any length.
        regularizer: For the kernels, or None.
        momentum: Of the running averages of batch normalization, which a short training must follow.
    """
    heads = build(network, input_shape=input_shape, regularizer=regularizer)
    numbers = network.heads[0].numbers
    rows = [keras.layers.Reshape((-1, numbers), name=f"rows_{n}")(x) for n, x in enumerate(_listed(heads.output))]
    output = rows[0] if len(rows) == 1 else keras.layers.Concatenate(axis=1, name="rows", dtype="float32")(rows)
    model = keras.Model(heads.input, output, name=heads.name)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
    for number, head in _last_convolutions(network):
        layer = model.get_layer(f"conv_{number}")
        kernel, bias = layer.get_weights()
        bias = bias.reshape(-1, numbers)
        bias[:, head.box_numbers] = -math.log(1 / _RARE - 1)
        if head.bins:
            bias[:, : head.box_numbers] = [_bins_of(anchor, head) for anchor in head.anchors]
        layer.set_weights([kernel * 0.1, bias.ravel()])
    return model


def _bins_of(anchor: tuple[float, float], head: Head) -> np.ndarray:
    """Return logits of the bins of the four sides whose means are those of an anchor in the middle of a cell.

    They are the flattest that have these means, which grow by the same amount from bin to bin: no bin is ruled out.
    """
    numbers = np.arange(head.bins)

    def logits(side: float) -> np.ndarray:
        # From the far edge of the cell, as the bins are counted; what is beyond them begins near the last one.
        mean = min((side / head.stride + 1) / 2, head.bins - 1.5)
        slope = brentq(lambda steep: softmax(steep * numbers) @ numbers - mean, -_STEEPEST, _STEEPEST)
        return np.asarray(slope * (numbers - (head.bins - 1) / 2))

    return np.concatenate([logits(side) for side in (*anchor, *anchor)])


def widened(network: Network, width: float) -> Network:
    """Return the network with the channels of all hidden convolutions multiplied, to whole multiples of eight.

    Raises:
        UsageError: ``width`` is no number above 0.
    """
    if width == 1:
        return network
    if isinstance(width, bool) or not isinstance(width, int | float) or not 0 < width <= 4:  # noqa: PLR2004
        message = f"`model.width` must be a number above 0 and at most 4, not {width!r}."
        raise UsageError(message)
    sections = re.split(r"(?m)^(?=\[)", network.text)

    def scaled(found: re.Match[str]) -> str:
        channels = round(int(found[2]) * width / _MULTIPLE) * _MULTIPLE
        return f"{found[1]}{max(_MULTIPLE, channels)}"

    last = {number + 1 for number, _ in _last_convolutions(network)}  # [net] is the first section
    offset = next(place for place, section in enumerate(sections) if section.strip())
    written = [
        section if place - offset in last else re.sub(r"(?m)^(filters\s*=\s*)(\d+)", scaled, section)
        for place, section in enumerate(sections)
    ]
    return parse_cfg("".join(written), f"{network.name}-{width:g}")


def start_from(
    model: keras.Model, network: Network, weights: str, source: Network, *, others: bool = False, bins: int = 0
) -> set[int]:
    """Give a network the weights of another one.

    Layers of the same number and shape are taken as they are. Of a head for other classes, what says where a box is and
    whether there is one is taken over, anchor by anchor; a class of the new head begins at what is true of none. Of a
    head that says boxes in another way, by numbers or by other bins, only whether there is one.

    Args:
        model: The network.
        network: What it is.
        weights: A Darknet file, which may hold the first layers only, the name of a trained network or a backbone, or a
            ``.keras`` file.
        source: The cfg of the Darknet file.
        others: Whether its classes are others, also where there are as many.
        bins: How many bins the sides of a ``.keras`` file's boxes have; 0 for none.

    Returns:
        The numbers of Darknet's layers that were taken whole.

    Raises:
        DataError: The file cannot be read, or no layer of it fits.
    """
    path = Path(weights).expanduser()
    filled: set[int] | None = None
    if path.suffix == ".keras":
        other = _loaded(path)
    else:
        layers = None
        if (named := named_weights(weights)) is not None:
            path, source, layers = named.path, read_cfg(named.cfg), named.layers
        if not path.is_file():
            known = ", ".join((*PRETRAINED, *BACKBONES))
            message = f"`model.weights`: there is no file {path}. Name one, or one of {known}."
            raise UsageError(message)
        bins = source.bins
        contents = read_weights(path, blocks_of(source), partial=True, layers=layers)
        other = build(source)
        assign(other, contents)
        filled = {number for number, _ in contents.arrays}
    last = dict(_last_convolutions(network))
    taken: set[int] = set()
    mine = {layer.name: layer for layer in model.layers if layer.weights}
    for layer in other.layers:
        own = mine.get(layer.name)
        if own is None or not layer.weights or (filled is not None and layer_number(layer.name) not in filled):
            continue  # what the file does not reach is random there, and better begun here
        new, old = own.get_weights(), layer.get_weights()
        fits = [array.shape for array in new] == [array.shape for array in old]
        if fits and not ((others or bins != network.bins) and layer_number(layer.name) in last):
            own.set_weights(old)
            taken.add(layer_number(layer.name))
        elif (number := layer_number(layer.name)) in last and new[0].shape[:-1] == old[0].shape[:-1]:
            own.set_weights(_head_weights(new, old, last[number], bins))
    if not taken:
        asked = "--from" if path.suffix == ".keras" else "`model.weights`"
        message = f"{asked}: no layer of {path} fits the network {network.name}; it belongs to another cfg."
        raise DataError(message)
    return taken


def freeze(model: keras.Model, network: Network, layers: int | str, taken: Collection[int]) -> None:
    """Set the first of Darknet's layers to stay as they are, the averages of their batch normalizations as well.

    Args:
        model: The network.
        network: What it is.
        layers: How many layers, or `BACKBONE`.
        taken: Those that have trained weights.

    Raises:
        UsageError: ``layers`` is no number of layers, or one of them has no trained weights: it would stay random.
    """
    most = max(layer_number(layer.name) for layer in model.layers) + 1
    count = backbone_layers(network) if layers == BACKBONE else layers
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count <= most:
        message = f"`model.frozen` must be a number of layers from 0 to {most}, or {BACKBONE}, not {layers!r}."
        raise UsageError(message)
    frozen = [layer for layer in model.layers if 0 <= layer_number(layer.name) < count]
    random = sorted({layer_number(layer.name) for layer in frozen if layer.weights} - set(taken))
    if random:
        message = (
            f"`model.frozen` is {layers}, the first {count} layers, but `model.weights` has none that fit layer "
            f"{random[0]}: it would stay random. Freeze at most {random[0]} layers."
        )
        raise UsageError(message)
    for layer in frozen:
        layer.trainable = False


def backbone_layers(network: Network) -> int:
    """Return how many of a network's first layers are its backbone.

    They end with the last shortcut before the first head, as Darknet-53 does with its layer 74. Without shortcuts they
    are what all heads stand on, but not the convolutions right before them: 14 of yolov3-tiny.
    """
    heads = [layer.index for layer in network.layers if isinstance(layer, Yolo)]
    shortcuts = [layer.index for layer in network.layers[: heads[0]] if isinstance(layer, Shortcut)]
    if shortcuts:
        return shortcuts[-1] + 1
    shared = set.intersection(*(_before(network, head) for head in heads)) - {head - 1 for head in heads}
    return max(shared, default=-1) + 1


def _before(network: Network, number: int) -> set[int]:
    """Return the numbers of all layers that a layer's output depends on."""
    found: set[int] = set()
    waiting = [number]
    while waiting:
        layer = network.layers[waiting.pop()]
        sources: tuple[int, ...] = (layer.index - 1,)
        if isinstance(layer, Route):
            sources = layer.sources
        elif isinstance(layer, Shortcut):
            sources += layer.sources
        elif isinstance(layer, (Sam, ScaleChannels)):
            sources += (layer.source,)
        new = {source for source in sources if source >= 0} - found
        found |= new
        waiting += new
    return found


def _loaded(path: Path) -> keras.Model:
    try:
        return load_model(path, compile=False)
    except KzooError as error:
        message = f"--from: {error}"
        raise DataError(message) from error


def _head_weights(new: list[np.ndarray], old: list[np.ndarray], head: Head, bins: int) -> list[np.ndarray]:
    """Return the weights of a head for other classes, or for other bins than the old one's.

    Of each anchor, what says where its box is and whether it is there is the old one's; with other bins only the
    latter.
    """
    anchors, objectness = len(head.anchors), 4 * (bins or 1)
    if old[0].shape[-1] % anchors or new[0].shape[-1] % anchors or old[0].shape[-1] // anchors <= objectness:
        return new
    found = []
    for mine, theirs in zip(new, old, strict=True):
        by_anchor = mine.reshape(*mine.shape[:-1], anchors, -1).copy()
        before = theirs.reshape(*theirs.shape[:-1], anchors, -1)
        by_anchor[..., head.box_numbers] = before[..., objectness]
        if bins == head.bins:
            by_anchor[..., :objectness] = before[..., :objectness]
        found.append(by_anchor.reshape(mine.shape))
    return found


def _last_convolutions(network: Network) -> list[tuple[int, Head]]:
    """Return the number of the convolution before each head, and the head."""
    return [(layer.index - 1, layer.head) for layer in network.layers if isinstance(layer, Yolo)]


def layer_number(name: str) -> int:
    """Return the number of Darknet's layer that a Keras layer belongs to; -1 for none."""
    found = re.fullmatch(r"(?:conv|bn|act|pad|pool)_(\d+)", name)
    return int(found[1]) if found else -1


def _listed(outputs: Any) -> list[Any]:
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]
