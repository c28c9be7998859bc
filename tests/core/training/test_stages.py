"""What the record of a run says of a stop and of a fault, wherever it comes: what is true."""

import os
import pkgutil
import signal

import numpy as np
import pytest

from kzoo.cli import main
from kzoo.runs.folder import list_runs

ARGUMENTS = ["run", "tiny", "--data", "sample", "-e", "2", "-o", "report=true"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, plugins):
    monkeypatch.chdir(tmp_path)
    plugins("failing")
    return tmp_path


def always(*args):
    return True


class InAGraph:
    """The n-th call inside of a graph: the first is where variables are made, the second where the step is traced."""

    def __init__(self, number):
        self.left = number

    def __call__(self, *args):
        import tensorflow as tf

        self.left -= tf.inside_function()
        return self.left == 0


def of_the_test(trainer, batches, called=None):
    return called is None


def of_the_final_model(model, path, card):
    return path.name == "model.keras"


BUILD, SAMPLE = "kzoo_failing.pipelines.Tiny.build", "kzoo_failing.pipelines.sample"
LOSS, SAVE = "keras.losses.CategoricalCrossentropy.call", "kzoo.models.saving.save_model"
UNTESTED = "when it was trained, before it was tested: `kzoo evaluate"
NO_REPORT = "when all was done but the report: `kzoo report"


# Where SIGTERM comes; status, stages and steps of the record, if there is one; what is said.
@pytest.mark.long_but_first
@pytest.mark.parametrize(
    ("target", "when", "status", "completed", "steps", "said"),
    [
        (BUILD, always, None, None, None, "interrupted"),
        ("kzoo.training.trainer.Trainer.evaluate", of_the_test, "interrupted", ["trained", "saved"], 4, UNTESTED),
        ("kzoo.report.write_report", always, "done", ["trained", "saved", "evaluated"], 4, NO_REPORT),
        (SAMPLE, always, None, None, None, "interrupted"),
        ("kzoo.training.run.create_run", always, "interrupted", [], 0, "interrupted"),
        (LOSS, InAGraph(1), "interrupted", [], 0, "interrupted"),
        (LOSS, InAGraph(2), "interrupted", ["saved"], 0, "Stopped by SIGTERM after 0 steps"),
        (SAVE, of_the_final_model, "interrupted", ["trained", "saved"], 4, UNTESTED),
        ("kzoo.training.callbacks.LogFile.on_epoch_end", always, "interrupted", ["saved"], 2, "after 2 steps"),
    ],
)
def test_a_stop_is_heard_and_the_record_is_true(
    target, when, status, completed, steps, said, capsys, monkeypatch, folder
):
    function, once = pkgutil.resolve_name(target), iter([True])

    def stopped(*args, **kwargs):
        if when(*args) and next(once, False):
            os.kill(os.getpid(), signal.SIGTERM)
        return function(*args, **kwargs)

    monkeypatch.setattr(target, stopped)
    assert main(ARGUMENTS) == 130
    assert said in capsys.readouterr().err
    runs = list_runs(folder / "runs")
    assert len(runs) == (status is not None)
    for run in runs:
        manifest = run.manifest()
        assert (manifest.status, manifest.completed, manifest.signal) == (status, completed, "SIGTERM")
        assert (manifest.training.steps if manifest.training else 0) == steps
        assert (run.path / "metrics.csv").exists() == bool(steps)
        assert run.epochs() == f"{steps // 2}/2"
        assert run.model_path.exists() == ("saved" in completed)
        assert bool(manifest.test_results) == ("evaluated" in completed)
        assert [path.name for path in run.path.glob(".*")] == [".training.lock"]


@pytest.mark.long
def test_a_run_that_lacks_only_its_report_is_resumed_to_it(folder, capsys, monkeypatch):
    def stopped(*given):
        os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr("kzoo.report.write_report", stopped)
        assert main(ARGUMENTS) == 130
    (run,) = list_runs(folder / "runs")
    before = run.manifest()
    assert main(["run", "--resume", "last"]) == 0
    after = run.manifest()
    assert (after.status, after.completed) == ("done", ["trained", "saved", "evaluated", "reported"])
    assert (after.training.final_weights, after.results) == (before.training.final_weights, before.results)
    assert (run.path / "report.html").exists()
    assert not (run.path / "state").exists()
    capsys.readouterr()
    assert main(["run", "--resume", "last"]) == 2
    assert "is done" in capsys.readouterr().err


def test_a_run_that_comes_to_its_end_says_all_of_it(folder):
    assert main(ARGUMENTS) == 0
    (run,) = list_runs(folder / "runs")
    assert (run.manifest().status, run.manifest().completed) == ("done", ["trained", "saved", "evaluated", "reported"])


@pytest.mark.long
@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_loss_that_is_no_number_on_other_data_fails_and_keeps_the_best_model(part, folder, capsys, monkeypatch):
    from kzoo_failing import pipelines

    from kzoo.data.splits import ArraySplit, Dataset

    def sample(settings):
        y = np.arange(16) % 3
        x = np.eye(3, dtype="float32")[y]
        whole, broken = ArraySplit(x, y), ArraySplit(x * np.float32("nan"), y)
        parts = {"validation": whole, "test": whole, part: broken}
        return Dataset(train=whole, class_names=("a", "b", "c"), description="16 points", **parts)

    monkeypatch.setattr(pipelines, "sample", sample)
    assert main(ARGUMENTS) == 1
    err = capsys.readouterr().err
    (run,) = list_runs(folder / "runs")
    assert run.manifest().status == "failed"
    if part == "validation":
        assert "The loss of the validation data is not a finite number in epoch 1." in err
        assert not run.best_path.exists()
        assert run.manifest().completed == []
    else:
        assert "The loss of the test data is nan, no finite number" in err
        assert f"The best model so far is {run.best_path.relative_to(folder)}." in err
        assert run.manifest().completed == ["trained", "saved"]
