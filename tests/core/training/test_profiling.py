"""Where the time of a run goes: looked at without changing what comes of it."""

import json
import re
from pathlib import Path

import pytest
import tensorflow as tf

from kzoo.errors import UsageError
from kzoo.training.profiled_steps import Profiler
from kzoo.training.profiling import Profile
from kzoo.training.trainer import Trainer

OPTIONS = {"data.limit": 256, "train.batch_size": 8, "train.epochs": 2, "train.save_every": 0, "report": "false"}


def test_a_profiled_run_comes_to_the_same_and_tells_where_its_time_went(tmp_path, kzoo):
    asked = [
        "run",
        "regression",
        "-r",
        "quick",
        "-d",
        "sample",
        *(f"-o{key}={value}" for key, value in OPTIONS.items()),
    ]
    code, out, _ = kzoo(*asked, "--out", str(tmp_path / "plain"), "--json")
    plain = Path(json.loads(out)["run"])
    assert (code, (plain / "profile").exists()) == (0, False)
    code, out, err = kzoo(*asked, "--out", str(tmp_path), "--profile")
    assert code == 0, err
    [run] = (tmp_path / "regression").iterdir()
    records = [json.loads((one / "run.json").read_text("utf-8"))["training"] for one in (plain, run)]
    assert records[0]["final_weights"] == records[1]["final_weights"]
    assert records[0]["epoch_weights"] == records[1]["epoch_weights"]

    told = json.loads((run / "profile" / "profile.json").read_text("utf-8"))
    parts = {row["part"]: row for row in told["parts"]}
    assert told["steps"] == records[1]["steps"] == 2 * 256 / 8
    assert (
        parts["forward and backward"]["times"] == parts["waiting for data"]["times"] == 3
    )  # of 16 steps, and the first
    assert parts["validation"]["times"] == 2
    assert {"load data", "build model", "callbacks", "tracing the steps", "waiting for data", "save", "test"} <= set(
        parts
    )
    assert sum(row["share"] for row in told["parts"]) == pytest.approx(1)
    assert all(row["seconds"] >= -1e-9 for row in told["parts"])
    events = json.loads((run / "profile" / "trace.json").read_text("utf-8"))["traceEvents"]
    steps = [event for event in events if event["name"] == "forward and backward"]
    assert len(steps) == parts["forward and backward"]["times"]
    both = parts["forward and backward"]["seconds"] + parts["waiting for data"]["seconds"]
    assert sum(event["dur"] for event in steps) / 1e6 == pytest.approx(both)
    assert len(list((run / "profile" / "plugins" / "profile").glob("*/*.xplane.pb"))) == 1
    assert "forward and backward" in out
    assert "the training waited" in err


def test_a_part_is_without_those_inside_of_it(monkeypatch):
    now = iter([0.0, 1.0, 3.0, 10.0, 12.0])  # the outer one begins, the inner one; that ends, the outer one; a lap
    monkeypatch.setattr("kzoo.training.profiling.time.perf_counter", lambda: next(now))
    profile = Profile()
    with profile.span("outer"), profile.span("inner"):
        pass
    profile.lap("all", 13.5)
    assert profile.seconds == {"inner": 2.0, "outer": 8.0, "all": 3.5}


def test_replicas_are_not_profiled(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    with pytest.raises(UsageError, match="on one device, in compiled steps"):
        Trainer(model, strategy=tf.distribute.get_strategy(), profiler=Profiler(Profile(), tmp_path))


@pytest.mark.parametrize(
    ("seconds", "says"),
    [
        ({"waiting for data": 1.0, "forward and backward": 3.0}, "waited 25.0% for data. Data that is read from files"),
        ({"waiting for data": 0.01, "forward and backward": 0.99}, "waited 1.0% for data."),
        ({"waiting for the first data": 0.25}, "waited 0.25 s for its first data.*there were none: train longer"),
        ({"load data": 2.0}, "^$"),
    ],
)
def test_the_share_of_waiting_is_told_or_why_it_is_not(seconds, says):
    assert re.search(says, " ".join(Profile(seconds=seconds).notes()))
