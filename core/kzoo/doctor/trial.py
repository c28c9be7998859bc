"""TensorFlow on trial: whether it starts, what it computes with, and whether a step of training works."""

from __future__ import annotations

import math
import time

from kzoo.doctor.machine import Finding
from kzoo.engine import runtime
from kzoo.errors import KzooError, words_of

__all__ = ["findings_of_tensorflow"]

_SECTION = "tensorflow"


def findings_of_tensorflow(*, debug: bool = False) -> list[Finding]:
    """Start TensorFlow, train one step of a small network, and return what came of it.

    Args:
        debug: Whether TensorFlow may chatter.
    """
    began = time.perf_counter()
    try:
        runtime.start(debug=debug)
    except KzooError as error:
        return [Finding(_SECTION, "start", None, "error", str(error))]
    found = [Finding(_SECTION, "start", f"{time.perf_counter() - began:.1f} s")]
    told = runtime.describe()
    found += [Finding(_SECTION, name, told[name]) for name in ("devices", "threads", "flags")]
    began = time.perf_counter()
    try:
        loss = _step()
    except Exception as error:
        says = f"A step of training fails: {type(error).__name__}: {words_of(error)[:600]}"
        return [*found, Finding(_SECTION, "a first step", None, "error", says)]
    sound = math.isfinite(loss)
    says = f"The loss of a first step is {loss}, no finite number: reinstall TensorFlow, or try another build of it."
    value = f"{time.perf_counter() - began:.1f} s, loss {loss:.4g}"
    return [*found, Finding(_SECTION, "a first step", value, "" if sound else "error", "" if sound else says)]


def _step() -> float:
    """Return the loss of one step of a small convolution on made-up numbers."""
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    x, y = rng.random((8, 12, 12, 1), "float32"), rng.integers(0, 2, 8)
    layers = [keras.Input((12, 12, 1)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(2)]
    model = keras.Sequential(layers)
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return float(model.train_on_batch(x, y))
