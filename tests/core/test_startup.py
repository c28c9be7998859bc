"""The listing path imports nothing heavy: real processes, because this one has long imported it all."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = ("tensorflow", "keras", "numpy", "matplotlib", "cv2", "sklearn", "PIL", "requests", "pydantic", "markdown_it",
         "gradio")  # fmt: skip

SCRIPT = """
import json, sys
from kzoo.cli import main
code = main(sys.argv[1:])
sys.stdout.flush()
print(json.dumps({"code": code, "modules": sorted(sys.modules)}), file=sys.stderr)
"""

COMMANDS = [
    ["--version"],
    ["--help"],
    ["list-losses"],
    ["list-metrics", "--json"],
    ["list-optimizers", "--search", "a"],
    ["list-regularizers", "--task", "classification"],
    ["list-trackers"],
    ["list-pipelines"],
    ["list-plugins"],
    ["list-plugins", "--available", "--json"],
    ["info", "--help"],
    ["check", "--help"],
    ["demo", "--help"],
    ["doctor"],
]


def start(arguments, **environment):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **environment},
        timeout=120,
    )
    return done.stdout, json.loads(done.stderr.splitlines()[-1])


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_no_heavy_import(arguments):
    out, told = start(arguments)
    assert told["code"] == 0
    assert out
    assert not [name for name in HEAVY if name in told["modules"]]


def test_a_list_imports_no_other_command_and_no_rich():
    _, told = start(["list-losses"])
    rooms = {name for name in told["modules"] if name.startswith("kzoo.cli.")}
    assert rooms == {f"kzoo.cli.{name}" for name in ("app", "completion", "listing", "options", "output", "visible")}
    assert "rich" not in told["modules"]
    heavy = {"kzoo.plugins.build", "kzoo.training", "kzoo.runs.folder", "kzoo.runs.config"}
    assert not heavy & set(told["modules"])


def test_a_list_reads_the_specs_that_it_shows_and_help_reads_none():
    def specs(*arguments):
        _, told = start(arguments)
        return {name.split(".")[1] for name in told["modules"] if name.startswith("kzoo_plugins.") and ".specs" in name}

    assert specs("list-losses") == {"losses"}
    assert specs("--help") == set()


def test_the_version_needs_nothing():
    _, told = start(["--version"])
    assert not {"typer", "pluggy", "importlib.metadata", "rich"} & set(told["modules"])


def test_completion_imports_nothing_heavy():
    _, told = start([], _KZOO_COMPLETE="complete_bash", COMP_WORDS="kzoo\ninfo\na", COMP_CWORD="2")
    assert not [name for name in HEAVY if name in told["modules"]]
