"""A study in Optuna's storage: its trials are asked for one at a time, by as many processes as like to."""

from __future__ import annotations

import json
import math
import os
import platform
import time
import uuid
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kzoo.comparing.grid import Job
from kzoo.errors import KzooError, UsageError
from kzoo.runs.config import RunConfig
from kzoo.runs.folder import list_runs
from kzoo.runs.lock import released
from kzoo.tuning.samplers import load_optuna, pruner_of
from kzoo.tuning.storage import address_in, open_storage, shown, using

if TYPE_CHECKING:
    from pathlib import Path

    from kzoo.runs.folder import Run
    from kzoo.tuning.folder import Claim, StudyFolder
    from kzoo.tuning.plan import Plan

__all__ = ["Study", "Trial", "open_study"]

_PLAN, _IDENTITY, _DATA = "kzoo_plan", "kzoo_study", "kzoo_data"
_HOST, _FOLDER, _RUN, _ERROR = "host", "folder", "run", "error"
_PATIENCE = 30.0
"""Seconds in which a worker whose study was killed lets go of its run."""


@dataclass(frozen=True, eq=False)
class Trial:
    """A trial that this process has.

    Attributes:
        number: Its number, from 0.
        optuna: The trial as Optuna has it.
        job: What is trained.
        claim: The hold on it.
        run: The run that it goes on with, of a trial that was not finished.
    """

    number: int
    optuna: Any
    job: Job
    claim: Claim
    run: Run | None = None


