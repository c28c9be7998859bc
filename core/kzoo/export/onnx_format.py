"""The format ``onnx``: one file, with the card among its metadata."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx
from onnx import helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from kzoo.engine.onnx_forward import OnnxForward
from kzoo.export.onnx_network import onnx_model

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

__all__ = ["opened", "write"]

_PRODUCTS = ("Conv", "Gemm", "MatMul")


def write(model: Any, path: Path, texts: Mapping[str, str], calibration: Sequence[np.ndarray] | None) -> None:
    """Write a Keras model, see `kzoo.export.formats.Writer`.

    Raises:
        NotExportedError: It has a layer that is not written.
    """
    made = onnx_model(model)
    if calibration is not None:
        made = _in_int8(made, calibration)
    helper.set_model_props(made, dict(texts))
    onnx.save(made, path)


def opened(path: Path) -> Callable[[np.ndarray], Any]:
    """Return the network in an ONNX file as a function of a batch."""
    return OnnxForward(path)


def _in_int8(made: Any, calibration: Sequence[np.ndarray]) -> Any:
    """Return a network whose convolutions and products are of whole numbers of 8 bits, with the ranges of these inputs.

    Batch normalizations are worked into the convolutions before them first; each channel of weights has a scale of its
    own. What is between them stays as it is, and so do those that the network ends in: their outputs are what is said,
    and a detector's have a wide range. Ranges are averaged over the batches, so that one strange input does not set
    them.
    """
    with tempfile.TemporaryDirectory(prefix="kzoo-") as name:
        plain, prepared, quantized = (Path(name) / f"{stage}.onnx" for stage in ("plain", "prepared", "quantized"))
        onnx.save(made, plain)
        quant_pre_process(plain, prepared, skip_symbolic_shape=True)
        reader = _Inputs(made.graph.input[0].name, calibration)
        quantize_static(
            prepared,
            quantized,
            reader,
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            op_types_to_quantize=[*_PRODUCTS],
            nodes_to_exclude=_last_products(onnx.load(prepared).graph),
            extra_options={"CalibMovingAverage": True},
        )
        return onnx.load(quantized)


def _last_products(graph: Any) -> list[str]:
    """Return the names of the convolutions and products behind which there is no other."""
    makers = {name: node for node in graph.node for name in node.output}
    waiting, found = [output.name for output in graph.output], []
    while waiting:
        node = makers.get(waiting.pop())
        if node is None:
            continue
        if node.op_type in _PRODUCTS:
            found.append(node.name)
        else:
            waiting += node.input
    return found


class _Inputs(CalibrationDataReader):  # type: ignore[misc] # it has no types
    """Hands inputs over one batch at a time, as ONNX Runtime wants them."""

    def __init__(self, name: str, batches: Sequence[np.ndarray]) -> None:
        self._left = iter([{name: batch} for batch in batches])

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch, or None."""
        return next(self._left, None)
