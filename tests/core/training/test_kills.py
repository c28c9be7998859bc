"""A killed run leaves what is on the disk at that moment; from each such folder the run goes on to the same end."""

import contextlib
import errno
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import keras
import pytest
from same_runs import differences

from kzoo.engine import runtime
from kzoo.engine.interrupt import Stopped
from kzoo.engine.listener import Silent
from kzoo.errors import KzooError, UsageError
from kzoo.runs.configure import configure
from kzoo.runs.folder import Run
from kzoo.runs.state import StateFolder
from kzoo.training.repeating import compare, repeat
from kzoo.training.resuming import Resume
from kzoo.training.run import train
from kzoo.training.trainer import Trainer

SETTINGS = {
    "recipe": "quick",
    "data": "sample",
    "limit": 48,
    "epochs": 2,
    "batch_size": 16,
    "metrics": ["mcc"],
    "options": ["train.steps_per_execution=1", "train.save_every=1e-9", "train.keep=best", "report=false"],
}


class Snapshots:
    """Copies the run's folder before and after each of its files appears."""

    def __init__(self, place):
        self.place, self.moments = place, []

    def replace(self, original):
        def replaced(path, target):
            self._copy(path, f"before {Path(target).name}")
            found = original(path, target)
            self._copy(path, f"after {Path(target).name}")
            return found

        return replaced

    def _copy(self, path, moment):
        folder = next((parent for parent in path.parents if (parent / "config.toml").exists()), None)
        if folder is not None and (folder / "run.json").exists():
            shutil.copytree(folder, self.place / f"{len(self.moments):03d}", ignore=shutil.ignore_patterns("*.lock"))
            self.moments.append(moment)


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """The folder of a run, and copies of it at every moment at which it could be killed."""
    runtime.start()
    snapshots = Snapshots(tmp_path_factory.mktemp("killed"))
    keras.backend.clear_session()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", snapshots.replace(Path.replace))
        run = train(configure("mnist", **SETTINGS), root=tmp_path_factory.mktemp("alone")).run
    return run.path, snapshots


def _copy(killed, number, tmp_path):
    alone, snapshots = killed
    folder = tmp_path / "mnist" / alone.name  # a folder that was moved
    shutil.copytree(snapshots.place / f"{number:03d}", folder)
    return Run(folder)


def _resume(run, **more):
    keras.backend.clear_session()  # which counts the names of layers from the beginning, as a new process does
    file = run.config_path
    return train(configure(None, file=file, **more), resume=Resume(run))


def _moments(killed, *wanted):
    moments = killed[1].moments
    return [[at for at, moment in enumerate(moments) if moment == one][-1] for one in wanted]


def test_there_is_a_moment_of_each_kind(killed):
    written = {moment.removeprefix("before ").removeprefix("after ") for moment in killed[1].moments}
    assert written >= {"a.safetensors", "b.safetensors", "best.keras", "model.keras", "metrics.csv", "run.json"}
    assert not (killed[0] / "state").exists()  # what is done keeps no state


def test_killed_while_the_state_is_written(killed, tmp_path):
    _, number = sorted(_moments(killed, "before a.safetensors", "before b.safetensors"))
    run = _copy(killed, number, tmp_path)
    assert _resume(run).status == "done"
    assert differences(killed[0], run.path) == []
    with pytest.raises(UsageError, match="is done, and it kept no state"):
        _resume(run)


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:.*has no state. it begins anew")
def test_killed_at_any_moment(killed, tmp_path):
    """Every fourth moment, from the first file to the last."""
    alone, snapshots = killed
    for number, moment in list(enumerate(snapshots.moments))[::4]:
        run = _copy(killed, number, tmp_path)
        if run.manifest().status == "done":
            with pytest.raises(UsageError, match="is done"):
                _resume(run)
        else:
            _resume(run)
        assert differences(alone, run.path) == [], moment
        shutil.rmtree(run.path)


def test_what_is_not_as_it_was_is_listed_and_nothing_is_done(killed, tmp_path, monkeypatch):
    run = _copy(killed, _moments(killed, "before a.safetensors")[0], tmp_path)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    described = runtime.describe()
    described["versions"] = {**described["versions"], "tensorflow": "2.99.0"}
    described["threads"] = {**described["threads"], "intra_op": 64}
    monkeypatch.setattr(runtime, "describe", lambda: described)
    with pytest.raises(KzooError) as caught:
        _resume(run, options=["augment.reach=3"], limit=40)
    for words in (
        "the setting `augment.reach`",
        "the setting `data.limit`: 48 then, 40 now",
        "the data of the train split is not the same (48 examples then, 40 now)",
        "the version of tensorflow",
        "the number of threads intra_op",
        "--force",
    ):
        assert words in str(caught.value)
    kept = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != ".training.lock"}
    assert kept == {path: data for path, data in before.items() if path in kept}
    assert {path.name for path in set(before) - set(kept)} <= {p.name for p in before if p.name.startswith(".")}


def test_settings_that_were_edited_in_the_file_are_found(killed, tmp_path):
    run = _copy(killed, _moments(killed, "before b.safetensors")[0], tmp_path)
    text = run.config_path.read_text("utf-8")
    run.config_path.write_text(text.replace("batch_size = 16", "batch_size = 8"), "utf-8")
    with pytest.raises(KzooError, match=r"the setting `train.batch_size`: 16 then, 8 now"):
        _resume(run)


