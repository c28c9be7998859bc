"""One run from settings to results: data, model, training, test, all of it recorded."""

from __future__ import annotations

import contextlib
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.engine import runtime
from kzoo.engine.listener import Silent
from kzoo.errors import KzooError
from kzoo.models.card import ModelCard
from kzoo.models.saved import find_pipeline
from kzoo.plugins.registry import get_registry
from kzoo.runs.choices import build_settings, check_components, check_data_settings, fitting_task
from kzoo.runs.folder import DEFAULT_ROOT, Run, create_run
from kzoo.runs.manifest import TrainingRecord
from kzoo.settings import read_settings
from kzoo.tasks import Measured
from kzoo.training.assembly import Assembly
from kzoo.training.record import manifest, opening

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from kzoo.data.splits import Split, Splits
    from kzoo.engine.forward import Forward
    from kzoo.engine.listener import Listener
    from kzoo.pipeline import Reader
    from kzoo.runs.config import RunConfig
    from kzoo.tasks import Outcome

__all__ = ["RunResult", "train"]


@dataclass
class RunResult:
    """What a run came to.

    Attributes:
        run: Its folder.
        status: ``done`` or ``interrupted``.
        results: Loss and metrics on the test split; empty when it was interrupted.
        history: Logs of each epoch.
        model: The trained Keras model.
    """

    run: Run
    status: str
    results: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, Any]] = field(default_factory=list)
    model: Any = None


def train(
    config: RunConfig,
    *,
    root: Path = DEFAULT_ROOT,
    listener: Listener | None = None,
    argv: Sequence[str] = (),
    debug: bool = False,
    strategy: Any = None,
    dry_run: bool = False,
) -> RunResult | None:
    """Train what ``config`` says, record it in a new run under ``root``, and test it.

    Args:
        config: All settings.
        root: The folder that runs go to.
        listener: Who is told what happens.
        argv: The command line, for the record.
        debug: Whether TensorFlow may chatter.
        strategy: A `tf.distribute.Strategy`; by default the one in force.
        dry_run: Stop before anything is trained or written, and return None.

    Raises:
        UsageError: A component or setting that does not exist or fit.
        KzooError: Data that cannot be used, a loss that is not a number, a folder that cannot be written.
    """
    listener = listener or Silent()
    registry = get_registry()
    spec = registry.pipeline(config.pipeline).spec
    task = fitting_task(config, (spec.task, *spec.other_tasks), registry)
    pipeline = find_pipeline(config.pipeline)
    check_data_settings(config, pipeline)
    build_settings(config, pipeline)  # what is wrong in it is said before TensorFlow is started
    clock = _Clock()
    runtime.start(debug=debug)
    clock.lap("start tensorflow")
    runtime.seed_everything(config.seed)
    with _scope(strategy):
        parts = Assembly(config, pipeline, task, registry)  # refuses wrong arguments before any data is read
        splits = load_splits(pipeline.source(), _request(config), listener)
        clock.lap("load data")
        meant = splits.task or spec.task
        if meant != spec.task:
            listener.say(f"The data has {len(splits.class_names)} classes: the task is {meant}, not {spec.task}.")
        for caution in check_components(config, meant, registry):
            listener.warn(caution)
        if meant != task:
            parts = Assembly(config, pipeline, meant, registry)
        parts.compile(splits)
    clock.lap("build model")
    listener.say(opening(config, splits))
    for text in filter(None, (*parts.built.notes, parts.thawing)):
        listener.say(text)
    if dry_run:
        return None
    run = create_run(root, config, manifest(config, splits, parts, argv, registry))
    try:
        return _fit(_Work(run, config, splits, parts, listener, clock), strategy)
    except BaseException as error:
        status = "interrupted" if isinstance(error, KeyboardInterrupt) else "failed"
        reason = "".join(traceback.format_exception_only(error)).strip()
        with contextlib.suppress(OSError):  # the disk may be what failed; that is the error to tell
            run.update(status=status, error=reason, timings=clock.laps)
        if isinstance(error, OSError):
            kept = f" The best model so far is {run.best_path}." if run.best_path.exists() else ""
            message = f"The run {run.path} could not be written: {error.strerror or error}.{kept}"
            raise KzooError(message) from error
        raise


@dataclass
class _Work:
    """What the parts of one training share."""

    run: Run
    config: RunConfig
    splits: Splits
    parts: Assembly
    listener: Listener
    clock: _Clock

    @property
    def card(self) -> ModelCard:
        """What is stored inside every model of the run."""
        return ModelCard(
            pipeline=self.config.pipeline,
            task=self.parts.task.name,
            class_names=tuple(self.splits.class_names),
            input_shape=tuple(self.parts.input_shape),
            label_form=self.parts.label_form,
            output_names=tuple(self.splits.output_names),
            data_settings=self.config.data_settings,
            run=self.run.name,
            own=dict(self.parts.built.card),
        )

    def batches(self, split: Split) -> Any:
        """Return the batches of a split that is measured on."""
        from kzoo.engine.batches import ordered_batches

        return ordered_batches(split, self.config.train.batch_size, self.parts.encode)

    def measured(self, forward: Forward, split: Split) -> Measured:
        """Return a split with all that its task must know to measure on it."""
        pipeline, card = self.parts.pipeline, self.card.for_reader()

        def reader(chosen: Mapping[str, Any]) -> Reader:
            return pipeline.reader(card, forward, read_settings(pipeline.reader_settings, chosen))

        return Measured(
            forward=forward,
            test=split,
            class_names=self.splits.class_names,
            input_names=self.splits.input_names,
            output_names=self.splits.output_names,
            description=f"{len(split)} images; {self.splits.provenance.description}",
            batch_size=self.config.train.batch_size,
            reader=reader,
            settings=pipeline.evaluation_settings,
        )


