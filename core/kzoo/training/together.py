"""What several workers compare before and during a training, so that nobody trains something else unnoticed."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.engine.batches import rows_of
from kzoo.engine.shared_layers import PartOf, seeing_the_whole
from kzoo.errors import KzooError, UsageError
from kzoo.training.state import variables_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from kzoo.engine.batches import TrainingBatches
    from kzoo.engine.workers import Workers
    from kzoo.runs.config import RunConfig
    from kzoo.runs.manifest import Manifest
    from kzoo.runs.state import SavedState

__all__ = ["align", "check_alike", "refuse_hidden_random", "rehearse_parts"]

_UNLIKE, _HALF_UNLIKE = 0.01, 0.2
"""Of the largest output: rounding explains less, in single and in half precision."""

_FAR = 1e-2
"""Of the largest weight: processors round in other ways, which no training makes this large in an epoch."""


def check_alike(workers: Workers, config: RunConfig, record: Manifest, begin: SavedState | None) -> None:
    """Raise `KzooError` in all processes where one of them is about to train something else than the chief.

    Args:
        workers: The processes.
        config: The settings.
        record: What is recorded of them here.
        begin: What the training goes on from, or None.
    """
    place = None if begin is None else begin.data["place"]
    own = {
        "settings": _digest(config.values),
        "data": _digest(dict(record.data.fingerprint)),
        "components": _digest({what: dict(one) for what, one in record.plugins.items()}),
        "versions": _digest(record.environment["versions"]),
        "state to go on from": _digest(place),
    }
    told: list[Mapping[str, str]] = [json.loads(text) for text in workers.all_texts(json.dumps(own))]
    for number, other in enumerate(told):
        if bad := [what for what in own if other[what] != told[0][what]]:
            message = (
                f"Worker {number} of {workers.count} has other {' and '.join(bad)} than the chief, so they cannot "
                "train one model. Start all of them with the same command, and with the same kzoo, data and run folder."
            )
            raise KzooError(message)


def rehearse_parts(workers: Workers, model: Any, batches: TrainingBatches) -> None:
    """Raise `UsageError` where the network's outputs for parts of a batch are not those for the whole.

    A few examples of the first batch go through it in both ways, in training; afterwards it is as before.
    """
    rows = 2 * workers.count + 1
    x = next(iter(batches.dataset(1)))[0]
    x = tf.nest.map_structure(lambda one: one[:rows], x)
    size = tf.shape(tf.nest.flatten(x)[0])[0]
    kept = [np.array(keras.ops.convert_to_numpy(one)) for one in model.variables]

    def outputs(inputs: Any) -> Any:
        found = model(inputs, training=True)
        for variable, value in zip(model.variables, kept, strict=True):
            variable.assign(value)
        return found

    whole = outputs(x)
    with seeing_the_whole(model, PartOf(workers, size)):
        part = outputs(tf.nest.map_structure(lambda one: rows_of(one, workers.index, workers.count), x))
    joined = tf.nest.map_structure(lambda one: workers.whole(one, size), part)
    unlike = 0.0
    for one, other in zip(tf.nest.flatten(whole), tf.nest.flatten(joined), strict=True):
        a, b = (np.asarray(keras.ops.convert_to_numpy(keras.ops.cast(value, "float32"))) for value in (one, other))
        unlike = max(unlike, float(np.abs(a - b).max() / max(float(np.abs(a).max()), 1e-6)))
    half = model.compute_dtype != "float32"
    if workers.any(not unlike < (_HALF_UNLIKE if half else _UNLIKE)):
        own = [layer for layer in model._flatten_layers() if not type(layer).__module__.startswith("keras.")]  # noqa: SLF001
        named = ", ".join(f"`{layer.name}` ({type(layer).__name__})" for layer in own[:3]) or f"`{model.name}`"
        message = (
            f"The network puts out other numbers for parts of a batch than for the whole ({unlike:.1g} of the largest "
            f"apart), so several workers would train another model than one. A layer looks across the batch or draws "
            f"random numbers of its own; not Keras's are {named}. Train this network with one worker."
        )
        raise UsageError(message)


def refuse_hidden_random(operations: Sequence[str]) -> None:
    """Raise `UsageError` where a training step has such operations: each process would draw other numbers."""
    if operations:
        message = (
            f"The network or a component draws random numbers from TensorFlow itself ({', '.join(operations)}), which "
            "are others in each worker. Train with one worker, or have it draw with `keras.random` and a "
            "`keras.random.SeedGenerator`."
        )
        raise UsageError(message)


def align(workers: Workers, model: Any, when: str) -> float:
    """Give all processes the chief's variables where theirs are not the same; return how far apart these were.

    All take the same steps, so they are the same to the bit on processors of one kind. Where they are not, the
    difference is a part of the largest number in the variable that has it.

    Args:
        workers: The processes.
        model: The compiled, built model.
        when: The end of a sentence that says when it is.

    Raises:
        KzooError: They are further apart than rounding explains.
    """
    variables = [variable for _, variable in variables_of(model)]
    values = [np.asarray(keras.ops.convert_to_numpy(one)) for one in variables]
    digest = hashlib.sha256(b"".join(np.ascontiguousarray(one).tobytes() for one in values)).hexdigest()
    if len(set(workers.all_texts(digest))) == 1:
        return 0.0
    apart = 0.0
    for variable, own, chief in zip(variables, values, workers.chiefs(values), strict=True):
        if own.dtype.kind in "fiu" and own.size:
            most = float(np.abs(chief.astype(float)).max()) or 1.0
            apart = max(apart, float(np.abs(own.astype(float) - chief.astype(float)).max()) / most)
        variable.assign(chief)
    apart = max(float(text) for text in workers.all_texts(repr(apart)))
    if not apart < _FAR:
        message = (
            f"The weights of the {workers.count} workers are {apart:.2g} of the largest apart {when}, though all do "
            "the same: a layer or a component computes something else in each of them. Train this network with one "
            "worker."
        )
        raise KzooError(message)
    return apart


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()
