"""Layers whose outputs depend on the whole batch, in a process that has a part of it: as if it had the whole.

Batch normalization takes mean and variance of the whole batch, from what each part has. Layers that draw random numbers
draw for the whole batch and keep what is of their rows, so that an example's mask depends on its place in the batch and
not on who computes it.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kzoo.engine.workers import Workers

__all__ = ["PartOf", "check_model", "seeing_the_whole"]

_BY_EXAMPLE = frozenset(
    {"Dropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"}
    | {"GaussianDropout", "GaussianNoise", "AlphaDropout"}
)
"""Layers of Keras that draw random numbers and leave each example to itself."""

_OWN = ("train_step", "test_step", "compute_loss", "compute_metrics")


@dataclass(frozen=True)
class PartOf:
    """Which rows of the whole batch a process has: ``index``, ``index + count``, ...

    Attributes:
        workers: The processes.
        size: The rows of the whole batch, an integer tensor.
    """

    workers: Workers
    size: Any

    @property
    def counts(self) -> Any:
        """1 where this process has rows of its own, else 0: then it has one of another's, for form's sake."""
        return tf.cast(self.size > self.workers.index, tf.float32)


def check_model(model: Any) -> None:
    """Raise `UsageError`, which names it, for what in a model cannot be known to be the same by parts."""
    for name in _OWN:
        if getattr(type(model), name) is not getattr(keras.Model, name):
            message = (
                f"`{type(model).__name__}` has a `{name}` of its own, and several workers take Keras's step by parts. "
                "Train this network with one worker."
            )
            raise UsageError(message)
    for layer in _layers(model):
        if reason := _reason(layer):
            message = (
                f"The layer `{layer.name}` ({type(layer).__name__}) {reason}, so parts of a batch would not come to "
                "what the whole does. Train this network with one worker."
            )
            raise UsageError(message)


@contextlib.contextmanager
def seeing_the_whole(model: Any, part: PartOf) -> Iterator[None]:
    """Have the layers of a model compute in the block as if they had the whole batch that theirs is a part of."""
    changed: list[tuple[Any, str]] = []

    def change(layer: Any, name: str, value: Any) -> None:
        object.__setattr__(layer, name, value)
        changed.append((layer, name))

    for layer in _layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            change(layer, "_moments", _moments(layer, part))
        elif _draws(layer):
            change(layer, "call", _drawn_for_all(layer.call, part))
    try:
        yield
    finally:
        for layer, name in changed:
            object.__delattr__(layer, name)


def _layers(model: Any) -> list[Any]:
    return list(model._flatten_layers(include_self=False))  # noqa: SLF001 - with those inside of layers


def _draws(layer: Any) -> bool:
    return _is_keras(layer) and type(layer).__name__ in _BY_EXAMPLE


def _is_keras(layer: Any) -> bool:
    return type(layer).__module__.startswith("keras.")


def _reason(layer: Any) -> str:
    if layer.activity_regularizer is not None:
        return "has an `activity_regularizer`, whose value is that of a part of the batch"
    if isinstance(layer, keras.layers.BatchNormalization):
        return "has `renorm`" if layer.renorm else ""
    if _draws(layer):
        return ""
    states = [one for one in vars(layer).values() if isinstance(one, keras.random.SeedGenerator)]
    used = [float(getattr(layer, name, 0) or 0) for name in ("dropout", "recurrent_dropout", "rate")]
    if states and (not _is_keras(layer) or any(used) or not hasattr(layer, "dropout")):
        return "draws random numbers in a way that is not known to go by example"
    return ""


def _moments(layer: Any, part: PartOf) -> Any:
    """Return what takes the place of a batch normalization's own mean and variance."""

    def moments(inputs: Any, mask: Any) -> tuple[Any, Any]:
        if mask is not None:
            message = f"The layer `{layer.name}` has a mask, which several workers do not share: train with one."
            raise UsageError(message)
        axes = list(layer._reduction_axes)  # noqa: SLF001 - as its own does
        mean, variance = tf.nn.moments(inputs, axes)
        each = tf.cast(tf.reduce_prod(tf.gather(tf.shape(inputs), axes)), inputs.dtype)
        count = each * tf.cast(part.counts, inputs.dtype)
        own = tf.concat([count[None], mean, variance], 0)
        stacked = _of_all(part.workers, own)
        # Chan, Golub and LeVeque, 1979: sums of squares about each part's own mean lose no digits.
        counts, means, variances = tf.split(stacked, [1, mean.shape[0], mean.shape[0]], 1)
        share = counts / tf.reduce_sum(counts)
        whole = tf.reduce_sum(share * means, 0)
        return whole, tf.reduce_sum(share * (variances + tf.square(means - whole)), 0)

    return moments


def _of_all(workers: Workers, own: Any) -> Any:
    """Return a vector of each process, stacked; the gradient of each is what all of them have of it."""

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def stacked(x: Any) -> tuple[Any, Any]:
        return workers.stack(x), lambda upstream: workers.total(upstream)[workers.index]

    return stacked(own)


def _drawn_for_all(call: Any, part: PartOf) -> Any:
    """Return a layer's ``call`` that is made on a batch of the whole's size, with the own rows in their places."""
    count, index = part.workers.count, part.workers.index

    def called(inputs: Any, *args: Any, training: bool = False, **kwargs: Any) -> Any:
        if not training:
            return call(inputs, *args, training=training, **kwargs)
        rows = tf.shape(inputs)[0]
        spread = tf.pad(inputs[:, None], [[0, 0], [index, count - 1 - index], *[[0, 0]] * (len(inputs.shape) - 1)])
        spread = tf.reshape(spread, tf.concat([[rows * count], tf.shape(inputs)[1:]], 0))
        missing = tf.maximum(part.size - rows * count, 0)  # where another part has a row more
        around = tf.concat([[[0, missing]], tf.zeros([len(inputs.shape) - 1, 2], tf.int32)], 0)
        whole = tf.ensure_shape(tf.pad(spread, around)[: part.size], [None, *inputs.shape[1:]])
        own = call(whole, *args, training=True, **kwargs)[index::count]
        # A process without rows of its own has one that nobody reads.
        short = tf.concat([[[0, rows - tf.shape(own)[0]]], tf.zeros([len(inputs.shape) - 1, 2], tf.int32)], 0)
        return tf.ensure_shape(tf.pad(own, short), inputs.shape)

    return called
