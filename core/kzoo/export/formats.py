"""The formats that models are exported to, by name; what writes one is imported when it is used."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from kzoo.errors import KzooError, UsageError, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy as np

__all__ = ["FORMATS", "Format", "Writer", "format_named"]


class Writer(Protocol):
    """A module that writes one format."""

    def write(self, model: Any, path: Path, texts: Mapping[str, str], calibration: Sequence[np.ndarray] | None) -> None:
        """Write a Keras model.

        Args:
            model: The model.
            path: The file or folder; it is not there yet, but its folder is.
            texts: What is stored with it, by name.
            calibration: Batches of inputs from which the ranges of its numbers are told, for whole numbers of 8 bits;
                None to write it as it is.
        """

    def opened(self, path: Path) -> Callable[[np.ndarray], Any]:
        """Return the exported model as a function of a batch; it gives a list where there are several outputs."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format.

    Attributes:
        name: Its name.
        suffix: What the name of its file ends in; of a folder what is put behind the model's name.
        module: The module that writes it.
        needs: What that imports besides kzoo's own requirements.
        extra: The extra of kzoo that installs it; empty where there is none.
        int8: Whether it can hold whole numbers of 8 bits.
    """

    name: str
    suffix: str
    module: str
    needs: tuple[str, ...] = ()
    extra: str = ""
    int8: bool = True

    def check_installed(self) -> None:
        """Raise `KzooError` where something that it needs is not installed."""
        for name in self.needs:
            try:
                importlib.import_module(name)
            except ImportError as error:
                message = (
                    f"The format {self.name} needs `{name}`, which cannot be imported: {words_of(error)}. Install it "
                    f"with `pip install 'kzoo[{self.extra}]'`."
                )
                raise KzooError(message) from error

    def writer(self) -> Writer:
        """Return what writes it; TensorFlow is started already."""
        return cast("Writer", importlib.import_module(self.module))


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(
            name="onnx",
            suffix=".onnx",
            module="kzoo.export.onnx_format",
            needs=("onnx", "onnxruntime"),
            extra="onnx",
        ),
        Format(
            name="litert",
            suffix=".tflite",
            module="kzoo.export.litert",
            needs=("ai_edge_litert",),
            extra="litert",
        ),
        Format(
            name="openvino",
            suffix=".xml",
            module="kzoo.export.openvino_format",
            needs=("onnx", "onnxruntime", "openvino"),
            extra="openvino",
        ),
        Format(name="saved-model", suffix="_saved_model", module="kzoo.export.saved_model", int8=False),
    )
}


def format_named(name: str, *, int8: bool) -> Format:
    """Return a format by its name.

    Raises:
        UsageError: There is none of that name, or it has no whole numbers of 8 bits.
    """
    found = FORMATS.get(name.replace("_", "-"))
    if found is None:
        message = f"There is no format `{name}`. Models are exported to: {', '.join(FORMATS)}."
        raise UsageError(message)
    if int8 and not found.int8:
        able = ", ".join(one.name for one in FORMATS.values() if one.int8)
        message = f"`--int8` is for {able}; `{found.name}` holds a model as it is."
        raise UsageError(message)
    return found
