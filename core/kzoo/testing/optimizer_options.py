"""Checks of what every Keras optimizer promises: learning rates, schedules, accumulation, clipping, averages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.testing.optimizer_steps import start, steps
from kzoo.testing.report import CheckFailure
from kzoo.testing.tools import close, numbers

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = [
    "accumulation",
    "clipping",
    "counts_steps",
    "learning_rate",
    "moving_average",
    "rate_assigned",
    "schedule",
    "weight_decay",
]


def counts_steps(subject: Subject) -> None:
    """`iterations` counts the steps, and is among the variables, so that it is saved."""
    optimizer, variables = subject.make(), start()
    steps(optimizer, variables, 3)
    saw = int(numbers(optimizer.iterations))
    if saw != 3:  # noqa: PLR2004 - the steps just taken
        message = f"after three steps: saw iterations = {saw}, expected 3"
        raise CheckFailure(message)
    if not any(variable is optimizer.iterations for variable in optimizer.variables):
        message = "saw no `iterations` among its variables, expected it there: a restart would begin at step 0"
        raise CheckFailure(message)


def learning_rate(subject: Subject) -> None:
    """The learning rate given is the one shown, the one set is the one used, and Keras's callbacks can set it."""
    subject.need("learning_rate")
    optimizer = subject.make(learning_rate=0.0125)
    saw = float(numbers(optimizer.learning_rate))
    if abs(saw - 0.0125) > 1e-8:  # noqa: PLR2004
        message = f"made with learning_rate=0.0125: saw {saw}"
        raise CheckFailure(message)
    changed, plain = subject.make(learning_rate=0.5), subject.make(learning_rate=0.0125)
    changed.learning_rate = 0.0125
    for one, other in zip(steps(changed, start(), 3), steps(plain, start(), 3), strict=True):
        close(one, other, "three steps with a rate set later, against the same rate from the start", 1e-6)


def rate_assigned(subject: Subject) -> None:
    """The learning rate is a variable: what is assigned to it is the rate of the next step."""
    subject.need("learning_rate")
    assigned, plain = subject.make(learning_rate=0.5), subject.make(learning_rate=0.0125)
    rate = assigned.learning_rate
    if not hasattr(rate, "assign"):
        message = f"saw a learning rate of type {type(rate).__name__}, expected a variable, as Keras's optimizers have"
        raise CheckFailure(message)
    rate.assign(0.0125)
    for one, other in zip(steps(assigned, start(), 3), steps(plain, start(), 3), strict=True):
        close(one, other, "three steps with an assigned rate, against the same rate from the start", 1e-6)


