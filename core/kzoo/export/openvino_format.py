"""The format ``openvino``: a network (``.xml``) and its weights (``.bin``) beside it, by way of ONNX."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openvino

from kzoo.engine.openvino_forward import OpenVinoForward
from kzoo.export import onnx_format

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

__all__ = ["opened", "write"]


def write(model: Any, path: Path, texts: Mapping[str, str], calibration: Sequence[np.ndarray] | None) -> None:
    """Write a Keras model, see `kzoo.export.formats.Writer`; the card is in the part ``rt_info`` of the file.

    Raises:
        NotExportedError: It has a layer that is not written.
    """
    with tempfile.TemporaryDirectory(prefix="kzoo-") as name:
        between = Path(name) / "network.onnx"
        onnx_format.write(model, between, {}, calibration)
        network = openvino.Core().read_model(str(between))  # `convert_model` would tell Intel of it
        for key, text in texts.items():
            network.set_rt_info(text, [key])
        openvino.save_model(network, str(path), compress_to_fp16=False)


def opened(path: Path) -> Callable[[np.ndarray], Any]:
    """Return the network in OpenVINO's files as a function of a batch, in 32 bits where it is not in 8."""
    return OpenVinoForward(path)
