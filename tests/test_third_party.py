"""A third party's whole way, as docs/writing-a-plugin.md tells it, in a virtual environment of its own.

kzoo and the plugins are installed from wheels that are built here. TensorFlow and the rest are those of the
environment that runs the tests: its packages come last on the path, so that the kzoo in it, which may be an editable
one, is hidden by the wheel. The commands run one after the other, each in a fresh process, and what they say is
compared with what the page says; numbers may differ.
"""

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="the wheels are built with it")

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
CONSOLE = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
LIMIT_S = 300


def transcript():
    """Return the page's commands, each with what it prints there."""
    return [
        (command.replace("\\\n>", ""), said)
        for block in CONSOLE
        for command, said in re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


class Shell:
    """A person's shell in the fresh environment: it has a current folder, and `pip` needs no network."""

    def __init__(self, place):
        self.environment = place / "environment"
        self.folder = place / "work"
        self.folder.mkdir()
        self.wheels = place / "wheels"
        venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(self.environment)
        paths = {"base": str(self.environment), "platbase": str(self.environment)}
        self.scripts = sysconfig.get_path("scripts", "venv", paths)
        self.packages = Path(sysconfig.get_path("purelib", "venv", paths))
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KZOO_", "PYTHON", "PIP_"))}
        self.variables = {
            **kept,
            "KZOO_DATA": str(place / "cache"),
            "PATH": os.pathsep.join([self.scripts, os.environ.get("PATH", "")]),
            "PYTHONUNBUFFERED": "1",
            "PYTHONUTF8": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }

    def start(self, *command, folder=None):
        """Run one command; return its exit code and all that it said."""
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder or self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            timeout=LIMIT_S,
            check=False,
        )
        return done.returncode, done.stdout

    def install(self, folder):
        """Build the wheel of a project and install it, and nothing that it depends on."""
        self.must(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", self.wheels, folder=folder)
        self.install_wheel(
            re.search(r'^name = "(.*)"', (folder / "pyproject.toml").read_text("utf-8"), re.MULTILINE)[1]
        )

    def install_wheel(self, distribution):
        """Install a wheel that was built here."""
        [wheel] = self.wheels.glob(f"{distribution.replace('-', '_')}-*.whl")
        self.pip("install", "--no-index", "--no-deps", wheel)

    def pip(self, *arguments):
        """Run the pip of the tests' environment upon the fresh one, whose own packages alone it can change."""
        python = Path(self.scripts) / ("python.exe" if os.name == "nt" else "python")
        self.must(sys.executable, "-m", "pip", "--quiet", "--python", python, *arguments)

    def must(self, *command, folder=None):
        """Run a command that has to go well."""
        code, said = self.start(*command, folder=folder)
        assert code == 0, said

    def type(self, line):
        """Do what a line of the page says; return the exit code and the output."""
        match shlex.split(line):
            case ["cd", folder]:
                self.folder = self.folder / folder
            case ["python", "-m", "pip", "install", "-e", ".[dev]"]:
                self.install(self.folder)
            case ["python", "-m", "pip", "install", name] if name.startswith("."):
                self.install(self.folder / name)
            case ["python", "-m", "pip", "install", name]:
                self.install_wheel(name)
            case ["python", "-m", "pip", "uninstall", name]:
                self.pip("uninstall", "--yes", name)
            case [program, *arguments]:
                found = Path(self.scripts) / (f"{program}.exe" if os.name == "nt" else program)
                return self.start(found, *arguments)
        return 0, ""


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A fresh environment with kzoo in it."""
    for name in ("kzoo-my-loss", "kzoo-our-loss"):
        with pytest.raises(importlib.metadata.PackageNotFoundError):  # it would be found behind the fresh one
            importlib.metadata.distribution(name)
    shell = Shell(tmp_path_factory.mktemp("third-party"))
    shell.install(ROOT)
    # Lines of a .pth file go to the end of the path, and the .pth files in those folders are not read: an editable
    # kzoo there is neither importable nor, with a copy of that name in front of it, found through its metadata.
    behind = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (shell.packages / "behind.pth").write_text("\n".join([*behind, ""]), encoding="utf-8")
    return shell


def plain(text):
    """Return lines in which numbers, times and the widths of columns make no difference."""
    text = re.sub(r"\d{8}T\d{6}Z", "<time>", text)
    text = re.sub(r", \d+ warnings?", "", text)
    text = re.sub(r" \(\d+:\d\d:\d\d\)$", "", text, flags=re.MULTILINE)  # pytest's, from a minute on
    text = re.sub(r"\d+(,\d{3})*(\.\d+)?(e-?\d+)?", "#", text)
    lines = (re.sub(r"\s+", " ", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def agrees(said, shown):
    """Return whether an output is what the page shows, where `...` stands for any number of lines."""
    pattern = "".join(r"(?:.*\n)*?" if line == "..." else re.escape(line) + r"\n" for line in plain(shown))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in plain(said))) is not None


@pytest.mark.long
def test_the_page_is_followed(shell):
    failing = 0
    for line, shown in transcript():
        code, said = shell.type(line)
        wrong = "error:" in shown
        failing += wrong
        assert (code != 0) == wrong, f"$ {line}\n{said}"
        assert agrees(said, shown), f"$ {line}\n{said}\nThe page says:\n{shown}"
        sys.stdout.write(f"$ {line}\n{said}\n")  # shown where a later line fails
    assert failing == 2, "the page shows what happens without the plugin, and with two of one name"
