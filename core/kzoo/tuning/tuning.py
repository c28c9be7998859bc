"""A study from its first trial to its verdict: trials, the winner's settings, and the winner beside the default."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.cluster.places import Place
from kzoo.comparing.away import fetch_left
from kzoo.comparing.comparison import check_data, compare_grid
from kzoo.comparing.grid import Grid, Job
from kzoo.comparing.page import csv_text
from kzoo.comparing.processes import Order, Trained, train_all
from kzoo.data.sources import load_splits
from kzoo.engine.interrupt import as_ctrl_c
from kzoo.errors import KzooError, UsageError
from kzoo.files import write_text
from kzoo.models.saved import find_pipeline
from kzoo.training.run import request_of
from kzoo.tuning.folder import FOLDER, StudyFolder, folder_of
from kzoo.tuning.result import Tuned
from kzoo.tuning.storage import open_storage
from kzoo.tuning.study import open_study

if TYPE_CHECKING:
    import contextlib
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from kzoo.comparing.comparison import Comparison
    from kzoo.comparing.processes import Watcher
    from kzoo.engine.listener import Listener
    from kzoo.runs.folder import Run
    from kzoo.tuning.plan import Plan
    from kzoo.tuning.study import Study, Trial

__all__ = ["DEFAULT", "TUNED", "tune_plan"]

DEFAULT, TUNED = "default", "tuned"
"""The two ways to train that are compared at the end."""

_END = "the-end"
_ALIKE = 5
"""So many trials that all fail in the same words, and none that does not, end the search: it is not their settings."""


def tune_plan(
    plan: Plan,
    *,
    root: Path,
    place: Place,
    watching: Callable[[Study], contextlib.AbstractContextManager[Watcher]],
    comparing: Callable[[Grid], contextlib.AbstractContextManager[Watcher]],
    listener: Listener,
    argv: Sequence[str] = (),
) -> Tuned:
    """Train the trials of a study that are not there yet, then its winner and the default with new seeds.

    Args:
        plan: What is searched.
        root: The folder that runs go to.
        place: Where runs are trained, and how many at a time.
        watching: Returns who is told how the trials go on.
        comparing: Returns who is told how the comparison at the end goes on.
        listener: Who is told what else happens.
        argv: The command line, for the records.

    Raises:
        UsageError: There is a study of this name that searches something else.
        KzooError: No trial came to its end, or the storage, the data or a folder cannot be used.
        KeyboardInterrupt: Somebody stopped it; the same call goes on with it.
    """
    check_data(plan.default, place)
    _check_validated(plan, listener)
    with as_ctrl_c():
        _check_database(plan, place, listener)
        if place.store:
            fetch_left(place.store, root)
        if not StudyFolder(root / FOLDER / plan.name).path.is_dir():
            _check_components(plan, root)
        folder = folder_of(root, plan.name)
        study = open_study(plan, folder, root)
        with watching(study) as watcher:
            _search(study, watcher, place, argv)
        found = Tuned(study, budget_reached=study.over())
        _write_table(study, found)
        write_best(study)
        if others := study.running():
            found.notes.append(
                f"{len(others)} trial(s) are being trained by other processes. The last of these tells the winner; so "
                "does this command, when they are done."
            )
            return found
        if found.best is None:
            _refuse_without_best(found)
        if not plan.asked.seeds or found.is_default:
            return found
        claim = folder.claim(_END)
        if claim is None:
            found.notes.append("Another process trains the winner and the default with new seeds right now.")
            return found
        try:
            found.comparison = _compared(study, found, place, comparing, listener, argv)
        finally:
            claim.release()
        return found


def _check_validated(plan: Plan, listener: Listener) -> None:
    """Raise `UsageError` where there is no validation data to judge trials by."""
    if plan.default.data.validation_fraction:
        return
    splits = load_splits(find_pipeline(plan.pipeline).source(), request_of(plan.default), listener)
    if splits.validation is None:
        message = (
            f"Trials are judged by `{plan.metric.name}` on validation data, and there is none "
            "(data.validation_fraction is 0). Keep some aside: -o data.validation_fraction=0.1."
        )
        raise UsageError(message)


def _check_database(plan: Plan, place: Place, listener: Listener) -> None:
    """Raise `KzooError` where the database cannot be opened, `UsageError` where not all who train would reach it."""
    if plan.asked.database:
        open_storage(plan.asked.database)
    elif place.store:
        message = (
            "Machines that share no folder cannot reach the study in a file of this one: name a database that all "
            "of them reach, with --database postgresql://..."
        )
        raise UsageError(message)
    elif place.on.startswith("ray://"):
        listener.warn(
            "All machines of the cluster write to the study's file of SQLite, which network drives are known to "
            "damage. --database postgresql://... keeps the study in a database that is made for it."
        )


def _check_components(plan: Plan, root: Path) -> None:
    """Have a process build the components of what is searched; raise `UsageError` where one refuses its arguments."""
    settings = [(dict(config.values), dict(config.origins)) for config in plan.extremes()]
    job = Job("check", plan.default.seed, plan.default, {"check": settings})
    found = train_all(Order([job], {}, root, Place(), None), _Nobody())
    if found.stopped:
        raise KeyboardInterrupt
    if job in found.failures:
        raise UsageError(found.failures[job])


class _Nobody:
    """Is told how something goes on, and does nothing."""

    def warn(self, text: str) -> None:
        """Do nothing."""

    def began(self, job: Job) -> None:
        """Do nothing."""

    def epoch(self, job: Job, epoch: int, epochs: int, logs: Mapping[str, float]) -> None:
        """Do nothing."""

    def ended(self, job: Job, status: str, run: Run | None) -> None:
        """Do nothing."""


def _search(study: Study, watcher: Watcher, place: Place, argv: Sequence[str]) -> None:
    """Train trials until there is no more to train; raise `KeyboardInterrupt` where somebody stopped it."""
    trained = Trained()
    course = _Course(study, watcher, trained)
    order = Order(course.jobs(), course.resume, study.root, place, study.folder.log, argv)
    try:
        train_all(order, course, trained)
    finally:
        course.let_go()
    if trained.stopped:
        done = sum(trial.state.is_finished() for trial in study.trials())
        limit = "" if study.plan.limit is None else f" of {study.plan.limit}"
        message = f"The study {study.folder.name} was stopped with {done}{limit} trials done."
        raise KeyboardInterrupt(message)


@dataclass(eq=False)
class _Course:
    """Asks for trials, and records what became of each before the next one is asked for.

    Attributes:
        study: The study.
        watcher: Who is told.
        trained: What came of the runs.
        resume: The runs to go on with.
        own: The trials that this process has.
        errors: Why each trial that ended here failed; empty text where it did not.
    """

    study: Study
    watcher: Watcher
    trained: Trained
    resume: dict[Job, Run] = field(default_factory=dict)
    own: dict[Job, Trial] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)

    def jobs(self) -> Iterator[Job]:
        """Yield the runs to train."""
        while not self.hopeless and (trial := self.study.next()) is not None:
            self.own[trial.job] = trial
            if trial.run is not None:
                self.resume[trial.job] = trial.run
            while self.study.notes:
                self.warn(self.study.notes.pop(0))
            yield trial.job

    @property
    def hopeless(self) -> bool:
        """Whether all that was tried here failed for one reason, so that the next trial would too."""
        return len(self.errors) >= _ALIKE and len(set(self.errors)) == 1 and self.errors[0] != ""

    def warn(self, text: str) -> None:
        """Hand on."""
        self.watcher.warn(text)

    def began(self, job: Job) -> None:
        """Hand on."""
        self.watcher.began(job)

    def epoch(self, job: Job, epoch: int, epochs: int, logs: Mapping[str, float]) -> None:
        """Hand on."""
        self.watcher.epoch(job, epoch, epochs, logs)

    def ended(self, job: Job, status: str, run: Run | None) -> None:
        """Record, keep the settings of a new best trial, and hand on."""
        trial = self.own.pop(job)
        before = _best_number(self.study)
        self.study.tell(trial, status, run or self.trained.begun.get(job), self.trained.failures.get(job, ""))
        if _best_number(self.study) != before:
            write_best(self.study)
        _write_table(self.study, Tuned(self.study))
        self.errors.append(self.trained.failures.get(job, ""))
        self.watcher.ended(job, status, run)

    def let_go(self) -> None:
        """Let others have the trials that came to no end here."""
        for trial in self.own.values():
            trial.claim.release()


def _best_number(study: Study) -> int | None:
    best = study.best()
    return None if best is None else int(best.number)


def write_best(study: Study) -> None:
    """Write the settings of the best trial as a file that ``kzoo run -c`` takes; nothing where there is none."""
    with study.folder.alone():
        best = study.best()
        if best is None:
            return
        config = study.plan.settings(best.params, origin=f"trial {best.number} of the study {study.folder.name}")
        try:
            write_text(study.folder.best_path, config.to_toml())
        except OSError as error:
            raise study.folder.refused(error) from error


def _write_table(study: Study, found: Tuned) -> None:
    if not found.trials:
        return
    with study.folder.alone():
        try:
            write_text(study.folder.table_path, csv_text(found.trials))
        except OSError as error:
            raise study.folder.refused(error) from error


def _refuse_without_best(found: Tuned) -> None:
    """Raise `KzooError` for a study without a single value."""
    failed = [row for row in found.trials if row["status"] == "failed"]
    if not found.trials:
        message = f"No trial of the study {found.folder.path} was begun before its budget was over."
    elif failed:
        log = found.folder.log
        written = f" What the processes wrote is in {log}." if log.exists() else ""
        message = (
            f"There is no winner: {len(failed)} of {len(found.trials)} trials failed{_alike(found, failed)}. "
            f"The first, trial {failed[0]['trial']}: {failed[0]['error']}{written}"
        )
    else:
        message = (
            f"There is no winner: all {len(found.trials)} trials were given up by the pruner `{found.pruner}`. Take "
            "one that gives up less, such as --pruner median:n_warmup_steps=2, or none."
        )
    raise KzooError(message)


def _alike(found: Tuned, failed: Sequence[Mapping[str, Any]]) -> str:
    """Return words for a search that was ended because its trials failed for one reason."""
    limit = found.study.plan.limit
    left = None if limit is None else limit - len(found.trials)
    if len(failed) < _ALIKE or left == 0 or len({row["error"] for row in failed}) > 1:
        return ""
    others = "no more were begun" if left is None else f"the other {left} were not begun"
    return f" for one reason, and {others}; the same command goes on"


def _compared(
    study: Study,
    found: Tuned,
    place: Place,
    comparing: Callable[[Grid], contextlib.AbstractContextManager[Watcher]],
    listener: Listener,
    argv: Sequence[str],
) -> Comparison:
    """Train the winner and the default with seeds that no trial had, and judge them."""
    plan = study.plan
    assert found.best is not None, "there is a winner"
    values = found.best.params
    seeds = tuple(range(plan.default.seed + 1, plan.default.seed + 1 + plan.asked.seeds))
    jobs = []
    for seed in seeds:
        jobs.append(Job(DEFAULT, seed, plan.made({}, seed)))
        origin = f"trial {found.best.number} of the study {study.folder.name}"
        jobs.append(Job(TUNED, seed, plan.settings(values, seed=seed, origin=origin)))
    grid = Grid((DEFAULT, TUNED), seeds, tuple(jobs))
    with comparing(grid) as watcher:
        return compare_grid(
            grid,
            root=study.root,
            place=place,
            watcher=watcher,
            listener=listener,
            argv=argv,
            logged={plan.metric.name: plan.metric.better},
        )
