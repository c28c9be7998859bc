"""OpenCV's dnn as an independent reader of Darknet's files, and random weights for it to read."""

import dataclasses
import re
import struct
from pathlib import Path

import cv2
import keras
import numpy as np

from kzoo_zoo.yolov3.darknet import Network, builtin_cfg, parse_cfg
from kzoo_zoo.yolov3.darknet.layers import Shortcut, Softmax, Yolo

__all__ = [
    "decoded_rows",
    "narrow",
    "probabilities",
    "random_images",
    "raw_heads",
    "raw_outputs",
    "write_random_weights",
]


def write_random_weights(network: Network, path: Path, seed: int = 0) -> None:
    """Write weights that keep the activations of a deep network in bounds, in Darknet's order, by Python's struct.

    The scales before shortcuts are a quarter as large: sums over dozens of layers would grow without end.
    """
    rng = np.random.default_rng(seed)
    summed = {layer.index - 1 for layer in network.layers if isinstance(layer, Shortcut)}
    with path.open("wb") as file:
        file.write(struct.pack("<iiiq", 0, 2, 5, 32013312))
        for layer in network.convolutions:
            n = layer.filters
            if layer.batch_normalize:
                scale = 0.25 if layer.index in summed else 1.0
                arrays = [
                    rng.normal(0, 0.1, n),
                    scale * rng.uniform(0.8, 1.2, n),
                    rng.normal(0, 0.1, n),
                    rng.uniform(0.5, 1.5, n),
                ]
            else:
                arrays = [rng.normal(0, 0.5, n)]
            fan_in = layer.kernel_count // n
            arrays.append(rng.normal(0, (1.6 / fan_in) ** 0.5, layer.kernel_count))
            for array in arrays:
                file.write(array.astype("<f4").tobytes())


def random_images(batch: int, height: int, width: int) -> np.ndarray:
    """Return images of noise, always the same, float32 of shape (N, H, W, 3)."""
    return np.random.default_rng(7).random((batch, height, width, 3)).astype("float32")


def raw_outputs(model: keras.Model, images: np.ndarray) -> list[np.ndarray]:
    """Return what a network built here makes of images: its raw outputs of each head, NHWC."""
    outputs = model(images, training=False)
    outputs = outputs if isinstance(outputs, list) else [outputs]
    return [keras.ops.convert_to_numpy(output) for output in outputs]


def raw_heads(network: Network, weights: Path, images: np.ndarray) -> list[np.ndarray]:
    """Return what OpenCV makes of images, float32 of shape (N, H, W, 3): its raw outputs of each head, NHWC."""
    before = [f"conv_{layer.index - 1}" for layer in network.layers if isinstance(layer, Yolo)]
    return [output.transpose(0, 2, 3, 1) for output in _forward(network, weights, images, before)]


def decoded_rows(network: Network, weights: Path, images: np.ndarray) -> np.ndarray:
    """Return OpenCV's rows (cx, cy, w, h, objectness, scores) of all heads, shape (N, rows, 5 + classes).

    It sets the scores to zero that are not greater than 0.2, or 0.01 in a ``[region]``, and there those of
    boxes that others suppress.
    """
    heads = [
        "detection_out" if layer.head.kind == "region" else f"yolo_{layer.index}"
        for layer in network.layers
        if isinstance(layer, Yolo)
    ]
    outputs = _forward(network, weights, images, heads)
    return np.concatenate([output.reshape(len(images), -1, output.shape[-1]) for output in outputs], axis=1)


def probabilities(network: Network, weights: Path, images: np.ndarray) -> np.ndarray:
    """Return what OpenCV makes of images with a classifier: the probability of each class, shape (N, classes)."""
    (last,) = (f"softmax_{layer.index}" for layer in network.layers if isinstance(layer, Softmax))
    return _forward(network, weights, images, [last])[0].reshape(len(images), -1)


def _forward(network, weights, images, outputs):
    cfg = weights.with_suffix(".cfg")
    text = network.resized(images.shape[2], images.shape[1]).text
    # That of a [region] is one of training, and high.
    cfg.write_text(re.sub("(?m)^thresh=.*$", "thresh=0.01", text))
    net = cv2.dnn.readNetFromDarknet(str(cfg), str(weights))
    net.setInput(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    return net.forward(outputs)


def narrow(name: str, by: int) -> Network:
    """Return a built-in network with its filters, but those of the heads, divided: the same layers, cheap to run."""
    network = parse_cfg(builtin_cfg(name), name)
    heads = {layer.index - 1 for layer in network.layers if isinstance(layer, Yolo)}
    sections = list(network.sections)
    for layer in network.convolutions:
        if layer.index not in heads:
            old = sections[layer.index + 1]
            entries = dict(old.entries)
            entries["filters"] = dataclasses.replace(entries["filters"], value=str(layer.filters // by))
            sections[layer.index + 1] = dataclasses.replace(old, entries=entries)
    text = "\n\n".join("\n".join([f"[{s.name}]", *(f"{k}={e.value}" for k, e in s.entries.items())]) for s in sections)
    return parse_cfg(text, name)
