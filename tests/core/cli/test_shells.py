"""Completion in real shells: what stands on the line after Tab was pressed."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

KZOO = Path(sys.executable).parent / "kzoo"

TABS = [
    ("kzoo run mnist --loss focal:gam", "focal:gamma="),
    ("kzoo list-l", "list-losses"),
    ("kzoo run mnist --recipe qu", "quick"),
    ("kzoo evaluate la", "last"),
    ("kzoo run yolov3 --fi", "--fix"),
    ("kzoo run mnist -o train.keep_", "train.keep_state="),
]

BASH = r"""
source "$SCRIPT"
COMP_LINE=$LINE
COMP_POINT=${#COMP_LINE}
# As bash itself splits a line: at the signs of COMP_WORDBREAKS, which are words of their own.
COMP_WORDS=( $(sed -E 's/([:=])/ \1 /g' <<< "$LINE") )
COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_kzoo_completion kzoo
last=${COMP_WORDS[$COMP_CWORD]}
printf '%s\n' "${COMPREPLY[@]/#/${LINE%"$last"}}"
"""

ZSH = r"""
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1=; autoload -Uz compinit; compinit -u -d "$HOME/.zcompdump"; source "$SCRIPT"; print rea''dy'
zpty -r shell shown '*ready*'
zpty -n -w shell "$LINE"$'\t'
zpty -r shell shown "*$WANTED*"
print -r -- "$shown"
"""

FISH = r"""
source "$SCRIPT"
complete -C "$LINE"
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Return a function that presses Tab in a shell with one run in its folder, and returns what is shown."""
    from kzoo.runs.configure import configure
    from kzoo.runs.folder import create_run
    from kzoo.runs.manifest import Manifest

    if not KZOO.exists():
        pytest.skip("the command is not installed beside this Python")
    folder = tmp_path_factory.mktemp("shell")
    create_run(folder / "runs", configure("mnist"), Manifest())
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("_KZOO")},
        "PATH": f"{KZOO.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "TERM": "xterm",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }

    def press(name, program, line, wanted):
        if shutil.which(name) is None:
            pytest.skip(f"{name} is not installed")
        script = folder / f"complete.{name}"
        if not script.exists():
            made = subprocess.run(
                [KZOO, "--show-completion", name], capture_output=True, env=environment, check=True, timeout=60
            )
            script.write_bytes(made.stdout)
        flag = {"bash": "--norc", "zsh": "-f", "fish": "--no-config"}[name]
        given = {**environment, "SCRIPT": str(script), "LINE": line, "WANTED": wanted}
        done = subprocess.run(
            [name, flag, "-c", program], capture_output=True, text=True, cwd=folder, env=given, check=False, timeout=60
        )
        return done.stdout

    return press


@pytest.mark.long
@pytest.mark.parametrize(("line", "wanted"), TABS)
@pytest.mark.parametrize(("name", "program"), [("bash", BASH), ("fish", FISH)], ids=["bash", "fish"])
def test_what_is_offered(name, program, line, wanted, shell):
    shown = shell(name, program, line, wanted)
    whole = f"{line.rpartition(' ')[0]} {wanted}" if name == "bash" else wanted
    assert any(one == whole or one.startswith(f"{wanted}\t") for one in shown.splitlines()), shown


@pytest.mark.long
@pytest.mark.parametrize(("line", "wanted"), TABS[:2])
def test_zsh_puts_it_on_the_line(line, wanted, shell):
    assert wanted in shell("zsh", ZSH, line, wanted)
