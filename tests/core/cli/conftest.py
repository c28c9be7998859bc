"""What tests of the command line share."""

import pytest

from kzoo.cli import main


@pytest.fixture
def kzoo(capsys):
    """Return a function that calls the command line and returns exit code, stdout and stderr."""

    def call(*arguments):
        code = main(list(arguments))
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
