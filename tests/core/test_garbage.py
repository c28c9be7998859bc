"""Garbage is searched for again after what it was put off for, and no more where a command's process ends."""

import gc
import subprocess
import sys

import pytest

from kzoo.garbage import kept


def test_the_search_is_put_off_for_the_block_alone():
    with kept():
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), kept():
        _ = 1 / 0
    assert gc.isenabled()


def test_whoever_searches_for_none_is_left_alone():
    gc.disable()
    try:
        with kept():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(("call", "after"), [("main()", False), ("main(['list-plugins'])", True)])
def test_only_a_command_of_its_own_ends_without_a_search(call, after):
    code = f"import gc; from kzoo.cli import main; assert main.__module__ == 'kzoo.cli'; {call}; print(gc.isenabled())"
    done = subprocess.run([sys.executable, "-c", code, "list-plugins"], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == str(after)
