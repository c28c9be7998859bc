"""The checks of a regularizer, in the order in which they run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.testing import common, restart, surroundings
from kzoo.testing.report import CheckFailure, Skip
from kzoo.testing.tools import array, close, numbers, policy, shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.testing.subject import Subject

__all__ = ["CHECKS"]

_SHAPES = ((5,), (4, 3), (3, 4), (3, 2, 4), (2, 2, 3, 4))
_STEP = 1e-6


def _weights(shape: tuple[int, ...] = (4, 3), dtype: str = "float32") -> Any:
    return np.random.default_rng(11).normal(size=shape).astype(dtype)


def _value_and_gradient(function: Any, weights: Any, mode: str = "eager") -> tuple[Any, Any]:
    def both(at: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(at)
            value = tf.convert_to_tensor(function(at))
        gradient = tape.gradient(value, at)
        return value, tf.zeros_like(at) if gradient is None else tf.convert_to_tensor(gradient)

    if mode != "eager":
        both = tf.function(both, autograph=False, jit_compile=mode == "xla")
    value, gradient = both(tf.constant(weights))
    return array(value), array(gradient)


def one_number(subject: Subject) -> None:
    """It returns one number, which Keras adds to the loss."""
    value = array(subject.make()(tf.constant(_weights())))
    if value.ndim:
        message = f"saw a value of shape {value.shape} for weights of shape (4, 3), expected one number"
        raise CheckFailure(message)


def any_rank(subject: Subject) -> None:
    """It takes a bias, a matrix of either shape, and the kernels of convolutions, with finite value and gradient."""
    for shape in _SHAPES:
        weights = _weights(shape)
        value, slope = _value_and_gradient(subject.make(), weights)
        if not (np.isfinite(value).all() and np.isfinite(slope).all()):
            message = f"weights of shape {shape}: saw {value} with gradient {shown(slope)}, expected finite numbers"
            raise CheckFailure(message)


def kernels(subject: Subject) -> None:
    """The kernel of a convolution of size 1 has the value of the matrix it is; the order of channels out is free."""
    function = subject.make()
    if restart.regularizer_argument(subject) == "activity_regularizer":
        message = "it is for activities, not for kernels"
        raise Skip(message)
    matrix = _weights((3, 4))
    expected = array(function(tf.constant(matrix)))
    for shape in ((1, 3, 4), (1, 1, 3, 4), (1, 1, 1, 3, 4)):
        what = f"a kernel of shape {shape}, against the matrix of shape (3, 4)"
        close(function(tf.constant(matrix.reshape(shape))), expected, what, weights=matrix)
    for shape in _SHAPES[3:]:
        kernel = _weights(shape)
        saw = array(function(tf.constant(np.roll(kernel, 1, -1))))
        what = f"a kernel of shape {shape} with its channels out in another order, against the kernel as it was"
        close(saw, array(function(tf.constant(kernel))), what, 1e-4)


def nan(subject: Subject) -> None:
    """A NaN in one weight makes the value NaN."""
    if not array(subject.make()(tf.constant(_weights() * 1000))):
        message = "as it is made, its value is 0 whatever the weights are"
        raise Skip(message)
    for shape in _SHAPES[1:]:
        weights = _weights(shape)
        weights.reshape(-1)[4] = np.nan
        value = array(subject.make()(tf.constant(weights)))
        if not np.isnan(value):
            message = f"a NaN in weights of shape {shape}: saw {value}, expected NaN; weights = {shown(weights)}"
            raise CheckFailure(message)


def finite_at_edges(subject: Subject) -> None:
    """Value and gradient are finite for weights of 0, all equal, orthogonal, and with a row of zeros."""
    row = _weights()
    row[1] = 0
    for note, weights in (
        ("weights of 0", np.zeros((3, 3), "float32")),
        ("weights of 1", np.ones((3, 3), "float32")),
        ("the identity", np.eye(3, dtype="float32")),
        ("the identity times 1000", np.eye(3, dtype="float32") * 1000),
        ("a row of zeros", row),
    ):
        value, slope = _value_and_gradient(subject.make(), weights)
        for what, found in (("the value", value), ("the gradient", slope)):
            if not np.isfinite(found).all():
                message = f"{note}: {what} is {shown(found)}, expected finite numbers; weights = {shown(weights)}"
                raise CheckFailure(message)


def gradient(subject: Subject) -> None:
    """The gradient is that of the value, by finite differences."""
    function = subject.make()
    for shape in _SHAPES[1:3]:
        weights = _weights(shape, "float64")
        direction = np.random.default_rng(13).normal(size=shape)
        up, down = (array(function(tf.constant(weights + h * direction))) for h in (_STEP * 100, -_STEP * 100))
        expected = (up - down) / (200 * _STEP)
        slope = _value_and_gradient(function, weights)[1]
        saw, scale = (slope * direction).sum(), max(np.abs(slope * direction).sum(), 1e-6)
        # A regularizer may work in float32, whose differences are known to some 1e-3 at this step.
        if not abs(saw - expected) <= 2e-2 * scale + 1e-6:
            message = f"along a direction: saw {saw:.7g}, expected {expected:.7g}; weights = {shown(weights)}"
            raise CheckFailure(message)


def repeatable(subject: Subject) -> None:
    """The same weights give the same value every time."""
    function, weights = subject.make(), tf.constant(_weights())
    close(function(weights), array(function(weights)), "the second call, against the first", 1e-6)


def graph(subject: Subject) -> None:
    """A graph gives the value and gradient of eager mode."""
    _same(subject, "graph", "in a graph, against eager mode", 1e-5)


def xla(subject: Subject) -> None:
    """XLA, forced, gives the value and gradient of eager mode."""
    _same(subject, "xla", "compiled by XLA, against eager mode", 1e-4)


def _same(subject: Subject, mode: str, what: str, tolerance: float) -> None:
    weights = _weights()
    expected = _value_and_gradient(subject.make(), weights)
    saw = _value_and_gradient(subject.make(), weights, mode)
    close(saw[0], expected[0], f"the value {what}", tolerance, weights=weights)
    close(saw[1], expected[1], f"the gradient {what}", tolerance, weights=weights)


def half_precision(subject: Subject) -> None:
    """Weights in half precision give the value that the same numbers give in float32, without overflow."""
    for name in ("float16", "bfloat16"):
        for scale in (1, 100):
            rounded = tf.cast(_weights((8, 8)) * scale, name)
            expected = array(subject.make()(tf.cast(rounded, "float32")))
            saw = array(subject.make()(rounded))
            if expected.max(initial=0) < 6e4:  # noqa: PLR2004 - what float16 can hold
                close(saw, expected, f"weights of about {scale} in {name}, against float32", 3e-2)


def in_model(subject: Subject) -> None:
    """A layer with it adds its value to the loss, in float32 and under mixed_float16, and trains."""
    for name in ("float32", "mixed_float16"):
        with policy(name):
            model, data = restart.network(subject)
            kernel = model.layers[1].kernel
            given = weights = tf.constant(numbers(kernel))
            if restart.regularizer_argument(subject) == "activity_regularizer":
                given = keras.Model(model.inputs, model.layers[1].output)(data["x"])
                model(data["x"])  # a layer knows the loss of its activity once it was called
            # Keras divides what it is told of an activity by the batch size.
            expected = array(subject.make()(given)) / (1 if given is weights else len(data["x"]))
            saw = array(tf.cast(model.losses[0], "float32"))
            close(saw, expected, f"the loss that a layer adds under {name}", 1e-2 if name != "float32" else 1e-5)
            loss = model.train_on_batch(data["x"], data["y"])
        if not np.isfinite(loss) or not np.isfinite(numbers(kernel)).all():
            message = f"{name}: saw a loss of {loss} or weights that are not finite after a training step"
            raise CheckFailure(message)


CHECKS: dict[str, Callable[[Any], None]] = {
    "right_base": common.right_base,
    "registered": common.registered,
    "config_round_trip": common.config_round_trip,
    "arguments_saved": common.arguments_saved,
    "global_state": surroundings.global_state,
    "one_number": one_number,
    "any_rank": any_rank,
    "kernels": kernels,
    "nan": nan,
    "finite_at_edges": finite_at_edges,
    "gradient": gradient,
    "repeatable": repeatable,
    "graph": graph,
    "xla": xla,
    "half_precision": half_precision,
    "in_model": in_model,
    "keras_file": restart.keras_file,
    "fresh_process": restart.fresh_process,
}
"""By name; the first sentence of each function's docstring is what the check says."""
