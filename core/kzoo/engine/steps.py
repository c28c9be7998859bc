"""Many of a model's own steps in one compiled call, and a measuring pass made of them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from kzoo.engine.interrupt import StopRequest
from kzoo.engine.shared_steps import shared_test_step

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.engine.workers import Workers

__all__ = ["Tester", "as_numbers", "compiled_steps", "hidden_random_ops", "make_variables"]

_HIDDEN_RANDOM = frozenset(
    {
        "Multinomial",
        "ParameterizedTruncatedNormal",
        "RandomGamma",
        "RandomPoisson",
        "RandomPoissonV2",
        "RandomShuffle",
        "RandomStandardNormal",
        "RandomUniform",
        "RandomUniformInt",
        "SampleDistortedBoundingBox",
        "SampleDistortedBoundingBoxV2",
        "TruncatedNormal",
    }
)
"""TensorFlow's stateful random operations, beside those of `tf.random.Generator`, whose state is a variable."""


def compiled_steps(
    model: Any,
    step: Callable[..., Any],
    strategy: Any,
    stop: StopRequest | None = None,
    read: Callable[[Any], Any] = next,
) -> Callable[..., Any]:
    """Return a compiled function of iterator and n that takes n steps; it returns the logs of the last, and how many.

    They are fewer than n where somebody asks for a stop meanwhile, and one at least.

    Args:
        model: The model whose step it is; ``run_eagerly`` and ``jit_compile`` are as it was compiled.
        step: Its ``train_step`` or ``test_step``.
        strategy: The `tf.distribute.Strategy` in force.
        stop: Who is asked between two steps.
        read: Takes the next batch from the iterator; in compiled code but where the model runs eagerly.
    """
    stop = stop or StopRequest()
    if model.run_eagerly:

        def eagerly(iterator: Any, n: Any) -> Any:
            done = 0
            while done < int(n) and not (done and stop()):
                logs = strategy.run(step, args=(read(iterator),))
                done += 1
            return logs, done

        return eagerly
    one = tf.function(step, reduce_retracing=True, jit_compile=bool(model.jit_compile), autograph=False)
    asked = stop.flag()

    def many(iterator: Any, n: Any) -> Any:
        logs, done = _logs_before(one, iterator, strategy), tf.constant(0)
        if logs is None:
            logs, done = strategy.run(one, args=(read(iterator),)), tf.constant(1)
        while tf.logical_and(done < n, tf.logical_or(done < 1, tf.logical_not(asked))):
            logs = strategy.run(one, args=(read(iterator),))
            done += 1
        if strategy.num_replicas_in_sync > 1:
            logs = tf.nest.map_structure(lambda v: strategy.reduce("MEAN", v, axis=None), logs)
        return logs, done

    return tf.function(many, reduce_retracing=True)  # type: ignore[no-any-return]


@tf.autograph.experimental.do_not_convert  # type: ignore[untyped-decorator]
def _logs_before(one: Any, iterator: Any, strategy: Any) -> Any:
    """Return what a loop of steps begins with in the place of logs, or None where only a step can tell their form.

    With a first step before the loop, TensorFlow would have two copies of the step to optimize, which of large networks
    takes longer than tracing it.
    """
    if strategy.num_replicas_in_sync > 1 or not isinstance(iterator, tf.data.Iterator):
        return None  # each replica has logs of its own
    logs = one.get_concrete_function(iterator.element_spec).structured_outputs
    known = all(isinstance(part, tf.Tensor) and part.shape.is_fully_defined() for part in tf.nest.flatten(logs))
    return tf.nest.map_structure(lambda part: tf.zeros(part.shape, part.dtype), logs) if known else None


def hidden_random_ops(traced: Any) -> list[str]:
    """Return the operations of a traced function that draw random numbers from a state inside of TensorFlow.

    No variable holds that state, so what they draw cannot be drawn again. Keras's own layers have none of them.

    Args:
        traced: A concrete `tf.function`.
    """
    graph = traced.graph.as_graph_def()
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    return sorted({node.op for node in nodes} & _HIDDEN_RANDOM)


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
        stop: Who is asked between two steps whether to go on.
        workers: The processes that measure together, or None. Each of them has its part of the batches then, beside
            the size of the whole, as `kzoo.engine.batches.ordered_batches` gives them.
    """

    def __init__(
        self,
        model: Any,
        *,
        strategy: Any = None,
        steps_per_execution: int = 16,
        stop: StopRequest | None = None,
        workers: Workers | None = None,
    ) -> None:
        self.model = model
        self.strategy = strategy or tf.distribute.get_strategy()
        self.steps_per_execution = steps_per_execution
        self.stop = stop or StopRequest()
        self.workers = workers
        step = model.test_step if workers is None else shared_test_step(model, workers, self.stop)
        self._test_steps = compiled_steps(model, step, self.strategy, self.stop)

    def evaluate(self, dataset: tf.data.Dataset, called: Any = None) -> dict[str, Any]:
        """Return loss and metrics over a dataset of batches.

        Raises:
            ValueError: The dataset does not know how many batches it has.
            Stopped: Somebody asked for a stop before all of it was measured.
        """
        total = int(dataset.cardinality())
        if total < 0:
            message = "The dataset to evaluate on is endless, or does not know its number of batches."
            raise ValueError(message)
        spec = dataset.element_spec if self.workers is None else dataset.element_spec[0]
        make_variables(self.model, spec, self.strategy)
        called = called or keras.callbacks.CallbackList(None, model=self.model)
        called.on_test_begin()
        self.model.reset_metrics()
        logs: dict[str, Any] = {}
        iterator = iter(dataset)
        done = 0
        while done < total:
            n = min(self.steps_per_execution, total - done)
            self.stop.check()
            called.on_test_batch_begin(done)
            with contextlib.nullcontext() if self.workers is None else self.workers.watched():
                found, taken = self._test_steps(iterator, tf.constant(n))
                logs = as_numbers(found)
            self.stop.settle()
            done += int(taken)
            called.on_test_batch_end(done - 1, logs)
        called.on_test_end(logs)
        return logs
