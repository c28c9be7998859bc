"""Many of a model's own steps in one compiled call, and a measuring pass made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Tester", "as_numbers", "compiled_steps", "make_variables"]


def compiled_steps(model: Any, step: Callable[..., Any], strategy: Any) -> Callable[..., Any]:
    """Return a compiled function of iterator and n that takes n steps and returns the logs of the last.

    Args:
        model: The model whose step it is; ``run_eagerly`` and ``jit_compile`` are as it was compiled.
        step: Its ``train_step`` or ``test_step``.
        strategy: The `tf.distribute.Strategy` in force.
    """
    one = tf.function(step, reduce_retracing=True, jit_compile=bool(model.jit_compile), autograph=False)

    def many(iterator: Any, n: Any) -> Any:
        logs = strategy.run(one, args=(next(iterator),))
        for _ in tf.range(n - 1):
            logs = strategy.run(one, args=(next(iterator),))
        if strategy.num_replicas_in_sync > 1:
            logs = tf.nest.map_structure(lambda v: strategy.reduce("MEAN", v, axis=None), logs)
        return logs

    if model.run_eagerly:

        def eagerly(iterator: Any, n: Any) -> Any:
            for _ in range(int(n)):
                logs = strategy.run(step, args=(next(iterator),))
            return logs

        return eagerly
    return tf.function(many, reduce_retracing=True)  # type: ignore[no-any-return]


def make_variables(model: Any, spec: Any, strategy: Any) -> None:
    """Make the variables of model, metrics and optimizer for batches of this form, as ``fit`` before its first step."""
    specimen = tf.nest.map_structure(lambda part: keras.KerasTensor(part.shape, part.dtype.name), spec)
    with strategy.scope():
        model._symbolic_build(data_batch=specimen)  # noqa: SLF001 - fit has no public name for it


def as_numbers(logs: Any) -> dict[str, Any]:
    """Return logs as Python numbers, the loss first, with lists where a metric has several values."""
    order = sorted(logs, key=lambda name: name != "loss")
    return {name: np.asarray(logs[name]).tolist() for name in order}


class Tester:
    """Measures loss and metrics of one compiled model.

    Args:
        model: A compiled `keras.Model`.
        strategy: The `tf.distribute.Strategy` that the model was made under; by default the one in force.
        steps_per_execution: Steps in one compiled call.
    """

    def __init__(self, model: Any, *, strategy: Any = None, steps_per_execution: int = 16) -> None:
        self.model = model
        self.strategy = strategy or tf.distribute.get_strategy()
        self.steps_per_execution = steps_per_execution
        self._test_steps = compiled_steps(model, model.test_step, self.strategy)

    def evaluate(self, dataset: tf.data.Dataset, called: Any = None) -> dict[str, Any]:
        """Return loss and metrics over a dataset of batches; raise ``ValueError`` where it does not know how many."""
        total = int(dataset.cardinality())
        if total < 0:
            message = "The dataset to evaluate on is endless, or does not know its number of batches."
            raise ValueError(message)
        make_variables(self.model, dataset.element_spec, self.strategy)
        called = called or keras.callbacks.CallbackList(None, model=self.model)
        called.on_test_begin()
        self.model.reset_metrics()
        logs: dict[str, Any] = {}
        iterator = iter(dataset)
        done = 0
        while done < total:
            n = min(self.steps_per_execution, total - done)
            called.on_test_batch_begin(done)
            logs = as_numbers(self._test_steps(iterator, tf.constant(n)))
            done += n
            called.on_test_batch_end(done - 1, logs)
        called.on_test_end(logs)
        return logs
