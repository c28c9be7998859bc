"""The lock of a run is held by the process that trains it, and by no dead one."""

import os
import signal
import subprocess
import sys

import filelock
import pytest

from kzoo.errors import KzooError
from kzoo.runs import lock

_HOLD = """
import sys, pathlib
from kzoo.runs.lock import training
with training(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_living_process_holds_it_and_a_killed_one_does_not(tmp_path, monkeypatch):
    monkeypatch.setattr(lock, "_PATIENCE", 0.0)
    assert not lock.is_held(tmp_path)
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "held\n"
    assert lock.is_held(tmp_path)
    with pytest.raises(KzooError, match="is being trained by another process right now"), lock.training(tmp_path):
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not lock.is_held(tmp_path)
    with lock.training(tmp_path):
        assert lock.is_held(tmp_path)
    assert not lock.is_held(tmp_path)


@pytest.mark.parametrize(("error", "held"), [(PermissionError(13, "denied"), True), (OSError(30, "read-only"), False)])
def test_where_it_cannot_be_tried(tmp_path, monkeypatch, error, held):
    (tmp_path / ".training.lock").touch()

    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    assert lock.is_held(tmp_path) is held
    with pytest.raises(KzooError, match="cannot be written"), lock.training(tmp_path):
        pass
