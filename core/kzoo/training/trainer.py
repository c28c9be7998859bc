"""The training loop: N steps of Keras's own ``train_step`` in one compiled call.

Everything that ``compile`` and a model's own ``train_step`` mean stays as it is. The loop owns what ``fit`` does not
give: the order of the data, a stop between any two calls, and progress between them. Keras callbacks are called where
``fit`` calls them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from kzoo.engine.steps import Tester, as_numbers, compiled_steps, make_variables
from kzoo.errors import UsageError
from kzoo.training.averaged_weights import averaged_weights, leave_averaged_weights, use_training_weights

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kzoo.engine.batches import TrainingBatches

__all__ = ["Trainer", "TrainingResult"]


@dataclass
class TrainingResult:
    """What came of a training.

    Attributes:
        history: One mapping of logs for each epoch that was gone through, the unfinished one of a stop included.
        steps: Steps taken.
        examples: Training examples seen.
        seconds: Time in training steps, without validation and callbacks.
        stopped: Whether ``should_stop`` ended it.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    stopped: bool = False

    @property
    def epochs(self) -> int:
        """The epochs that were gone through to their end."""
        return len(self.history) - (1 if self.stopped and self.history else 0)


class Trainer:
    """Trains and evaluates one compiled model.

    Args:
        model: A compiled `keras.Model`.
        strategy: The `tf.distribute.Strategy` that the model was made under; by default the one in force.
        steps_per_execution: Steps in one compiled call.
    """

    def __init__(self, model: Any, *, strategy: Any = None, steps_per_execution: int = 16) -> None:
        self.model = model
        self.strategy = strategy or tf.distribute.get_strategy()
        self.steps_per_execution = steps_per_execution
        self._trace()

    def _trace(self) -> None:
        """Take the model's steps as they are now, to be compiled when they are first called."""
        self._train_steps = compiled_steps(self.model, self.model.train_step, self.strategy)
        self._tester = Tester(self.model, strategy=self.strategy, steps_per_execution=self.steps_per_execution)

    def fit(
        self,
        batches: TrainingBatches,
        *,
        epochs: int,
        validation: tf.data.Dataset | None = None,
        callbacks: Sequence[Any] = (),
        should_stop: Callable[[], bool] = lambda: False,
        changes: Mapping[int, Callable[[int], None]] | None = None,
        measure: Callable[[int], Mapping[str, Any]] | None = None,
    ) -> TrainingResult:
        """Train for ``epochs``, or until a callback or ``should_stop`` ends it.

        Several replicas share each batch, and come to the same as one would, but for the last batch of an epoch where
        its examples cannot be shared evenly: each replica's mean counts alike.

        Where the optimizer averages weights, validation and callbacks at the end of an epoch see the averaged ones,
        and the model has them afterwards.

        Args:
            batches: The training data in its order.
            epochs: How often to go through it.
            validation: Batches to evaluate on at the end of every epoch.
            callbacks: Keras callbacks.
            should_stop: Asked between any two compiled calls.
            changes: By the number of an epoch, from 0, what to do to the model before it, such as to train more of its
                layers and compile it anew; called with the steps taken so far. Where weights are averaged, the model
                has the averaged ones then, as after a training. The data goes on.
            measure: Called with the number of every epoch that was gone through to its end; what it returns is logged.
        """
        model, replicas = self.model, self.strategy.num_replicas_in_sync
        if batches.batch_size % replicas:
            message = (
                f"`train.batch_size` is {batches.batch_size}, which {replicas} replicas cannot share evenly: take a "
                f"multiple of {replicas}."
            )
            raise UsageError(message)
        iterator, spec = iter(self._distributed(batches, epochs)), batches.dataset(epochs).element_spec
        make_variables(model, spec, self.strategy)
        called = keras.callbacks.CallbackList(
            list(callbacks),
            add_history=True,
            add_progbar=False,
            model=model,
            epochs=epochs,
            steps=batches.steps_per_epoch,
        )
        result = TrainingResult()
        model.stop_training = False
        use_training_weights(model)
        called.on_train_begin()
        logs: dict[str, Any] = {}
        for epoch in range(epochs):
            if changes and epoch in changes:
                leave_averaged_weights(model)
                with self.strategy.scope():
                    changes[epoch](result.steps)
                self._trace()
                make_variables(model, spec, self.strategy)
                use_training_weights(model)
            model.reset_metrics()
            called.on_epoch_begin(epoch)
            logs = self._epoch(iterator, batches, called, should_stop, result)
            with averaged_weights(model):
                if not result.stopped and validation is not None:
                    logs.update({f"val_{name}": value for name, value in self.evaluate(validation, called).items()})
                if not result.stopped and measure is not None and not model.stop_training:
                    logs.update(measure(epoch))
                called.on_epoch_end(epoch, logs)
            result.history.append(logs)
            if model.stop_training or result.stopped:
                break
        leave_averaged_weights(model)
        called.on_train_end(logs)
        return result

    def _epoch(
        self,
        iterator: Any,
        batches: TrainingBatches,
        called: Any,
        should_stop: Callable[[], bool],
        result: TrainingResult,
    ) -> dict[str, Any]:
        """Go through one epoch in calls of ``steps_per_execution`` steps; return its logs."""
        logs: dict[str, Any] = {}
        done, total = 0, batches.steps_per_epoch
        while done < total and not self.model.stop_training:
            if should_stop():
                result.stopped = True
                break
            n = min(self.steps_per_execution, total - done)
            called.on_train_batch_begin(done)
            began = time.perf_counter()
            logs = as_numbers(self._train_steps(iterator, tf.constant(n)))
            result.seconds += time.perf_counter() - began
            done += n
            result.steps += n
            called.on_train_batch_end(done - 1, logs)
        result.examples += min(done * batches.batch_size, len(batches.split))
        return dict(logs)

    def evaluate(self, dataset: tf.data.Dataset, called: Any = None) -> dict[str, Any]:
        """Return loss and metrics over a dataset of batches, as `kzoo.engine.steps.Tester` does."""
        return self._tester.evaluate(dataset, called)

    def _distributed(self, batches: TrainingBatches, epochs: int) -> Any:
        """Return the training data as the strategy in force reads it: each worker its part of every batch."""
        if self.strategy.num_replicas_in_sync == 1:
            return batches.dataset(epochs)

        def part(context: Any) -> tf.data.Dataset:
            local = context.num_replicas_in_sync // context.num_input_pipelines
            first = context.input_pipeline_id * local
            return batches.dataset(epochs, shards=context.num_replicas_in_sync, shard=range(first, first + local))

        return self.strategy.distribute_datasets_from_function(part)