@dataclass(eq=False)
class Study:
    """A study that trials are asked of.

    Attributes:
        plan: What is searched.
        folder: Its folder.
        root: The folder that runs go to.
        storage: The address of Optuna's storage.
        optuna: The study as Optuna has it.
        identity: What tells it from another one that had its name before.
        until: When no new trial begins any more, by `time.monotonic`; None for never.
        notes: What must be said of it.
    """

    plan: Plan
    folder: StudyFolder
    root: Path
    storage: str
    optuna: Any
    identity: str
    until: float | None = None
    notes: list[str] = field(default_factory=list)

    def trials(self) -> list[Any]:
        """Return all trials that have begun, as Optuna has them."""
        with using(self.storage):
            found: list[Any] = self.optuna.get_trials(deepcopy=False)
        return [trial for trial in found if trial.state.name != "WAITING"]

    def best(self) -> Any:
        """Return the best trial that came to its end, as Optuna has it; None where none did."""
        sign = 1 if self.plan.metric.direction == "min" else -1
        done = [trial for trial in self.trials() if trial.state.name == "COMPLETE"]
        return min(done, key=lambda trial: (sign * trial.value, trial.number), default=None)

    def running(self) -> list[Any]:
        """Return the trials that another process trains now, as far as that can be told from here."""
        return [
            trial
            for trial in self.trials()
            if trial.state.name == "RUNNING" and not (self._from_here(trial) and not self.folder.claimed(_name(trial)))
        ]

    def next(self) -> Trial | None:
        """Return a trial to train: one that was begun and not finished, else a new one; None where there is no more.

        Raises:
            KzooError: The storage fails.
        """
        with self.folder.alone(), using(self.storage):
            found = self.trials()
            for trial in found:
                if trial.state.name == "RUNNING" and self._from_here(trial):
                    claim = self.folder.claim(_name(trial))
                    taken = None if claim is None else self._taken_up(trial, claim)
                    if taken is not None:
                        return taken
            begun, limit = len(found), self.plan.limit
            while not self.over() and (limit is None or begun < limit):
                if (new := self._new(begun)) is not None:
                    return new
                begun += 1
            return None

    def over(self) -> bool:
        """Return whether the time for new trials is over."""
        return self.until is not None and time.monotonic() >= self.until

    def tell(self, trial: Trial, status: str, run: Run | None, reason: str = "") -> None:
        """Record what became of a trial; one that was stopped stays as it is, to be gone on with.

        Args:
            trial: The trial.
            status: ``done``, ``pruned``, ``failed`` or ``stopped``.
            run: Its run, where it has one.
            reason: Why it failed.
        """
        try:
            if status != "stopped":
                with using(self.storage):
                    self._told(trial.optuna, status, run, reason)
        finally:
            trial.claim.release()

    def _told(self, trial: Any, status: str, run: Run | None, reason: str) -> None:
        from optuna.trial import TrialState

        value, state = None, {"pruned": TrialState.PRUNED}.get(status, TrialState.FAIL)
        run = run or self._run_of(trial.number)  # one that failed has a folder, too, but for its first seconds
        if run is not None:
            self._note(trial, _RUN, os.path.relpath(run.path.resolve(), self.folder.path.resolve()))
            reason = reason or (self._of_other_data(run) if status != "failed" else "")
            if status == "pruned" and reason:
                state = TrialState.FAIL
            elif status == "done" and not reason:
                value, reason = self._value_of(run)
        if value is not None:
            state = TrialState.COMPLETE
        if reason:
            self._note(trial, _ERROR, reason)
        with warnings.catch_warnings():  # of samplers that are experimental
            warnings.simplefilter("ignore")
            self.optuna.tell(trial.number, value, state=state)

    def _value_of(self, run: Run) -> tuple[float | None, str]:
        """Return the value of a trial that is done, or why it has none."""
        record = run.manifest()
        assert record.training is not None, "it was trained"
        value = record.training.kept(self.plan.metric.name)
        if value is None:
            last = record.training.history[-1] if record.training.history else {}
            logged = ", ".join(name for name in last if name.startswith("val_")) or "nothing of validation data"
            return None, f"The run does not log `{self.plan.metric.name}`; it logs {logged}."
        if not math.isfinite(value):
            return None, f"Its `{self.plan.metric.name}` is {value}, which is no finite number."
        return value, ""

    def _of_other_data(self, run: Run) -> str:
        """Return that a run is of other data than the trials before, where it is; the first one decides."""
        now = dict(run.manifest().data.fingerprint)
        then = self.optuna.user_attrs.get(_DATA)
        if then is None:
            self.optuna.set_user_attr(_DATA, now)
            return ""
        other = [split for split in dict.fromkeys([*then, *now]) if then.get(split) != now.get(split)]
        if not other:
            return ""
        return (
            f"Its data is not that of the trials before (the {', '.join(other)} split differs), so its value cannot be "
            "compared with theirs. Give the data its content back, or begin another study with --study NAME."
        )

    def _new(self, number: int) -> Trial | None:
        """Ask for a new trial; return None where its settings do not fit together, which is recorded."""
        self.optuna.sampler = self.plan.sampler(number)
        with warnings.catch_warnings():  # of samplers that are experimental
            warnings.simplefilter("ignore")
            trial = self.optuna.ask({axis.key: axis.distribution() for axis in self.plan.axes})
        trial.set_user_attr(_HOST, platform.node())
        trial.set_user_attr(_FOLDER, str(self.folder.path.resolve()))
        claim = self.folder.claim(_name(trial))
        assert claim is not None, "nobody else can know of it"
        return self._begun(trial, claim)

    def _begun(self, trial: Any, claim: Claim, run: Run | None = None) -> Trial | None:
        """Return a trial with what is to be trained; None where its settings do not fit together, which is recorded."""
        try:
            job = self._job(trial.number, trial._trial_id, trial.params)  # noqa: SLF001 - what a trial is found by again
        except UsageError as error:
            self._told(trial, "failed", None, str(error))
            claim.release()
            return None
        return Trial(trial.number, trial, job, claim, run)

    def _taken_up(self, trial: Any, claim: Claim) -> Trial | None:
        """Return a trial whose process has ended, to go on with; None where it came to its end, or is still held."""
        whole = all(axis.key in trial.params for axis in self.plan.axes)
        if not whole:  # killed between two words to the storage
            self._told(trial, "failed", None, "The process ended before the trial had its settings.")
            claim.release()
            return None
        run = self._run_of(trial.number)
        record = None if run is None else run.manifest()
        status = "" if run is None else run.status(record)
        if run is not None and status == "running":
            if not released(run.path, _PATIENCE):
                claim.release()
                return None
            record = run.manifest()
            status = run.status(record)
        if run is not None and record is not None and status in ("done", "pruned", "failed"):
            self._told(trial, status, run, record.error if status == "failed" else "")
            claim.release()
            return None
        goes_on = run if run is not None and run.state.path.is_dir() else None
        return self._begun(trial, claim, goes_on)

    def _job(self, number: int, identity: int, values: dict[str, Any]) -> Job:
        config = self.plan.settings(values, origin=f"trial {number} of the study {self.folder.name}")
        quiet = RunConfig({**config.values, "report": False}, {**config.origins, "report": "study"})
        arguments = {
            "storage": self.storage,
            "study": self.folder.name,
            "trial": identity,
            "metric": self.plan.metric.name,
            "pruner": self.plan.asked.pruner,
            "epochs": config.train.epochs,
            "longest": self.plan.default.train.epochs,
        }
        more = {
            "part_of": self._part(number),
            "ask": {"target": "kzoo.tuning.pruning:asked_after_epochs", "arguments": arguments},
        }
        return Job(f"trial {number}", config.seed, quiet, more)

    def _part(self, number: int) -> dict[str, Any]:
        return {"study": self.folder.name, "id": self.identity, "trial": number}

    def _run_of(self, number: int) -> Run | None:
        """Return the newest run of a trial."""
        part = self._part(number)
        for run in reversed(list_runs(self.root, self.plan.pipeline)):
            try:
                if dict(run.manifest().part_of) == part:
                    return run
            except KzooError as error:
                self.notes.append(f"The run {run.path} is passed over: {error}")
        return None

    def _from_here(self, trial: Any) -> bool:
        """Return whether a trial is of this machine and this folder, so that its run can be gone on with here."""
        told = trial.user_attrs
        if self.storage == address_in(self.folder):  # which goes with the folder, wherever that is moved to
            return True
        return (told.get(_HOST), told.get(_FOLDER)) == (platform.node(), str(self.folder.path.resolve()))

    def _note(self, trial: Any, key: str, value: str) -> None:
        identity = trial._trial_id  # noqa: SLF001 - what a trial is found by again
        self.optuna._storage.set_trial_user_attr(identity, key, value)  # noqa: SLF001 - of a trial that another process began


