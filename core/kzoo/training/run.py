"""One run from settings to results: data, model, training, test, all of it recorded."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kzoo.arguments import command_line
from kzoo.data.sources import load_splits
from kzoo.data.splits import DataRequest
from kzoo.engine import runtime
from kzoo.engine.interrupt import Stopped, stoppable
from kzoo.engine.listener import Silent
from kzoo.errors import KzooError
from kzoo.files import scratch_folder, write_text
from kzoo.models.saved import find_pipeline
from kzoo.plugins.foreign_code import reason_of, watching
from kzoo.plugins.registry import get_registry
from kzoo.runs.choices import build_settings, check_components, check_data_settings, fitting_task, possible_tasks
from kzoo.runs.folder import DEFAULT_ROOT, create_run
from kzoo.runs.lock import training
from kzoo.runs.state import OtherStateError
from kzoo.training.assembly import Assembly
from kzoo.training.class_weights import weighing
from kzoo.training.foreign_callbacks import check_callbacks, without_state
from kzoo.training.profiling import Profile
from kzoo.training.record import components_of, manifest, opening
from kzoo.training.result import RunResult
from kzoo.training.resuming import check_same, note, note_workers, resumption, state_to_resume
from kzoo.training.stages import do
from kzoo.training.tracking import Tracking
from kzoo.training.work import Clock, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kzoo.data.splits import Splits
    from kzoo.engine.cluster import Cluster
    from kzoo.engine.interrupt import StopRequest
    from kzoo.engine.listener import Listener
    from kzoo.engine.workers import Workers
    from kzoo.plugins.registry import Entry
    from kzoo.runs.config import RunConfig
    from kzoo.runs.folder import Run
    from kzoo.runs.manifest import Manifest
    from kzoo.runs.state import SavedState
    from kzoo.training.resuming import Resume

__all__ = ["RunResult", "request_of", "train"]


def train(
    config: RunConfig,
    *,
    root: Path = DEFAULT_ROOT,
    listener: Listener | None = None,
    argv: Sequence[str] = (),
    debug: bool = False,
    strategy: Any = None,
    dry_run: Callable[[Manifest], None] | None = None,
    resume: Resume | None = None,
    callbacks: Sequence[Any] = (),
    cluster: Cluster | None = None,
    ask: Callable[[int, Mapping[str, Any]], str] | None = None,
    part_of: Mapping[str, Any] | None = None,
    begun: Callable[[Run], None] | None = None,
    profile: bool = False,
) -> RunResult | None:
    """Train what ``config`` says, record it in a new run under ``root``, and test it.

    Args:
        config: All settings.
        root: The folder that runs go to.
        listener: Who is told what happens.
        argv: The command line, for the record.
        debug: Whether TensorFlow may chatter.
        strategy: A `tf.distribute.Strategy`; by default the one in force.
        dry_run: Called with what would be recorded, before anything is trained or written; that is all, and None is
            returned.
        resume: A run to go on with, whose settings ``config`` has, in place of a new one.
        callbacks: Keras callbacks of the caller's own, called before those of the run.
        cluster: The processes that train together, each of which calls this with the same settings; None for this one
            alone. The chief writes the run; what the others return has a folder that is gone.
        ask: Called with the number of each epoch, from 1, and its logs; where it returns a text, the run is given up
            for that reason: the model so far is saved, and not tested.
        part_of: What a new run is a part of, such as a study and its trial, for the record.
        begun: Called with the run once its folder is there.
        profile: Whether to look where the time goes; table and trace are in the run's folder ``profile``.

    Raises:
        UsageError: A component or setting that does not exist or fit.
        KzooError: Data that cannot be used, a loss or a weight that is not a finite number, a folder that cannot be
            written; `ComponentError` where a component or the pipeline fails.
        KeyboardInterrupt: Somebody asked for a stop, by Ctrl-C or SIGTERM, before there was a model to keep.
    """
    listener = listener or Silent()
    with stoppable(listener.say, held=False) as stop, contextlib.ExitStack() as held:
        writes = cluster is None or cluster.is_chief
        if resume is not None and writes:
            held.enter_context(training(resume.run.path))
        begin = None if resume is None else state_to_resume(resume, config, listener, tidy=writes)
        clock = Clock(Profile() if profile else None)
        tracking = Tracking(config, get_registry(), listener.warn) if writes else Tracking()
        workers = _joined(cluster, stop, clock, debug=debug)
        splits, parts, record = _prepared(
            config, listener, argv, clock, debug=debug, strategy=strategy, goes_on=begin is not None
        )
        check_callbacks(callbacks)
        several = {} if workers is None else {"workers": workers.count}
        named = [type(one).__name__ for one in callbacks]
        flags = {**record.environment["flags"], **_flags(parts, workers)}
        environment = {**record.environment, **several, "flags": flags}
        record = replace(record, callbacks=named, part_of=part_of or {}, environment=environment)
        changed = [] if resume is None else check_same(resume, config, record, begin)
        if resume is not None:
            said = note(begin, config, parts, resume.run), note_workers(resume.run, record)
            _tell(listener, said, "" if begin is None else without_state(callbacks))
        if dry_run is not None:
            dry_run(record)
            return None
        if workers is not None:
            _agree(workers, config, record, begin, stop)
        before = None if resume is None or not writes else resume.run.texts()
        with stop.held():
            if not writes:
                run = create_run(held.enter_context(scratch_folder("kzoo-worker-")), config, record)
            elif resume is None:
                run = _created(root, config, record, held)
            else:
                run = resume.run
                counts = run.manifest().environment.get("workers", 1), several.get("workers", 1)
                run.begin_again(config, resumption(begin, changed, list(record.argv), counts))
        if begun is not None:
            begun(run)
        called = tuple(callbacks)
        work = Work(run, config, splits, parts, listener, clock, stop, strategy, workers, begin, called, tracking, ask)
        result = _done(work) if before is None else _done_or_as_before(work, before)
        if workers is not None:  # nobody leaves before the chief is done: TensorFlow takes that for a fault
            workers.any(False)
        return result


def _tell(listener: Listener, said: Sequence[str], warned: str) -> None:
    """Say and warn of what is no empty text."""
    for text in filter(None, said):
        listener.say(text)
    if warned:
        listener.warn(warned)


def _created(root: Path, config: RunConfig, record: Manifest, held: contextlib.ExitStack) -> Run:
    """Return a new run whose lock is held."""
    run = create_run(root, config, record)
    try:
        held.enter_context(training(run.path))
    except BaseException:
        run.discard()  # nothing was trained, and its record would say that it runs
        raise
    return run


def _agree(
    workers: Workers,
    config: RunConfig,
    record: Manifest,
    begin: SavedState | None,
    stop: StopRequest,
) -> None:
    """Make sure that all processes are about to train the same, and that nobody asked for a stop."""
    from kzoo.training.together import check_alike

    check_alike(workers, config, record, begin)
    stop.agree()
    stop.check()


def _flags(parts: Assembly, workers: Workers | None) -> dict[str, bool]:
    """Return what the trainer does to a network's steps on this machine."""
    from kzoo.engine.fused_layers import fuses  # which imports TensorFlow

    return {"fused_layers": workers is None and fuses(parts.model)}


