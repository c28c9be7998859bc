"""A training that is looked at: what is called in it is timed, and so is how long its steps wait for their data.

The steps are those that are taken otherwise, with two looks at the clock in each, and come to the same weights.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import tensorflow as tf

from kzoo.engine.steps import compiled_steps
from kzoo.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kzoo.engine.interrupt import StopRequest
    from kzoo.training.profiling import Profile

__all__ = ["Profiler"]

_TRACED = 20
"""TensorFlow's own profiler looks at so many steps or a few more, after the first ones, which are not like the rest."""


class Profiler:
    """Has a training profiled: its steps, and what is called between them.

    Args:
        profile: Where the time goes.
        folder: Where TensorFlow's profiler writes what it saw of some steps, for TensorBoard.
    """

    def __init__(self, profile: Profile, folder: Path) -> None:
        self.profile, self.folder = profile, folder
        self._until: int | None = None

    def watch(self, course: Any) -> None:
        """Count what a training calls between its steps, each to its part; ``course`` has them as attributes."""
        course.called = _Timed(course.called, self.profile, "callbacks")
        course.validate = _timed(course.validate, self.profile, "validation")
        if course.keeper is not None:
            course.keeper = _Timed(course.keeper, self.profile, "keeping the state")
        if course.tracking is not None:
            course.tracking = _Timed(course.tracking, self.profile, "trackers")

    def compiled_steps(self, model: Any, step: Callable[..., Any], strategy: Any, stop: StopRequest) -> _Steps:
        """Return what `kzoo.engine.steps.compiled_steps` does, timed.

        Raises:
            UsageError: Several replicas take part, or the model runs eagerly.
        """
        if strategy.num_replicas_in_sync > 1 or model.run_eagerly:
            message = "A profile is of a training on one device, in compiled steps: leave out `profile`, or the rest."
            raise UsageError(message)
        waited = tf.Variable(0.0, dtype=tf.float64, trainable=False)

        @tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
        def read(iterator: Any) -> Any:
            began = tf.timestamp()
            with tf.control_dependencies([began]):
                batch = iterator.get_next()
            with tf.control_dependencies(tf.nest.flatten(batch)):
                told = waited.assign_add(tf.timestamp() - began)
            # The step begins after that look at the clock: where one core does both, it would come first.
            with tf.control_dependencies([told]):
                return tf.nest.map_structure(tf.identity, batch)

        return _Steps(self, compiled_steps(model, step, strategy, stop, read), waited)

    def look(self) -> None:
        """Begin or end what TensorFlow's profiler looks at."""
        if self.profile.steps and self._until is None:
            self._until = self.profile.steps + _TRACED
            try:
                tf.profiler.experimental.start(str(self.folder))
            except tf.errors.AlreadyExistsError:
                self._until = -1  # somebody profiles already, as the caller's TensorBoard callback may
        elif self._until is not None and self.profile.steps >= self._until:
            self.end()

    def end(self) -> None:
        """Have TensorFlow's profiler write what it saw, where it is still looking."""
        if self._until is not None and self._until >= 0:
            self._until = -1
            with self.profile.span("writing what TensorFlow's profiler saw"):
                tf.profiler.experimental.stop()


class _Timed:
    """Something whose methods are called as ever, and whose time is counted to a part of a profile."""

    def __init__(self, called: Any, profile: Profile, part: str) -> None:
        self._called, self._profile, self._part = called, profile, part

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._called, name)
        return _timed(found, self._profile, self._part) if callable(found) else found


def _timed(function: Callable[..., Any], profile: Profile, part: str) -> Callable[..., Any]:
    """Return a function whose time is counted to a part of a profile."""

    @functools.wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        with profile.span(part):
            return function(*args, **kwargs)

    return timed


class _Steps:
    """Steps of a training, as they are taken otherwise, and timed."""

    def __init__(self, profiler: Profiler, steps: Any, waited: Any) -> None:
        self._profiler, self._steps, self._waited = profiler, steps, waited

    def get_concrete_function(self, iterator: Any, n: Any) -> Any:
        """Trace the steps, as a `tf.function` does."""
        with self._profiler.profile.span("tracing the steps"):
            return self._steps.get_concrete_function(iterator, n)

    def __call__(self, iterator: Any, n: Any) -> tuple[Any, int]:
        """Take ``n`` steps, or fewer where somebody asks for a stop; return the logs of the last, and how many."""
        profile = self._profiler.profile
        self._profiler.look()
        before = float(self._waited)
        with profile.span("forward and backward" if profile.steps else "first steps, with their compilation"):
            logs, done = self._steps(iterator, n)
            taken = int(done)  # waits for the device
            profile.counted(
                "waiting for data" if profile.steps else "waiting for the first data", float(self._waited) - before
            )
        profile.steps += taken
        return logs, taken
