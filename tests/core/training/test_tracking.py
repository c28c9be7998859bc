"""Trackers are told of each epoch once, whatever becomes of the run, and what fails in one of them ends nothing."""

import json
import shutil
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from events import scalars
from pipelines import Heard
from played import written
from same_runs import differences

from kzoo.engine.interrupt import Stopped, stoppable
from kzoo.errors import ComponentError, KzooError, UsageError
from kzoo.plugins.registry import get_registry
from kzoo.runs.configure import configure
from kzoo.runs.folder import Run, create_run, find_run
from kzoo.runs.manifest import DataRecord, Manifest
from kzoo.runs.state import SavedState
from kzoo.training.resuming import Resume
from kzoo.training.run import train
from kzoo.training.tracking import Tracking, numbers_of

EPOCHS = 3
SETTINGS = {
    "recipe": "quick",
    "data": "sample",
    "limit": 48,
    "epochs": EPOCHS,
    "batch_size": 16,
    "options": ["train.steps_per_execution=1", "train.save_every=0", "report=false"],
}
NOTES = "notes:file=notes.jsonl"


@pytest.fixture(autouse=True)
def _tracking(plugins, played, tmp_path, monkeypatch):
    plugins("tracking")
    monkeypatch.chdir(tmp_path)
    played.before_step = lambda number: None


def run(*track, heard=None, resume=None, **more):
    settings = {"file": resume.config_path} if resume else SETTINGS
    config = configure(None if resume else "mnist", track=track or None, **{**settings, **more})
    try:
        return train(config, root=Path("runs"), listener=heard or Heard(), resume=Resume(resume) if resume else None)
    finally:
        written()


def notes(file="notes.jsonl"):
    return [json.loads(line) for line in Path(file).read_text("utf-8").splitlines()]


def steps(file="notes.jsonl"):
    return [note["step"] for note in notes(file) if note["call"] == "log"]


def stopped_at(played, step, *track):
    """Return a run that was stopped before a step."""

    def before(number):
        if number == step:
            raise Stopped

    played.before_step = before
    with pytest.raises(Stopped):
        run(*track)
    played.before_step = lambda number: None
    return find_run("last", Path("runs"))


def test_a_whole_run(capsys):
    done = run(NOTES)
    start, *logged, finish = [note for note in notes() if note["call"] != "artifact"]
    assert start["manifest"]["name"] == done.run.name
    assert start["manifest"]["folder"] == str(done.run.path.absolute())
    assert start["manifest"]["tracked"] is None
    assert start["manifest"]["settings"]["train"]["epochs"] == EPOCHS
    assert [(one["step"], one["values"]) for one in logged] == list(enumerate(done.history, 1))
    assert finish == {"call": "finish", "status": "done", "results": done.results}
    files = [note["file"] for note in notes() if note["call"] == "artifact"]
    assert files == ["config.toml", "metrics.csv", "run.json", "model.keras"]
    assert capsys.readouterr().out == ""
    assert done.run.manifest().trackers == {
        "kzoo-tracking:notes": {"version": "0.3", "id": f"notes of {done.run.name}"}
    }


@pytest.mark.long
def test_a_tracked_run_is_any_other_run():
    tracked, plain = run(NOTES, "tensorboard"), run()
    shutil.rmtree(tracked.run.path / "tb")
    found = differences(tracked.run.path, plain.run.path)
    assert [line.partition(" ")[0] for line in found] == ["config.toml", "run.json"]
    assert found[1] == "run.json differs in number, trackers"


FAILURES = [
    ("start", "when it was started", "value"),
    ("log 2", "when it was told of epoch 2", "value"),
    ("log 2", "when it was told of epoch 2", "exit"),
    ("log 2", "when it was told of epoch 2", "interrupt"),
    ("log 2", "when it was told of epoch 2", "kzoo"),
    ("artifact", "when it was given config.toml", "value"),
    ("finish", "when it was ended", "value"),
]
REASONS = {
    "value": "ValueError: the sky is green",
    "exit": "it called sys.exit(3)",
    "interrupt": "it raised KeyboardInterrupt, and nobody asked for a stop",
    "kzoo": "The sky is green",
}
HISTORY = [{"loss": 0.75, "text": "x"}, {"loss": 0.5}, {"loss": 0.25}]
RECORD = Manifest(pipeline="mnist", data=DataRecord(used="sample"))