@keras.saving.register_keras_serializable(package="kzoo.testing")
class _Falling(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """A schedule that is 0.02 in its first two steps and 0 from then on."""

    def __call__(self, step: Any) -> Any:
        return tf.where(tf.cast(step, "int64") < 2, 0.02, 0.0)  # noqa: PLR2004

    def get_config(self) -> dict[str, Any]:
        return {}


def schedule(subject: Subject) -> None:
    """A schedule is followed, step by step, and is in the configuration."""
    subject.need("learning_rate")
    optimizer, variables = subject.make(learning_rate=_Falling()), start()
    first = [numbers(variable) for variable in variables]
    second = steps(optimizer, variables, 2)
    if all(np.array_equal(one, other) for one, other in zip(first, second, strict=True)):
        message = "saw that steps at a rate of 0.02 left all weights as they were, expected them to move"
        raise CheckFailure(message)
    for saw, wanted in zip(steps(optimizer, variables, 2, first=2), second, strict=True):
        close(saw, wanted, "weights after two steps at a rate of 0, as the schedule says", 1e-6)
    again = type(optimizer).from_config(optimizer.get_config())
    kept = keras.saving.serialize_keras_object(again)["config"]
    if "Falling" not in repr(kept):
        message = f"after from_config(get_config()): saw {kept!r}, expected the schedule in it"
        raise CheckFailure(message)


def accumulation(subject: Subject) -> None:
    """Four equal gradients, accumulated, make one step of that gradient, and nothing moves before the fourth."""
    subject.need("gradient_accumulation_steps")
    plain, others = subject.make(), start()
    optimizer, variables = subject.make(gradient_accumulation_steps=4), start()
    gradients = [tf.constant(np.random.default_rng(8).normal(size=v.shape).astype("float32")) for v in others]
    plain.build(others)
    optimizer.build(variables)
    before = [numbers(variable) for variable in variables]
    # In Keras `iterations` counts micro-steps, so what depends on it stands at another place in the second step.
    plain.apply_gradients(list(zip(gradients, others, strict=True)))
    for at in range(4):
        if at:
            for variable, value in zip(variables, before, strict=True):
                close(numbers(variable), value, f"weights after {at} of 4 gradients", 1e-6)
        optimizer.apply_gradients(list(zip(gradients, variables, strict=True)))
    moved = [numbers(variable) for variable in variables]
    if all(np.array_equal(one, other) for one, other in zip(before, moved, strict=True)):
        message = "saw that four accumulated gradients left all weights as they were, expected one step"
        raise CheckFailure(message)


def clipping(subject: Subject) -> None:
    """`clipnorm`, `clipvalue` and `global_clipnorm` act on the gradient before the step."""
    for name, limit in (("clipvalue", 0.1), ("clipnorm", 0.1), ("global_clipnorm", 0.1)):
        subject.need(name)
        clipped, plain = subject.make(**{name: limit}), subject.make()
        (variable,), (other,) = start(((4, 3),)), start(((4, 3),))
        clipped.build([variable])
        plain.build([other])
        for at in range(3):
            gradient = np.random.default_rng(at).normal(size=(4, 3)).astype("float32") * (at + 1)
            norm = np.linalg.norm(gradient)
            by_hand = np.clip(gradient, -limit, limit) if name == "clipvalue" else gradient * (limit / norm)
            clipped.apply_gradients([(tf.constant(gradient), variable)])
            plain.apply_gradients([(tf.constant(by_hand), other)])
        close(
            numbers(variable),
            numbers(other),
            f"{name}={limit}, against gradients clipped by hand",
            1e-5,
        )


def weight_decay(subject: Subject) -> None:
    """`weight_decay` takes a share of the weights at every step, and spares the variables it is told to."""
    subject.need("weight_decay")
    gradients = [tf.zeros((3,)), tf.zeros((4, 3))]
    found = []
    for spared in (False, True):
        optimizer, variables = subject.make(weight_decay=0.1), start()
        if spared:
            optimizer.exclude_from_weight_decay(var_list=variables)
        optimizer.build(variables)
        for _ in range(3):
            optimizer.apply_gradients(list(zip(gradients, variables, strict=True)))
        found.append(np.concatenate([numbers(variable).ravel() for variable in variables]))
    decayed, kept = np.linalg.norm(found[0]), np.linalg.norm(found[1])
    if not decayed < kept * (1 - 1e-7):
        message = f"gradients of 0, weight_decay=0.1: saw weights of norm {decayed}, expected less than {kept}"
        raise CheckFailure(message)


def moving_average(subject: Subject) -> None:
    """With `use_ema`, `finalize_variable_values` puts the moving averages into the weights."""
    subject.need("use_ema", "ema_momentum")
    optimizer, variables = subject.make(use_ema=True, ema_momentum=0.5), start()
    average = [numbers(variable) * 0.0 for variable in variables]
    optimizer.build(variables)
    for at in range(4):
        now = steps(optimizer, variables, 1, first=at)
        # Keras starts the average at the weights of the first step.
        average = [a * 0.5 + n * 0.5 if at else n for a, n in zip(average, now, strict=True)]
    optimizer.finalize_variable_values(variables)
    for variable, wanted in zip(variables, average, strict=True):
        close(numbers(variable), wanted, "weights after finalize_variable_values", 1e-5)
