"""What is said of a run before it goes on: what it lacks, and what is not as it was."""

import json
import re
import threading
from dataclasses import replace

import keras
import pytest

from kzoo.engine.interrupt import Stopped
from kzoo.engine.listener import Silent
from kzoo.errors import KzooError, UsageError
from kzoo.runs.configure import configure
from kzoo.runs.folder import Run
from kzoo.runs.manifest import DataRecord, Manifest
from kzoo.runs.state import StateFolder
from kzoo.training.keeping import StateKeeper
from kzoo.training.resuming import Resume, differences, note_workers, run_to_resume, state_to_resume
from kzoo.training.state import Place

RECORD = Manifest(
    status="interrupted",
    pipeline="regression",
    argv=["kzoo", "run", "regression", "--epochs", "6"],
    plugins={"loss": {"name": "kzoo:huber", "version": "0.1.0"}},
    data=DataRecord(fingerprint={"train": "ab"}, sizes={"train": 9}),
)

NETWORK = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])


@pytest.fixture
def run(tmp_path):
    """Return a run of 6 epochs on ``houses.csv``."""
    folder = tmp_path / "runs" / "regression" / "20261130T000000Z-quick-huber-s0"
    folder.mkdir(parents=True)
    found = Run(folder)
    found.manifest_path.write_text(json.dumps(RECORD.to_dict()), "utf-8")
    config = configure("regression", recipe="quick", loss="huber", epochs=6, data="houses.csv")
    found.config_path.write_text(config.to_toml(), "utf-8")
    return found


def now(run, **settings):
    return configure(None, file=run.config_path, **settings)


def test_where_the_same_data_lies_does_not_count(run):
    moved = now(run, data="/elsewhere/houses.csv")
    assert differences(run, moved, RECORD) == []
    other = replace(RECORD, data=DataRecord(fingerprint={"train": "cd"}, sizes={"train": 9}))
    assert differences(run, moved, other) == [
        "the setting `data.source`: houses.csv then, /elsewhere/houses.csv now",
        "the data of the train split is not the same",
    ]


def test_fewer_epochs_are_a_difference_and_more_are_none(run):
    assert differences(run, now(run, epochs=4), RECORD) == ["the setting `train.epochs`: 6 then, 4 now"]
    assert differences(run, now(run, epochs=8), RECORD) == []


def test_another_number_of_workers_is_no_difference_and_is_said(run):
    two = replace(RECORD, environment={"workers": 2, "threads": {"intra_op": 1}})
    assert differences(run, now(run), two) == []
    assert note_workers(run, two).startswith("2 workers go on with what 1 began")
    assert note_workers(run, RECORD) == ""


def test_data_that_is_not_there_is_said_with_the_run(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=rf"The data of the run {run.path}, houses\.csv, is not there.*--data PATH"):
        state_to_resume(Resume(run), now(run), Silent())


def test_settings_of_another_file_or_recipe_are_refused(run):
    for named in ({"file": "other.toml"}, {"recipe": "default"}):
        with pytest.raises(UsageError, match=rf"the settings of that run, and .* {next(iter(named.values()))} names"):
            run_to_resume(str(run.path), run.path.parents[1], **named)


def test_a_file_where_the_states_should_be_is_no_run_without_a_state(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "houses.csv").touch()
    (run.path / "state").touch()
    with pytest.raises(KzooError, match=r"state, the folder of the run's states, is a file"):
        state_to_resume(Resume(run), now(run), Silent())


@pytest.mark.parametrize("text", [None, "", '{"status": "run'])
def test_a_run_whose_record_is_lost_is_trained_again_from_its_settings(run, text):
    run.manifest_path.unlink() if text is None else run.manifest_path.write_text(text, "utf-8")
    again = rf"`kzoo run -c {run.config_path}` trains it again"
    with pytest.raises(KzooError, match=rf"run\.json.*{again}"):
        run.manifest()
    run.config_path.unlink()
    with pytest.raises(KzooError, match=r"run\.json") as caught:
        run.manifest()
    assert "again" not in str(caught.value)


def test_a_full_disk_is_said_once_and_again_after_a_state_was_written(tmp_path):
    class Disk(StateFolder):
        def write(self, state):
            if self.fault:
                raise OSError(self.fault)
            super().write(state)

    disk = Disk(tmp_path / "state")
    keeper = StateKeeper(disk, NETWORK, [], every=0, warn=(said := []).append)
    for fault in ("No space left", "No space left", "Read-only", "", "Read-only"):
        disk.fault = fault
        keeper.keep(Place(epoch=1, step=0), ended=True)
        keeper.finish()
        keeper.finish()  # at the end of a training it is called once more
    known = "No space left|Read-only|only by beginning anew|from the state before"
    assert [re.findall(known, one) for one in said] == [
        ["No space left", "only by beginning anew"],
        ["Read-only", "only by beginning anew"],
        ["Read-only", "from the state before"],
    ]


def test_a_second_ctrl_c_in_the_midst_of_the_start_of_a_thread_is_no_error(tmp_path, monkeypatch):
    def stopped(thread):
        raise Stopped(thread.name)

    keeper = StateKeeper(StateFolder(tmp_path / "state"), NETWORK, [], every=0, warn=pytest.fail)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", stopped)
        with pytest.raises(Stopped):
            keeper.keep(Place(epoch=1, step=0), ended=True)
    keeper.finish()
    keeper.keep(Place(epoch=2, step=0), ended=True)
    keeper.finish()
    assert StateFolder(tmp_path / "state").read()[0].data["place"]["epoch"] == 2


def test_settings_that_lost_their_end_are_said_to_be_that(run):
    whole = run.config_path.read_text("utf-8")
    assert run_to_resume(str(run.path), run.path.parents[1]) == run
    run.config_path.write_text(whole[: whole.index("[loss]")], "utf-8")
    with pytest.raises(KzooError, match=r"config\.toml.*not whole: it names no loss.*`kzoo run regression --epochs 6`"):
        run_to_resume(str(run.path), run.path.parents[1])


def test_a_plugin_that_is_not_installed_is_named(run):
    record = replace(RECORD, plugins={"loss": {"name": "kzoo-gone:one_in", "version": "0.3"}})
    run.manifest_path.write_text(json.dumps(record.to_dict()), "utf-8")
    with pytest.raises(KzooError, match=r"needs the loss `kzoo-gone:one_in`.*`pip install kzoo-gone==0\.3`"):
        run_to_resume(str(run.path), run.path.parents[1])