def open_study(plan: Plan, folder: StudyFolder, root: Path) -> Study:
    """Return the study of a plan, which is begun where it is new.

    Raises:
        UsageError: There is one of this name that searches or trains something else.
        KzooError: The storage cannot be opened.
    """
    optuna = load_optuna()
    address = plan.asked.database or address_in(folder)
    direction = "minimize" if plan.metric.direction == "min" else "maximize"
    with folder.alone(), using(address):
        opened = optuna.create_study(
            storage=open_storage(address),
            study_name=folder.name,
            direction=direction,
            load_if_exists=True,
            sampler=plan.sampler(0),
            pruner=pruner_of(plan.asked.pruner, epochs=plan.default.train.epochs),
        )
        stored = opened.user_attrs.get(_PLAN)
        if stored is None:
            if opened.get_trials(deepcopy=False):
                message = (
                    f"The study `{folder.name}` in {shown(address)} was not begun by kzoo, which would not know what "
                    "its trials mean. Give another name with --study."
                )
                raise KzooError(message)
            opened.set_user_attr(_IDENTITY, uuid.uuid4().hex)
            _begin_with_default(plan, opened)
            opened.set_user_attr(_PLAN, plan.fixed)
        elif stored != plan.fixed:
            raise _other_plan(folder, json.loads(stored), json.loads(plan.fixed))
    until = None if plan.budget is None else time.monotonic() + plan.budget
    return Study(plan, folder, root, address, opened, opened.user_attrs[_IDENTITY], until)


def _begin_with_default(plan: Plan, opened: Any) -> None:
    """Have the first trial be that of the default settings, where they are in the space."""
    values = plan.default_values()
    if values is not None and not plan.asked.sampler.startswith("grid"):
        opened.enqueue_trial(values)


def _other_plan(folder: StudyFolder, then: dict[str, Any], now: dict[str, Any]) -> KzooError:
    """Return the error of a study of this name that is another one, with what differs."""
    found = []
    for key in dict.fromkeys([*then["space"], *now["space"]]):
        one, other = then["space"].get(key), now["space"].get(key)
        if one != other:
            found.append(f"its search is `{one or f'no {key}'}`, now `{other or f'no {key}'}`")
    if then["metric"] != now["metric"]:
        found.append(f"its metric is `{then['metric']}`, now `{now['metric']}`")
    settings = [json.loads(one["settings"]) for one in (then, now)]
    for key in dict.fromkeys([*settings[0], *settings[1]]):
        one, other = settings[0].get(key), settings[1].get(key)
        if one != other:
            found.append(f"its `{key}` is {one!r}, now {other!r}")
    message = (
        f"The study `{folder.name}` is another one, and what its trials reached says nothing here: {'; '.join(found)}. "
        "Give this one another name with --study NAME, or leave --study out."
    )
    return UsageError(message)


def _name(trial: Any) -> str:
    return f"trial-{trial.number}"
