"""Commands to copy, as a shell itself reads them."""

import os
import subprocess

import pytest

from kzoo.arguments import command_line, described


@pytest.mark.parametrize(
    "name", [b"my runs/a", b"it's", b"$(x)", b"caf\xe9", b"caf\xe9's \\ n", "größe".encode(), b"", b"*"]
)
def test_a_shell_reads_back_what_was_quoted(name):
    line = command_line("printf", "%s", os.fsdecode(name))
    assert subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout == name
    line.encode()


def test_what_refuses_to_be_looked_at_is_told_by_its_type():
    class Sly(list):
        def __repr__(self):
            raise OSError

        def __getattr__(self, name):
            raise OSError

    assert described(Sly()) == "an object of the type Sly"
