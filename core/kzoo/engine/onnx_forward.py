"""An ONNX file as a function from a batch of its inputs to its outputs, through ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.engine.forward import Forward
from kzoo.errors import KzooError, words_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["OnnxForward", "session_of"]

_ERRORS_ALONE = 3  # of ONNX Runtime's levels of chatter


class OnnxForward(Forward):
    """Calls a network in ONNX's format; NumPy in, NumPy out. Neither Keras nor TensorFlow is imported.

    Args:
        path: The file.
        watch: Called with every batch of inputs before the network is.
    """

    engine = "onnx"

    def __init__(self, path: Path, *, watch: Callable[[Any], None] | None = None) -> None:
        super().__init__(load=lambda: session_of(path), watch=watch)

    def __call__(self, x: Any) -> Any:
        """Return the network's outputs for a batch; a list of them where it has several."""
        import numpy as np

        session = self.model
        (given,) = session.get_inputs()
        x = np.ascontiguousarray(x, _DTYPES[given.type])
        if self.watch is not None:
            self.watch(x)
        outputs = session.run(None, {given.name: x})
        return outputs[0] if len(outputs) == 1 else outputs


_DTYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32", "tensor(double)": "float64", "tensor(int64)": "int64",
           "tensor(int32)": "int32", "tensor(int8)": "int8", "tensor(bool)": "bool"}  # fmt: skip


def session_of(path: Path) -> Any:
    """Return a session of ONNX Runtime on the processor.

    Raises:
        KzooError: ONNX Runtime is not installed, or cannot load the file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        message = (
            f"{path} is run by ONNX Runtime, which cannot be imported: {words_of(error)}. Install it with "
            "`pip install onnxruntime`, or all that exporting needs with `pip install 'kzoo[onnx]'`."
        )
        raise KzooError(message) from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ALONE
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # what stands in a file can make it fail with anything
        message = f"The model {path} cannot be loaded by ONNX Runtime: {words_of(error)[:400]}"
        raise KzooError(message) from error
