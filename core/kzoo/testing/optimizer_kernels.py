"""Checks of the steps that an optimizer takes for the kernels of convolutions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.testing.tools import close, differ, numbers

if TYPE_CHECKING:
    from kzoo.testing.subject import Subject

__all__ = ["kernel_of_one", "kernels"]

_KERNELS = ((2, 3, 4), (2, 2, 3, 4), (2, 1, 2, 3, 4))
"""Kernels of convolutions over sequences, images and volumes: places, channels in, channels out."""

_STEPS = 3


def kernels(subject: Subject) -> None:
    """The step for a kernel does not depend on the order of its channels and places, nor on its shape if none counts.

    An optimizer that treats a matrix as it treats the same numbers in a row does so for kernels, too.
    """
    pairs: dict[str, tuple[Any, Any]] = {"matrix": (_numbers((3, 4)), _numbers((3, 4), (12,)))}
    orders: dict[str, tuple[Any, int]] = {}
    for shape in _KERNELS:
        pairs[f"flat {shape}"] = (_numbers(shape), _numbers(shape, (int(np.prod(shape)),)))
        for axis, size in enumerate(shape):
            if axis == len(shape) - 1 or (size > 1 and shape == _KERNELS[1]):
                order = np.roll(np.arange(size), 1)
                name = f"the step for a kernel of shape {shape} with axis {axis} in another order, put back"
                orders[name] = (order, axis)
                pairs[name] = (_numbers(shape), [np.take(one, order, axis) for one in _numbers(shape)])
    found = _after_steps(subject, pairs)
    for name, (order, axis) in orders.items():
        plain, other = found[name]
        # Sums in another order, and roots of matrices, differ in the last digits.
        close(np.take(other, np.argsort(order), axis), plain, f"{name}, against the kernel as it was", 1e-3)
    matrix, row = found["matrix"]
    if differ(matrix.ravel(), row, 1e-5):
        return  # rows and columns count, or a vector is taken for a bias
    for shape in _KERNELS:
        kernel, row = found[f"flat {shape}"]
        what = f"the step for a kernel of shape {shape}, against the same numbers as a vector, as it is for a matrix"
        close(kernel.ravel(), row, what)


def kernel_of_one(subject: Subject) -> None:
    """The step for the kernel of a convolution of size 1 is that for the matrix of a dense layer, which it is."""
    shapes = ((1, 3, 4), (1, 1, 3, 4), (1, 1, 1, 3, 4))
    pairs = {str(shape): (_numbers(shape), _numbers(shape, (3, 4))) for shape in shapes}
    for shape, (kernel, matrix) in _after_steps(subject, pairs).items():
        what = f"a step for a kernel of shape {shape}, against the same numbers as a matrix of shape (3, 4)"
        close(kernel.reshape(3, 4), matrix, what)


def _numbers(shape: tuple[int, ...], as_shape: tuple[int, ...] | None = None) -> list[Any]:
    """Return the start and the gradients for a variable; the same numbers every time, for equal products of shapes."""
    rng = np.random.default_rng(31 + len(shape))
    found = [rng.normal(size=shape).astype("float32") for _ in range(1 + _STEPS)]
    return [one.reshape(as_shape or shape) for one in found]


def _after_steps(subject: Subject, pairs: dict[str, tuple[Any, Any]]) -> dict[str, tuple[Any, Any]]:
    """Return where three steps lead, taken with all variables in one optimizer, since some measure all together."""
    flat = [one for pair in pairs.values() for one in pair]
    variables = [keras.Variable(one[0]) for one in flat]
    optimizer = subject.make()
    optimizer.build(variables)
    for at in range(_STEPS):
        gradients = [tf.constant(one[1 + at]) for one in flat]
        optimizer.apply_gradients(list(zip(gradients, variables, strict=True)))
    results = iter(numbers(variable) for variable in variables)
    return {name: (next(results), next(results)) for name in pairs}
