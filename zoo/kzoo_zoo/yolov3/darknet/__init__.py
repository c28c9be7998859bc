"""Darknet's networks in Keras: cfg files, files of weights, and the built-in YOLOv3 cfgs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kzoo_zoo.yolov3.darknet.building import build
    from kzoo_zoo.yolov3.darknet.builtin import BUILT_IN, builtin_cfg
    from kzoo_zoo.yolov3.darknet.folding import fold
    from kzoo_zoo.yolov3.darknet.heads import Head
    from kzoo_zoo.yolov3.darknet.loading import Loaded, load_network
    from kzoo_zoo.yolov3.darknet.network import Network, parse_cfg, read_cfg
    from kzoo_zoo.yolov3.darknet.pretrained import BACKBONES, PRETRAINED, fetch_pretrained, named_weights
    from kzoo_zoo.yolov3.darknet.weights import Header, load_weights, save_weights

__all__ = [
    "BACKBONES",
    "BUILT_IN",
    "PRETRAINED",
    "Head",
    "Header",
    "Loaded",
    "Network",
    "build",
    "builtin_cfg",
    "fetch_pretrained",
    "fold",
    "load_network",
    "load_weights",
    "named_weights",
    "parse_cfg",
    "read_cfg",
    "save_weights",
]

_HOMES = {
    "building": ("build",),
    "builtin": ("BUILT_IN", "builtin_cfg"),
    "folding": ("fold",),
    "heads": ("Head",),
    "loading": ("Loaded", "load_network"),
    "network": ("Network", "parse_cfg", "read_cfg"),
    "pretrained": ("BACKBONES", "PRETRAINED", "fetch_pretrained", "named_weights"),
    "weights": ("Header", "load_weights", "save_weights"),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
