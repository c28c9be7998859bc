"""Memory shared out among runs that are trained at a time."""

import subprocess
import sys

import pytest

from kzoo.comparing import memory
from kzoo.comparing.memory import Room, available, peak

GB = 10**9


@pytest.fixture
def free(monkeypatch):
    def set_to(size):
        monkeypatch.setattr(memory, "available", lambda: size)

    return set_to


def test_with_plenty_all_begin_at_once(free):
    free(64 * GB)
    room = Room(4)
    assert room.places == 4
    assert room.took(2 * GB) == ""
    assert room.places == 4


def test_with_little_one_begins_and_the_others_when_it_told_what_it_takes(free):
    free(6 * GB)
    room = Room(4)
    assert room.places == 1
    said = room.took(2 * GB)
    assert room.places == 2
    assert said == "A run takes 2.0 GB of memory, and 6.0 GB were free: 2 of them are trained at a time, not 4."
    assert room.took(2 * GB) == ""  # it is said once
    room.took(5 * GB)
    assert room.places == 1


def test_what_is_asked_for_counts_and_not_what_is_measured(free):
    free(20 * GB)
    room = Room(4, 9 * GB)
    assert room.places == 2
    room.took(1 * GB)
    assert room.places == 2


def test_where_nobody_can_tell_nothing_is_held_back(free):
    free(None)
    assert Room(8).places == 8
    free(1)
    assert Room(1).places == 1


@pytest.mark.skipif(sys.platform != "linux", reason="free and ps are Linux's")
def test_what_the_system_tells_is_read_right():
    told = subprocess.run(["free", "--bytes"], check=True, capture_output=True, text=True).stdout
    free_now = int(told.splitlines()[1].split()[-1])
    assert available() <= 1.1 * free_now
    script = "x = b'x' * 300_000_000; from kzoo.comparing.memory import peak; print(peak())"
    found = int(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout)
    assert 300_000_000 < found < 500_000_000
    assert peak() > 0
