"""What an engine other than TensorFlow runs of a model: exported once, compared with it, and kept in the cache.

Each engine has a file of its own, which was run by that engine beside the original before it was kept.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo._version import __version__
from kzoo.data.cache import data_home
from kzoo.engine.engines import OPENVINO, engine_shown, forward_of_onnx
from kzoo.errors import KzooError
from kzoo.export.formats import FORMATS
from kzoo.files import sha256_of
from kzoo.models.onnx_file import read_onnx

if TYPE_CHECKING:
    import numpy as np

    from kzoo.engine.listener import Listener
    from kzoo.models.saved import SavedModel

__all__ = ["KEPT", "kept_export"]

KEPT = "exports"
"""The folder of the cache that exported models are kept in; it can be removed at any time."""

_INPUTS = 4


def kept_export(saved: SavedModel, engine: str, listener: Listener) -> Path:
    """Return the file that an engine runs of a model; it is made where it is not kept yet.

    Args:
        saved: A ``.keras`` file.
        engine: `kzoo.engine.engines.ONNX` or `kzoo.engine.engines.OPENVINO`.
        listener: Who is told that it is made.

    Raises:
        KzooError: A part of the network is not written, what the engine needs is not installed, the engine says
            something else than TensorFlow does, or the cache cannot be written.
    """
    sha = sha256_of(saved.path)
    path = data_home() / KEPT / f"{sha}-{engine}.onnx"
    if path.exists() and _is_current(path, sha):
        return path
    _check_installed(engine)
    listener.say(f"Exporting {saved.path} for {engine_shown(engine)}, once; it is kept as {path}.")
    _write(saved, engine, path)
    return path


def _check_installed(engine: str) -> None:
    """Start TensorFlow; raise `KzooError` where that or another thing that exporting needs is not installed."""
    from kzoo.engine import runtime

    try:
        FORMATS["openvino" if engine == OPENVINO else "onnx"].check_installed()
        runtime.start()
    except KzooError as error:
        message = f"{error} Or run `kzoo export` where all that is, and name the .onnx file here."
        raise KzooError(message) from error


def _is_current(path: Path, sha: str) -> bool:
    """Return whether a kept file is whole, of this model, and written by this version of kzoo."""
    try:
        made = read_onnx(path).made
    except KzooError:  # it is made again, which mends it
        return False
    return (made.get("source_sha256"), made.get("kzoo")) == (sha, __version__)


def _write(saved: SavedModel, engine: str, path: Path) -> None:
    """Write the file and put it in its place, once the engine has said of it what TensorFlow says of the model."""
    from kzoo.engine.forward import Forward
    from kzoo.export.exporting import refuse_differing, texts_of
    from kzoo.export.replay import replayed
    from kzoo.models.precision import in_float32
    from kzoo.models.saving import load_model

    original = Forward(in_float32(load_model(saved.path, compile=False)))
    try:
        path.parent.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".making-", dir=path.parent) as folder:
            made = Path(folder) / "model.onnx"
            FORMATS["onnx"].writer().write(original.model, made, texts_of(saved, original.model, "onnx"), None)
            noise = _inputs(saved, original.model.inputs[0].dtype)
            refuse_differing(saved.path, replayed(original, forward_of_onnx(made, engine), [noise]))
            made.replace(path)
    except OSError as error:
        message = (
            f"What {engine_shown(engine)} runs of {saved.path} cannot be kept in {path.parent}: "
            f"{error.strerror or error}. Name another folder with the environment variable KZOO_DATA."
        )
        raise KzooError(message) from error


def _inputs(saved: SavedModel, dtype: Any) -> np.ndarray:
    """Return noise of the form of a model's inputs; rows of a table within the ranges of those that it learned from."""
    import numpy as np

    from kzoo.models.input_ranges import InputRanges

    noise, shape = np.random.default_rng(0), (_INPUTS, *saved.card.input_shape)
    if np.issubdtype(dtype, np.integer):
        return noise.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    ranges = InputRanges.from_dict(saved.card.inputs)
    if ranges is None or ranges.pictures:
        return noise.uniform(size=shape).astype(dtype)
    return noise.uniform(ranges.low, ranges.high, shape).astype(dtype)
