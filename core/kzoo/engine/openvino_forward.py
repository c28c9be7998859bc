"""An ONNX file as a function from a batch of its inputs to its outputs, through OpenVINO."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.engine.forward import Forward
from kzoo.errors import KzooError, words_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["OpenVinoForward", "compiled_network"]


class OpenVinoForward(Forward):
    """Calls a network by OpenVINO; NumPy in, NumPy out. Neither Keras nor TensorFlow is imported.

    Args:
        path: The file, in ONNX's format or OpenVINO's own.
        watch: Called with every batch of inputs before the network is.
    """

    engine = "openvino"

    def __init__(self, path: Path, *, watch: Callable[[Any], None] | None = None) -> None:
        super().__init__(load=lambda: compiled_network(path), watch=watch)

    def __call__(self, x: Any) -> Any:
        """Return the network's outputs for a batch; a list of them where it has several."""
        import numpy as np

        network = self.model
        (given,) = network.inputs
        x = np.ascontiguousarray(x, given.get_element_type().to_dtype())
        if self.watch is not None:
            self.watch(x)
        found = network(x)
        outputs = [np.array(found[output]) for output in network.outputs]  # copies: the next call writes over these
        return outputs[0] if len(outputs) == 1 else outputs


def compiled_network(path: Path) -> Any:
    """Return a network compiled for the processor, in 32 bits where it is not in 8.

    Raises:
        KzooError: OpenVINO is not installed, or cannot load the file.
    """
    try:
        import openvino
    except ImportError as error:
        message = (
            f"The engine openvino cannot be imported: {words_of(error)}. Install it with `pip install openvino`, or "
            "all that exporting needs with `pip install 'kzoo[openvino]'`."
        )
        raise KzooError(message) from error
    try:
        return openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    except Exception as error:  # what stands in a file can make it fail with anything
        message = f"The model {path} cannot be loaded by OpenVINO: {words_of(error)[:400]}"
        raise KzooError(message) from error