class Tracked:
    """A run that is tracked, without a training."""

    def __init__(self, *track):
        self.run = create_run(Path("runs"), configure("mnist", track=track), RECORD)

    def go(self, *track, kept=0, upto=3, end="done"):
        """Begin, or go on after so many epochs that a state holds; return what was said."""
        state = SavedState({"place": {"history": HISTORY[:kept]}}, {}) if kept else None
        warned = []
        with stoppable():
            tracking = Tracking(configure("mnist", track=track), get_registry(), warned.append)
            tracking.attach(self.run, state)
            tracking.start()
            for epoch in range(kept + 1, upto + 1):
                tracking.log(epoch, HISTORY[epoch - 1])
            if end:
                tracking.finish(end, {"loss": 0.125})
        return warned


@pytest.mark.parametrize(("at", "doing", "how"), FAILURES)
def test_one_that_fails_is_said_once_and_told_no_more(at, doing, how):
    track = f"fails:file=bad.jsonl,at={json.dumps(at)},how={how}", NOTES
    [said] = Tracked(*track).go(*track)
    assert steps() == [1, 2, 3]
    assert notes()[-1] == {"call": "finish", "status": "done", "results": {"loss": 0.125}}
    assert said.startswith(f"The tracker `fails` of kzoo-tracking 0.3 failed {doing}: {REASONS[how]} (")
    assert said.endswith("It is not called again; the run goes on, and keeps its own record.")
    assert "trackers.py, line" in said
    assert notes("bad.jsonl")[-1]["call"] == at.split()[0]


def test_a_wish_to_stop_is_no_failure(monkeypatch):
    def start(self, manifest):
        signal.raise_signal(signal.SIGINT)

    from kzoo_tracking.trackers import Notes

    monkeypatch.setattr(Notes, "start", start)
    tracking = Tracking(configure("mnist", track=[NOTES]), get_registry())
    tracking.attach(Tracked(NOTES).run, None)
    with stoppable(held=False), pytest.raises(Stopped):
        tracking.start()


def test_one_that_fails_ends_no_training():
    heard = Heard()
    done = run('fails:file=bad.jsonl,at="log 2"', NOTES, heard=heard)
    assert (done.status, steps()) == ("done", [1, 2, 3])
    assert len(heard.warned) == 1
    assert done.run.manifest().trackers["kzoo-tracking:fails"]["logged"] == 1


def test_one_that_failed_goes_on_after_the_last_epoch_that_it_took():
    tracked = Tracked()
    tracked.go('fails:file=notes.jsonl,at="log 2"', end="")
    assert tracked.run.manifest().trackers["kzoo-tracking:fails"]["logged"] == 1
    assert tracked.go("fails:file=notes.jsonl,at=never,tells=no", kept=2) == []
    assert steps() == [1, 2, 2, 3]  # told of the second again, which it did not take
    assert "logged" not in tracked.run.manifest().trackers["kzoo-tracking:fails"]


@pytest.mark.parametrize(
    ("kept", "tells", "told"),
    [
        (1, "yes", [1, 2, 3]),  # the second was told, and the state after it never written
        (1, "no", [1, 2, 2, 3]),
        (2, "yes", [1, 2, 3]),
        (2, "no", [1, 2, 3]),
        (0, "yes", [1, 2, 3]),  # there is no state: the run begins anew
    ],
)
def test_a_run_that_was_killed_after_two_epochs(kept, tells, told):
    tracked = Tracked()
    tracked.go(NOTES, upto=2, end="")
    tracked.go(f"{NOTES},tells={tells}", kept=kept)
    assert steps() == told
    places = [note["manifest"]["tracked"] for note in notes() if note["call"] == "start"]
    assert places == [None, {"id": f"notes of {tracked.run.name}", "step": kept}]


