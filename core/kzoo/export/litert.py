"""The format ``litert``, which was TensorFlow Lite: one file, with the card in a zip archive behind the network.

That is where its metadata has files of its own: readers of the network do not see what stands behind it, and programs
that read zip archives find it.
"""

from __future__ import annotations

import contextlib
import logging
import re
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from kzoo.engine.chatter import without_chatter
from kzoo.errors import KzooError, in_short, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["opened", "write"]


def write(model: Any, path: Path, texts: Mapping[str, str], calibration: Sequence[np.ndarray] | None) -> None:
    """Write a Keras model, see `kzoo.export.formats.Writer`."""
    (given,) = model.inputs
    traced = tf.function(
        lambda x: model(x, training=False), [tf.TensorSpec(given.shape, given.dtype)], autograph=False
    ).get_concrete_function()
    # With its weights as constants: the converter takes the variables of Keras's layers for some without a value.
    frozen = convert_variables_to_constants_v2(traced)
    with _quiet():
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    if calibration is not None:

        def samples() -> Iterator[list[np.ndarray]]:
            for batch in calibration:
                yield from ([one[None]] for one in batch)

        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = samples
    try:
        with _quiet():
            content = converter.convert()
    except Exception as error:  # what a network holds can make the converter fail with anything
        lacking = re.search(r"TF Select ops: ([\w, ]*\w)", str(error))
        why = f"it lacks {lacking[1]} for numbers of this type" if lacking else in_short(words_of(error)).rstrip(".")
        message = (
            f"The network is not exported: TensorFlow's converter to LiteRT refuses it: {why}. LiteRT has no "
            "arithmetic in 64 bits, which networks for tables begin with. Another --format may do, such as onnx."
        )
        raise KzooError(message) from error
    path.write_bytes(content)
    with zipfile.ZipFile(path, "a") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Leave out what the converter says of its own workings, by whichever way: errors are exceptions."""
    logger = logging.getLogger("absl")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), without_chatter():
            warnings.filterwarnings("ignore", message="Statistics for quantized inputs were expected")
            yield
    finally:
        logger.setLevel(before)


def opened(path: Path) -> Callable[[np.ndarray], Any]:
    """Return the network in a LiteRT file as a function of a batch."""
    with _quiet():
        interpreter = Interpreter(str(path))
    known: list[tuple[int, ...]] = []

    def forward(x: np.ndarray) -> Any:
        (given,) = interpreter.get_input_details()
        if known != [x.shape]:
            with _quiet():
                interpreter.resize_tensor_input(given["index"], x.shape)
                interpreter.allocate_tensors()
            known[:] = [x.shape]
        interpreter.set_tensor(given["index"], np.ascontiguousarray(x, given["dtype"]))
        interpreter.invoke()
        # The order of the outputs is that of their names, which TensorFlow gives them in the order of the network.
        details = sorted(interpreter.get_output_details(), key=lambda one: one["name"])
        outputs = [interpreter.get_tensor(one["index"]) for one in details]
        return outputs[0] if len(outputs) == 1 else outputs

    return forward
