"""The checks of a learning-rate schedule, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from kzoo.testing import common, restart, surroundings
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.tools import array, close, policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.testing.subject import Subject

__all__ = ["CHECKS"]

_RATES = ("learning_rate", "warmup_target", "_rate")
_STEPS = (0, 1, 7, 50, 99, 100, 101, 5000)


def finite(subject: Subject) -> None:
    """The rate is a finite number of at least 0 at every step, also long after the end."""
    schedule = subject.make()
    for step in _STEPS:
        rate = array(schedule(step))
        if rate.ndim or not np.isfinite(rate) or rate < 0:
            message = f"step {step}: saw a rate of {rate}, expected one finite number of at least 0"
            raise CheckFailure(message)


def repeatable(subject: Subject) -> None:
    """The rate of a step does not depend on the steps that were asked for before, nor on how often."""
    expected = {step: array(subject.make()(step)) for step in _STEPS}
    schedule = subject.make()
    for step in (*_STEPS[::-1], *_STEPS, _STEPS[2], _STEPS[2]):
        close(schedule(step), expected[step], f"the rate of step {step} after others, against a fresh schedule", 0.0)


def step_types(subject: Subject) -> None:
    """The step may be a Python number, an int64 variable's value or a float tensor, with the same rate."""
    schedule = subject.make()
    for step in _STEPS:
        expected = array(schedule(step))
        for kind in ("int64", "int32", "float32"):
            close(schedule(tf.constant(step, kind)), expected, f"step {step} as {kind}, against a Python number")


def precise(subject: Subject) -> None:
    """Under a half precision policy the rates are those of float32: a rate of 1e-3 is not rounded."""
    expected = [array(subject.make()(tf.constant(step, "int64"))) for step in _STEPS]
    with policy("mixed_bfloat16"):
        saw = [array(subject.make()(tf.constant(step, "int64"))) for step in _STEPS]
    close(np.stack(saw), np.stack(expected), "rates under mixed_bfloat16, against float32", 1e-6)


def graph(subject: Subject) -> None:
    """A graph traced once gives the rates of eager mode at every step."""
    _compiled(subject, "in a graph, against eager mode", jit=False)


def xla(subject: Subject) -> None:
    """XLA, forced, gives the rates of eager mode at every step."""
    _compiled(subject, "compiled by XLA, against eager mode", jit=True)


def _compiled(subject: Subject, what: str, *, jit: bool) -> None:
    schedule = subject.make()
    call = tf.function(lambda step: tf.convert_to_tensor(schedule(step)), autograph=False, jit_compile=jit)
    for step in _STEPS:
        expected = array(schedule(tf.constant(step, "int64")))
        close(call(tf.constant(step, "int64")), expected, f"the rate of step {step} {what}")


def rebuilt(subject: Subject) -> None:
    """A schedule rebuilt from its configuration gives the same rates."""
    schedule = subject.make()
    again = type(schedule).from_config(schedule.get_config())
    for step in _STEPS:
        close(again(step), array(schedule(step)), f"the rate of step {step} after from_config(get_config())", 0.0)


def whole_numbers(subject: Subject) -> None:
    """A rate given as the whole number 1 gives the rates of 1.0."""
    made = subject.make()
    config = made.get_config()
    rates = [name for name, value in config.items() if name.endswith(_RATES) and isinstance(value, float)]
    if not rates:
        message = "no argument of its configuration is a rate"
        raise Skip(message)
    whole, decimal = (type(made).from_config({**config, **dict.fromkeys(rates, one)}) for one in (1, 1.0))
    for step in _STEPS:
        expected = array(decimal(step))
        close(whole(step), expected, f"the rate of step {step} with {' and '.join(rates)} = 1, against 1.0", 1e-6)


CHECKS: dict[str, Callable[[Any], None]] = {
    "right_base": common.right_base,
    "registered": common.registered,
    "config_round_trip": common.config_round_trip,
    "arguments_saved": common.arguments_saved,
    "global_state": surroundings.global_state,
    "rebuilt": rebuilt,
    "finite": finite,
    "repeatable": repeatable,
    "step_types": step_types,
    "precise": precise,
    "whole_numbers": whole_numbers,
    "graph": graph,
    "xla": xla,
    "keras_file": restart.keras_file,
    "fresh_process": restart.fresh_process,
}
"""By name; the first sentence of each function's docstring is what the check says."""
