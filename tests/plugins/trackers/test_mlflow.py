"""What MLflow itself reads of the runs that kzoo hands on to it."""

import json
import math
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mlflow", reason="the tracker `mlflow` needs the extra of that name")

from kzoo.errors import KzooError
from kzoo.testing import check_tracker
from kzoo.testing.tracked import EPOCHS, RESULTS, in_a_folder, track
from kzoo_plugins.trackers.mlflow import MLflow, _name
from kzoo_plugins.trackers.mlflow_place import kept, place_to_go_on

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def place():
    """Two runs in a working folder with an empty database, which takes seconds to make."""
    with in_a_folder(2) as found:
        MLflow().start(found[0].manifest())
        yield found


def client():
    import mlflow

    return mlflow.MlflowClient(f"sqlite:///{Path('mlflow.db').absolute().as_posix()}")


def id_of(kept):
    return json.loads(kept)["run"]


def history(kept, name):
    return [(metric.step, metric.value) for metric in client().get_metric_history(id_of(kept), name)]


def test_a_whole_run(place):
    run = place[0]
    found = track(MLflow(), run)
    stored = client().get_run(id_of(found))
    assert stored.info.status == "FINISHED"
    assert stored.info.run_name == f"made_up/{run.folder.name}"
    assert client().get_experiment(stored.info.experiment_id).name == "made_up"
    params = stored.data.params
    assert params["train.batch_size"] == "8"
    assert params["optimizer.learning_rate.initial_learning_rate"] == "0.1"
    assert history(found, "val_loss") == [(at, values["val_loss"]) for at, values in enumerate(EPOCHS, 1)]
    assert history(found, "test/loss") == [(3, RESULTS["loss"])]
    files = {file.path for file in client().list_artifacts(id_of(found))}
    assert files == {"config.toml", "metrics.csv", "model.keras", "plots", "report.html", "run.json"}
    assert Path(stored.info.artifact_uri).is_relative_to(Path("mlruns").absolute())
    assert [file.path for file in client().list_artifacts(id_of(found), "plots")] == ["plots/curves.png"]


def test_a_run_that_was_killed_is_told_of_nothing_twice(place):
    run = place[1]
    killed = MLflow()
    found = killed.start(run.manifest())
    for step in (1, 2):
        killed.log(step, EPOCHS[step - 1])
    tracker = MLflow(models=False)
    assert tracker.start(run.manifest({"id": found, "step": 1})) == found
    assert tracker.logged == 2
    assert client().get_run(id_of(found)).info.status == "RUNNING"
    tracker.log(3, EPOCHS[2])
    for path in run.files:
        tracker.artifact(path)
    tracker.finish("interrupted", RESULTS)
    assert client().get_run(id_of(found)).info.status == "KILLED"
    again = MLflow()
    again.start(run.manifest({"id": found, "step": 3}))
    assert again.logged == 3
    again.finish("done", RESULTS)  # the report alone was missing
    assert history(found, "loss") == [(at, values["loss"]) for at, values in enumerate(EPOCHS, 1)]
    assert history(found, "test/accuracy") == [(3, RESULTS["accuracy"])]
    assert "model.keras" not in {file.path for file in client().list_artifacts(id_of(found))}


def test_a_run_goes_on_from_another_folder(place, tmp_path, monkeypatch):
    run, begun, relative = place[0], Path.cwd(), MLflow("sqlite:///mlflow.db")
    found, other = MLflow(experiment="moved").start(run.manifest()), relative.start(run.manifest())
    monkeypatch.chdir(tmp_path)
    for tracker, text in ((MLflow(), found), (MLflow("sqlite:///mlflow.db"), other)):
        assert tracker.start(run.manifest({"id": text, "step": 0})) == text
        tracker.log(1, EPOCHS[0])
        tracker.finish("done", {})
    with pytest.raises(KzooError, match=r"is in .*elsewhere\.db, which is not there"):
        MLflow("sqlite:///elsewhere.db").start(run.manifest({"id": found, "step": 0}))
    with pytest.raises(KzooError, match=r"is in .*mlflow\.db, which is not there"):
        MLflow().start(run.manifest({"id": id_of(found), "step": 0}))  # as runs were kept that have the id alone
    assert list(tmp_path.iterdir()) == []
    monkeypatch.chdir(begun)
    assert history(found, "loss") == history(other, "loss") == [(1, EPOCHS[0]["loss"])]
    moved = tmp_path / "moved.db"  # the argument says where it is now
    moved.write_bytes(Path("mlflow.db").read_bytes())
    again = MLflow(f"sqlite:///{moved.as_posix()}")
    assert json.loads(again.start(run.manifest({"id": found, "step": 1})))["uri"].endswith("/moved.db")
    assert again.logged == 1


