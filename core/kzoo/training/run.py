"""One run from settings to results: data, model, training, test, all of it recorded."""

from __future__ import annotations

import contextlib
import functools
import inspect
import time
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.engine import runtime
from kzoo.errors import KzooError
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo.runs.folder import DEFAULT_ROOT, Run, create_run
from kzoo.training.assembly import Assembly, check_components, check_data_settings, fitting_task
from kzoo.training.record import manifest, opening

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kzoo.data.splits import Split, Splits
    from kzoo.detection import AnnotatedSet, DetectionOutcome
    from kzoo.pipeline import Pipeline
    from kzoo.plugin import PipelineSpec
    from kzoo.runs.config import RunConfig

__all__ = ["Listener", "RunResult", "Silent", "train"]


class Listener(Protocol):
    """Who is told what happens: the command line, or nobody."""

    def say(self, text: str) -> None:
        """Take a message that can be missed."""

    def warn(self, text: str) -> None:
        """Take a message that must not be missed."""

    def download(self, done: int, total: int | None, name: str) -> None:
        """Take the progress of a download, in bytes."""

    def progress(self, *, examples: int, batch_size: int, unit: str) -> Any:
        """Return a Keras callback that shows the training and has a method ``close``, or None."""


class Silent:
    """A `Listener` for Python callers: warnings through `warnings`, nothing else."""

    def say(self, text: str) -> None:
        """Say nothing."""

    def warn(self, text: str) -> None:
        """Raise a Python warning."""
        import warnings

        warnings.warn(text, stacklevel=3)

    def download(self, done: int, total: int | None, name: str) -> None:
        """Show nothing."""

    def progress(self, *, examples: int, batch_size: int, unit: str) -> Any:
        """Show nothing."""
        del examples, batch_size, unit


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
    entry = registry.get("pipeline", config.pipeline)
    spec: PipelineSpec = entry.spec  # type: ignore[assignment]
    task = fitting_task(config, (spec.task, *spec.other_tasks), registry)
    pipeline: Pipeline = load_target(entry)()
    check_data_settings(config, pipeline)
    clock = _Clock()
    runtime.start(debug=debug)
    clock.lap("start tensorflow")
    runtime.seed_everything(config.seed)
    with _scope(strategy):
        pipeline.task = task  # type: ignore[assignment]
        parts = Assembly(config, pipeline, registry)  # refuses wrong arguments before any data is read
        splits = load_splits(_WithProgress(pipeline, listener), _request(config), listener.warn)
        clock.lap("load data")
        pipeline.task = pipeline.task_of(splits.class_names)
        if pipeline.task != spec.task:
            listener.say(
                f"The data has {len(splits.class_names)} classes: the task is {pipeline.task}, not {spec.task}."
            )
        for caution in check_components(config, pipeline.task, registry):
            listener.warn(caution)
        if pipeline.task != task:
            parts = Assembly(config, pipeline, registry)
        parts.compile(splits)
    clock.lap("build model")
    listener.say(opening(config, splits))
    for text in filter(None, (parts.adapted, parts.thawing)):
        listener.say(text)
    if dry_run:
        return None
    run = create_run(root, config, manifest(config, pipeline, splits, parts, argv, registry))
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
    def card(self) -> dict[str, Any]:
        """What is stored inside every model of the run."""
        return {
            "pipeline": self.config.pipeline,
            "task": self.parts.pipeline.task,
            "class_names": list(self.splits.class_names),
            "input_shape": list(self.parts.input_shape),
            "label_form": self.parts.label_form,
            "data_settings": self.config.data_settings,
            "output_names": list(self.splits.output_names),
            "schema": dict(self.splits.schema),
            "run": self.run.name,
            **self.parts.pipeline.card(),
        }

    def batches(self, split: Split) -> Any:
        """Return the batches of a split that is measured on."""
        from kzoo.engine.batches import ordered_batches

        return ordered_batches(split, self.config.train.batch_size, self.parts.labels)

    def annotated(self, split: Split) -> AnnotatedSet:
        """Return the pictures of a split in which a detector is to find boxes."""
        described = f"{len(split)} images; {self.splits.provenance.description}"
        return self.parts.pipeline.annotated_split(split, self.splits.class_names, described)


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
                measure=_measure(work),
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
    record = {
        "epochs": trained.epochs,
        "steps": trained.steps,
        "weights": weights,
        "best_epoch": best.epoch or None,
        "images_per_second": trained.examples / trained.seconds if trained.seconds else None,
        "history": trained.history,
    }
    if trained.stopped:
        run.update(status="interrupted", signal=stop.signal, timings=work.clock.laps, training=record)
        return RunResult(run, "interrupted", history=trained.history, model=parts.model)
    results = trainer.evaluate(work.batches(work.splits.test))
    work.clock.lap("test")
    outcome = _detected(work) if parts.pipeline.task == "detection" else None
    results |= outcome.metrics() if outcome else {}
    run.update(status="done", results={"test": results}, timings=work.clock.laps, training=record)
    if config.values["report"]:
        _draw(work, outcome)
    return RunResult(run, "done", results, trained.history, parts.model)


def _detected(work: _Work) -> DetectionOutcome | None:
    """Return what a detector finds in the test pictures, or None, which is said, where that cannot be measured."""
    from kzoo.training.detecting import detector_outcome
    from kzoo.training.trainer import predictor

    try:
        forward, dataset = predictor(work.parts.model), work.annotated(work.splits.test)
        outcome = detector_outcome(work.parts.pipeline, forward, work.card, dataset)
    except KzooError as error:
        work.listener.warn(f"The run is done, but its boxes were not measured: {error} `kzoo evaluate` does it again.")
        return None
    work.clock.lap("measure boxes")
    return outcome


def _measure(work: _Work) -> Callable[[int], dict[str, float]] | None:
    """Return what measures a detector after an epoch, or None where nobody asks for it."""
    if not work.parts.measured_every:
        return None
    from kzoo.training.detecting import epoch_measure
    from kzoo.training.trainer import predictor

    assert work.splits.validation is not None, "without validation data this is refused before"
    return epoch_measure(
        work.parts.pipeline,
        predictor(work.parts.model),
        work.card,
        work.annotated(work.splits.validation),
        every=work.parts.measured_every,
        epochs=work.config.train.epochs,
    )


def _draw(work: _Work, outcome: DetectionOutcome | None) -> None:
    """Write the pictures and the page of a run that is done; what fails here takes nothing away from it."""
    from kzoo.report import write_report
    from kzoo.training.outcome import outcome_of

    parts, size = work.parts, work.config.train.batch_size
    drawn = outcome or outcome_of(parts.model, parts.pipeline, work.splits, batch_size=size)
    try:
        write_report(work.run, drawn)
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


class _WithProgress:
    """A pipeline as a data source whose downloads a listener sees."""

    def __init__(self, pipeline: Pipeline, listener: Listener) -> None:
        self._pipeline, self._listener = pipeline, listener
        self.load_path, self.load_sample = pipeline.load_path, pipeline.load_sample
        if "say" in inspect.signature(pipeline.load_path).parameters:
            read: Any = pipeline.load_path
            self.load_path = functools.partial(read, say=listener.say)

    def fetch_real(self, *, download: bool) -> Path:
        return self._pipeline.fetch_real(download=download, progress=self._listener.download)


def _scope(strategy: Any) -> Any:
    return strategy.scope() if strategy is not None else contextlib.nullcontext()


def _request(config: RunConfig) -> DataRequest:
    data = config.values["data"]
    return DataRequest(
        data["source"], config.seed, data["validation_fraction"], data.get("limit"), config.data_settings
    )
