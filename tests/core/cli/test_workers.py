"""Several processes on one machine: how many, which command, and what becomes of all when one ends."""

import os
import signal
import subprocess
import sys

import pytest

from kzoo.cli import workers
from kzoo.cli.workers import asked_for, train_together
from kzoo.engine.cluster import Cluster, config_of
from kzoo.errors import KzooError, UsageError

START = subprocess.Popen


def test_processes_are_started_where_nobody_else_started_them(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert [asked_for(count) for count in (None, 1, 3)] == [(0, None), (0, None), (3, None)]
    monkeypatch.setenv("TF_CONFIG", config_of(["a:1", "b:1"], 1))
    part = Cluster(("a:1", "b:1"), 1)
    assert [asked_for(count) for count in (None, 2)] == [(0, part), (0, part)]
    with pytest.raises(UsageError, match="--workers 3 contradicts TF_CONFIG, which names 2 workers"):
        asked_for(3)


def in_place_of_kzoo(monkeypatch, program):
    """Have each worker run a program in the place of the command, with its number as ``index``."""
    head = "import json, os, signal, sys\nindex = json.loads(os.environ['TF_CONFIG'])['task']['index']\n"

    def begin(command, **options):
        assert command[1:4] == ["-P", "-m", "kzoo"]
        return START([sys.executable, "-S", "-c", head + program], **options)

    monkeypatch.setattr(workers.subprocess, "Popen", begin)


def test_the_exit_code_is_that_of_the_chief(monkeypatch):
    in_place_of_kzoo(monkeypatch, "assert os.environ['KZOO_LOCAL_WORKER'].isdigit()\nsys.exit(3 if index == 0 else 0)")
    assert train_together(3, ["run"], "again") == 3


def test_the_chief_is_told_why_another_one_is_gone(monkeypatch, capfd):
    in_place_of_kzoo(
        monkeypatch,
        "if index:\n    print('error: No room.', file=sys.stderr)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "print(sys.stdin.readline())\nsys.exit(1)",
    )
    assert train_together(2, ["run"], "again") == 1
    told = capfd.readouterr()
    assert told.out.strip() == "worker 1 was ended by SIGKILL, as the system does where memory is short"
    assert not told.err  # which the chief says, in its own words
    in_place_of_kzoo(
        monkeypatch,
        "if index:\n    sys.exit('error: No room.')\nprint(sys.stdin.readline())\nsys.exit(1)",
    )
    assert train_together(2, ["run"], "again") == 1
    assert capfd.readouterr().out.strip() == "worker 1 ended: No room"


def test_a_killed_chief_takes_all_with_it(monkeypatch):
    monkeypatch.setattr(workers, "_PATIENCE", 0.0)
    in_place_of_kzoo(monkeypatch, "os.kill(os.getpid(), signal.SIGKILL) if index == 0 else signal.pause()")
    with pytest.raises(KzooError, match=r"first of 2 workers was ended by SIGKILL.*`kzoo run --resume last` goes on"):
        train_together(2, ["run"], "kzoo run --resume last")


def test_a_signal_is_for_all_and_ends_nobody_here(monkeypatch):
    asking = f"os.kill({os.getpid()}, signal.SIGTERM)\n" if hasattr(signal, "pause") else ""
    in_place_of_kzoo(
        monkeypatch,
        "signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(130))\n"
        f"if index == 0:\n    {asking}signal.pause()",
    )
    assert train_together(2, ["run"], "again") == 130
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