def test_fewer_epochs_than_were_trained_are_refused(killed, tmp_path):
    run = _copy(killed, len(killed[1].moments) - 1, tmp_path)
    number = [at for at, moment in enumerate(killed[1].moments) if moment == "before model.keras"][-1]
    shutil.rmtree(run.path)
    run = _copy(killed, number, tmp_path)
    with pytest.raises(UsageError, match="cannot be resumed for 1 epochs: it is in epoch 2 already"):
        _resume(run, epochs=1)


@pytest.mark.long
def test_a_forced_resume_that_does_not_fit_leaves_all_as_it_was(killed, tmp_path):
    run = _copy(killed, _moments(killed, "before b.safetensors")[0], tmp_path)
    before = run.config_path.read_bytes(), run.manifest_path.read_bytes()
    config = configure(None, file=run.config_path, optimizer="adam:learning_rate=0.5")
    with pytest.raises(KzooError, match="cannot go on with these settings, and is left as it was"):
        train(config, resume=Resume(run, force=True))
    assert (run.config_path.read_bytes(), run.manifest_path.read_bytes()) == before
    assert _resume(run).status == "done"


def test_a_state_that_is_a_link_out_of_the_folder_is_not_followed(killed, tmp_path):
    run = _copy(killed, _moments(killed, "before b.safetensors")[0], tmp_path)
    (run.path / "state").rename(tmp_path / "away")
    (run.path / "state").symlink_to(tmp_path / "away")
    there = sorted(tmp_path.joinpath("away").iterdir())
    with pytest.raises(KzooError, match="leads out of its folder"):
        _resume(run)
    assert sorted(tmp_path.joinpath("away").iterdir()) == there


@pytest.mark.long
def test_it_is_repeated_and_compared(killed, tmp_path):
    run = Run(killed[0])
    keras.backend.clear_session()
    again = repeat(run, tmp_path, Silent())
    found = compare(run.manifest(), again.manifest())
    assert found.equal, found
    assert [same for _, _, same in found.lines] == [True] * 6
    other = replace(again.manifest(), training=replace(again.manifest().training, epoch_weights=["x", "y"]))
    assert compare(run.manifest(), other).first == (
        "The runs first differ in the weights after each epoch: other ones after epoch 1."
    )


@pytest.mark.long
def test_where_no_state_can_be_written_that_is_said_and_the_training_goes_on(killed, tmp_path, monkeypatch):
    def full(self, state):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(StateFolder, "write", full)
    run = _copy(killed, _moments(killed, "before b.safetensors")[0], tmp_path)
    with pytest.warns(UserWarning, match="state of the training could not be written to .*: No space left"):
        _resume(run)
    assert differences(killed[0], run.path) == []


@pytest.mark.long
def test_a_limit_on_the_size_of_files_is_as_a_full_disk(killed, tmp_path, monkeypatch):
    """The kernel refuses what is longer, in the midst of a file: the state is said to be lost, and the run fails."""
    resource = pytest.importorskip("resource")
    run = _copy(killed, _moments(killed, "before b.safetensors")[0], tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    taken = Trainer.take

    def limited(*arguments):
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
        return taken(*arguments)

    monkeypatch.setattr(Trainer, "take", limited)
    try:
        with (
            pytest.warns(UserWarning, match="state of the training could not be written to .*File too large"),
            pytest.raises(
                KzooError, match=r"could not be written: File too large.* `kzoo run --resume .*` goes on with"
            ),
        ):
            _resume(run)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    monkeypatch.undo()
    assert not [path for path in run.path.rglob(".*") if path.name != ".training.lock"]
    assert _resume(run).status == "done"
    assert differences(killed[0], run.path) == []


@pytest.mark.long
@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_and_a_second_one(times, killed, tmp_path, monkeypatch):
    """The first is heard between two steps and a state is written; the second ends all at once, with the one before."""
    run = _copy(killed, killed[1].moments.index("before b.safetensors"), tmp_path)
    taken, calls = Trainer.take, iter(range(9))

    def signalled(*arguments):
        if next(calls) == 1:
            for _ in range(times):
                os.kill(os.getpid(), signal.SIGTERM)
        return taken(*arguments)

    monkeypatch.setattr(Trainer, "take", signalled)
    said = []
    monkeypatch.setattr(Silent, "say", lambda _, text: said.append(text))
    with pytest.raises(Stopped) if times > 1 else contextlib.nullcontext():
        _resume(run)
    monkeypatch.undo()
    assert any(f"`kzoo run --resume {run.path}` goes on" in text for text in said) == (times > 1), said
    assert run.manifest().status == "interrupted"
    assert (run.path / "model.keras").exists() == (times == 1)
    other = Run(tmp_path / "mnist" / "copied and renamed")
    shutil.copytree(run.path, other.path)
    for one in (run, other):
        assert _resume(one).status == "done"
        assert differences(killed[0], one.path) == []


def test_one_that_is_damaged_all_over_says_so(killed, tmp_path):
    run = _copy(killed, _moments(killed, "before b.safetensors")[0], tmp_path)
    for path in (run.path / "state").glob("?.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(KzooError, match=r"none of its states is whole\. .*a\.safetensors is damaged"):
        _resume(run)
