"""Gradients two ways: as TensorFlow derives them, and as differences of the values themselves."""

import numpy as np

__all__ = ["finite_differences", "gradient", "with_gradient"]


def finite_differences(function, at, step=1e-6):
    """Return the gradient of the sum of ``function`` by central differences in float64, one number of ``at`` a time."""
    at = np.asarray(at, "float64")
    found = np.zeros_like(at)
    for place in np.ndindex(at.shape):
        up, down = at.copy(), at.copy()
        up[place] += step
        down[place] -= step
        found[place] = (np.sum(function(up)) - np.sum(function(down))) / (2 * step)
    return found


def gradient(function, at):
    """Return the gradient of the sum of ``function`` as TensorFlow derives it."""
    _, found = with_gradient(function)(at)
    return found


def with_gradient(function, *, jit=None, input_signature=None):
    """Return a function of the same arguments that gives the value and its gradient by the last of them.

    It runs operation by operation, or as a graph where ``jit`` is set: False for TensorFlow's own, True for XLA's,
    which `input_signature` may keep open for any size.
    """
    import tensorflow as tf

    def both(*arguments):
        with tf.GradientTape() as tape:
            tape.watch(arguments[-1])
            value = function(*arguments)
        return value, tape.gradient(value, arguments[-1])

    run = both if jit is None else tf.function(both, jit_compile=jit, input_signature=input_signature)
    return lambda *arguments: [np.asarray(part) for part in run(*map(tf.convert_to_tensor, arguments))]
