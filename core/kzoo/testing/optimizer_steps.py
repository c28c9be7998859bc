"""Checks of the steps that an optimizer takes: outside training, in graphs, at edges, in half precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.testing.report import CheckFailure
from kzoo.testing.tools import close, numbers, policy, shown

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = [
    "any_rank",
    "descends",
    "graph",
    "half_precision",
    "nan",
    "one_trace",
    "own_state",
    "sparse_gradients",
    "start",
    "state_listed",
    "steps",
    "tiny_and_huge",
    "xla",
    "zero_gradient",
]

_MANY = 41
"""Steps after which state that is kept elsewhere has shown."""

_SHAPES = ((), (3,), (4, 3), (2, 2, 3, 4))


def start(shapes: tuple[tuple[int, ...], ...] = _SHAPES[1:3]) -> list[Any]:
    """Return variables with the same numbers every time."""
    rng = np.random.default_rng(21)
    return [keras.Variable(rng.normal(size=s).astype("float32"), name=f"v{i}") for i, s in enumerate(shapes)]


def _gradients(variables: list[Any], step: int) -> list[Any]:
    rng = np.random.default_rng(100 + step)
    return [tf.constant(rng.normal(size=variable.shape).astype("float32")) for variable in variables]


def steps(optimizer: Any, variables: list[Any], count: int, mode: str = "eager", first: int = 0) -> list[Any]:
    """Take ``count`` steps with the same gradients every time; return the weights."""
    optimizer.build(variables)

    def apply(*gradients: Any) -> None:
        optimizer.apply_gradients(list(zip(gradients, variables, strict=True)))

    if mode != "eager":
        apply = tf.function(apply, autograph=False, jit_compile=mode == "xla")
    for at in range(first, first + count):
        apply(*_gradients(variables, at))
    return [numbers(variable) for variable in variables]


def descends(subject: Subject) -> None:
    """It comes closer to the minimum of a quadratic within 200 steps of its default learning rate."""
    target = tf.constant(np.random.default_rng(5).normal(size=(4, 3)).astype("float32"))
    variable = keras.Variable(np.zeros((4, 3), "float32"))
    optimizer = subject.make()
    optimizer.build([variable])

    def step() -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum((variable.value - target) ** 2)
        optimizer.apply_gradients([(tape.gradient(loss, variable.value), variable)])
        return loss

    call = tf.function(step, autograph=False)
    losses = [float(call()) for _ in range(200)]
    if not losses[-1] < losses[0]:
        message = f"saw a loss of {losses[0]:.6g} at the start and {losses[-1]:.6g} after 200 steps, expected less"
        raise CheckFailure(message)


def any_rank(subject: Subject) -> None:
    """Scalars, biases, matrices and convolution kernels all move, and stay finite."""
    variables = start(_SHAPES)
    before = [numbers(variable) for variable in variables]
    after = steps(subject.make(), variables, 5)
    for shape, one, other in zip(_SHAPES, before, after, strict=True):
        if not np.isfinite(other).all():
            message = f"a variable of shape {shape}: saw {shown(other)}, expected finite numbers"
            raise CheckFailure(message)
        if np.array_equal(one, other):
            message = f"a variable of shape {shape}: saw that five steps left it as it was, expected it to move"
            raise CheckFailure(message)


def zero_gradient(subject: Subject) -> None:
    """Gradients of 0, from the first step on, leave weights finite."""
    variables = start()
    optimizer = subject.make()
    optimizer.build(variables)
    for _ in range(3):
        optimizer.apply_gradients([(tf.zeros(variable.shape), variable) for variable in variables])
    _finite(variables, "three gradients of 0")


def tiny_and_huge(subject: Subject) -> None:
    """Gradients of 1e-20 and of 1e15 leave weights finite."""
    for scale in (1e-20, 1e15):
        variables = start()
        optimizer = subject.make()
        optimizer.build(variables)
        for at in range(3):
            gradients = _gradients(variables, at)
            optimizer.apply_gradients([(g * scale, v) for g, v in zip(gradients, variables, strict=True)])
        _finite(variables, f"gradients of about {scale:g}")


def _finite(variables: list[Any], note: str) -> None:
    for variable in variables:
        if not np.isfinite(numbers(variable)).all():
            message = f"{note}: saw weights {shown(numbers(variable))}, expected finite numbers"
            raise CheckFailure(message)


def graph(subject: Subject) -> None:
    """Steps in a graph, as training takes them, give the weights of eager steps."""
    expected = steps(subject.make(), start(), 8)
    for saw, wanted in zip(_in_a_graph(subject), expected, strict=True):
        close(saw, wanted, "weights after 8 steps in a graph, against eager mode", 1e-5)


def _in_a_graph(subject: Subject) -> Any:
    """Return the weights after eight steps in a graph, which two checks compare with."""
    return subject.once("graph", lambda: steps(subject.make(), start(), 8, "graph"))


def xla(subject: Subject) -> None:
    """Steps compiled by XLA, forced, give the weights of a graph."""
    for saw, wanted in zip(steps(subject.make(), start(), 8, "xla"), _in_a_graph(subject), strict=True):
        close(saw, wanted, "weights after 8 steps compiled by XLA, against a graph", 1e-4)


def one_trace(subject: Subject) -> None:
    """One graph serves every step, and follows a learning rate that is changed from outside."""
    variables, traces = start(), 0
    optimizer = subject.make()
    optimizer.build(variables)

    def apply(*gradients: Any) -> None:
        nonlocal traces
        traces += 1
        optimizer.apply_gradients(list(zip(gradients, variables, strict=True)))

    call = tf.function(apply, autograph=False)
    for at in range(4):
        call(*_gradients(variables, at))
    before = [numbers(variable) for variable in variables]
    optimizer.learning_rate = 0.0
    # The running means of earlier steps are still there; a rate of 0 stops them too.
    call(*_gradients(variables, 4))
    if traces != 1:
        message = f"saw {traces} traces for five steps, expected 1"
        raise CheckFailure(message)
    rate = float(numbers(optimizer.learning_rate))
    if rate:
        message = f"after `optimizer.learning_rate = 0`: saw {rate}, expected 0"
        raise CheckFailure(message)
    for saw, wanted in zip(variables, before, strict=True):
        close(np.asarray(saw), wanted, "weights after a step with a learning rate of 0, set from outside", 1e-6)


def state_listed(subject: Subject) -> None:
    """All state is in `variables`: two optimizers with the same variables take the same next step, after 41 too."""
    variables, others = start(), start()
    first, second = subject.make(), subject.make()
    steps(first, variables, _MANY)
    second.build(others)
    if len(first.variables) != len(second.variables):
        count = f"{len(first.variables)} variables after {_MANY} steps, and {len(second.variables)} when it is built"
        message = f"saw {count}, expected that `build` makes all of them"
        raise CheckFailure(message)
    for one, other in zip(first.variables, second.variables, strict=True):
        other.assign(one)
    for one, other in zip(variables, others, strict=True):
        other.assign(one)
    expected = steps(first, variables, 3, first=_MANY)
    for saw, wanted in zip(steps(second, others, 3, first=_MANY), expected, strict=True):
        close(saw, wanted, "three steps after its variables were copied to a new optimizer", 0.0)


def own_state(subject: Subject) -> None:
    """Each variable has its own state: it moves as beside one of another shape and name, and as before one or after."""
    rng = np.random.default_rng(11)
    starts = [rng.normal(size=(4, 3)).astype("float32") for _ in range(2)]
    gradients = rng.normal(size=(5, 2, 4, 3)).astype("float32")

    def after(*, turned: bool = False, last: bool = False) -> Any:
        """Return where the first variable is after the steps; the other one has the same numbers in any case.

        What measures all variables together measures the same then.
        """
        others = [one.T if turned else one for one in (starts[1], *gradients[:, 1])]
        variables = [
            keras.Variable(starts[0], name="kernel"),
            keras.Variable(others[0], name="bias" if turned else "kernel"),
        ]
        order = slice(None, None, -1 if last else 1)
        optimizer = subject.make()
        optimizer.build(variables[order])
        for pair in zip(gradients[:, 0], others[1:], strict=True):
            optimizer.apply_gradients(list(zip(map(tf.constant, pair), variables, strict=True))[order])
        return numbers(variables[0])

    saw, what = after(), "a variable after five steps beside another one of its shape and name, against one"
    close(saw, after(turned=True), f"{what} of another shape and name", 1e-5)
    close(saw, after(last=True), f"{what} that comes before it", 1e-5)


def nan(subject: Subject) -> None:
    """A NaN in a gradient shows in the weight, at once or a step later, or is an error: it is no finite step."""
    variables = start()
    optimizer = subject.make()
    optimizer.build(variables)
    for at in range(2):
        gradients = [np.asarray(one).copy() for one in _gradients(variables, at)]
        gradients[1][2, 1] = np.nan
        try:
            optimizer.apply_gradients([(tf.constant(one), v) for one, v in zip(gradients, variables, strict=True)])
        except tf.errors.InvalidArgumentError:
            return  # no algorithm for matrices goes on with a NaN
    saw = numbers(variables[1])
    if not np.isnan(saw[2, 1]):
        message = f"two gradients with a NaN at [2, 1]: saw weights {shown(saw)}, expected NaN there"
        raise CheckFailure(message)


def sparse_gradients(subject: Subject) -> None:
    """The gradient of an embedding, which names rows, gives the step of the same gradient written out."""
    rows = tf.constant([0, 2, 2])
    values = tf.constant(np.random.default_rng(3).normal(size=(3, 3)).astype("float32"))
    found = []
    for dense in (False, True):
        (variable,) = start(((4, 3),))
        optimizer = subject.make()
        optimizer.build([variable])
        slices = tf.IndexedSlices(values, rows, dense_shape=tf.constant([4, 3]))
        optimizer.apply_gradients([(tf.convert_to_tensor(slices) if dense else slices, variable)])
        found.append(numbers(variable))
    close(found[0], found[1], "the step for a gradient of rows, against the same gradient written out", 1e-5)


def half_precision(subject: Subject) -> None:
    """Under mixed_float16, where Keras scales the loss, a network trains: its weights move and stay finite."""
    from kzoo.testing.restart import network

    with policy("mixed_float16"):
        model, data = network(subject)
        before = [numbers(weight) for weight in model.trainable_weights]
        first = model.train_on_batch(data["x"], data["y"])
        for _ in range(5):
            last = model.train_on_batch(data["x"], data["y"])
    after = [numbers(weight) for weight in model.trainable_weights]
    if not (np.isfinite(first) and np.isfinite(last) and all(np.isfinite(weight).all() for weight in after)):
        message = f"saw losses {first} and {last}, or weights that are not finite, expected finite numbers"
        raise CheckFailure(message)
    if all(np.array_equal(one, other) for one, other in zip(before, after, strict=True)):
        message = "saw that six steps left all weights as they were, expected them to move"
        raise CheckFailure(message)
