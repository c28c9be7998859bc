"""A cfg, weights and names -> a network that is ready to use. All is checked before Keras is imported."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.data.class_names import read_names
from kzoo.errors import DataError, UsageError
from kzoo_zoo.yolov3.darknet.builtin import BUILT_IN
from kzoo_zoo.yolov3.darknet.network import Network, read_cfg, refuse_missing_cfg
from kzoo_zoo.yolov3.darknet.pretrained import BACKBONES, PRETRAINED, named_weights
from kzoo_zoo.yolov3.names import COCO_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kzoo_zoo.yolov3.darknet.weight_files import Header

__all__ = ["Loaded", "card_of", "load_network"]


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network from Darknet's files.

    Attributes:
        model: The Keras model, with its weights.
        network: What the cfg says.
        class_names: The names of the classes.
        header: The head of the file of weights.
        card: What is stored with the model when it is saved.
        random: How many of its convolutions got no weights and are random.
    """

    model: Any
    network: Network
    class_names: tuple[str, ...]
    header: Header
    card: dict[str, Any]
    random: int = 0


def load_network(
    cfg: str = "",
    weights: str = "",
    *,
    names: str = "",
    size: str = "",
    partial: bool = False,
    layers: int | None = None,
    trust: bool = False,
    download: bool = True,
    progress: Any = None,
    start: Callable[[], None] | None = None,
) -> Loaded:
    """Return a network with its weights.

    Args:
        cfg: A cfg file, or the name of a built-in one. By default that of the weights: the built-in cfg of their name,
            or the file beside them that differs in its suffix.
        weights: A file of weights, or the name of a trained network or a backbone, which is downloaded. By default
            the trained network of a built-in cfg. Of a backbone's name only its layers are taken.
        names: A file with the name of one class in each line. By default COCO's names where there are 80 classes.
        size: The side of the input in pixels, or ``WIDTHxHEIGHT``; by default the cfg's.
        partial: The weights may be those of the first layers only.
        layers: Take the weights of only so many layers; the others stay random.
        trust: Take numbers, too, that no network can have.
        download: Whether weights that are named and not in the cache may be downloaded.
        progress: Called with the bytes done, the bytes in all and the name of the file.
        start: Called before Keras is imported, when all files were found right.

    Raises:
        DataError: A file cannot be read or used; the message says what differs.
        UsageError: No cfg or no weights are named, or the size is none.
    """
    cfg, weights = _named(cfg, weights)
    network = _sized(read_cfg(cfg), size)
    if not network.heads and not network.classifier:
        message = (
            f"{cfg} has no [yolo] or [region], so it is no detector, and does not end in [softmax] as a classifier."
        )
        raise DataError(message)
    class_names = _class_names(network, names)
    path = Path(weights).expanduser()
    if (named := named_weights(weights, download=download, progress=progress)) is not None:
        path = named.path
        layers = min(filter(None, (named.layers, layers)), default=None)
    from kzoo_zoo.yolov3.darknet.weight_files import blocks_of, read_weights

    blocks = blocks_of(network)
    contents = read_weights(path, blocks, partial=partial, layers=layers, trust=trust)
    if start is not None:
        start()
    from kzoo_zoo.yolov3.darknet.building import build
    from kzoo_zoo.yolov3.darknet.weights import assign

    model = build(network)
    assign(model, contents)
    card = card_of(network, class_names)
    card["darknet"] |= {"weights": path.name, "sha256": _sha256(path), "header": contents.header.to_dict()}
    random = len(blocks) - len(contents.arrays)
    if random:
        card["darknet"]["random"] = random
    return Loaded(model, network, class_names, contents.header, card, random)


def card_of(network: Network, class_names: Sequence[str]) -> dict[str, Any]:
    """Return what a saved model must tell of a network, so that its outputs can be read and its weights exported."""
    return {
        "pipeline": "yolov3",
        "task": "classification" if network.classifier else "detection",
        "class_names": list(class_names),
        "input_shape": [network.height, network.width, network.channels],
        **({} if network.classifier else {"heads": [head.to_dict() for head in network.heads]}),
        "darknet": {"name": network.name, "cfg": network.text},
    }


def _named(cfg: str, weights: str) -> tuple[str, str]:
    """Return cfg and weights; where one is not given, what follows from the other."""
    backbone = weights or cfg
    if backbone in BACKBONES and not Path(backbone).exists():
        return (cfg if weights and cfg else BACKBONES[backbone].cfg), backbone
    if not cfg and not weights:
        message = f"Name a file of weights, or one of {', '.join(PRETRAINED)}."
        raise UsageError(message)
    if not weights:
        if cfg not in PRETRAINED:
            refuse_missing_cfg(cfg)
            message = f"Name the weights for {cfg}: a file, or one of {', '.join(PRETRAINED)}."
            raise UsageError(message)
        return cfg, cfg
    if cfg:
        return cfg, weights
    return _cfg_of(weights), weights


def _cfg_of(weights: str) -> str:
    """Return the cfg that belongs to weights by their name."""
    path = Path(weights).expanduser()
    if weights in BUILT_IN and not path.exists():
        return weights
    if not path.exists():
        message = f"There are no weights {weights}. Name a file, or one of {', '.join(PRETRAINED)}."
        raise DataError(message)
    beside = path.with_suffix(".cfg")
    if beside != path and beside.exists():
        return str(beside)
    if path.stem in BUILT_IN:
        return path.stem
    message = (
        f"Name the cfg that {weights} belongs to: --network CFG, or one of {', '.join(BUILT_IN)}. There is no {beside} "
        "beside it."
    )
    raise UsageError(message)


def _sized(network: Network, size: str) -> Network:
    if not size:
        return network
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", size.strip().lower())
    step = max((head.stride for head in network.heads), default=1)
    sides = [int(side) for side in found.groups() if side] if found else []
    if not sides or any(side < step or side % step for side in sides):
        message = (
            f"The size of the network's input is a side in pixels or WIDTHxHEIGHT, in multiples of {step} such as "
            f"{13 * step}, not {size!r}."
        )
        raise UsageError(message)
    return network.resized(*sides)


def _class_names(network: Network, names: str) -> tuple[str, ...]:
    if not names:
        known = network.classes == len(COCO_NAMES) and not network.classifier
        return COCO_NAMES if known else tuple(f"class {number}" for number in range(network.classes))
    # ImageNet has two cranes and two maillots, and Darknet's lists of its names have them twice.
    found = tuple(read_names(Path(names).expanduser(), numbered=network.classifier))
    if len(found) != network.classes:
        message = (
            f"{names} has the names of {len(found)} classes, and the network {network.name} has {network.classes}."
        )
        raise DataError(message)
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
