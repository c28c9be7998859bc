"""A run that is given up between two epochs: its model so far is there, it is not tested, and its record says why."""

import json

import pytest
from played import TRAIN, written

from kzoo.errors import UsageError
from kzoo.runs.configure import configure
from kzoo.runs.folder import find_run
from kzoo.training.pruning import Pruning
from kzoo.training.resuming import Resume
from kzoo.training.run import train

SETTINGS = {
    "recipe": "quick",
    "data": "sample",
    "limit": 48,
    "epochs": 3,
    "batch_size": 16,
    "options": TRAIN[TRAIN.index("-o") + 1 :: 2],
}


def trained(root, ask, **more):
    return train(configure("mnist", **SETTINGS), root=root, ask=ask, **more)


def test_a_run_that_is_given_up_keeps_its_model_and_is_not_tested(played, tmp_path, kzoo):
    asked = []

    def ask(epoch, logs):
        asked.append((epoch, sorted(logs)))
        return "It promises nothing." if epoch == 2 else ""

    result = trained(tmp_path, ask, part_of={"study": "mine", "trial": 4})
    written()
    record = result.run.manifest()
    assert [epoch for epoch, _ in asked] == [1, 2]
    assert all("val_loss" in names for _, names in asked)
    assert (result.status, record.status, record.error) == ("pruned", "pruned", "It promises nothing.")
    assert (record.completed, record.results, record.part_of) == (["saved"], None, {"study": "mine", "trial": 4})
    assert record.training.epochs == 2
    assert set(record.models) == {"best.keras", "model.keras"}
    assert not (result.run.path / "state").exists()
    assert "was given up after 2 whole epochs: It promises nothing." in result.run.caution()
    [row] = json.loads(kzoo("runs", "--out", str(tmp_path), "--json")[1])
    assert (row["status"], row["epochs"]) == ("pruned", "2/3")
    assert "Next" not in kzoo("runs", "--out", str(tmp_path))[2]  # there is nothing to resume
    with pytest.raises(UsageError, match=r"promises nothing.*and kept no state"):
        train(configure(file=result.run.config_path), root=tmp_path, resume=Resume(find_run("last", tmp_path)))
    assert result.run.manifest() == record


@pytest.mark.long
def test_a_run_that_nobody_gives_up_is_as_any_other(played, tmp_path):
    alone, asked = (trained(tmp_path / name, ask) for name, ask in (("a", None), ("b", lambda epoch, logs: "")))
    written()
    assert asked.status == "done"
    records = [one.run.manifest() for one in (alone, asked)]
    assert records[0].training.epoch_weights == records[1].training.epoch_weights
    assert records[0].results == records[1].results


def test_who_was_killed_before_the_answer_is_asked_again():
    heard = []
    pruning = Pruning(lambda epoch, logs: heard.append((epoch, logs)) or "no")
    pruning.ask_again([])
    assert (heard, pruning.why) == ([], "")
    pruning.ask_again([{"val_loss": 3.0}, {"val_loss": 2.0}])
    assert (heard, pruning.why) == ([(2, {"val_loss": 2.0})], "no")
    pruning.ask_again([{"val_loss": 3.0}, {"val_loss": 2.0}, {"val_loss": 1.0}])
    assert len(heard) == 1  # it was asked in this process
