"""What the author of a command imports."""

import subprocess
import sys

import pytest

from kzoo import command


def test_it_is_light():
    script = """
import sys
import kzoo.command
heavy = {"tensorflow", "keras", "numpy", "rich", "kzoo.models.saving", "kzoo.inference"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", command.__all__)
def test_every_name_is_there(name):
    assert getattr(command, name) is not None


def test_no_other_name_is():
    assert set(command._HOMES) <= set(command.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = command.nothing


def test_the_line_of_a_download_ends_with_its_block(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then draws as on a terminal
    monkeypatch.setenv("TERM", "xterm")
    line = command.TransferLine()
    with line as entered:
        entered(1, 10, "net.weights")
        assert line._bar is not None
    assert line._bar is None
    assert "net.weights" in capsys.readouterr().err


def test_tensorflow_starts_as_the_command_line_was_asked_to(monkeypatch, kzoo):
    asked = []
    monkeypatch.setattr("kzoo.engine.runtime.start", lambda *, debug: asked.append(debug))
    for arguments in (["list-losses"], ["list-losses", "--debug"]):
        kzoo(*arguments)
        command.start_tensorflow()
    assert asked == [False, True]
