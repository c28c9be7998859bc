"""The engines that a trained model can be run by, by name; none of them is imported here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kzoo.engine.forward import TENSORFLOW
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kzoo.engine.forward import Forward

__all__ = [
    "AUTO",
    "ENGINES",
    "ONNX",
    "OPENVINO",
    "engine_named",
    "engine_shown",
    "engines_installed",
    "forward_of_onnx",
]

ONNX = "onnx"
"""ONNX Runtime, which runs exported models."""
OPENVINO = "openvino"
"""OpenVINO, which reads the same files."""

AUTO = "auto"
"""The fastest of those that are installed."""

ENGINES = {"tensorflow": TENSORFLOW, "onnxruntime": ONNX, "onnx": ONNX, "openvino": OPENVINO, "auto": AUTO}
"""The names that ``--engine`` takes, and what they mean."""

_SHOWN = {TENSORFLOW: "TensorFlow", ONNX: "ONNX Runtime", OPENVINO: "OpenVINO"}
_DISTRIBUTIONS = {TENSORFLOW: "tensorflow", ONNX: "onnxruntime", OPENVINO: "openvino"}


def engine_named(text: str) -> str:
    """Return the engine of a name, an empty text for an empty one; raise `UsageError` where there is none."""
    if text and text.lower() not in ENGINES:
        named = ", ".join(f"`{name}`" for name in ENGINES if name != ONNX)
        message = f"There is no engine `{text}`. Models are run by {named}."
        raise UsageError(message)
    return ENGINES[text.lower()] if text else ""


def engines_installed() -> list[str]:
    """Return the engines that are installed, in the order of their speed with small detectors, TensorFlow the last."""
    from importlib.util import find_spec

    return [
        *(engine for engine, module in ((OPENVINO, "openvino"), (ONNX, "onnxruntime")) if find_spec(module)),
        TENSORFLOW,
    ]


def engine_shown(engine: str) -> str:
    """Return an engine as people call it, with its version where it is installed: ``ONNX Runtime 1.32.0``."""
    from importlib import metadata

    try:
        return f"{_SHOWN[engine]} {metadata.version(_DISTRIBUTIONS[engine])}"
    except metadata.PackageNotFoundError:  # under another name, as tensorflow-cpu or onnxruntime-gpu
        return _SHOWN[engine]


def forward_of_onnx(path: Path, engine: str, watch: Callable[[Any], None] | None = None) -> Forward:
    """Return the network in an ONNX file as a function, run by `ONNX` or `OPENVINO`; it is loaded when it is called."""
    if engine == OPENVINO:
        from kzoo.engine.openvino_forward import OpenVinoForward

        return OpenVinoForward(path, watch=watch)
    from kzoo.engine.onnx_forward import OnnxForward

    return OnnxForward(path, watch=watch)