def _fit(work: _Work, strategy: Any) -> RunResult:
    """Train, save and test."""
    from kzoo.engine.interrupt import stoppable
    from kzoo.models.saving import save_model
    from kzoo.training.callbacks import BestEpoch, StopOnNaN
    from kzoo.training.trainer import Trainer

    run, config, parts, settings = work.run, work.config, work.parts, work.config.train
    best = BestEpoch(
        settings.monitor,
        parts.monitor_direction,
        lambda model: save_model(model, run.best_path, work.card),
        parts.compile_with,
    )
    nan = StopOnNaN()
    shown = work.listener.progress(
        examples=len(work.splits.train), batch_size=settings.batch_size, unit=parts.pipeline.unit
    )
    trainer = Trainer(parts.model, strategy=strategy, steps_per_execution=settings.steps_per_execution)
    validation = work.splits.validation
    try:
        with stoppable(work.listener.say) as stop:
            trained = trainer.fit(
                parts.batches,
                epochs=settings.epochs,
                validation=None if validation is None else work.batches(validation),
                callbacks=_callbacks(work, best, nan, shown),
                should_stop=stop,
                measure=_measure_epochs(work),
                changes={settings.frozen_epochs: parts.unfreeze} if settings.frozen_epochs else None,
            )
    finally:
        if shown is not None:
            shown.close()
    work.clock.lap("train")
    if nan.where:
        message = (
            f"The loss stopped being a finite number in {nan.where} of {run.path}.{nan.cause} Try a smaller learning "
            f"rate (now {config.optimizer}), or another loss (now {config.loss})."
        )
        raise KzooError(message)
    weights = "last"
    if settings.keep == "best" and best.weights is not None:
        best.restore()
        weights = f"best (epoch {best.epoch}, {best.monitor} {best.value:.4g})"
    save_model(parts.model, run.model_path, work.card)
    work.clock.lap("save")
    record = TrainingRecord(
        epochs=trained.epochs,
        steps=trained.steps,
        weights=weights,
        best_epoch=best.epoch or None,
        images_per_second=trained.examples / trained.seconds if trained.seconds else None,
        history=trained.history,
    )
    if trained.stopped:
        run.update(status="interrupted", signal=stop.signal, timings=work.clock.laps, training=record)
        return RunResult(run, "interrupted", history=trained.history, model=parts.model)
    results = trainer.evaluate(work.batches(work.splits.test))
    work.clock.lap("test")
    outcome = _measure_task(work) if parts.task.own_measures else None
    results |= outcome.metrics() if outcome else {}
    run.update(status="done", results={"test": results}, timings=work.clock.laps, training=record)
    if config.values["report"]:
        _draw(work, outcome)
    return RunResult(run, "done", results, trained.history, parts.model)


def _measure_task(work: _Work) -> Outcome | None:
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


def _measure_epochs(work: _Work) -> Callable[[int], dict[str, float]] | None:
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


def _draw(work: _Work, outcome: Outcome | None) -> None:
    """Write the pictures and the page of a run that is done; what fails here takes nothing away from it."""
    from kzoo.engine.forward import Forward
    from kzoo.report import write_report

    task = work.parts.task
    if outcome is None and not task.own_measures:
        outcome = task.measure(work.measured(Forward(work.parts.model), work.splits.test))
    try:
        write_report(work.run, task, outcome)
    except OSError as error:
        work.listener.warn(
            f"The run is done, but its report could not be written to {work.run.path}: {error.strerror or error}. "
            "`kzoo report` draws it again."
        )
        return
    work.clock.lap("report")
    work.run.update(timings=work.clock.laps)


def _callbacks(work: _Work, best: Any, nan: Any, shown: Any) -> list[Any]:
    """Return the callbacks of a run, in the order in which they act."""
    from kzoo.training.callbacks import EarlyStopping, LogFile

    settings = work.config.train
    found: list[Any] = [nan, LogFile(work.run.path / "metrics.csv")]
    if work.splits.validation is not None or not settings.monitor.startswith("val_"):
        found.append(best)
    if settings.early_stopping:
        direction = work.parts.monitor_direction
        found.append(EarlyStopping(settings.monitor, patience=settings.early_stopping, mode=direction))
    return found if shown is None else [*found, shown]


class _Clock:
    """Seconds spent in each part of a run, by name."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """End the part ``name`` here."""
        now = time.perf_counter()
        self.laps[name] = round(now - self._last, 3)
        self._last = now


def _scope(strategy: Any) -> Any:
    return strategy.scope() if strategy is not None else contextlib.nullcontext()


def _request(config: RunConfig) -> DataRequest:
    data = config.data
    return DataRequest(data.source, config.seed, data.validation_fraction, data.limit, config.data_settings)
