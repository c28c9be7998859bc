"""Numbers of a component: wide enough, and never an ordinary one where something was none."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from kzoo.component.shapes import may_be_equal

__all__ = ["at_least_float32", "dense_gradient", "finite_or_nan", "has_nan", "propagate_nan", "widen"]

_HALF = ("float16", "bfloat16")


def at_least_float32(dtype: Any) -> str:
    """Return the compute type to use for ``dtype``: itself, with half precision raised to float32."""
    policy = keras.dtype_policies.get(dtype or keras.config.floatx())
    return "float32" if policy.compute_dtype in _HALF else str(policy.compute_dtype)


def widen(value: Any) -> Any:
    """Return ``value`` as a floating tensor of at least float32.

    Example:
        >>> [str(widen(keras.ops.ones(2, dtype)).dtype.name) for dtype in ("bfloat16", "float64", "int32")]
        ['float32', 'float64', 'float32']
    """
    tensor = ops.convert_to_tensor(value)
    wide = keras.backend.standardize_dtype(tensor.dtype) == "float64"
    return tensor if wide else ops.cast(tensor, "float32")


def dense_gradient(gradient: Any, variable: Any) -> Any:
    """Return a gradient as one tensor, for an optimizer whose step is not linear in it.

    On TensorFlow the gradient of an embedding is a list of rows, and a row that was looked up twice is in it twice: to
    square the rows before they are added up gives another step.
    """
    return ops.add(ops.zeros_like(variable), gradient) if hasattr(gradient, "indices") else gradient


def finite_or_nan(value: Any) -> Any:
    """Return a tensor with NaN in the place of infinite numbers, for what has no meaning of its own for them.

    Example:
        >>> [float(number) for number in finite_or_nan([1.0, float("-inf")])]
        [1.0, nan]
    """
    value = ops.convert_to_tensor(value)
    # As a factor NaN is in the gradient, too.
    return value * ops.where(ops.isfinite(value), ops.ones_like(value), ops.cast(float("nan"), value.dtype))


def propagate_nan(values: Any, y_true: Any, y_pred: Any) -> Any:
    """Return ``values``, made NaN with a NaN gradient where a label or prediction that they are made from is NaN.

    Maxima, comparisons and the guards against 0/0 drop a NaN without a word, and a diverged network would look like
    one that learned everything. A NaN in what belongs to a value, which is all of ``y_true`` and ``y_pred`` at that
    value's place, is shown whatever the formula made of it.

    Args:
        values: Shape ``(...)``, one for each sample or position.
        y_true: Labels, whose leading axes are those of ``values``.
        y_pred: Predictions, whose leading axes are those of ``values``. Where they are not, as for one value of a whole
            batch, a NaN anywhere makes all values NaN.

    Example:
        >>> nan = float("nan")
        >>> y_pred = [[0.1, nan, 0.3], [0.1, 0.2, 0.7]]
        >>> [float(value) for value in propagate_nan(keras.ops.zeros(2), keras.ops.ones((2, 3)), y_pred)]
        [nan, 0.0]
    """
    y_pred = ops.convert_to_tensor(y_pred)
    nan = has_nan(values, y_true, y_pred)
    # As a factor NaN reaches the gradient, through one prediction of each value, and so all weights behind it. Where
    # nothing is NaN there is no such factor: an infinite prediction times 0 would be NaN, too.
    trailing = len(y_pred.shape) - len(nan.shape)
    own = may_be_equal(tuple(y_pred.shape)[: len(nan.shape)], tuple(nan.shape))
    first = y_pred[(..., *[0] * trailing)] if own else ops.reshape(y_pred, (-1,))[0]
    touched = ops.cast(ops.where(nan, first, ops.zeros_like(first)), values.dtype)
    shown = touched * ops.where(nan, ops.cast(float("nan"), values.dtype), 0.0)
    return values + shown


def has_nan(values: Any, *inputs: Any) -> Any:
    """Return for each value whether there is a NaN at its place in one of the inputs; one answer if they have none."""
    shape = tuple(values.shape)
    found: Any = None
    for one in inputs:
        nan = ops.isnan(widen(one))
        own = tuple(nan.shape)
        if may_be_equal(own[: len(shape)], shape):
            nan = ops.any(nan, axis=tuple(range(len(shape), len(own)))) if len(own) > len(shape) else nan
        elif may_be_equal(own, shape[: len(own)]):
            nan = ops.reshape(nan, (*ops.shape(nan), *[1] * (len(shape) - len(own))))
        else:
            nan = ops.any(nan)
        found = nan if found is None else ops.logical_or(found, nan)
    return found
