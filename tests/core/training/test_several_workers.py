"""Two processes train one model as one does, and a training that lost one of them goes on."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import kzoo
from kzoo.engine.cluster import config_of
from kzoo.runs.folder import find_run, list_runs
from kzoo.runs.manifest import DataRecord, Manifest
from kzoo.training.resuming import other_surroundings

EPOCHS = 60
SCRIPT = Path(__file__).with_name("several_workers.py")


def in_two_processes(folder):
    """Return what the chief of the script prints, in double precision."""
    (folder / "keras.json").write_text('{"floatx": "float64"}')
    with socket.socket() as one, socket.socket() as other:
        one.bind(("localhost", 0))
        other.bind(("localhost", 0))
        addresses = [f"localhost:{each.getsockname()[1]}" for each in (one, other)]
    settings = {**os.environ, "KERAS_HOME": str(folder), "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
    workers = [
        subprocess.Popen(
            [sys.executable, SCRIPT],
            env={**settings, "TF_CONFIG": config_of(addresses, index)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in (0, 1)
    ]
    try:
        out, err = workers[0].communicate()
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()
    assert workers[0].returncode == 0, err
    return json.loads(out.splitlines()[-1])


@pytest.mark.long
def test_two_processes_are_one(tmp_path):
    found = in_two_processes(tmp_path)
    for case, (weights, logs) in found["apart"].items():
        assert max(weights, logs) < 1e-8, case
    said = found["said"]
    assert "not Keras's are `centred` (Centred)" in said["centred"]
    assert "`active` (Dense) has an `activity_regularizer`" in said["activity"]
    assert "`OwnStep` has a `train_step` of its own" in said["own step"]


def begun(folder):
    """Return the process of a training of two workers that has gone through some epochs."""
    command = [sys.executable, "-P", "-m", "kzoo", "run", "regression", "--recipe", "quick", "--limit", "60"]
    process = subprocess.Popen(
        [*command, "--out", str(folder), "-o", "report=false", "--epochs", str(EPOCHS), "--workers", "2"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    for line in process.stderr:
        if line.startswith(f"epoch 3/{EPOCHS}"):
            break
    return process


def children(process):
    """Return the processes that one has started, the first one first."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=True)
    return sorted(int(number) for number in found.stdout.split())


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks ps for the children of a process")
def test_a_killed_worker_ends_all_and_one_process_goes_on(tmp_path):
    process = begun(tmp_path / "runs")
    os.kill(children(process)[1], signal.SIGKILL)
    _, said = process.communicate()
    run = find_run("last", tmp_path / "runs")
    assert process.returncode == 1
    assert "error: This training of 2 workers cannot go on: worker 1 was ended by SIGKILL" in said
    assert f"`kzoo run --resume {run.path} --workers 2` goes on with it" in said
    assert said.count("error: ") == 1
    record = run.manifest()
    assert (record.status, record.environment["workers"]) == ("failed", 2)
    assert [one.path for one in list_runs(tmp_path / "runs")] == [run.path]

    result = kzoo.run(resume=run.path, verbose=0)
    alone = kzoo.run(config=run.config_path, out=tmp_path / "alone", verbose=0)
    assert result.run.manifest().resumed[-1]["epoch"] > 0
    assert len(result.history) == len(alone.history) == EPOCHS
    for one, other in zip(result.history, alone.history, strict=True):
        assert one == pytest.approx(other, rel=1e-3)


def test_another_number_of_workers_is_told_and_no_hindrance():
    one = Manifest(data=DataRecord(), environment={"threads": {"intra_op": 0}})
    two = replace(one, environment={"threads": {"intra_op": 1}, "workers": 2})
    assert list(other_surroundings(two, one)) == ["the number of workers: 2 then, 1 now"]
    assert list(other_surroundings(one, one)) == list(other_surroundings(two, two)) == []
    more = replace(two, environment={"threads": {"intra_op": 2}, "workers": 2})
    assert list(other_surroundings(two, more)) == ["the number of threads intra_op: 1 then, 2 now"]
