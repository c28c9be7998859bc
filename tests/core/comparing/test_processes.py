"""Worker processes that train nothing: what becomes of the others when one fails, dies or is stopped."""

import textwrap

import pytest
from watchers import Watcher

from kzoo.cluster.places import Place
from kzoo.comparing import workers as workers_module
from kzoo.comparing.grid import Job
from kzoo.comparing.processes import Order, train_all
from kzoo.comparing.workers import threads_of
from kzoo.runs.config import RunConfig

WORKER = """
import json, os, signal, sys, time
for line in sys.stdin:
    task = json.loads(line)
    what = task["values"]["what"]
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    print(json.dumps({"event": "warning", "text": "the same of all"}), flush=True)
    size = {"memory": 10**15} if what == "large" else {}
    logs = {"threads": task["threads"]}
    print(json.dumps({"event": "epoch", "epoch": 1, "epochs": 2, "logs": logs, **size}), flush=True)
    if what == "wait":
        signal.pause()
    told = {"event": "failed", "reason": "no numbers"} if what == "fail" else {"event": "done", "run": "runs/" + what}
    print(json.dumps(told), flush=True)
"""


@pytest.fixture
def train(tmp_path, monkeypatch):
    (tmp_path / "made_up_worker.py").write_text(textwrap.dedent(WORKER), "utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(workers_module, "_MODULE", "made_up_worker")

    def call(*what, workers=1, stop_at=None):
        jobs = [Job(one, 0, RunConfig({"what": one})) for one in what]
        watcher = Watcher(stop_at, logs=True)
        return train_all(Order(jobs, {}, tmp_path, Place(jobs=workers), tmp_path / "log"), watcher), watcher.said

    return call


def test_one_that_dies_or_fails_takes_no_other_with_it(train):
    found, said = train("a", "die", "fail", "b")
    assert {job.cell: str(run.path) for job, run in found.runs.items()} == {"a": "runs/a", "b": "runs/b"}
    failures = {job.cell: why for job, why in found.failures.items()}
    assert failures["fail"] == "no numbers"
    assert "SIGKILL" in failures["die"]
    assert not found.stopped
    assert said.count("the same of all") == 1
    assert said[-1] == "b done"


def test_a_stop_is_handed_on(train):
    found, said = train("a", "wait", "b", stop_at="wait")
    assert found.stopped
    assert [job.cell for job in found.runs] == ["a"]
    assert not found.failures
    assert said[-1] == "wait stopped"
    assert "b began" not in said


def test_workers_share_the_processors(train, monkeypatch):
    monkeypatch.setattr("kzoo.processor.usable_processors", lambda: 5)
    assert [threads_of(workers) for workers in (1, 2, 3, 8)] == [0, 2, 1, 1]
    found, said = train("a", "b", workers=2)
    assert len(found.runs) == 2
    assert "a 1/2 {'threads': 2}" in said


def test_no_more_are_begun_than_the_memory_holds(train):
    found, said = train("large", "a", "b", workers=2)
    assert len(found.runs) == 3
    assert sum("1000000.0 GB of memory" in one and "1 of them is trained at a time, not 2" in one for one in said) == 1
    assert said.index("b began") > said.index("a done") or said.index("b began") > said.index("large done")
