"""Runs as tasks of a cluster that is made up: what becomes of one whose worker dies, fails or is stopped."""

import contextlib
from collections import deque

import pytest
from watchers import Watcher

from kzoo.cluster.connecting import Cluster
from kzoo.cluster.machines import Share
from kzoo.cluster.places import Place
from kzoo.comparing import on_ray, processes
from kzoo.comparing.grid import Job
from kzoo.comparing.on_ray import RayExecutor
from kzoo.comparing.processes import Order, train_all
from kzoo.comparing.single import train_at
from kzoo.engine.listener import Silent
from kzoo.errors import KzooError
from kzoo.runs.config import RunConfig

GONE = "The head is gone."
FAULT = "ZeroDivisionError: division by zero"


class Errors:
    class RayError(Exception):
        pass

    class RayTaskError(RayError):
        pass

    class TaskCancelledError(RayError):
        pass

    class WorkerCrashedError(RayError):
        pass


class MadeUpRay:
    """Has the calls of Ray that an executor makes; a task ends as the ``what`` of its run says, at the first look."""

    exceptions = Errors

    def __init__(self):
        self.tasks, self.asked, self.cancelled, self.told = {}, [], set(), deque()
        self.lost_at, self.deaf = None, 0

    def remote(self, function):
        assert function.__name__ == "train_remotely"
        return self

    def options(self, **options):
        self.options_given = options
        self.submit, self.remote = self._submit, self._submit
        return self

    def _submit(self, task, name, queue):
        assert queue is self
        reference = f"task {len(self.asked)}"
        self.tasks[reference] = (task, name)
        self.asked.append(task)
        if task["resume"] is None:
            self.told.append((name, {"event": "begun", "run": f"runs/{task['values']['what']}"}))
        self.told.append((name, {"event": "epoch", "epoch": 1, "epochs": 2, "logs": {}}))
        return reference

    def wait(self, references, timeout):
        assert references
        if self.lost_at is not None and len(self.asked) >= self.lost_at:
            raise self.exceptions.RayError(GONE)
        ended = [one for one in references if one in self.cancelled or not self._what(one).startswith("wait")]
        return ended, [one for one in references if one not in ended]

    def get(self, reference):
        what = self._what(reference)
        if reference in self.cancelled:
            raise self.exceptions.TaskCancelledError
        if what == "die" or (what == "die once" and self.tasks[reference][0]["resume"] is None):
            raise self.exceptions.WorkerCrashedError
        if what == "fault":
            raise self.exceptions.RayTaskError(FAULT)
        if what == "fail":
            return {"event": "failed", "reason": "The loss is NaN."}
        return {"event": "done", "run": f"runs/{what}"}

    def cancel(self, reference, force):
        if self.deaf:
            self.deaf -= 1  # as a call of Ray swallows what is raised inside of it
        else:
            self.cancelled.add(reference)

    # its queue
    def qsize(self):
        return len(self.told)

    def get_nowait_batch(self, size):
        return [self.told.popleft() for _ in range(size)]

    def shutdown(self, force):
        self.ended = force

    def _what(self, reference):
        return self.tasks[reference][0]["values"]["what"]


@pytest.fixture
def train(tmp_path, monkeypatch):
    ray = MadeUpRay()

    @contextlib.contextmanager
    def made_up(place, root, log):
        executor = RayExecutor(Cluster(ray, "ray", own=True), place.jobs, Share(2, 0.5), root, ray)
        try:
            yield executor
        finally:
            executor.end()

    monkeypatch.setattr(processes, "executor_at", made_up)

    def call(*what, jobs=1, stop_at=None):
        grid = [Job(one, 0, RunConfig({"what": one})) for one in what]
        watcher = Watcher(stop_at)
        return train_all(Order(grid, {}, tmp_path, Place(jobs=jobs, on="ray"), None), watcher), watcher.said

    call.ray = ray
    return call


