"""TensorFlow is started here: its flags are set before it is imported, and its chatter does not reach the user."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import sys
import tempfile
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["describe", "quiet", "seed_everything", "show_chatter", "start"]

# What TensorFlow 2.18 to 2.21 says on every start, of no use to anyone who did not ask. Anything else is passed on.
_CHATTER = re.compile(
    r"^(WARNING: All log messages before absl::InitializeLog\(\) is called are written to STDERR"
    r"|I\d{4} .*"
    r"|\d{4}-\d\d-\d\d [\d:.]+: I .*"
    r"|To enable the following instructions: .*"
    r"|[EW]\d{4} .*(cuda_\w+\.cc|cudart_stub\.cc|computation_placer\.cc).*"
    r"|.*: [EW] .*(cuda_\w+\.cc|cudart_stub\.cc).*)\n?$"
)


_chatty: ContextVar[bool] = ContextVar("kzoo_chatty", default=False)


def show_chatter(*, on: bool) -> None:
    """Set whether `start` shows everything that TensorFlow says, for the rest of this command."""
    _chatty.set(on)


def start(*, debug: bool | None = None) -> None:
    """Import TensorFlow and Keras with the flags that kzoo trains with; a second call does nothing.

    ``TF_ENABLE_ONEDNN_OPTS`` becomes 1 unless it is set already: on processors where TensorFlow leaves it off it
    doubles the speed of training. With ``debug``, or after `show_chatter`, everything that TensorFlow says is shown.

    Raises:
        KzooError: Keras is set to another backend, or TensorFlow cannot be imported.
    """
    debug = _chatty.get() if debug is None else debug
    if "tensorflow" not in sys.modules:
        os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
        if not debug:
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    if os.environ["KERAS_BACKEND"] != "tensorflow":
        message = (
            f"kzoo trains on TensorFlow, but KERAS_BACKEND is `{os.environ['KERAS_BACKEND']}`. Unset it, or set it to "
            "`tensorflow`."
        )
        raise KzooError(message)
    try:
        with contextlib.nullcontext() if debug else quiet():
            import keras
            import tensorflow as tf

            tf.config.list_physical_devices()  # looks for a GPU, and complains where there is none
    except ImportError as error:
        message = (
            f"TensorFlow cannot be imported: {error}. Reinstall it with `pip install --force-reinstall tensorflow`."
        )
        raise KzooError(message) from error
    if keras.backend.backend() != "tensorflow":
        message = (
            f"kzoo trains on TensorFlow, but Keras is set to {keras.backend.backend()} in "
            f"~/.keras/keras.json. Run with KERAS_BACKEND=tensorflow."
        )
        raise KzooError(message)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what native code writes to stderr, and pass on all but the chatter when the block ends.

    TensorFlow writes before its log level counts, straight to file descriptor 2, so the descriptor is redirected.
    """
    try:
        saved = os.dup(2)
    except OSError:  # there is no stderr to protect
        yield
        return
    sys.stderr.flush()
    with tempfile.TemporaryFile(mode="w+b") as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines(keepends=True):
                if not _CHATTER.match(line):
                    sys.stderr.write(line)


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