def _joined(cluster: Cluster | None, stop: StopRequest, clock: Clock, *, debug: bool) -> Workers | None:
    """Wait for the other processes of a training, and share the wish to stop with them."""
    if cluster is None:
        return None
    cluster.check_names()
    runtime.start(debug=debug)
    clock.lap("start tensorflow")
    from kzoo.engine.workers import join  # which imports TensorFlow

    workers = join(cluster)
    stop.share(workers.any)
    clock.lap("join workers")
    return workers


def _prepared(
    config: RunConfig,
    listener: Listener,
    argv: Sequence[str],
    clock: Clock,
    *,
    debug: bool,
    strategy: Any,
    goes_on: bool = False,
) -> tuple[Splits, Assembly, Manifest]:
    """Return the data, the model compiled for it, and what is recorded of both."""
    registry = get_registry()
    spec = registry.pipeline(config.pipeline).spec
    pipeline = find_pipeline(config.pipeline)
    task = fitting_task(config, possible_tasks(config, pipeline, registry), registry)
    check_data_settings(config, pipeline)
    build_settings(config, pipeline)  # what is wrong in it is said before TensorFlow is started
    runtime.start(debug=debug)
    clock.lap("start tensorflow")
    runtime.seed_everything(config.seed)
    with watching(_entries(config), "before the training"), _scope(strategy):
        # Refuses wrong arguments before any data is read.
        parts = Assembly(config, pipeline, task, registry, goes_on=goes_on)
        splits = load_splits(pipeline.source(), request_of(config), listener)
        clock.lap("load data")
        meant = splits.task or spec.task
        if meant not in (spec.task, pipeline.task_of(config.data_settings)):
            listener.say(f"The data has {len(splits.class_names)} classes: the task is {meant}, not {spec.task}.")
        for caution in check_components(config, meant, registry):
            listener.warn(caution)
        if meant != task:
            parts = Assembly(config, pipeline, meant, registry, goes_on=goes_on)
        parts.compile(splits)
        for caution in parts.cautions:
            listener.warn(caution)
        record = manifest(config, splits, parts, argv, registry)
    clock.lap("build model")
    listener.say(opening(config, splits))
    began = parts.started.text if parts.started else None
    weighed = parts.unweighed or weighing(parts.class_weights, parts.task.weighs)
    told = (*parts.computing.notes, began, *parts.built.notes, parts.thawing, weighed)
    for text in filter(None, told):
        listener.say(text)
    return splits, parts, record


