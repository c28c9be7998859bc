"""Batch normalization worked into the convolutions before it: the same outputs from fewer operations."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from kzoo_zoo.yolov3.darknet.building import build
from kzoo_zoo.yolov3.darknet.layers import Convolution
from kzoo_zoo.yolov3.darknet.weight_files import EPSILON

if TYPE_CHECKING:
    from kzoo_zoo.yolov3.darknet.network import Network

__all__ = ["fold"]


def fold(model: Any, network: Network) -> Any:
    """Return a model without batch normalization and with the same outputs, up to rounding.

    It is for inference only: the statistics of batch normalization are gone, so it can neither be trained as the
    original nor exported to Darknet's files for the same cfg.

    Args:
        model: What `build` made of the network.
        network: The network.
    """
    layers = [
        dataclasses.replace(layer, batch_normalize=False) if isinstance(layer, Convolution) else layer
        for layer in network.layers
    ]
    folded = build(dataclasses.replace(network, layers=tuple(layers)), input_shape=model.input_shape[1:])
    for layer in network.convolutions:
        name = f"conv_{layer.index}"
        kernel, *bias = model.get_layer(name).get_weights()
        if layer.batch_normalize:
            weights = model.get_layer(f"bn_{layer.index}").get_weights()
            gamma, beta, mean, variance = (weight.astype("float64") for weight in weights)
            scale = gamma / np.sqrt(variance + EPSILON)
            bias = [beta - mean * scale]
            depthwise = isinstance(model.get_layer(name), keras.layers.DepthwiseConv2D)
            # A depthwise kernel ends in (channels, multiplier), which flattened are the filters.
            kernel = kernel * (scale.reshape(kernel.shape[2:]) if depthwise else scale)
        folded.get_layer(name).set_weights([kernel, *bias])
    return folded
