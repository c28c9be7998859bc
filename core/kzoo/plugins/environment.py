"""The environment that kzoo runs in, and what installs distributions into it: pip, or uv where there is no pip."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kzoo.errors import KzooError, UsageError, in_short
from kzoo.plugins.reference import canonical_distribution

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Environment", "Wanted", "environment", "installed", "needed", "wanted"]

_FIXED = ("kzoo", "keras", "tensorflow")
"""What no plugin may replace by another version: kzoo was installed with them."""

_NAME = re.compile(
    r"(?P<name>[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)(\[[A-Za-z0-9,._ -]+\])?"
    r"( *(===?|~=|!=|[<>]=?) *[A-Za-z0-9.*+!_-]+( *, *(===?|~=|!=|[<>]=?) *[A-Za-z0-9.*+!_-]+)*)?"
)
_REQUIRED = re.compile(r"[A-Za-z0-9._-]+")
_ARCHIVES = (".whl", ".tar.gz", ".zip")


@dataclass(frozen=True)
class Wanted:
    """Something to install.

    Attributes:
        argument: What the installer is given.
        distribution: The canonical name of what it is; empty where only installing tells.
        path: Whether it is a file or folder.
    """

    argument: str
    distribution: str
    path: bool


def wanted(text: str) -> Wanted:
    """Return what a text asks for: a name on PyPI, also with a version, or the path of a wheel, archive or project.

    Raises:
        UsageError: It is neither, the path does not exist, or it is kzoo itself.
    """
    path = Path(text).expanduser()
    is_path = text.startswith((".", "~", "/", "\\")) or text.endswith(_ARCHIVES) or "/" in text or "\\" in text
    if "://" in text or text.startswith("-"):
        message = (
            f"`{in_short(text)}` is neither a name on PyPI nor a path. What comes from elsewhere is installed with "
            f"`{Path(sys.executable).name} -m pip install`, in the environment of kzoo."
        )
        raise UsageError(message)
    if is_path:
        if not path.exists():
            message = f"There is no {text} to install. A name on PyPI has no slash in it."
            raise UsageError(message)
        found = Wanted(str(path.absolute()), _named(path), path=True)
    elif match := _NAME.fullmatch(text.strip()):
        found = Wanted(text.strip(), canonical_distribution(match["name"]), path=False)
    else:
        message = f"`{in_short(text)}` is no name of a distribution, as in kzoo-my-loss or kzoo-my-loss==1.2."
        raise UsageError(message)
    if found.distribution == "kzoo":
        message = "kzoo itself is no plugin. `pip install --upgrade kzoo` brings a newer one."
        raise UsageError(message)
    return found


def installed() -> set[str]:
    """Return the canonical names of the distributions that are in the environment now."""
    importlib.invalidate_caches()
    names = (one.metadata["Name"] for one in importlib.metadata.distributions())
    return {canonical_distribution(name) for name in names if name}


def needed() -> set[str]:
    """Return the canonical names of what distributions in the environment require, kzoo's extras included."""
    lines = (line for one in importlib.metadata.distributions() for line in one.requires or ())
    return {canonical_distribution(found[0]) for line in lines if (found := _REQUIRED.match(line))}


def _named(path: Path) -> str:
    """Return the name of what is in a wheel, an archive of sources or a project; empty where that is not told."""
    if path.is_dir():
        try:
            project = tomllib.loads((path / "pyproject.toml").read_text("utf-8"))
        except FileNotFoundError as error:
            message = f"{path} holds no pyproject.toml, so it is no project to install."
            raise UsageError(message) from error
        except (OSError, ValueError) as error:
            message = f"{path / 'pyproject.toml'} cannot be read: {error}."
            raise KzooError(message) from error
        return canonical_distribution(str(project.get("project", {}).get("name", "")))
    stem = path.name
    for ending in _ARCHIVES:
        stem = stem.removesuffix(ending)
    return canonical_distribution(stem.split("-")[0] if path.suffix == ".whl" else stem.rpartition("-")[0])


@dataclass(frozen=True)
class Environment:
    """Where kzoo runs, and how something is installed there.

    Attributes:
        python: Its interpreter.
        installer: The program, up to ``install`` or ``uninstall``.
        target: What follows these: for uv, the interpreter.
        uninstall: What follows for taking away: pip is not to ask.
        note: What to know where another program looks after the environment; empty where none does.
    """

    python: str
    installer: tuple[str, ...]
    target: tuple[str, ...]
    uninstall: tuple[str, ...]
    note: str

    def install(self, arguments: Sequence[str]) -> None:
        """Install what the arguments say, beside the versions of kzoo, Keras and TensorFlow that are here.

        Raises:
            KzooError: It failed; the installer has said why on stderr.
        """
        pins = []
        for name in _FIXED:
            try:
                pins.append(f"{name}=={importlib.metadata.version(name)}")
            except importlib.metadata.PackageNotFoundError:
                continue
        with tempfile.TemporaryDirectory(prefix="kzoo-install-") as folder:
            fixed = Path(folder) / "constraints.txt"
            fixed.write_text("\n".join([*pins, ""]), encoding="utf-8")
            kept = f" ({', '.join(pins)} were to stay)"
            self._run(["install", *self.target, "--constraint", str(fixed), *arguments], kept)

    def remove(self, distributions: Sequence[str]) -> None:
        """Take distributions away; raise `KzooError` where that failed."""
        self._run(["uninstall", *self.target, *self.uninstall, *distributions], "")

    def _run(self, arguments: Sequence[str], how: str) -> None:
        # What the installer says goes to stderr: stdout has the result.
        done = subprocess.run([*self.installer, *arguments], stdout=2, check=False)  # noqa: S603
        if done.returncode:
            named = " ".join(Path(one).name for one in self.installer)
            message = (
                f"`{named} {arguments[0]}` ended with exit code {done.returncode}{how}. What it says stands above."
            )
            raise KzooError(message)


def environment() -> Environment:
    """Return the environment of this process.

    Raises:
        KzooError: The system manages this Python, or nothing that installs is found.
    """
    python = sys.executable
    if not python:
        message = "This Python does not say where it is, so nothing can be installed beside it."
        raise KzooError(message)
    managed = Path(sysconfig.get_path("stdlib")) / "EXTERNALLY-MANAGED"
    if sys.prefix == sys.base_prefix and managed.exists():
        message = (
            f"kzoo runs in {python}, which the system manages and forbids to change. Make an environment of its own "
            "for it: `python3 -m venv .venv`, or `pipx install kzoo`, and install plugins there."
        )
        raise KzooError(message)
    if importlib.util.find_spec("pip"):
        return Environment(python, (python, "-m", "pip"), (), ("--yes",), _note())
    if uv := shutil.which("uv"):
        return Environment(python, (uv, "pip"), ("--python", python), (), _note())
    message = (
        f"Neither pip nor uv is there to install into the environment of {python}. `{Path(python).name} -m ensurepip` "
        "brings pip."
    )
    raise KzooError(message)


def _note() -> str:
    """Return what to know where pipx or uv made the environment: what they make anew has only what they know of."""
    if (Path(sys.prefix) / "pipx_metadata.json").exists():
        return "pipx looks after this environment, and makes it anew without this: `pipx inject kzoo NAME` lasts."
    if (Path(sys.prefix) / "uv-receipt.toml").exists():
        return (
            "uv looks after this environment, and makes it anew without this: `uv tool install kzoo --with NAME` lasts."
        )
    return ""
