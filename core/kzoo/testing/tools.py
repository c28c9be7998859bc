"""What the checks are written with: calling a component in every way, comparing numbers, finding a small input."""

from __future__ import annotations

import contextlib
import itertools
import traceback
import warnings
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.testing.report import CheckFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "array",
    "close",
    "differ",
    "each_alone",
    "numbers",
    "per_sample",
    "policy",
    "raised_by_tensorflow",
    "shown",
    "smallest",
    "unreduced",
    "value_and_gradient",
]

_SHOWN = 240
"""The characters that an array may take in a message."""


def array(value: Any) -> Any:
    """Return a tensor of any type as a float64 array."""
    if isinstance(value, keras.Variable):
        value = value.value
    return np.asarray(tf.cast(value, "float64") if tf.is_tensor(value) else value, "float64")


def numbers(variable: Any) -> Any:
    """Return what a variable, or a number, holds as an array."""
    return np.asarray(variable.value if isinstance(variable, keras.Variable) else variable)


def shown(value: Any) -> str:
    """Return a value as an error shows it: short, with the numbers that matter."""
    found = np.asarray(value)
    if found.dtype.kind == "f":
        found = found.astype("float64")
    text = np.array2string(found, precision=7, separator=", ", threshold=24, edgeitems=2, max_line_width=10_000)
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... of shape {found.shape}"


def differ(saw: Any, expected: Any, tolerance: float = 1e-5) -> bool:
    """Return whether two results differ by more than ``tolerance`` of the largest number expected, or in shape."""
    saw, expected = array(saw), array(expected)
    if saw.shape != expected.shape:
        return True
    scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
    return not np.allclose(saw, expected, rtol=0, atol=tolerance * (scale + 1e-3), equal_nan=True)


def close(saw: Any, expected: Any, what: str, tolerance: float = 1e-5, **inputs: Any) -> None:
    """Raise `CheckFailure` where ``saw`` is not ``expected``.

    Args:
        saw: What the component gave.
        expected: What it should have given.
        what: What was compared, as in ``"the value in a graph, against that outside"``.
        tolerance: The difference allowed, relative to the largest number expected.
        **inputs: The inputs, to be shown.
    """
    if differ(saw, expected, tolerance):
        given = "".join(f"; {name} = {shown(value)}" for name, value in inputs.items() if value is not None)
        message = f"{what}: saw {shown(array(saw))}, expected {shown(array(expected))}{given}"
        raise CheckFailure(message)


def smallest(test: Callable[..., None], *arrays: Any) -> None:
    """Run ``test`` on the arrays, and if it fails, raise what the smallest part of the samples that fails shows.

    Args:
        test: Raises `CheckFailure`.
        *arrays: Arrays with the samples on their first axis.
    """
    try:
        test(*arrays)
    except CheckFailure:
        size = len(arrays[0])
        parts = [*([at] for at in range(size)), *(list(pair) for pair in itertools.combinations(range(size), 2))]
        for part in parts if size > 1 else []:
            with contextlib.suppress(*_NO_SMALLER):
                _alone(test, [np.asarray(one)[part] for one in arrays])
        raise


def _alone(test: Callable[..., None], arrays: list[Any]) -> None:
    """Run ``test``; anything but its own verdict says nothing of this part."""
    try:
        test(*arrays)
    except CheckFailure:
        raise
    except Exception as error:
        raise _NoVerdict from error


class _NoVerdict(Exception):  # noqa: N818 - says that a part of the samples cannot be judged
    """A part of the samples that the component does not take."""


_NO_SMALLER = (_NoVerdict,)


def each_alone(found: list[str]) -> None:
    """Raise one `CheckFailure` with all that was found, or nothing."""
    if found:
        raise CheckFailure("; ".join(found))


def unreduced(subject: Any, **arguments: Any) -> Callable[[Any, Any], Any]:
    """Return the loss as a function of labels and predictions that returns the values before any reduction."""
    if subject.takes("reduction"):
        return subject.make(reduction=None, **arguments)  # type: ignore[no-any-return]
    made = subject.make(**arguments)
    if not isinstance(made, keras.losses.Loss):
        return made.call  # type: ignore[no-any-return]
    made.reduction = None  # so that labels and predictions are cast as its users have it
    return made  # type: ignore[no-any-return]


def per_sample(subject: Any, y_true: Any, y_pred: Any, **arguments: Any) -> Any:
    """Return the loss's values before any reduction, as an array."""
    return array(unreduced(subject, **arguments)(tf.constant(y_true), tf.constant(y_pred)))


def value_and_gradient(
    function: Callable[[Any, Any], Any],
    y_true: Any,
    y_pred: Any,
    *,
    mode: str = "eager",
    weights: Any = None,
) -> tuple[Any, Any]:
    """Return the value of ``function`` and the gradient of its sum by the predictions.

    Args:
        function: Of labels and predictions.
        y_true: Labels.
        y_pred: Predictions.
        mode: ``eager``, ``graph`` or ``xla``.
        weights: What the values are multiplied with before they are summed.
    """

    def both(true: Any, pred: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch(pred)
            value = function(true, pred)
            total = tf.reduce_sum(value if weights is None else value * tf.cast(weights, value.dtype))
        gradient = tape.gradient(total, pred)
        return value, tf.zeros_like(pred) if gradient is None else tf.convert_to_tensor(gradient)

    if mode != "eager":
        both = tf.function(both, jit_compile=mode == "xla", autograph=False)
    value, gradient = both(tf.constant(y_true), tf.constant(y_pred))
    return array(value), array(gradient)


def raised_by_tensorflow(error: BaseException) -> bool:
    """Return whether TensorFlow raised an error: a crash on the way, and no refusal."""
    return "tensorflow" in traceback.extract_tb(error.__traceback__)[-1].filename.replace("\\", "/").split("/")


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Set the policy of new layers for a while."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        # Half precision brings warnings about speed on a processor, which are not the component's.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        keras.config.set_dtype_policy(before)