@pytest.mark.parametrize("meanwhile", ["fails:file=notes.jsonl,at=start", "none"])
def test_what_was_trained_without_a_tracker_is_told_when_it_is_back(meanwhile):
    tracked, track = Tracked(), "fails:file=notes.jsonl,at=never,tells=no"
    tracked.go(track, upto=1)
    tracked.go(*[meanwhile][: meanwhile != "none"], kept=1, upto=2)
    assert tracked.run.manifest().trackers["kzoo-tracking:fails"]["logged"] == 1
    tracked.go(track, kept=2)
    assert steps() == [1, 2, 3]


def test_a_record_that_somebody_changed_is_read_as_far_as_it_goes():
    tracked = Tracked()
    tracked.go("notes:file=notes.jsonl,tells=no", upto=2)
    tracked.run.update(trackers={"kzoo-tracking:notes": {"id": 3, "logged": "two"}, "kzoo-gone:x": {"logged": -4}})
    tracked.go("notes:file=notes.jsonl,tells=no", kept=2)
    assert steps() == [1, 2, 3]
    assert [note["manifest"]["tracked"] for note in notes() if note["call"] == "start"][1] == {"id": "3", "step": 2}


def test_what_a_tracker_lost_is_told_again():
    tracked = Tracked()
    tracked.go(NOTES, upto=2, end="")
    Path("notes.jsonl").write_text("", "utf-8")
    tracked.go(NOTES, kept=2)
    assert steps() == [1, 2, 3]


def test_one_that_comes_later_is_told_of_all_before():
    tracked = Tracked()
    tracked.go(upto=2)
    tracked.go(NOTES, kept=2)
    assert notes()[0]["manifest"]["tracked"] is None
    assert [note["values"] for note in notes() if note["call"] == "log"] == [
        {"loss": 0.75},
        {"loss": 0.5},
        {"loss": 0.25},
    ]


def test_a_stop_in_the_middle_of_an_epoch(played):
    stopped = stopped_at(played, 5, NOTES)
    assert steps() == [1]
    assert notes()[-1] == {"call": "finish", "status": "interrupted", "results": {}}
    done = run("notes:file=notes.jsonl,tells=no", resume=stopped)
    assert [note["values"] for note in notes() if note["call"] == "log"] == done.history
    assert done.run.config().track[0].kwargs["tells"] == "no"


class Moments:
    """Copies a run's folder, and what the trackers wrote beside it, before and after each of its files appears."""

    def __init__(self, place):
        self.place, self.names = place, []
        self._lock = threading.Lock()  # the state is written by a thread of its own

    def replace(self, original):
        def replaced(path, target):
            self._copy(path, f"before {Path(target).name}")
            found = original(path, target)
            self._copy(path, f"after {Path(target).name}")
            return found

        return replaced

    def _copy(self, path, name):
        folder = next((parent for parent in path.absolute().parents if (parent / "run.json").exists()), None)
        if folder is not None and Path("notes.jsonl").exists():
            with self._lock:
                place = self.place / f"{len(self.names):03d}"
                shutil.copytree(folder, place / folder.name, ignore=shutil.ignore_patterns("*.lock", ".*"))
                shutil.copy("notes.jsonl", place)
                self.names.append(name)


@pytest.fixture
def killed(tmp_path, monkeypatch):
    """A run, what TensorBoard reads of it, and copies of it at every moment at which it could be killed."""
    moments = Moments(tmp_path / "moments")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", moments.replace(Path.replace))
        alone = run(f"{NOTES},tensorboard").run
    return alone, scalars(alone.path / "tb"), moments


def _resumed(killed, number):
    """Resume from a moment; return the run and the steps that the notes have."""
    alone, _, moments = killed
    place = moments.place / f"{number:03d}"
    shutil.copy(place / "notes.jsonl", "notes.jsonl")
    return run(resume=Run(place / alone.path.name)).run


