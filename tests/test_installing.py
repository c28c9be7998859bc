"""`kzoo install` in a fresh environment, with the wheel of the example, and the check of the directory with it."""

import datetime as dt
import importlib.util
import json
import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="the wheels are built with it")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    """Build the wheels of kzoo and of the example."""
    place = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, ROOT / "examples" / "kzoo-example-loss"):
        command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    return place


def put_kzoo(python, wheels):
    """Install kzoo's wheel; what it needs comes from the environment of the tests, which is last on the path."""
    [wheel] = wheels.glob("kzoo-*.whl")
    pip = [sys.executable, "-m", "pip", "--quiet", "--python", python]
    subprocess.run([*pip, "install", "--no-index", "--no-deps", wheel], check=True)
    packages = next((python.parent.parent / "lib").glob("python3*")) / "site-packages" if os.name == "posix" else None
    packages = packages or python.parent.parent / "Lib" / "site-packages"
    behind = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    (packages / "behind.pth").write_text("\n".join([*behind, ""]), encoding="utf-8")


@pytest.fixture
def shell(tmp_path, wheels):
    """A function that calls the kzoo of a fresh environment."""
    venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(tmp_path / "environment")
    paths = {"base": str(tmp_path / "environment"), "platbase": str(tmp_path / "environment")}
    python = Path(sysconfig.get_path("scripts", "venv", paths)) / ("python.exe" if os.name == "nt" else "python")
    put_kzoo(python, wheels)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KZOO_", "PYTHON", "PIP_"))}

    def call(*arguments, **variables):
        done = subprocess.run(
            [python, "-P", "-m", "kzoo", *map(str, arguments)],
            capture_output=True,
            encoding="utf-8",
            cwd=tmp_path,
            env={**kept, "PYTHONUTF8": "1", **variables},
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr

    return call


@pytest.mark.long
def test_the_example_comes_and_goes(shell, wheels):
    wanted = ("kzoo-example-loss", "--no-index", "--find-links", wheels, "--json")
    code, out, err = shell("install", *wanted, KZOO_PLUGINS="")  # what it adds is told whatever is switched off
    assert code == 0, err
    [row] = json.loads(out)
    assert (row["distribution"], row["status"], row["adds"]) == ("kzoo-example-loss", "ok", {"loss": ["example"]})
    assert "example" in shell("list-losses")[1]
    code, _, err = shell("install", "kzoo-no-such-plugin", "--no-index")
    assert code == 1
    assert "ended with exit code 1" in err
    code, out, err = shell("uninstall", "kzoo-example-loss", "--yes", "--json")
    assert code == 0, err
    assert json.loads(out) == {"removed": ["kzoo-example-loss"], "left": []}
    assert "kzoo-example-loss" not in shell("list-plugins")[1]


@pytest.mark.long
def test_the_directory_is_checked_in_a_fresh_environment(wheels):
    from kzoo.plugins.directory import Listed

    spec = importlib.util.spec_from_file_location("plugin_directory", ROOT / "docs" / "plugin_directory.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    listed = Listed(
        distribution="kzoo-example-loss", summary="Forgives small mistakes.", kinds=("loss",), home="https://example.org/x",
        license="Apache-2.0", added=dt.date(2026, 11, 30),
    )  # fmt: skip

    def install(python, distribution):
        put_kzoo(python, wheels)
        command = [sys.executable, "-m", "pip", "--quiet", "--python", python, "install", "--no-deps", "--no-index"]
        return script.run([*command, "--find-links", wheels, distribution], python.parent).stderr

    found = script.checked(listed, install=install, only=["metadata", "import", "publishes", "light"])
    assert script.valid(found) == found
    assert (found["result"], found["version"]) == ("passed", "0.1.0"), found
    assert found["counts"]["passed"] > 0
    assert script.checked(listed, install=lambda *_: "no such thing")["result"] == "not installed"
