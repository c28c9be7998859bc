"""The training loop: N steps of Keras's own ``train_step`` in one compiled call.

Everything that ``compile`` and a model's own ``train_step`` mean stays as it is. The loop owns what ``fit`` does not
give: the order of the data, a stop between any two steps, and progress between calls. Keras callbacks are called where
``fit`` calls them.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from kzoo.engine.fused_layers import with_fused_layers
from kzoo.engine.interrupt import Stopped, StopRequest
from kzoo.engine.shared_steps import shared_train_step
from kzoo.engine.steps import Tester, as_numbers, compiled_steps, hidden_random_ops, make_variables
from kzoo.errors import UsageError
from kzoo.training.added_logs import LastLogs
from kzoo.training.averaged_weights import averaged_weights, leave_averaged_weights, use_training_weights
from kzoo.training.state import Place, put_back
from kzoo.training.together import align, refuse_hidden_random, rehearse_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kzoo.engine.batches import TrainingBatches
    from kzoo.engine.workers import Workers
    from kzoo.runs.state import SavedState
    from kzoo.training.keeping import StateKeeper
    from kzoo.training.profiled_steps import Profiler
    from kzoo.training.tracking import Tracking

__all__ = ["Trainer", "TrainingResult"]


@dataclass
class TrainingResult:
    """What came of a training.

    Attributes:
        history: One mapping of logs for each epoch in which a step was taken, the unfinished one of a stop included.
        epochs: The epochs that were gone through to their end.
        steps: Steps taken.
        examples: Training examples seen.
        seconds: Time in training steps, without validation and callbacks.
        stopped: Whether somebody asked for a stop before the last epoch was gone through to its end.
        apart: How far the variables of several workers were apart, at most, after an epoch; see `align`.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    epochs: int = 0
    steps: int = 0
    examples: int = 0
    seconds: float = 0.0
    stopped: bool = False
    apart: float = 0.0


class Trainer:
    """Trains and evaluates one compiled model.

    Args:
        model: A compiled `keras.Model`.
        strategy: The `tf.distribute.Strategy` that the model was made under; by default the one in force.
        steps_per_execution: Steps in one compiled call.
        stop: Who is asked between two steps whether to go on.
        workers: The processes that train together, or None for this one alone; ``stop`` is shared by them. All of
            them are called alike.
        profiler: Who takes the steps one by one to see where their time goes, or None.
    """

    def __init__(
        self,
        model: Any,
        *,
        strategy: Any = None,
        steps_per_execution: int = 16,
        stop: StopRequest | None = None,
        workers: Workers | None = None,
        profiler: Profiler | None = None,
    ) -> None:
        self.model = model
        self.strategy = strategy or tf.distribute.get_strategy()
        self.steps_per_execution = steps_per_execution
        self.stop = stop or StopRequest()
        self.workers = workers
        self.profiler = profiler
        self.retrace()

    def retrace(self) -> None:
        """Take the model's steps as they are now, to be compiled when they are first called."""
        steps, strategy, stop = self.steps_per_execution, self.strategy, self.stop
        self._hidden_random: list[str] | None = None
        if self.workers is None:
            step = with_fused_layers(self.model, self.model.train_step)
        else:
            step = shared_train_step(self.model, self.workers, stop)
        compiled = compiled_steps if self.profiler is None else self.profiler.compiled_steps
        self._train_steps = compiled(self.model, step, strategy, stop)
        self._tester = Tester(self.model, strategy=strategy, steps_per_execution=steps, stop=stop, workers=self.workers)

    def fit(
        self,
        batches: TrainingBatches,
        *,
        epochs: int,
        validation: tf.data.Dataset | None = None,
        callbacks: Sequence[Any] = (),
        changes: Mapping[int, Callable[[int], None]] | None = None,
        measure: Callable[[int], Mapping[str, Any]] | None = None,
        begin: SavedState | None = None,
        keeper: StateKeeper | None = None,
        tracking: Tracking | None = None,
    ) -> TrainingResult:
        """Train for ``epochs``, or until a callback or a wish to stop ends it.

        A wish is heard while the step is compiled, between two steps and two batches of the validation, and in
        ``measure``; what comes between, such as the callbacks, is done first. Weights and logs are then those of the
        last step that was taken.

        Several replicas share each batch, and come to the same as one would, but for the last batch of an epoch where
        its examples cannot be shared evenly: each replica's mean counts alike.

        Where the optimizer averages weights, validation and callbacks at the end of an epoch see the averaged ones,
        and the model has them afterwards.

        Args:
            batches: The training data in its order.
            epochs: How often to go through it.
            validation: Batches to evaluate on at the end of every epoch.
            callbacks: Keras callbacks.
            changes: By the number of an epoch, from 0, what to do to the model before it, such as to train more of its
                layers and compile it anew; called with the steps taken so far. Where weights are averaged, the model
                has the averaged ones then, as after a training. The data goes on.
            measure: Called with the number of every epoch that was gone through to its end; what it returns is logged.
            begin: What to go on from, as ``keeper`` wrote it; by default training begins with the model as it is.
                What ``changes`` did before is done again first.
            keeper: Given the place of the training between two calls and at the end of every epoch.
            tracking: Told that the training begins or goes on, and of every epoch that was gone through to its end.

        Raises:
            KzooError: ``begin`` is of another network, optimizer or set of callbacks.
            UsageError: Several replicas cannot share the batches.
            Stopped: Somebody asked for a stop before there was anything to train.
        """
        replicas = self.strategy.num_replicas_in_sync
        if batches.batch_size % replicas:
            message = (
                f"`train.batch_size` is {batches.batch_size}, which {replicas} replicas cannot share evenly: take a "
                f"multiple of {replicas}."
            )
            raise UsageError(message)
        course = _Course(self, batches, epochs, validation, callbacks, changes or {}, measure, keeper, tracking)
        if self.profiler is not None:
            self.profiler.watch(course)
        with self.stop.held():
            self.stop.agree()
            course.begin(begin)
            if tracking is not None:
                tracking.start()
            return course.go()

    @property
    def hidden_random(self) -> list[str]:
        """The operations of the step, once it is traced, whose random numbers nobody can draw again."""
        return self._hidden_random or []

    def take(self, iterator: Any, n: Any) -> tuple[dict[str, Any], int]:
        """Take n steps, or fewer where somebody asks for a stop; return the logs of the last one, and how many."""
        with contextlib.nullcontext() if self.workers is None else self.workers.watched():
            found, taken = self._train_steps(iterator, n)
            logs = as_numbers(found)
        self.stop.settle()
        return logs, int(taken)

    def trace(self, iterator: Any, n: Any) -> bool:
        """Trace the steps, unless that was done; return whether to go on.

        Tracing takes long with large networks and changes no weight, so a stop is heard inside of it.
        """
        try:
            with self.stop.heard():
                if hasattr(self._train_steps, "get_concrete_function"):
                    traced = self._train_steps.get_concrete_function(iterator, n)
                    if self._hidden_random is None:
                        self._hidden_random = hidden_random_ops(traced)
        except Stopped:
            return False
        return True

    def evaluate(self, dataset: tf.data.Dataset, called: Any = None) -> dict[str, Any]:
        """Return loss and metrics over a dataset of batches, as `kzoo.engine.steps.Tester` does."""
        return self._tester.evaluate(dataset, called)


