"""A cluster of Ray in earnest, on this machine: workers that die, that are stopped, and what is left when it has ended.

What the workers do is made up here, so that none of them imports TensorFlow; benchmarks/many_machines.py trains.
"""

import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from watchers import Watcher

from kzoo.cluster.connecting import connected
from kzoo.cluster.machines import check_machines, machines_of
from kzoo.cluster.places import Place
from kzoo.comparing import on_ray as runs_on_ray
from kzoo.comparing.grid import Job
from kzoo.comparing.processes import Order, train_all
from kzoo.errors import KzooError
from kzoo.inference import on_ray as images_on_ray
from kzoo.inference.predicting import Predicting
from kzoo.runs.config import RunConfig

pytest.importorskip("ray")
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def cluster():
    with connected("ray", processors=2) as one:
        assert one.own
        yield one
    assert not left()


def left():
    """Return the processes of Ray that this one has begun, and the folders of clusters."""
    shown = subprocess.run(["ps", "-eo", "args"], check=True, capture_output=True, text=True).stdout.splitlines()
    folders = [path.name for path in Path(tempfile.gettempdir()).glob("kzoo-ray-*")]
    return [line for line in shown if any(name in line for name in folders)]


def made_up():
    """Return a function that stands for training; made in here, it is sent to workers as it is."""

    def train_remotely(task, name, told):
        import os
        import signal
        import time

        what = task["values"]["what"]
        run = task["resume"] or f"{task['out']}/{what}"
        stops = []
        if what == "wait":  # as a training has it: what Ray raises inside of a call of its own is lost
            signal.signal(signal.SIGINT, lambda *_: stops.append(True))
        told.put((name, {"event": "begun", "run": run}))
        told.put((name, {"event": "epoch", "epoch": 1, "epochs": 2, "logs": {"pid": os.getpid()}}))
        if what == "die" and not task["resume"]:
            time.sleep(1)  # until what was told has been sent
            os.kill(os.getpid(), signal.SIGKILL)
        if what == "wait":
            while not stops:
                time.sleep(0.05)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            return {"event": "stopped"}
        if what == "fail":
            raise ValueError(what)
        return {"event": "done", "run": run}

    return train_remotely


@pytest.fixture
def train(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(runs_on_ray, "train_remotely", made_up())

    def call(*what, stop_at=None):
        jobs = [Job(one, 0, RunConfig({"what": one})) for one in what]
        watcher = Watcher(stop_at)
        order = Order(jobs, {}, tmp_path, Place(jobs=2, on="ray"), None)
        return train_all(order, watcher), watcher.said

    return call


def test_a_worker_that_is_killed_takes_no_run_with_it(train, tmp_path):
    found, said = train("die", "a", "fail", "b")
    assert {job.cell: run.path for job, run in found.runs.items()} == {one: tmp_path / one for one in ("die", "a", "b")}
    assert "ValueError" in next(iter(found.failures.values()))
    assert said.count("die began") == 2
    assert any("goes on from its state elsewhere: its process died" in one for one in said)


def test_a_stop_reaches_the_workers(train):
    found, said = train("wait", "a", "a-too", "b", stop_at="wait")
    assert found.stopped
    assert "wait stopped" in said
    assert "wait done" not in said


def test_what_a_machine_lacks_is_said(cluster, tmp_path):
    [machine] = machines_of(cluster)
    check_machines(cluster, [machine], there=tmp_path)
    with pytest.raises(KzooError, match="lacks it"):
        check_machines(cluster, [machine], there=tmp_path / "nothing", lacking="lacks it.")


def test_images_go_through_ray_data(cluster, tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    class Worker:
        def __init__(self, given):
            self.top = given["top"]

        def __call__(self, batch):
            return batch.append_column("error", pa.array([None] * len(batch), pa.string()))

    monkeypatch.setattr(images_on_ray, "Worker", Worker)
    source = images_on_ray.ImageSource([tmp_path / f"{number}.png" for number in range(5000)])
    asked = Predicting(SimpleNamespace(name="made up"), None)
    for form in ("parquet", "jsonl"):
        to = tmp_path / f"out.{form}"
        wanted = images_on_ray.Wanted(to=to, place=Place(jobs=2, on="ray"), top=1, settings={})
        found = images_on_ray.predict_on_ray(asked, [source], wanted)
        assert (found.images, found.failed, found.before) == (5000, 0, 0)
        assert images_on_ray._rows(to) == 5000
    table = pq.read_table(tmp_path / "out.parquet").sort_by("input")
    assert table.column("image").to_pylist() == [str(path) for path in source.paths]
    assert not list(tmp_path.glob(".out*"))
