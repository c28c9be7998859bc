"""A study that is trained in earnest, as small as can be: killed in a trial, and finished by two processes at once."""

import json
import os
import signal
import subprocess
import sys

import optuna
import pytest

from kzoo.runs.folder import list_runs

pytestmark = pytest.mark.long

COMMAND = [
    *(sys.executable, "-m", "kzoo", "tune", "mnist", "--recipe", "quick", "--data", "sample", "--limit", "32"),
    *("--epochs", "3", "--batch-size", "16", "--search", "loss=categorical_crossentropy,focal:gamma=2"),
    *("--search", "optimizer.momentum=0..0.9", "--trials", "4", "--seeds", "0", "--study", "small"),
    *("--pruner", "threshold:lower=2,n_warmup_steps=2"),  # no accuracy is above 2: all are given up after two epochs
]


def test_killed_in_a_trial_and_finished_by_two_processes(tmp_path):
    # With one step in a call there is time to see the first epoch's state before the trial is at its end.
    command = [*COMMAND, "-o", "train.steps_per_execution=1"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    process.stderr.readline()  # the first trial came to its end
    while not any(path.is_dir() for path in tmp_path.glob("runs/mnist/*/state")):
        assert process.poll() is None
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    began = [run.manifest().part_of["trial"] for run in list_runs(tmp_path / "runs")]
    assert began == [0, 1]

    both = [subprocess.Popen([*command, "--json"], cwd=tmp_path, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate(timeout=300)[0] for process in both]
    study = optuna.load_study(study_name="small", storage=f"sqlite:///{tmp_path}/runs/studies/small/study.db")
    assert [trial.number for trial in study.trials] == [0, 1, 2, 3]
    assert {trial.state.name for trial in study.trials} == {"PRUNED"}
    assert all(list(trial.intermediate_values) == [1, 2] for trial in study.trials)
    runs = list_runs(tmp_path / "runs")
    records = {run.manifest().part_of["trial"]: run.manifest() for run in runs}
    assert (sorted(records), len(runs)) == ([0, 1, 2, 3], 4)
    assert {record.status for record in records.values()} == {"pruned"}
    assert "By the rule `threshold:lower=2,n_warmup_steps=2`" in records[0].error
    assert len(records[1].resumed) == 1  # the killed one went on, and was not begun again
    # Without a winner there is no result, which the last one says; an earlier one tells that the other trains.
    early = [json.loads(answer) for answer in answers if answer]
    assert len(early) < 2
    assert all("being trained by other processes" in " ".join(study["notes"]) for study in early)
    code = subprocess.run([*command, "--json"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert code.returncode == 1
    assert "all 4 trials were given up by the pruner" in code.stderr