class _Course:
    """One training from where it begins to its end; what its arguments are, `Trainer.fit` says."""

    def __init__(
        self,
        trainer: Trainer,
        batches: TrainingBatches,
        epochs: int,
        validation: tf.data.Dataset | None,
        callbacks: Sequence[Any],
        changes: Mapping[int, Callable[[int], None]],
        measure: Callable[[int], Mapping[str, Any]] | None,
        keeper: StateKeeper | None,
        tracking: Tracking | None,
    ) -> None:
        self.trainer, self.model, self.stop, self.workers = trainer, trainer.model, trainer.stop, trainer.workers
        self.batches, self.epochs, self.validation = batches, epochs, validation
        self.changes, self.measure, self.keeper, self.tracking = changes, measure, keeper, tracking
        self.spec = batches.element_spec
        self.callbacks = list(callbacks)
        self.last = LastLogs()
        self.called = keras.callbacks.CallbackList(
            [*self.callbacks, self.last],
            add_history=True,
            add_progbar=False,
            model=self.model,
            epochs=epochs,
            steps=batches.steps_per_epoch,
        )
        self.place = Place()
        self.stopped = False
        self.apart = 0.0

    def begin(self, state: SavedState | None) -> None:
        """Make everything as it is before the next step: the first one, or that after the state."""
        with self.stop.heard():
            make_variables(self.model, self.spec, self.trainer.strategy)
            if self.workers is not None:
                self.apart = align(self.workers, self.model, "before the first step")
                rehearse_parts(self.workers, self.model, self.batches)
        self.model.stop_training = False
        use_training_weights(self.model)
        self.called.on_train_begin()
        if state is not None:
            been = state.data["place"]
            for epoch in sorted(self.changes):
                if (epoch, 0) < (been["epoch"], been["step"]):
                    self._change(epoch, epoch * self.batches.steps_per_epoch)
            self.place = put_back(state, self.model, self.callbacks)
        self.iterator = iter(self._distributed())

    def go(self) -> TrainingResult:
        """Go through the epochs; leave the averaged weights in the model."""
        place = self.place
        logs = place.history[-1] if place.history else {}
        while place.epoch < self.epochs and not place.finished and not self.stopped:
            logs = self._epoch()
        leave_averaged_weights(self.model)
        self.called.on_train_end(logs)
        return TrainingResult(
            place.history, place.epoch, place.steps, place.examples, place.seconds, self.stopped, self.apart
        )

    def _epoch(self) -> dict[str, Any]:
        """Go to the end of the epoch, and measure; return its logs."""
        model, place, epoch = self.model, self.place, self.place.epoch
        if not place.step:
            if epoch in self.changes:
                self._change(epoch, place.steps)
            model.reset_metrics()
        self.called.on_epoch_begin(epoch)
        self._steps()
        logs = dict(place.logs)
        with averaged_weights(model):
            self.validate(logs)
            if not self.stopped:
                self.called.on_epoch_end(epoch, logs)
                logs |= self.last.added_to(logs)
        if self.stopped:
            if self.keeper is not None:  # before the callbacks are told of an epoch that is to go on
                self.keeper.keep(place, at_once=True)
            if not place.step:  # nothing came of it, and as little is told
                return place.history[-1] if place.history else {}
            with averaged_weights(model):
                self.called.on_epoch_end(epoch, logs)
                logs |= self.last.added_to(logs)
            place.history.append(logs)
            return logs
        if self.workers is not None:
            self.apart = max(self.apart, align(self.workers, model, f"after epoch {epoch + 1}"))
        place.history.append(logs)
        place.epoch, place.step, place.logs, place.finished = epoch + 1, 0, {}, bool(model.stop_training)
        if self.tracking is not None:
            self.tracking.log(place.epoch, logs)  # before the state, so that no epoch is lost to it
        if self.keeper is not None:
            self.keeper.keep(place, ended=True)
        return logs

    def _steps(self) -> None:
        """Take the steps of the epoch that are left, in calls of ``steps_per_execution``."""
        place, trainer, total = self.place, self.trainer, self.batches.steps_per_epoch
        size, length = len(self.batches.split), trainer.steps_per_execution
        while place.step < total and not self.model.stop_training:
            # Calls begin at multiples of their length, also where an earlier one was cut short.
            n = tf.constant(min(length - place.step % length, total - place.step))
            if not trainer.trace(self.iterator, n):
                self.stopped = True
                return
            if self.workers is not None:
                refuse_hidden_random(trainer.hidden_random)
            if self.keeper is not None:
                self.keeper.note_random(trainer.hidden_random)
            self.called.on_train_batch_begin(place.step)
            began = time.perf_counter()
            place.logs, taken = trainer.take(self.iterator, n)
            place.seconds += time.perf_counter() - began
            seen = min(place.step * self.batches.batch_size, size)
            place.step += taken
            place.steps += taken
            place.examples += min(place.step * self.batches.batch_size, size) - seen
            self.called.on_train_batch_end(place.step - 1, place.logs)
            if self.keeper is not None and place.step < total:
                self.keeper.keep(place)

    def validate(self, logs: dict[str, Any]) -> None:
        """Add what is measured after an epoch to its logs, unless somebody asks for a stop."""
        try:
            with self.stop.heard():
                if self.validation is not None:
                    found = self.trainer.evaluate(self.validation, self.called)
                    logs.update({f"val_{name}": value for name, value in found.items()})
                if self.measure is not None and not self.model.stop_training:
                    logs.update(self._measured(self.measure))
        except Stopped:
            self.stopped = True

    def _measured(self, measure: Callable[[int], Mapping[str, Any]]) -> Mapping[str, Any]:
        """Return what is measured of the epoch; of several workers the chief measures, and tells the others."""
        if self.workers is None:
            return measure(self.place.epoch)
        return self.workers.told(measure(self.place.epoch) if self.workers.is_chief else None)

    def _change(self, epoch: int, steps: int) -> None:
        """Do to the model what is to be done before an epoch."""
        leave_averaged_weights(self.model)
        with self.trainer.strategy.scope():
            self.changes[epoch](steps)
        self.trainer.retrace()
        make_variables(self.model, self.spec, self.trainer.strategy)
        use_training_weights(self.model)

    def _distributed(self) -> Any:
        """Return the training data as the strategy in force reads it: each worker its part of every batch."""
        strategy, batches, epochs = self.trainer.strategy, self.batches, self.epochs
        epoch, step = self.place.epoch, self.place.step
        if self.workers is not None:
            return batches.part(epochs, self.workers.index, self.workers.count, epoch=epoch, step=step)
        if strategy.num_replicas_in_sync == 1:
            return batches.dataset(epochs, epoch=epoch, step=step)

        def part(context: Any) -> tf.data.Dataset:
            local = context.num_replicas_in_sync // context.num_input_pipelines
            first = context.input_pipeline_id * local
            shard, shards = range(first, first + local), context.num_replicas_in_sync
            return batches.dataset(epochs, epoch=epoch, step=step, shards=shards, shard=shard)

        return strategy.distribute_datasets_from_function(part)