def test_curves_of_a_killed_run_are_those_of_one_that_was_not(killed):
    alone, curves, moments = killed
    assert {split: sorted(found) for split, found in curves.items()} == {
        split: ["accuracy", "loss"] for split in ("test", "train", "validation")
    }
    at = next(number for number, name in enumerate(moments.names) if name == "before b.safetensors")
    assert steps() == [1, 2, 3]
    assert max(step for step, _ in scalars(moments.place / f"{at:03d}" / alone.path.name / "tb")["train"]["loss"]) == 2
    resumed = _resumed(killed, at)  # it goes on after the first epoch, and the second was told
    assert scalars(resumed.path / "tb") == curves
    assert steps() == [1, 2, 3]


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*has no state. it begins anew")
def test_curves_of_a_run_killed_at_any_moment(killed):
    """Every third moment, from the first file to the last."""
    _, curves, moments = killed
    for number, name in list(enumerate(moments.names))[::3]:
        folder = next(one for one in (moments.place / f"{number:03d}").iterdir() if one.is_dir())
        if Run(folder).manifest().status == "done":
            continue
        resumed = _resumed(killed, number)
        assert scalars(resumed.path / "tb") == curves, name
        assert steps() == [1, 2, 3], name


def test_values_are_those_of_the_log_in_single_precision(killed):
    alone, curves, _ = killed
    history = alone.manifest().training.history
    for split, prefix in (("train", ""), ("validation", "val_")):
        for name in ("loss", "accuracy"):
            expected = [(at, float(np.float32(logs[f"{prefix}{name}"]))) for at, logs in enumerate(history, 1)]
            assert curves[split][name] == expected
    results = alone.manifest().test_results
    assert curves["test"] == {name: [(EPOCHS, float(np.float32(value)))] for name, value in results.items()}


@pytest.mark.parametrize(
    ("track", "error", "said"),
    [
        (["tensorbord"], UsageError, "No tracker named `tensorbord`. Did you mean `tensorboard`?"),
        (["tensorboard:folder=x"], UsageError, "no argument `folder`"),
        (["notes"], UsageError, "needs `file`"),
        (["absent"], KzooError, "needs something, which is not installed"),
        (
            ["no_tracker"],
            ComponentError,
            r"an object of the type `dict` when it is made, and no Tracker of kzoo\.tracker",
        ),
        (["tensorboard", "tensorboard"], UsageError, "`track` names one tracker twice: tensorboard, tensorboard"),
        (["none,tensorboard"], UsageError, "--track none goes with no other tracker"),
        (["tensorboard,"], UsageError, "`` is not a component reference"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_begins(track, error, said):
    with pytest.raises(error, match=said):
        run(*track)
    assert not Path("runs").exists()


def test_in_settings_of_all_sorts():
    toml = Path("mine.toml")
    toml.write_text('pipeline = "mnist"\ntrack = ["tensorboard", {name = "notes", file = "a b"}]\n', "utf-8")

    def track(**more):
        return [str(one) for one in configure(**more).track]

    assert track(file=toml) == ["tensorboard", 'notes:file="a b"']
    assert track(file=toml, track=["none"]) == []
    assert track(file=toml, track=["mlflow:uri=sqlite:///a.db,experiment=b,wandb"]) == [
        "mlflow:uri=sqlite:///a.db,experiment=b",
        "wandb",
    ]
    assert track(pipeline="mnist", options=["track=[tensorboard,notes(file=x)]"]) == ["tensorboard", "notes:file=x"]
    assert track(pipeline="mnist") == []
    written = configure(file=toml).to_toml()
    Path("again.toml").write_text(written, "utf-8")
    assert track(file=Path("again.toml")) == ["tensorboard", 'notes:file="a b"']


def test_numbers_of_logs():
    logs = {"loss": 1, "ece": [0.5, float("nan")], "text": "x", "on": True, "matrix": [[1]], "none": None}
    assert str(numbers_of(logs)) == "{'loss': 1, 'ece/0': 0.5, 'ece/1': nan}"
