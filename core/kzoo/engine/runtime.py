"""TensorFlow is started here: its flags are set before it is imported, and its chatter does not reach the user."""

from __future__ import annotations

import contextlib
import functools
import os
import platform
import sys
import tempfile
import traceback
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from kzoo.engine.chatter import without_chatter
from kzoo.engine.lazy_keras import put_off
from kzoo.errors import KzooError, words_of
from kzoo.garbage import kept
from kzoo.processor import processor_name

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "KERAS_NEEDS",
    "describe",
    "keras_file",
    "seed_everything",
    "show_chatter",
    "start",
    "take_threads",
    "unannounced",
]

KERAS_NEEDS = {
    "backend": ("tensorflow",),
    "image_data_format": ("channels_last",),
    "floatx": ("float32", "float64"),
}
"""What Keras may be set to; kzoo's networks and data are not made for anything else."""

_KERAS_CONFIG = os.path.join("keras", "src", "backend", "config.py")  # noqa: PTH118 - compared as text

_chatty: ContextVar[bool] = ContextVar("kzoo_chatty", default=False)
_announced: ContextVar[bool] = ContextVar("kzoo_announced", default=True)


def show_chatter(*, on: bool) -> None:
    """Set whether `start` shows everything that TensorFlow says, for the rest of this command."""
    _chatty.set(on)


def start(*, debug: bool | None = None) -> None:
    """Import TensorFlow and Keras with the flags that kzoo trains with; a second call does nothing.

    ``TF_ENABLE_ONEDNN_OPTS`` becomes 1 unless it is set already: on processors where TensorFlow leaves it off it
    doubles the speed of training. With ``debug``, or after `show_chatter`, everything that TensorFlow says is shown.

    Raises:
        KzooError: Keras is set to another backend, order of axes or floating type than kzoo is made for, or TensorFlow
            cannot be imported, or there is no folder for temporary files.
    """
    debug = _chatty.get() if debug is None else debug
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        if not debug:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    backend = os.environ.get("KERAS_BACKEND") or "tensorflow"  # Keras takes an empty text for none
    if backend != "tensorflow":
        message = f"kzoo trains on TensorFlow, but KERAS_BACKEND is `{backend}`. Unset it, or set it to `tensorflow`."
        raise KzooError(message)
    os.environ["KERAS_BACKEND"] = backend
    try:
        tempfile.gettempdir()
    except OSError as error:
        message = (
            f"There is no folder for temporary files, and TensorFlow writes the code there that it makes of a network: "
            f"{error.strerror}. Make room, or name another folder in TMPDIR."
        )
        raise KzooError(message) from error
    try:
        with kept():
            _import_both(debug=debug)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise KzooError(_not_imported(error)) from error
    _check_keras()


@contextlib.contextmanager
def unannounced() -> Iterator[None]:
    """Let `start` say nothing in the block, also where a terminal watches."""
    before = _announced.set(False)
    try:
        yield
    finally:
        _announced.reset(before)


@contextlib.contextmanager
def _announcing() -> Iterator[None]:
    """Say on a terminal that TensorFlow is being imported, which takes seconds, and take the word away afterwards."""
    stream = sys.stderr
    watched = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    if not watched or not _announced.get() or "tensorflow" in sys.modules:
        yield
        return
    word = "Starting TensorFlow ..."
    stream.write(word)
    stream.flush()
    try:
        yield
    finally:
        stream.write(f"\r{' ' * len(word)}\r")
        stream.flush()


@functools.cache
def _import_both(*, debug: bool) -> None:
    with contextlib.nullcontext() if debug else _announcing(), contextlib.nullcontext() if debug else without_chatter():
        with put_off():
            import keras  # noqa: F401 - whose import reads its settings
        import tensorflow as tf

        tf.config.list_physical_devices()  # looks for a GPU, and complains where there is none


def _not_imported(error: BaseException) -> str:
    """Return what to say where TensorFlow or Keras cannot be imported."""
    reason = words_of(error).rstrip(".")
    text = reason if isinstance(error, ImportError) else f"{type(error).__name__}: {reason}".rstrip(": ")
    if traceback.extract_tb(error.__traceback__)[-1].filename.endswith(_KERAS_CONFIG):
        return f"Keras cannot read its settings, {keras_file()}: {text}. Mend that file, or remove it."
    return f"TensorFlow cannot be imported: {text}. Reinstall it with `pip install --force-reinstall tensorflow`."


def _check_keras() -> None:
    """Refuse settings of Keras that kzoo's networks and data are not made for.

    They come from Keras's own file or from the program that calls kzoo, and would end in an error deep in TensorFlow.
    """
    import keras

    for setting, wanted in KERAS_NEEDS.items():
        if (found := getattr(keras.config, setting)()) not in wanted:
            other = "KERAS_BACKEND" if setting == "backend" else f"`keras.config.set_{setting}`"
            half = " (for half precision, set Keras's dtype policy to mixed_float16)" if setting == "floatx" else ""
            message = (
                f"kzoo needs {' or '.join(f'`{one}`' for one in wanted)} as Keras's `{setting}`{half}, and it is "
                f"`{found}`, from {keras_file()} or {other}. Change it there, or set KERAS_HOME to another folder."
            )
            raise KzooError(message)


def keras_file() -> str:
    """Return the file that Keras reads its settings from."""
    config = sys.modules.get("keras.src.backend.config")
    if known := getattr(config, "_config_path", ""):
        return str(known)
    home = os.environ.get("KERAS_HOME") or os.path.join(os.path.expanduser("~"), ".keras")  # noqa: PTH111, PTH118
    return os.path.join(home, "keras.json")  # noqa: PTH118 - as Keras makes it


def take_threads(threads: int) -> None:
    """Have TensorFlow take this many threads, 0 for all; they cannot be changed once it computes."""
    if not threads:
        return
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy, TensorFlow and Keras."""
    import keras

    keras.utils.set_random_seed(seed)


def describe() -> dict[str, Any]:
    """Return the flags, threads, devices and versions that this process computes with, for the run's record."""
    import importlib.metadata

    import keras
    import tensorflow as tf

    def version(name: str) -> str | None:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return None

    return {
        "versions": {
            "kzoo": version("kzoo"),
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
            "numpy": version("numpy"),
            "python": platform.python_version(),
        },
        "platform": platform.platform(),
        "processor": platform.machine(),
        "cpu": processor_name(),
        "cpus": os.cpu_count(),
        "flags": {
            "TF_ENABLE_ONEDNN_OPTS": os.environ.get("TF_ENABLE_ONEDNN_OPTS"),
            "XLA_FLAGS": os.environ.get("XLA_FLAGS"),
            "floatx": keras.config.floatx(),
            "dtype_policy": keras.config.dtype_policy().name,
        },
        "threads": {
            "intra_op": tf.config.threading.get_intra_op_parallelism_threads(),
            "inter_op": tf.config.threading.get_inter_op_parallelism_threads(),
        },
        "devices": [device.name for device in tf.config.list_physical_devices()],
    }
