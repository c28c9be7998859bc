"""The format ``saved-model``: a folder as TensorFlow Serving takes it, with the card in ``assets.extra``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.files import write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

__all__ = ["opened", "write"]


def write(model: Any, path: Path, texts: Mapping[str, str], calibration: Sequence[np.ndarray] | None) -> None:
    """Write a Keras model, see `kzoo.export.formats.Writer`; it is never in 8 bits."""
    assert calibration is None, "the format has no whole numbers of 8 bits"
    model.export(path, format="tf_saved_model", verbose=False)
    extra = path / "assets.extra"  # TensorFlow's own place for files of others
    extra.mkdir()
    for name, text in texts.items():
        write_text(extra / name, text)


def opened(path: Path) -> Callable[[np.ndarray], Any]:
    """Return a SavedModel that was just written as a function of a batch."""
    loaded = tf.saved_model.load(str(path))  # kept: its functions do not keep its variables

    def forward(x: np.ndarray) -> Any:
        return tf.nest.map_structure(np.asarray, loaded.serve(tf.constant(x)))

    return forward
