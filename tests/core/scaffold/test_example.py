"""The example in this repository is what the command writes.

After a change of the templates, write it again: ``python tests/core/scaffold/test_example.py``.
"""

import os
import shutil
from pathlib import Path

from kzoo.scaffold import files_of, plan, write

EXAMPLES = Path(__file__).parents[3] / "examples"

# The version is the first that has all that the example uses; nothing else of it changes with time.
PROJECT = plan("kzoo-example-loss", name="example", author="The kzoo authors", requires="0.1.0")

_LEFTOVERS = {"__pycache__", ".pytest_cache", ".ruff_cache", ".venv", "build", "dist", "runs"}


def test_the_example_is_what_the_command_writes():
    folder = EXAMPLES / PROJECT.distribution
    found = {}
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFTOVERS]
        for name in names:
            file = Path(parent, name)
            found[file.relative_to(folder).as_posix()] = file.read_text(encoding="utf-8")
    assert found == files_of(PROJECT), f"write it again: python {Path(__file__).name}"


if __name__ == "__main__":
    shutil.rmtree(EXAMPLES / PROJECT.distribution)
    write(PROJECT, EXAMPLES)