def _done_or_as_before(work: Work, before: Mapping[Path, str]) -> RunResult:
    """Go through the stages of a resumed run; leave its record as it was where its state does not fit."""
    try:
        return _done(work)
    except OtherStateError as error:
        for path, text in before.items():
            write_text(path, text)
        message = (
            f"The run {work.run.path} cannot go on with these settings, and is left as it was. {error} Leave out what "
            "changes the network or the optimizer."
        )
        raise KzooError(message) from error


def _done(work: Work) -> RunResult:
    """Go through the stages of a run, and record what became of it."""
    run, stop = work.run, work.stop
    try:
        stop.check()  # it may have come while the folder was made
        with watching(_entries(work.config), "in the run"):
            do(work)
    except Stopped:
        with stop.held():
            status = _end(work, "interrupted", signal=stop.signal)
        if "saved" not in work.completed:
            if work.is_chief:
                best = f" The model of the best epoch is {run.best_path}." if run.best_path.exists() else ""
                work.listener.say(f"Stopped by {stop.signal} at once.{best} {_goes_on(work)}.")
            raise
        return _result(work, status)
    except BaseException as error:
        with stop.held():
            reason = reason_of(error) if not isinstance(error, KzooError) else str(error)
            _end(work, "interrupted" if isinstance(error, KeyboardInterrupt) else "failed", error=reason)
        kept = f" The best model so far is {run.best_path}." if work.is_chief and run.best_path.exists() else ""
        told = _with_resume(error, work)
        if isinstance(error, OSError):
            again = f" Once that is mended, {_goes_on(work)}." if work.is_chief else ""
            message = f"The run {run.path} could not be written: {error.strerror or error}{_where(error)}.{kept}{again}"
            raise KzooError(message) from error
        if isinstance(told, KzooError) and kept and "evaluated" not in work.completed:
            message = f"{told}{kept}"
            raise type(told)(message) from error
        if told is not error:
            raise told from error
        raise
    with stop.held():
        if work.pruned:
            return _result(work, _end(work, "pruned", error=work.pruned))
        work.tracking.finish("done", work.results)
    return _result(work, "done")


def _where(error: OSError) -> str:
    """Return the name of the file that could not be written, where the error knows it."""
    return f" ({Path(os.fsdecode(error.filename)).name})" if isinstance(error.filename, str | bytes) else ""


def _goes_on(work: Work) -> str:
    """Return the words that say by what command a run that was stopped goes on."""
    workers = () if work.workers is None else ("--workers", str(work.workers.count))
    return f"`{command_line('kzoo', 'run', '--resume', work.run.path, *workers)}` goes on with it"


def _with_resume(error: BaseException, work: Work) -> BaseException:
    """Return the error of a training that lost a worker with how to go on; any other as it is."""
    if work.workers is None or not work.is_chief:
        return error
    from kzoo.engine.workers import OtherWorkerError

    if not isinstance(error, OtherWorkerError):
        return error
    path = work.run.path
    state = "its last state is kept" if (path / "state").is_dir() else "it has no state yet"
    message = f"{error} The run is {path}; {state}, and {_goes_on(work)}, also with another number of workers."
    return OtherWorkerError(message)


def _end(work: Work, status: str, **changes: Any) -> str:
    """Record the end of a run that did not come to its last stage, and tell the trackers.

    Returns:
        Its status, which stays when it was done.
    """
    status = "done" if "evaluated" in work.completed else status
    with contextlib.suppress(OSError, KzooError):  # the disk may be what failed; that is the error to tell
        work.run.update(status=status, timings=work.clock.laps, **changes)
    work.tracking.finish("interrupted" if status == "pruned" else status, work.results)
    return status


def _result(work: Work, status: str) -> RunResult:
    return RunResult(work.run, status, work.results, work.history, work.parts.model, tuple(work.completed))


def _entries(config: RunConfig) -> list[Entry]:
    return list(components_of(config, get_registry()).values())


def _scope(strategy: Any) -> Any:
    return strategy.scope() if strategy is not None else contextlib.nullcontext()


def request_of(config: RunConfig) -> DataRequest:
    """Return what a run of these settings asks of its data."""
    data = config.data
    return DataRequest(
        data.source, config.seed, data.validation_fraction, data.limit, config.data_settings, cache=data.cache
    )
