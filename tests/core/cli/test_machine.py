"""Machines and shells that lack something: closed and full streams, a folder that is gone, narrow terminals."""

import os
import shlex
import subprocess
import sys

import pytest

from kzoo import streams
from kzoo.cli import output

KZOO = f"{shlex.quote(sys.executable)} -m kzoo"
CLOSED = "error: Standard output is closed, and results are written there: use `>/dev/null` where nobody reads them."
FULL = "error: The results cannot be written to standard output: No space left on device.\n"
GONE = "error: The working folder was deleted or moved away, so no path leads anywhere: `cd` to another one.\n"


FULL_DISK = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")  # noqa: PTH110


def shell(line, **options):
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, **options)


@FULL_DISK
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("list-losses --json >&-", 1, f"{CLOSED}\n"),
        ("--version >&-", 1, f"{CLOSED}\n"),
        ("list-losses >/dev/full", 1, FULL),
        ("--version >/dev/full", 1, FULL),
        ("--help >/dev/full", 1, FULL),
        ("list-losses --task nope 2>/dev/full", 2, ""),  # nobody is to be told; the code is what it is
        ("--debug list-losses --task nope 2>/dev/full", 2, ""),
        ("list-losses --task nope <&- 2>&-", 2, ""),
        ("list-losses --task ordinal <&- >/dev/null 2>&-", 0, ""),
    ],
)
def test_streams(line, code, said):
    done = shell(f"{KZOO} {line}")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", said)


@FULL_DISK
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_disk_is_said_with_and_without_a_buffer(unbuffered):
    done = shell(f"PYTHONUNBUFFERED={unbuffered} {KZOO} --version >/dev/full")
    assert (done.returncode, done.stderr) == (1, FULL)


@FULL_DISK
def test_what_a_component_prints_is_lost_where_stderr_is_full(monkeypatch):
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stderr", full)  # here: between fixtures and test pytest sets its own again
        with streams.stdout_to_stderr():
            for _ in range(2):
                print("chatter " * 10_000)  # noqa: T201 - as a component does
            sys.stdout.flush()
        streams.silence(full)


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [("runs", 1, GONE), ("list-losses --search huber", 0, ""), ("list-losses --help", 0, "")],
)
def test_a_working_folder_that_was_deleted(command, code, said, tmp_path):
    done = shell(f"mkdir gone; cd gone; rmdir ../gone; {KZOO} {command}", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (code, said)


@pytest.mark.parametrize("columns", ["0", "1", "-5"])
def test_a_terminal_narrower_than_a_word(columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    assert output.terminal_width(sys.stdout) == 12


@pytest.mark.long
def test_no_locale_and_no_home():
    """What the terminal cannot show is replaced; nothing fails for want of a language or a home."""
    bare = {"PATH": os.environ["PATH"], "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = shell(f"{KZOO} info emd", env=bare)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("emd: loss of kzoo ")