def test_a_password_is_not_kept_and_a_moved_project_is_found(tmp_path, monkeypatch):
    assert json.loads(kept("1", "https://me:secret@host", "")) == {"run": "1"}
    assert json.loads(kept("1", "https://host", ""))["uri"] == "https://host"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlflow.db").touch()
    run, uri = place_to_go_on(kept("1", "sqlite:////not/there/mlflow.db", ""), "")
    assert (run, uri) == ("1", f"sqlite:///{(tmp_path / 'mlflow.db').as_posix()}")


BEGIN = """
import json, sys
from mlflow import MlflowClient  # takes long, and not equally long
from kzoo_plugins.trackers.mlflow import MLflow
print("ready", flush=True)
print(MLflow().start(json.loads(sys.stdin.readline())))
"""


def test_two_runs_begin_at_once_where_there_is_no_database():
    with in_a_folder(2) as runs:
        command, pipes = [sys.executable, "-c", BEGIN], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        both = [subprocess.Popen(command, text=True, **pipes) for _ in runs]
        for one in both:
            assert one.stdout.readline() == "ready\n"
        for one, run in zip(both, runs, strict=True):
            one.stdin.write(json.dumps(run.manifest()) + "\n")
            one.stdin.flush()
        ids = {id_of(one.communicate(timeout=120)[0]) for one in both}
        (experiment,) = (one for one in client().search_experiments() if one.name == "made_up")
        assert {run.info.run_id for run in client().search_runs([experiment.experiment_id])} == ids


def test_numbers_that_are_none(place):
    tracker = MLflow(experiment="odd")
    found = tracker.start(place[0].manifest())
    tracker.log(1, {"loss": math.nan, "F1 (macro), %": 50.0})
    tracker.finish("failed", {})
    assert math.isnan(history(found, "loss")[0][1])
    assert history(found, "F1 _macro__ _") == [(1, 50.0)]
    assert client().get_run(id_of(found)).info.status == "FAILED"


@pytest.mark.parametrize(
    ("name", "stored"), [("a//b/../c", "a/b/c"), ("/", "_"), ("", "_"), ("x" * 300, "x" * 250), ("é:1", "é:1")]
)
def test_names(name, stored):
    assert _name(name) == stored


def test_the_kit_finds_nothing(place):
    uri = f"sqlite:///{Path('mlflow.db').absolute().as_posix()}"  # each check has a working folder of its own
    report = check_tracker(lambda: MLflow(uri))
    report.raise_if_failed()
    assert not report.skipped


@pytest.mark.parametrize("uri", ["ftp://x", "localhost:5000", "mlflow.db", "file:///tmp/runs", "sqlitex:///a", "C:/a"])
def test_an_address_that_mlflow_has_no_store_for_is_refused_at_once(uri, monkeypatch):
    with pytest.raises(KzooError, match=r"cannot write to what `uri` says: .* no store of that kind"):
        MLflow(uri)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(KzooError, match="the variable MLFLOW_TRACKING_URI says"):
        MLflow()
    assert MLflow("https://host").uri == "https://host"


def test_every_store_that_mlflow_has_is_taken(monkeypatch):
    from mlflow.tracking._tracking_service.utils import _tracking_store_registry

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    for scheme in _tracking_store_registry._registry:
        MLflow(f"{scheme}://x" if scheme else "./mlruns")
    for uri in ("databricks", "postgresql+psycopg2://host/db", "C:/a"):
        MLflow(uri)


def test_without_mlflow_it_says_what_to_install(monkeypatch):
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        KzooError, match=r'needs MLflow, which is not installed. Install it with `pip install "kzoo\[mlf'
    ):
        MLflow()
