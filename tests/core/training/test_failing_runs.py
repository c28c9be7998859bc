"""Every call of the system that a training makes fails once: it says so, nothing is torn, and the run can go on.

The steps are played, for those are TensorFlow's; the folder with all that is in it is real. A run that failed goes on
to the weights that it would have had, or says why it cannot and what to do, and what its record says is true.
"""

import errno
import json
import os
import shutil
from pathlib import Path

import keras
import pytest
from failing import Command, content_of, swept, tried
from faulty_calls import Fault, chosen
from played import TRAIN, written
from same_runs import differences

from kzoo.cli import main

SHARE = 8
KILLED_BEFORE = 5
"""The step before which the run that is resumed was killed: in its second epoch, with two states and a best model."""


@pytest.fixture(scope="module")
def folders(played, tmp_path_factory):
    """Return a folder with a run that nothing went wrong with, and one with the same killed in mid-training."""
    whole, killed = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("killed")

    def copy(number):
        if number == KILLED_BEFORE:
            written()
            shutil.copytree(whole, killed, dirs_exist_ok=True)

    played.before_step = copy
    os.chdir(whole)
    keras.backend.clear_session(free_memory=False)  # names are counted from the beginning, as before each command
    assert main(TRAIN) == 0
    played.before_step = lambda number: None
    return whole, killed


def run_in(folder):
    """Return the folder of the one run that has a record, or None."""
    found = [path.parent for path in Path(folder).glob("runs/mnist/*/run.json")]
    assert len(found) < 2, found
    return found[0] if found else None


class Afterwards:
    """Looks at what a training left, and goes on with it.

    Args:
        whole: The folder with the run that nothing went wrong with.
        capsys: What is said is read from.
        played: Who counts the steps of the command.
        resumes: Whether that goes on with a run that was killed.
    """

    def __init__(self, whole, capsys, played, *, resumes):
        self.alone, self._capsys = run_in(whole), capsys
        self._played, self._resumes = played, resumes

    def __call__(self, place, code, said, fault):
        run = run_in(place)
        if run is None:
            return self._begun_anew(place)
        found = self._record(run, code, said, fault)
        record = json.loads((run / "run.json").read_text("utf-8"))
        if record["status"] == "done":
            cut_short = code == 1 and fault.lasting  # after the test: the report is missing, and that it failed is said
            return found + [f"done: {one}" for one in self._unlike(run, said, reported=not cut_short)]
        again = main(["run", "--resume", "last", "--quiet"])
        told = self._capsys.readouterr().err
        if again == 0:
            return found + [f"resumed: {one}" for one in self._unlike(run, told)]
        advised = any(words in told for words in ("kzoo run", "--force"))
        return found + ([f"not resumed, without advice: {told!r}"] if again != 1 or not advised else [])

    def _begun_anew(self, place):
        """Train once more where no run was begun; no folder of it may be left."""
        left = [str(path) for path in Path(place).glob("runs/mnist/*")]
        if main([*TRAIN, "--quiet"]) != 0:
            return [f"cannot be begun again: {self._capsys.readouterr().err!r}"]
        return self._unlike(run_in(place), self._capsys.readouterr().err) + [f"{name} was left" for name in left]

    def _record(self, run, code, said, fault):
        record = json.loads((run / "run.json").read_text("utf-8"))
        status, error = record["status"], record.get("error") or ""
        if code == 0:
            return [] if status == "done" else [f"exit code 0, and the record says {status}"]
        if status == "running":  # nothing could be written any more, or no resume was begun: `kzoo runs` says killed
            left = fault.lasting or (self._resumes and not self._played.steps)
            return [] if left else ["the record says that it is running"]
        if status not in ("failed", "done"):
            return [f"the record says {status}"]
        reasons = (os.strerror(fault.number), "what was just written cannot be read again")  # zipfile says not why
        return [] if status == "done" or any(map(error.__contains__, reasons)) else [f"the record says {error!r}"]

    def _unlike(self, run, said, *, reported=True):
        """Return what is not as in the run without a fault, but for a report that is said to be missing."""
        no_report = not reported or "its report could not be written" in said
        page = run / "report.html"  # which says it where the settings could not be read
        no_report = no_report or (page.exists() and "not known: " in page.read_text("utf-8"))
        # What is measured is recorded before the first picture is written.
        fewer = {"completed", "completed, measures"} if not (run / "plots").exists() else {"completed"}
        missing = {f"run.json differs in {names}" for names in fewer}
        return [
            line
            for line in differences(self.alone, run)
            if not (no_report and (line.startswith(("report.html", "plots")) or line in missing))
        ]


def command(name, folders, capsys, played):
    whole, killed = folders
    words, start = (TRAIN, None) if name == "run" else (["run", "--resume", "last"], killed)

    def call():
        played.steps = 0
        return main(words)

    return Command(call, start, Afterwards(whole, capsys, played, resumes=name == "resume"))


@pytest.mark.long_but_first
@pytest.mark.parametrize(
    ("site", "time", "fault"),
    [
        ("fsync .run.*.json in kzoo.files.replacing", 2, Fault(errno.ENOSPC, lasting=True)),
        ("write .best.*.keras in kzoo.models.saving.save_model", 30, Fault(errno.EIO)),
    ],
)
def test_a_disk_that_breaks_or_gets_full(site, time, fault, folders, played, tmp_path, capsys):
    """When the training is recorded, and in the model of the second epoch: the run goes on from its state."""
    asked = command("run", folders, capsys, played)
    code, hit, wrong = tried(asked, tmp_path / "work", capsys, content_of(folders[0]), site, time, fault)
    assert (code, hit, wrong) == (1, True, [])


@pytest.mark.long
@pytest.mark.parametrize("name", ["run", "resume"])
def test_every_call_fails_once(name, folders, played, tmp_path, capsys):
    asked = command(name, folders, capsys, played)
    wrong, faults = swept(asked, tmp_path / "work", capsys, lambda seen: chosen(seen, SHARE))
    assert wrong == []
    assert faults["hit"] > 5
