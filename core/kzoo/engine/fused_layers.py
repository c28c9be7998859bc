"""Batch normalization in training by TensorFlow's one operation for it, where Keras makes it of some twenty.

On a processor each of Keras's operations goes through memory once more, in float32 also where the network computes in
half precision: a step takes 1.1 to 1.3 times the processor's time in float32, 1.1 to 1.6 times in bfloat16, by the
pipeline (``python -m benchmarks fused-layers``). What comes of it is the same but for rounding, and so are weights,
files and what is said of images: nothing of a model changes beyond the step.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["fuses", "with_fused_layers"]

_IMAGES = 4
"""Dimensions of a batch of images or of maps of features."""

_DTYPES = frozenset({"bfloat16", "float32"})  # TensorFlow has no other kernel for processors


def fuses(model: Any) -> bool:
    """Return whether a compiled model's step is one whose layers are fused: it runs on processors, without XLA.

    XLA fuses operations by itself, and cuDNN's one is not measured.
    """
    return not model.jit_compile and not tf.config.list_logical_devices("GPU")


def with_fused_layers(model: Any, step: Callable[..., Any]) -> Callable[..., Any]:
    """Return a compiled model's ``train_step`` that has its batch normalizations fused while it is taken or traced."""
    if not fuses(model):
        return step

    def fused(*args: Any) -> Any:
        with _fused(model):
            return step(*args)

    return fused


@contextlib.contextmanager
def _fused(model: Any) -> Iterator[None]:
    """Have the layers of a model normalize images by one operation in the block."""
    changed = [layer for layer in model._flatten_layers(include_self=False) if _can_be(layer)]  # noqa: SLF001
    for layer in changed:
        object.__setattr__(layer, "call", _called(layer, layer.call))
    try:
        yield
    finally:
        for layer in changed:
            object.__delattr__(layer, "call")


def _can_be(layer: Any) -> bool:
    """Return whether a layer is Keras's batch normalization as it stands, of the last axis of images."""
    own = keras.layers.BatchNormalization
    if not isinstance(layer, own) or type(layer).call is not own.call or "call" in vars(layer):
        return False
    shaped = layer.input_spec is not None and layer.input_spec.ndim == _IMAGES and layer.axis in (-1, _IMAGES - 1)
    return bool(shaped and not layer.renorm and not layer.synchronized)


def _called(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    """Return what takes the place of a batch normalization's ``call``."""

    def called(inputs: Any, training: bool | None = None, mask: Any = None) -> Any:  # noqa: FBT001 - Keras's own
        same = keras.backend.standardize_dtype(inputs.dtype) == layer.compute_dtype
        if not (training and layer.trainable and mask is None and same and layer.compute_dtype in _DTYPES):
            return call(inputs, training=training, mask=mask)
        channels = inputs.shape[-1]
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.cast(layer.gamma, tf.float32) if layer.scale else tf.ones([channels]),
            offset=tf.cast(layer.beta, tf.float32) if layer.center else tf.zeros([channels]),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=layer.epsilon,
            exponential_avg_factor=1.0,
            is_training=True,
        )
        # The operation tells the variance of the population, by n - 1; Keras keeps that of the batch.
        count = tf.cast(tf.size(inputs) // channels, tf.float32)
        variance *= (count - 1) / count
        for moving, now in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            moving.assign(moving * layer.momentum + tf.cast(now, moving.dtype) * (1 - layer.momentum))
        return outputs

    return called