def test_a_run_whose_worker_dies_goes_on_elsewhere_in_its_folder(train, tmp_path):
    found, said = train("a", "die once", "b", jobs=2)
    assert {job.cell: str(run.path) for job, run in found.runs.items()} == {
        "a": "runs/a",
        "die once": "runs/die once",
        "b": "runs/b",
    }
    assert not found.failures
    resumed = [task["resume"] for task in train.ray.asked if task["values"]["what"] == "die once"]
    assert resumed[0] is None
    assert resumed[1].endswith("runs/die once")
    assert any("lost its worker, and goes on from its state elsewhere: its process died" in one for one in said)
    assert said.count("die once began") == 2


def test_one_that_dies_always_or_fails_takes_no_other_with_it(train):
    found, said = train("die", "fail", "fault", "a")
    failures = {job.cell: why for job, why in found.failures.items()}
    assert "its process died (WorkerCrashedError)" in failures["die"]
    assert failures["fail"] == "The loss is NaN."
    assert "division by zero" in failures["fault"]
    assert said.count("die began") == 1 + RayExecutor.tries
    assert [job.cell for job in found.runs] == ["a"]


def test_a_stop_is_handed_on_to_those_that_run_and_nothing_else_begins(train):
    found, said = train("a", "wait", "wait too", "b", jobs=2, stop_at="wait")
    assert found.stopped
    assert not found.failures
    assert "wait stopped" in said
    assert "b began" not in said
    assert {"task 1"} <= train.ray.cancelled


def test_who_did_not_hear_of_a_stop_is_told_again(train, monkeypatch):
    monkeypatch.setattr(on_ray, "_AGAIN", 0.0)
    train.ray.deaf = 1
    found, said = train("wait", "b", jobs=1, stop_at="wait")
    assert found.stopped
    assert said[-1] == "wait stopped"


def test_each_run_asks_for_its_share_and_no_more_than_its_places_are_asked_for(train):
    train("a", "b")
    assert train.ray.options_given == {"max_retries": 0, "num_cpus": 2, "num_gpus": 0.5}
    [first, _] = train.ray.asked
    assert first["cpus"] == 2
    assert first["surroundings"]["flags"]["TF_FORCE_GPU_ALLOW_GROWTH"] == "true"
    assert train.ray.ended


def test_no_cluster_is_started_where_nothing_is_to_be_trained(train, monkeypatch):
    monkeypatch.setattr(processes, "executor_at", None)
    found, said = train()
    assert (found.runs, said) == ({}, [])


def test_a_cluster_that_is_lost_is_said_with_how_to_go_on(train):
    train.ray.lost_at = 2
    with pytest.raises(KzooError, match=r"The cluster `ray` was lost: The head is gone\..*the same command goes on"):
        train("a", "b", "c")


def test_a_single_run_that_fails_there_fails_here(train, tmp_path, monkeypatch):
    monkeypatch.setattr("kzoo.comparing.single.check_settings", lambda config: None)
    monkeypatch.setattr("kzoo.comparing.single.check_data", lambda config, place: None)
    config = RunConfig({"what": "fail", "loss": {"name": "emd"}, "seed": 3, "pipeline": "mnist"})
    with pytest.raises(KzooError, match=r"The loss is NaN\. The run is runs/fail\."):
        train_at(Place(jobs=1, on="ray"), config, root=tmp_path, listener=Silent())
    assert train.ray.asked[0]["resume_as"] == "exactly"


def test_what_an_earlier_command_left_in_a_store_is_fetched(train, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr("kzoo.comparing.single.check_settings", lambda config: None)
    monkeypatch.setattr("kzoo.comparing.single.check_data", lambda config, place: None)
    monkeypatch.setattr("kzoo.comparing.single.fetch_left", lambda url, root: [f"{url} mnist/old"])
    config = RunConfig({"what": "fail", "loss": {"name": "emd"}, "seed": 3, "pipeline": "mnist"})
    listener = Silent()
    monkeypatch.setattr(listener, "say", said.append, raising=False)
    with pytest.raises(KzooError, match="NaN"):
        train_at(Place(jobs=1, on="ray", store="s3://b"), config, root=tmp_path, listener=listener)
    assert any("s3://b mnist/old" in one for one in said)
