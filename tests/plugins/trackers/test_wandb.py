"""What W&B keeps of a run offline, read from its own files with its own messages."""

import json
import struct

import pytest

pytest.importorskip("wandb", reason="the tracker `wandb` needs the extra of that name")

from kzoo.errors import UsageError
from kzoo.testing import check_tracker
from kzoo.testing.tracked import EPOCHS, RESULTS, in_a_folder, track
from kzoo_plugins.trackers.wandb import WandB

pytestmark = pytest.mark.long

_BLOCK, _HEAD = 32768, 7


def records(file):
    """Yield the messages of a ``.wandb`` file: LevelDB's log format, seven bytes of W&B's before it."""
    from wandb.proto.wandb_internal_pb2 import Record

    data, at, parts = file.read_bytes(), 7, b""
    while at + _HEAD <= len(data):
        if _BLOCK - at % _BLOCK < _HEAD:
            at += _BLOCK - at % _BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[at : at + _HEAD])
        parts += data[at + _HEAD : at + _HEAD + length]
        at += _HEAD + length
        if kind in (1, 4):  # whole, or the last part
            found = Record()
            found.ParseFromString(parts)
            parts = b""
            yield found


def kept(run):
    """Return, for each folder that W&B wrote for a run, its id, settings, history, summary and exit code."""
    import wandb

    wandb.teardown()  # waits for the process that writes: the last of a run is written after its end
    found = []
    for folder in sorted((run.folder / "wandb").glob("offline-run-*")):
        one = {"history": [], "summary": {}, "config": {}, "files": sorted(p.name for p in folder.rglob("files/**/*"))}
        for record in records(next(folder.glob("*.wandb"))):
            kind = record.WhichOneof("record_type")
            if kind == "run":
                one["id"], one["project"] = record.run.run_id, record.run.project
                one["config"] |= {item.key: json.loads(item.value_json) for item in record.run.config.update}
            elif kind == "history":
                items = {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in record.history.item}
                one["history"].append(
                    {key: value for key, value in items.items() if key not in _OWN} | {"step": items["_step"]}
                )
            elif kind == "summary":
                one["summary"] |= {
                    i.key or ".".join(i.nested_key): json.loads(i.value_json) for i in record.summary.update
                }
            elif kind == "exit":
                one["exit"] = record.exit.exit_code
        found.append(one)
    return found


_OWN = {"_step", "_runtime", "_timestamp", "_wandb"}


def test_a_whole_run():
    with in_a_folder() as (run,):
        found = track(WandB(), run)
        [one] = kept(run)
    assert (one["id"], one["project"], one["exit"]) == (found, "made_up", 0)
    assert one["config"]["train"]["batch_size"] == 8
    assert one["history"] == [{**values, "step": at} for at, values in enumerate(EPOCHS, 1)]
    assert {name: one["summary"][f"test/{name}"] for name in RESULTS} == RESULTS
    assert {"config.toml", "metrics.csv", "model.keras", "curves.png"} <= set(one["files"])


def test_a_run_that_goes_on_has_the_same_id_and_the_next_steps():
    with in_a_folder() as (run,):
        stopped = WandB()
        found = stopped.start(run.manifest())
        stopped.log(1, EPOCHS[0])
        stopped.finish("interrupted", {})
        tracker = WandB(models=False)
        assert tracker.start(run.manifest({"id": found, "step": 1})) == found
        for step in (2, 3):
            tracker.log(step, EPOCHS[step - 1])
        tracker.finish("done", RESULTS)
        folders = kept(run)
    assert {one["id"] for one in folders} == {found}
    assert sorted(line["step"] for one in folders for line in one["history"]) == [1, 2, 3]
    assert sorted(one["exit"] for one in folders) == [0, 255]


def test_the_kit_finds_nothing():
    report = check_tracker("wandb")
    report.raise_if_failed()
    assert not report.skipped


def test_a_mode_that_there_is_not():
    with pytest.raises(UsageError, match="`mode` must be one of offline, online, not 'dryrun'"):
        WandB(mode="dryrun")
