"""What a run does once its folder is there: train, save, test and report, each recorded when it came to its end."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kzoo.errors import KzooError
from kzoo.plugins.foreign_code import calling, wrong_answer
from kzoo.runs.manifest import TrainingRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from kzoo.tasks import Outcome
    from kzoo.training.profiled_steps import Profiler
    from kzoo.training.trainer import Trainer, TrainingResult
    from kzoo.training.work import Work

__all__ = ["do"]


def do(work: Work) -> None:
    """Train, save, test and report; a run that is given up is trained and saved so far, and not tested.

    Raises:
        Stopped: Somebody asked for a stop, which is heard between any two things; what came to its end is recorded.
        KzooError: A loss or a weight is not a finite number, or the data cannot be read.
    """
    from kzoo.training.trainer import Trainer

    steps = work.config.train.steps_per_execution
    profiler = _profiler(work)
    trainer = Trainer(
        work.parts.model,
        strategy=work.strategy,
        steps_per_execution=steps,
        stop=work.stop,
        workers=work.workers,
        profiler=profiler,
    )
    with work.stop.held():  # the model so far is saved before a stop is heard
        try:
            _train(work, trainer)
        finally:
            if profiler is not None:
                profiler.end()
    work.stop.check()
    if work.pruned:
        _remove_state(work)
        return
    outcome = _test(work, trainer)
    if not work.is_chief:
        return
    if work.config.values["report"]:
        _report(work, outcome)
    if not work.config.train.keep_state:  # a run that is killed before is resumed to its report
        _remove_state(work)
    if work.clock.profile is not None:
        work.clock.profile.write(work.run.profile_path)


def _profiler(work: Work) -> Profiler | None:
    """Return who profiles the steps, where somebody asked for a profile."""
    if work.clock.profile is None:
        return None
    from kzoo.training.profiled_steps import Profiler

    return Profiler(work.clock.profile, work.run.profile_path)


def _train(work: Work, trainer: Trainer) -> None:
    """Train, and save the model."""
    from kzoo.models.saving import save_model
    from kzoo.training.callbacks import BestEpoch, WeightDigests, check_weights
    from kzoo.training.foreign_callbacks import naming_callbacks
    from kzoo.training.keeping import StateKeeper
    from kzoo.training.pruning import Pruning
    from kzoo.training.state import weights_digest

    run, parts, settings = work.run, work.parts, work.config.train
    work.tracking.attach(run, work.begin)
    best = BestEpoch(
        settings.monitor,
        parts.monitor_direction,
        lambda model: save_model(model, run.best_path, work.card),
        parts.compile_with,
    )
    shown = work.listener.progress(
        examples=len(parts.batches.split), batch_size=settings.batch_size, unit=parts.pipeline.unit
    )
    validation = work.splits.validation
    before = _digests(parts.model)
    digests = WeightDigests()
    # The caller's come first: what they add to the logs, such as a learning rate, is in the log of the run.
    callbacks = [*work.callbacks, digests, *_callbacks(work, best, shown)]
    pruning = None if work.ask is None else Pruning(work.ask)
    callbacks += [] if pruning is None else [pruning]
    keeper = None
    if settings.save_every != "off" and work.is_chief:
        every = float(settings.save_every)
        keeper = StateKeeper(
            run.state, parts.model, callbacks, every=every, warn=work.listener.warn, settings=dict(work.config.values)
        )
    try:
        with naming_callbacks(work.callbacks):
            trained = trainer.fit(
                parts.batches,
                epochs=settings.epochs,
                validation=None if validation is None else work.batches(validation),
                callbacks=callbacks,
                measure=_measure_epochs(work),
                changes={settings.frozen_epochs: parts.unfreeze} if settings.frozen_epochs else None,
                begin=work.begin,
                keeper=keeper,
                tracking=work.tracking,
            )
    finally:
        if shown is not None:
            shown.close()
        if keeper is not None:
            keeper.finish()
    work.clock.lap("train")
    if pruning is not None and not trained.stopped:
        pruning.ask_again(trained.history)
        work.pruned = pruning.why
    _say_unchanged(work, trained, before)
    if trained.apart:
        work.listener.warn(
            f"The processors of the workers round in other ways: before or after an epoch their weights were up to "
            f"{trained.apart:.1g} of the largest apart. All went on with those of the chief."
        )
    weights = "last"
    if settings.keep == "best" and best.weights is not None:
        best.put_in()
        weights = f"best (epoch {best.epoch}, {best.monitor} {best.value:.4g})"
    check_weights(parts.model, "after the training", work.advice)
    _save(work, as_best=settings.keep == "best" and best.weights is not None)
    work.clock.lap("save")
    work.history = trained.history
    record = TrainingRecord(
        epochs=trained.epochs,
        steps=trained.steps,
        weights=weights,
        best_epoch=best.epoch or None,
        images_per_second=trained.examples / trained.seconds if trained.seconds else None,
        history=trained.history,
        initial_weights=digests.initial,
        epoch_weights=digests.epochs,
        final_weights=weights_digest(parts.model),
    )
    work.complete(*(() if trained.stopped or work.pruned else ("trained",)), "saved", training=record)


def _save(work: Work, *, as_best: bool) -> None:
    """Save the trained model with what the pipeline finds out about it, also as that of the best epoch where it is."""
    from kzoo.models.saving import save_model

    try:
        work.finished = _finish(work)
    finally:  # also where the pipeline fails: what was trained stays
        if work.finished and as_best:
            save_model(work.parts.model, work.run.best_path, work.card)  # saved before without what is known by now
        save_model(work.parts.model, work.run.model_path, work.card)


def _finish(work: Work) -> dict[str, Any]:
    """Return what the pipeline finds out about the trained model, on the validation split."""
    from kzoo.engine.forward import Forward

    finish, validation = work.parts.built.finish, work.splits.validation
    if finish is None or validation is None:
        return {}
    whose = work.parts.registry.pipeline(work.config.pipeline)
    with calling(whose, "after the training (`finish`)"):
        found = finish(Forward(work.parts.model), validation)
    if not isinstance(found, Mapping):
        raise wrong_answer(
            whose, f"returned an object of the type `{type(found).__name__}` from `finish`, where a dict is due"
        )
    return dict(found)


def _test(work: Work, trainer: Trainer) -> Outcome | None:
    """Measure the model on the test split."""
    parts = work.parts
    results = trainer.evaluate(work.batches(work.splits.test))
    work.clock.lap("test")
    outcome = _measure_task(work) if parts.task.own_measures and work.is_chief else None
    results |= outcome.metrics() if outcome else {}
    if not math.isfinite(results.get("loss", 0.0)):
        work.complete(results={"test": results})
        message = (
            f"The loss of the test data is {results['loss']}, no finite number, so what was measured there says "
            f"nothing of the model. Look at the test data, or take another loss (now {work.config.loss}). The run is "
            f"{work.run.path}."
        )
        raise KzooError(message)
    work.results = results
    work.complete("evaluated", status="done", results={"test": results})
    return outcome


def _remove_state(work: Work) -> None:
    """Remove what a run that is done needs no more; that it cannot be removed takes nothing away from it."""
    try:
        work.run.state.remove()
    except OSError as error:
        work.listener.warn(
            f"The run is done, but its state could not be removed from {work.run.state.path}: "
            f"{error.strerror or error}. Nothing needs that folder any more."
        )


def _measure_task(work: Work) -> Outcome | None:
    """Return what the task measures of the test split, or None, which is said, where that cannot be measured."""
    from kzoo.engine.forward import Forward

    try:
        outcome = work.parts.task.measure(work.measured(Forward(work.parts.model), work.splits.test))
    except KzooError as error:
        work.listener.warn(
            f"The run is done, but for the task {work.parts.task.name} nothing was measured: {error} `kzoo evaluate` "
            "does it again."
        )
        return None
    work.clock.lap("measure")
    return outcome


def _measure_epochs(work: Work) -> Callable[[int], dict[str, float]] | None:
    """Return a function from an epoch's number, from 0, to the task's own figures of the validation split.

    It is empty for epochs that are left out; None where nobody asks for it.
    """
    every, epochs, task = work.parts.measured_every, work.config.train.epochs, work.parts.task
    if not every:
        return None
    from kzoo.engine.forward import Forward

    assert work.splits.validation is not None, "without validation data this is refused before"
    measured = work.measured(Forward(work.parts.model, changing=True), work.splits.validation)

    def measure(epoch: int) -> dict[str, float]:
        if (epoch + 1) % every and epoch + 1 != epochs:
            return {}
        outcome = task.measure(measured)
        found = outcome.metrics() if outcome else {}
        return {shown: float(found[name]) for shown, name in task.epoch_figures.items()}

    return measure


def _report(work: Work, outcome: Outcome | None) -> None:
    """Write the pictures and the page of a run that is done; what fails here takes nothing away from it."""
    from kzoo.engine.forward import Forward
    from kzoo.report import write_report

    task = work.parts.task
    try:
        if outcome is None and not task.own_measures:
            outcome = task.measure(work.measured(Forward(work.parts.model), work.splits.test))
        if outcome is not None:
            # What is true of the weights and of no loss, so that runs with different losses can be compared.
            with work.stop.held():
                work.run.update(measures={"test": outcome.measures()})
        write_report(work.run, task, outcome)
        work.clock.lap("report")
        work.complete("reported")
    except (OSError, KzooError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        work.listener.warn(
            f"The run is done, but its report could not be written to {work.run.path}: {reason}. `kzoo report` draws "
            "it again."
        )


def _callbacks(work: Work, best: Any, shown: Any) -> list[Any]:
    """Return the callbacks of a run, in the order in which they act."""
    from kzoo.training.callbacks import EarlyStopping, LogFile, StaysFinite

    settings = work.config.train
    found: list[Any] = [LogFile(work.run.path / "metrics.csv"), StaysFinite(work.advice)]
    told = settings.monitor not in work.parts.silent
    if told and (work.splits.validation is not None or not settings.monitor.startswith("val_")):
        found.append(best)
    if settings.early_stopping:
        direction = work.parts.monitor_direction
        found.append(EarlyStopping(settings.monitor, patience=settings.early_stopping, mode=direction))
    return found if shown is None else [*found, shown]


def _digests(model: Any) -> list[int]:
    """Return a checksum of each weight, in the model's order."""
    import keras

    return [zlib.crc32(keras.ops.convert_to_numpy(weight).tobytes()) for weight in model.weights]


def _say_unchanged(work: Work, trained: TrainingResult, before: list[int]) -> None:
    """Warn where not one of the weights that are trained is another than before."""
    model = work.parts.model
    trainable = {id(weight) for weight in model.trainable_weights}
    pairs = zip(model.weights, before, _digests(model), strict=True)
    changed = [old != new for weight, old, new in pairs if id(weight) in trainable]
    if trained.steps and changed and not any(changed):
        work.listener.warn(
            f"Not one weight changed in {trained.steps:,} steps: the optimizer `{work.config.optimizer}` moves "
            f"nothing, or the loss `{work.config.loss}` has no gradient. The model is as it was before the training."
        )
