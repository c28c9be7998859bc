"""Checks that a component leaves alone what belongs to everybody: Keras's configuration and random numbers."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.testing.report import CheckFailure
from kzoo.testing.samples import sample
from kzoo.testing.tracked import in_a_folder, track

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kzoo.testing.subject import Subject

__all__ = ["global_state", "kept"]

_UNUSUAL_EPSILON = 1.25e-7
_UNUSUAL_SEED = 7919
_NO_SEED = 87654321
"""What TensorFlow says where nobody set a seed."""


def global_state(subject: Subject) -> None:
    """Made and used, it leaves Keras's epsilon, floatx, dtype policy and image format, and all random seeds alone."""
    _unchanged(_stages(subject), _settings())
    # A component that sets them to what an earlier one of its kind set them to is seen only where they are different.
    other = {
        "floatx": "float64" if keras.config.floatx() != "float64" else "float32",
        "dtype policy": "float64" if keras.config.dtype_policy().name != "float64" else "float32",
        "image data format": (
            "channels_first" if keras.config.image_data_format() == "channels_last" else "channels_last"
        ),
    }
    with contextlib.suppress(*_NOT_MEANT_FOR_THIS):
        _unchanged(_stages(subject), other, failing=True)


class _UsedWrongly(Exception):  # noqa: N818 - says that a component does not work with such settings
    """A component that raises under settings that are not the usual ones, which says nothing."""


_NOT_MEANT_FOR_THIS = (_UsedWrongly,)


def _unchanged(stages: dict[str, Callable[[], Any]], settings: dict[str, Any], *, failing: bool = False) -> None:
    """Go through the stages of a component's life and compare the surroundings after each."""
    with kept():
        for name, value in settings.items():
            _SETTERS[name](value)
        before = _state()
        for stage, work in stages.items():
            try:
                work()
            except Exception as error:
                if failing and not isinstance(error, CheckFailure):
                    raise _UsedWrongly from error
                raise
            after = _state()
            for name, value in before.items():
                if after[name] != value:
                    shown = "another state" if name.startswith("random") else f"{after[name]!r}"
                    wanted = "the one before" if name.startswith("random") else f"{value!r}"
                    message = f"{stage}: saw {shown} of {name}, expected {wanted}, which is not the component's to set"
                    raise CheckFailure(message)


def _settings() -> dict[str, Any]:
    """Return settings that nobody has, so that setting any of them again to a usual value shows."""
    found: dict[str, Any] = {
        "epsilon": _UNUSUAL_EPSILON,
        "random numbers of Python": random.Random(_UNUSUAL_SEED).getstate(),  # noqa: S311 - to be compared
        "random numbers of NumPy": np.random.RandomState(_UNUSUAL_SEED).get_state(),
    }
    if _tensorflow_seed() != _NO_SEED:
        found["the seed of TensorFlow"] = _UNUSUAL_SEED
    return found


def _tensorflow_seed() -> Any:
    return tf.compat.v1.get_seed(1)[0]


_SETTERS: dict[str, Callable[[Any], Any]] = {
    "epsilon": keras.config.set_epsilon,
    "floatx": keras.config.set_floatx,
    "dtype policy": keras.config.set_dtype_policy,
    "image data format": keras.config.set_image_data_format,
    "random numbers of Python": random.setstate,
    "random numbers of NumPy": np.random.set_state,
    "the seed of TensorFlow": tf.random.set_seed,
}


def _state() -> dict[str, Any]:
    """Return the surroundings in a form that can be compared."""
    name, keys, *rest = np.random.get_state()  # noqa: NPY002 - the global state is what is looked at
    return {
        "epsilon": keras.config.epsilon(),
        "floatx": keras.config.floatx(),
        "dtype policy": keras.config.dtype_policy().name,
        "image data format": keras.config.image_data_format(),
        "random numbers of Python": random.getstate(),
        "random numbers of NumPy": (name, np.asarray(keys).tobytes(), *rest),
        "the seed of TensorFlow": _tensorflow_seed(),
    }


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Put the surroundings back afterwards; TensorFlow has no way back to no seed."""
    before = _state()
    of_numpy, policy = np.random.get_state(), keras.config.dtype_policy()  # noqa: NPY002
    try:
        yield
    finally:
        for name in ("epsilon", "floatx", "image data format", "random numbers of Python"):
            _SETTERS[name](before[name])
        keras.config.set_dtype_policy(policy)
        np.random.set_state(of_numpy)  # noqa: NPY002
        if before["the seed of TensorFlow"] != _tensorflow_seed():
            tf.random.set_seed(before["the seed of TensorFlow"])


def _stages(subject: Subject) -> dict[str, Callable[[], Any]]:
    """Return what is done with a component, by what it is called."""
    made: list[Any] = []

    def make() -> None:
        made.append(subject.make())

    def use(work: Callable[[Any, Any], Any]) -> Callable[[], Any]:
        return lambda: work(made[-1], subject)

    return {"made": make, **{name: use(work) for name, work in _USES[subject.kind]}}


def _call(loss: Any, subject: Subject) -> None:
    y_true, y_pred = sample(subject, 2)
    loss(tf.constant(y_true), tf.constant(y_pred))


def _update(metric: Any, subject: Subject) -> None:
    y_true, y_pred = sample(subject, 2)
    metric.update_state(tf.constant(y_true), tf.constant(y_pred))


def _step(optimizer: Any, subject: Subject) -> None:
    del subject
    variable = keras.Variable(np.ones((3, 2), "float32"))
    optimizer.build([variable])
    optimizer.apply_gradients([(tf.ones((3, 2)), variable)])


def _track(tracker: Any, subject: Subject) -> None:
    del subject
    with in_a_folder() as (run,):
        track(tracker, run)


_USES: dict[str, tuple[tuple[str, Callable[[Any, Any], Any]], ...]] = {
    "loss": (("called", _call), ("asked for its configuration", lambda loss, _: loss.get_config())),
    "metric": (
        ("updated", _update),
        ("asked for its result", lambda metric, _: metric.result()),
        ("reset", lambda metric, _: metric.reset_state()),
    ),
    "optimizer": (("a step", _step), ("asked for its configuration", lambda optimizer, _: optimizer.get_config())),
    "schedule": (("asked for a rate", lambda schedule, _: schedule(tf.constant(3, "int64"))),),
    "regularizer": (("asked for its value", lambda regularizer, _: regularizer(tf.ones((4, 3)))),),
    "tracker": (("told of a run", _track),),
}
