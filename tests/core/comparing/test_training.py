"""Grids that are trained in earnest, as small as can be: killed in the middle, and gone on with to the same end."""

import json
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from same_runs import differences

from kzoo.cluster.places import Place
from kzoo.comparing.comparison import compare_grid
from kzoo.comparing.grid import Asked, grid_of
from kzoo.comparing.measuring import measures_of
from kzoo.comparing.processes import Order, train_all
from kzoo.engine.listener import Silent

pytestmark = pytest.mark.long

ASKED = {
    "pipeline": "mnist",
    "losses": ["categorical_crossentropy", "emd"],
    "options": ["train.steps_per_execution=1", "train.save_every=0"],
    "seeds": 2,
    "common": {"recipe": "quick", "data": "sample", "limit": 32, "epochs": 2, "batch_size": 16},
}

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from core_comparing import ASKED, Watcher
from kzoo.comparing.comparison import compare_grid
from kzoo.cluster.places import Place
from kzoo.comparing.grid import Asked, grid_of
from kzoo.engine.listener import Silent

class Killing(Watcher):
    def epoch(self, job, epoch, epochs, logs):
        if job.cell == "emd":
            os.kill(os.getpid(), signal.SIGKILL)

compare_grid(grid_of(Asked(**ASKED)), root=Path({root!r}), place=Place(), watcher=Killing(), listener=Silent())
"""


class Watcher:
    def __init__(self):
        self.ends, self.warnings, self.epochs = [], [], []

    def warn(self, text):
        self.warnings.append(text)

    def began(self, job):
        pass

    def epoch(self, job, epoch, epochs, logs):
        self.epochs.append((job.cell, job.seed, epoch))

    def ended(self, job, status, run):
        self.ends.append((job.cell, job.seed, status))


def test_killed_in_the_middle_it_goes_on_to_the_same_end(tmp_path):
    grid = grid_of(Asked(**ASKED))
    alone = next(job for job in grid.jobs if (job.cell, job.seed) == ("emd", 0))
    alone = train_all(Order([alone], {}, tmp_path / "alone", Place(), tmp_path / "log"), Watcher()).runs[alone]

    # The second run is in its training when the comparison is killed; its worker is told by the end of its stdin.
    place = tmp_path / "killed"
    script = tmp_path / "core_comparing.py"
    script.write_text(_module(), "utf-8")
    done = subprocess.run(
        [sys.executable, "-c", KILLED.format(tests=str(tmp_path), root=str(place))], check=False, timeout=300
    )
    assert done.returncode == -signal.SIGKILL
    watcher = Watcher()
    again = compare_grid(grid, root=place, place=Place(), watcher=watcher, listener=Silent())
    assert watcher.ends[0] == ("categorical_crossentropy", 0, "reused")
    assert [status for *_, status in watcher.ends] == ["reused", "done", "done", "done"]
    assert ("emd", 0, 1) not in watcher.epochs  # it went on after its first epoch
    assert [(one.cell, one.seed) for one in again.gathered.entries if one.record.resumed] == [("emd", 0)]
    assert again.judgement.measures == ["accuracy", "macro_f1", "nll", "ece", "seconds"]
    entries = {(one.cell, one.seed): one for one in again.gathered.entries}
    assert differences(alone.path, entries["emd", 0].run.path) == ["run.json differs in number: 1 and 2"]
    recorded = entries["emd", 0]
    unmeasured = replace(recorded, record=replace(recorded.record, measures={}, timings={}))  # as of an older kzoo
    assert measures_of(unmeasured, Silent()) == pytest.approx(dict(recorded.record.measures["test"]))
    begins = {place: one.record.training.initial_weights for place, one in entries.items()}
    assert begins["emd", 0] == begins["categorical_crossentropy", 0] != begins["emd", 1]
    assert len({one.record.training.final_weights for one in entries.values()}) == 4
    [folder] = (place / "comparisons").iterdir()
    assert json.loads((folder / "comparison.json").read_text("utf-8"))["status"] == "done"
    assert len(list((place / "mnist").iterdir())) == 4


def _module():
    """Return what the killed process shares with this one: it is no test, and has no pytest."""
    import inspect

    return f"ASKED = {ASKED!r}\n\n{inspect.getsource(Watcher)}"
