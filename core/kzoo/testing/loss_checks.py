"""The checks of a loss, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.testing import (
    common,
    loss_class_weights,
    loss_classes,
    loss_continuity,
    loss_direction,
    loss_images,
    loss_labels,
    loss_numbers,
    loss_odd_inputs,
    loss_shapes,
    loss_state,
    loss_weights,
    restart,
    surroundings,
)
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.tools import numbers, policy, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.testing.subject import Subject

__all__ = ["CHECKS"]

# Under mixed_float16 Keras leaves out the first steps, until its scale of the loss is small enough.
_STEPS = {"mixed_float16": 12, "mixed_bfloat16": 4}


def dtype_saved(subject: Subject) -> None:
    """The `dtype` that a loss was made with is in its configuration."""
    subject.need("dtype")
    made = subject.make(dtype="float64")
    saved = made.get_config().get("dtype")
    if saved not in (None, "float32"):
        return
    of_keras = type(made).get_config.__module__.split(".")[0] == "keras"
    if subject.entry is None and of_keras and type(made).__module__.split(".")[0] == "keras":
        message = "no loss of Keras itself saves its dtype, which only Keras can mend"
        raise Skip(message)
    hint = "; it is Keras's `get_config`, which has none: one of your own adds it, as kzoo.component's does" * of_keras
    message = f"saw dtype {saved!r} in get_config(), expected 'float64'{hint}"
    raise CheckFailure(message)


def mixed_precision(subject: Subject) -> None:
    """Under `mixed_float16` and `mixed_bfloat16` training has finite losses and moves the weights."""
    for name, count in _STEPS.items():
        with policy(name):
            model, data = restart.network(subject)
            before = [numbers(weight) for weight in model.trainable_weights]
            loss = [model.train_on_batch(data["x"], data["y"]) for _ in range(count)]
        after = [numbers(weight) for weight in model.trainable_weights]
        finite = np.isfinite(loss).all() and all(np.isfinite(weight).all() for weight in after)
        if not finite:
            message = f"{name}: saw losses of {shown(loss)} and weights that may not be finite, expected finite numbers"
            raise CheckFailure(message)
        if all(np.array_equal(one, other) for one, other in zip(before, after, strict=True)):
            message = f"{name}: saw weights that {count} training steps left as they were, expected them to move"
            raise CheckFailure(message)


def trains(subject: Subject) -> None:
    """Forty steps of Adam on one batch make the loss smaller."""
    model, data = restart.network(subject)
    model.compile(optimizer=keras.optimizers.Adam(0.02), loss=subject.make())
    batch = tf.constant(data["x"]), tf.constant(data["y"])
    losses = [float(model.train_step(batch)["loss"])]  # eagerly, where what it lacks is made; then in a graph
    step = tf.function(lambda: model.train_step(batch)["loss"], autograph=False)
    for _ in range(39):
        model.reset_metrics()  # the loss is a mean over the steps since
        losses.append(float(step()))
    if not min(losses[-5:]) < losses[0]:
        message = f"saw a loss of {losses[0]:.6g} at the start and {losses[-1]:.6g} after 40 steps, expected less"
        raise CheckFailure(message)


CHECKS: dict[str, Callable[[Any], None]] = {
    "right_base": common.right_base,
    "registered": common.registered,
    "config_round_trip": common.config_round_trip,
    "arguments_saved": common.arguments_saved,
    "dtype_saved": dtype_saved,
    # First of those that call it: what counts calls shows best in a fresh process.
    "repeatable": loss_state.repeatable,
    "one_value_per_sample": loss_shapes.one_value_per_sample,
    "sample_weight": loss_weights.sample_weight,
    "reductions": loss_weights.reductions,
    "batches_add_up": loss_shapes.batches_add_up,
    "positions": loss_shapes.positions,
    "batch_of_one": loss_shapes.batch_of_one,
    "flat_labels": loss_shapes.flat_labels,
    "mismatch_refused": loss_shapes.mismatch_refused,
    "label_forms": loss_classes.label_forms,
    "many_classes": loss_classes.many_classes,
    "one_output": loss_classes.one_output,
    "axis": loss_classes.axis,
    "ignored_class": loss_class_weights.ignored_class,
    "class_weight": loss_class_weights.class_weight,
    "mask": loss_weights.mask,
    "turned_images": loss_images.turned_images,
    "soft_labels": loss_labels.soft_labels,
    "labels_not_rounded": loss_labels.labels_not_rounded,
    "half_precision": loss_numbers.half_precision,
    "logits": loss_numbers.logits,
    "precision": loss_numbers.precision,
    "finite_at_edges": loss_numbers.finite_at_edges,
    "right_below_wrong": loss_direction.right_below_wrong,
    "nan": loss_odd_inputs.nan,
    "wrong_labels": loss_odd_inputs.wrong_labels,
    "integer_predictions": loss_odd_inputs.integer_predictions,
    "empty_batch": loss_odd_inputs.empty_batch,
    "gradient": loss_numbers.gradient,
    "no_jumps": loss_continuity.no_jumps,
    "global_state": surroundings.global_state,
    "graph": loss_numbers.graph,
    "xla": loss_numbers.xla,
    "unknown_batch": loss_numbers.unknown_batch,
    "mixed_precision": mixed_precision,
    "trains": trains,
    "zero_at_equality": loss_numbers.zero_at_equality,
    "symmetric": loss_numbers.symmetric,
    "range": loss_numbers.range_of_values,
    "keras_file": restart.keras_file,
    "fresh_process": restart.fresh_process,
}
"""By name; the first sentence of each function's docstring is what the check says."""
