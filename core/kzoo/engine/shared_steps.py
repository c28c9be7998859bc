"""Keras's own training and test step, taken by several processes that have a part of the batch each.

A process calls the network on its part. What the network puts out is gathered, with labels and weights, so that loss
and metrics see the whole batch, as with one process; the gradients of the parts are added up, so that the optimizer of
each process takes the step that one process would take.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from kzoo.engine.shared_layers import PartOf, check_model, seeing_the_whole
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.engine.interrupt import StopRequest
    from kzoo.engine.workers import Workers

__all__ = ["shared_test_step", "shared_train_step"]

_FROM_LOGITS = {"Softmax": tf.nn.softmax, "Sigmoid": tf.nn.sigmoid}


def shared_train_step(model: Any, workers: Workers, stop: StopRequest) -> Callable[[Any], Any]:
    """Return what takes the place of ``train_step``: a function of a part of the batch and the size of the whole.

    Raises:
        UsageError: The model has a step of its own, or a layer of which it is not known that parts are as good.
    """
    check_model(model)
    wish, agreed = stop.wish(), stop.flag()

    def step(element: Any) -> Any:
        data, size = element
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with seeing_the_whole(model, PartOf(workers, size)):
            with tf.GradientTape() as tape:
                y_pred = _whole(model, workers, _called(model, x, training=True), size)
                y, sample_weight = (_structure(workers, one, size) for one in (y, sample_weight))
                loss = model._compute_loss(  # noqa: SLF001 - as Keras's own step does
                    x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=True
                )
                model._loss_tracker.update_state(loss, sample_weight=size)  # noqa: SLF001
                scaled = loss if model.optimizer is None else model.optimizer.scale_loss(loss)
            weights = model.trainable_weights
            gradients, wished = workers.mean_gradients(tape.gradient(scaled, weights) if weights else [], wish)
        if weights:
            model.optimizer.apply_gradients(zip(gradients, weights, strict=True))
        agreed.assign(tf.logical_or(agreed, wished))
        return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    return step


def shared_test_step(model: Any, workers: Workers, stop: StopRequest) -> Callable[[Any], Any]:
    """Return what takes the place of ``test_step``, likewise."""
    wish, agreed = stop.wish(), stop.flag()

    def step(element: Any) -> Any:
        data, size = element
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = _whole(model, workers, _called(model, x, training=False), size)
        y, sample_weight = (_structure(workers, one, size) for one in (y, sample_weight))
        loss = model._compute_loss(  # noqa: SLF001
            x=x, y=y, y_pred=y_pred, sample_weight=sample_weight, training=False
        )
        model._loss_tracker.update_state(loss, sample_weight=size)  # noqa: SLF001
        wished = workers.total(tf.cast(wish, tf.float32)[None])[0] > 0
        agreed.assign(tf.logical_or(agreed, wished))
        return model.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    return step


def _called(model: Any, x: Any, *, training: bool) -> Any:
    return model(x, training=training) if model._call_has_training_arg else model(x)  # noqa: SLF001


def _whole(model: Any, workers: Workers, outputs: Any, size: Any) -> Any:
    """Return the outputs for the whole batch; refuse what a layer added to the loss of its part."""
    if any(layer._losses for layer in model._flatten_layers()):  # noqa: SLF001 - those of `add_loss`
        named = next(layer.name for layer in model._flatten_layers() if layer._losses)  # noqa: SLF001
        message = (
            f"The layer `{named}` adds to the loss what depends on a part of the batch (`add_loss`). Train this "
            "network with one worker."
        )
        raise UsageError(message)
    if any(keras.src.backend.get_keras_mask(one) is not None for one in tf.nest.flatten(outputs)):
        message = "The network puts out a mask, which several workers do not share. Train it with one worker."
        raise UsageError(message)
    return tf.nest.map_structure(lambda one: _output(workers, one, size), outputs)


def _output(workers: Workers, output: Any, size: Any) -> Any:
    """Return an output for the whole batch, made as the part's was where that is a softmax or a sigmoid.

    Keras's cross-entropies look at what made the probabilities, and compute with the logits before: where a probability
    is next to 0, the loss of what was merely gathered would be another one, and have no gradient.
    """
    made = None if isinstance(output, tf.__internal__.EagerTensor) else output.op
    if made is not None and made.type in _FROM_LOGITS:
        return _FROM_LOGITS[made.type](workers.whole(made.inputs[0], size))
    found = workers.whole(output, size)
    if (logits := getattr(output, "_keras_logits", None)) is not None:  # which is how Keras finds them elsewhere
        found._keras_logits = workers.whole(logits, size)  # noqa: SLF001
    return found


def _structure(workers: Workers, parts: Any, size: Any) -> Any:
    return None if parts is None else tf.nest.map_structure(lambda one: workers.whole(one, size), parts)
