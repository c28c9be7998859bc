"""The event files that kzoo writes, as TensorBoard reads them."""

import math

import numpy as np
import pytest
import tensorflow as tf
from events import pictures, scalars

from kzoo.testing import check_tracker
from kzoo.testing.tracked import EPOCHS, RESULTS, in_a_folder, track
from kzoo_plugins.trackers.tensorboard import TensorBoard


@pytest.fixture
def run(monkeypatch):
    with in_a_folder() as (found,):
        yield found


def begun(run, steps, tracked=None):
    tracker = TensorBoard()
    tracker.start(run.manifest(tracked))
    for step in steps:
        tracker.log(step, EPOCHS[step - 1])
    return tracker


def curve(name):
    return [(step, float(np.float32(values[name]))) for step, values in enumerate(EPOCHS, 1)]


CURVES = {
    "train": {"loss": curve("loss"), "accuracy": curve("accuracy")},
    "validation": {"loss": curve("val_loss"), "accuracy": curve("val_accuracy")},
}
TEST = {name: [(3, value)] for name, value in RESULTS.items()}


def test_curves_and_pictures(run):
    track(TensorBoard(), run)
    assert scalars(run.folder / "tb") == {**CURVES, "test": TEST}
    assert pictures(run.folder / "tb")["test"] == {"curves": [(3, 1, 1)]}


def test_the_kit_finds_nothing():
    report = check_tracker("tensorboard")
    report.raise_if_failed()
    assert not report.skipped


def test_each_epoch_is_on_the_disk_at_once(run):
    begun(run, [1, 2])  # and never closed
    assert scalars(run.folder / "tb")["train"]["loss"] == curve("loss")[:2]


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_a_killed_run_goes_on_with_the_epochs_that_it_keeps(run, step):
    begun(run, [1, 2, 3])
    tracker = begun(run, [], {"id": "tb", "step": step})
    assert tracker.logged == step
    for at in range(step + 1, 4):
        tracker.log(at, EPOCHS[at - 1])
    tracker.finish("done", RESULTS)
    assert scalars(run.folder / "tb") == {**CURVES, "test": TEST}
    assert {split: len(list((run.folder / "tb" / split).iterdir())) for split in CURVES} == {
        "train": 1,
        "validation": 1,
    }


def test_a_file_whose_end_was_not_written_whole(run):
    """Cut at any byte of its last record, the epochs before it stay; the other file has more, which is dropped."""
    begun(run, [1, 2])
    [file] = (run.folder / "tb" / "train").iterdir()
    whole = file.read_bytes()
    begun_at = len(whole) - len(_last(file))
    for end in (begun_at, begun_at + 3, len(whole) - 20, len(whole) - 1):
        file.write_bytes(whole[:end])
        tracker = begun(run, [], {"id": "tb", "step": 2})
        assert tracker.logged == 1
        assert scalars(run.folder / "tb")["validation"]["loss"] == curve("val_loss")[:1]
        tracker.log(2, EPOCHS[1])
        [new] = (run.folder / "tb" / "train").iterdir()
        assert scalars(run.folder / "tb")["train"]["loss"] == curve("loss")[:2]
        file = new


def _last(file):
    """Return the bytes of a file's last record: length, checksum, message, checksum."""
    *_, record = tf.data.TFRecordDataset(str(file))
    return b"x" * (len(record.numpy()) + 16)


def test_a_run_killed_between_two_files_begins_with_what_both_have(run):
    begun(run, [1, 2, 3])
    folder = run.folder / "tb" / "train"
    [old] = folder.iterdir()
    (folder / "events.out.tfevents.0000000001.kzoo").write_bytes(old.read_bytes())  # the older one was not removed yet
    tracker = begun(run, [3], {"id": "tb", "step": 2})
    tracker.finish("done", {})
    assert scalars(run.folder / "tb") == CURVES


def test_the_next_file_comes_later_whatever_the_clock_says(run):
    begun(run, [1])
    folder = run.folder / "tb" / "train"
    [old] = folder.iterdir()
    future = old.rename(folder / "events.out.tfevents.9000000000.kzoo")
    begun(run, [], {"id": "tb", "step": 1})
    [new] = folder.iterdir()
    assert new.name > future.name


def test_what_others_write_there_stays(run):
    tb = run.folder / "tb" / "train"
    tb.mkdir(parents=True)
    other = tb / "events.out.tfevents.1700000000.host.7.0.v2"
    other.write_bytes(b"of a callback of Keras")
    begun(run, [1], {"id": "tb", "step": 0})
    assert other.read_bytes() == b"of a callback of Keras"


def test_numbers_that_are_none(run):
    tracker = TensorBoard()
    tracker.start(run.manifest())
    tracker.log(1, {"loss": math.nan, "val_loss": math.inf, "large": 1e300})
    found = scalars(run.folder / "tb")
    assert math.isnan(found["train"]["loss"][0][1])
    assert found["validation"]["loss"] == [(1, math.inf)]
    assert found["train"]["large"] == [(1, math.inf)]  # single precision has no such number


@pytest.mark.parametrize("place", ["tb", "tb/train"])
def test_a_link_out_of_the_run_is_not_followed(run, tmp_path, place):
    (run.folder / place).parent.mkdir(exist_ok=True)
    (run.folder / place).symlink_to(tmp_path)
    with pytest.raises(Exception, match="is a link that leads out of its folder"):
        begun(run, [1])
    assert list(tmp_path.iterdir()) == []
