"""What is in the files of a new plugin, for every kind, license and length of name."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import kzoo.testing
from kzoo.plugins.discovery import discover
from kzoo.scaffold import KINDS, LICENSES, files_of, plan, write

LONG = "kzoo-a-rather-long-name-somebody-chose"


@pytest.mark.parametrize("kind", KINDS)
def test_the_files(kind):
    project = plan("kzoo-my-part", kind=kind)
    files = files_of(project)
    module = {"loss": "losses"}.get(kind, f"{kind}s")
    assert set(files) == {
        ".github/workflows/release.yml",
        ".github/workflows/tests.yml",
        ".gitignore",
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "kzoo_my_part/__init__.py",
        f"kzoo_my_part/{module}.py",
        "kzoo_my_part/plugin.py",
        "kzoo_my_part/py.typed",
        "pyproject.toml",
        f"tests/test_{module}.py",
        "tests/test_plugin.py",
    }
    for name, text in files.items():
        assert "<<" not in text, name
        assert not re.search(r"[ \t]$", text, re.MULTILINE), name
        assert text.endswith("\n") != name.endswith("py.typed"), name
        assert not text.endswith("\n\n"), name
        if name.endswith(".py"):
            ast.parse(text)


@pytest.mark.parametrize("license_name", LICENSES)
@pytest.mark.parametrize("author", ["", 'Ada "Countess" Löve\\lace <ada@example.org>'])
def test_the_metadata(license_name, author):
    files = files_of(plan("kzoo-my-loss", license=license_name, author=author, requires="9.8"))
    project = tomllib.loads(files["pyproject.toml"])["project"]
    assert project["entry-points"] == {"kzoo": {"my": "kzoo_my_loss.plugin"}}
    assert [str(Requirement(text)) for text in project["dependencies"]] == ["kzoo>=9.8"]
    holder = 'Ada "Countess" Löve\\lace' if author else "The kzoo-my-loss authors"
    assert project["authors"] == [{"name": holder, **({"email": "ada@example.org"} if author else {})}]
    if license_name == "none":
        assert "license" not in project
        assert "LICENSE" not in files
        assert "## License" not in files["README.md"]
    else:
        assert project["license"] == license_name
        assert project["license-files"] == ["LICENSE"]
        assert files["README.md"].endswith(f"## License\n\n{license_name}\n")
        title = {"Apache-2.0": "Apache License", "MIT": "MIT License", "BSD-3-Clause": "BSD 3-Clause License"}
        assert files["LICENSE"].strip().startswith(title[license_name])
        assert (f"Copyright (c) {holder}\n" in files["LICENSE"]) == (license_name != "Apache-2.0")


def test_nothing_depends_on_the_day():
    texts = "".join(text for name, text in files_of(plan("kzoo-my-loss", license="MIT")).items() if name != "LICENSE")
    assert re.findall(r"\b20\d\d-\d\d", texts) == []
    assert re.search(r"20\d\d", files_of(plan("kzoo-my-loss", license="MIT"))["LICENSE"]) is None


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["a", LONG], ids=["short", "long"])
def test_ruff_finds_nothing(name, kind, tmp_path):
    pytest.importorskip("ruff")
    folder = write(plan(name, kind=kind), tmp_path)
    for command in (["check", "."], ["format", "--check", "."]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--no-cache"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout


def install(project, folder, monkeypatch):
    """Put a project on the path, with the metadata that an installer would write."""
    write(project, folder)
    root = folder / project.distribution
    points = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["kzoo"]
    info = root / f"{project.package}-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {project.distribution}\nVersion: 0.1.0\n")
    lines = [f"{name} = {module}" for name, module in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[kzoo]", *lines, ""]))
    monkeypatch.syspath_prepend(str(root))


@pytest.mark.long
def test_each_kind_passes_its_own_tests(tmp_path, monkeypatch):
    """All of them in one process, which is spared the start of TensorFlow for each."""
    projects = [plan(f"kzoo-scaffolded-{kind}", kind=kind, name=f"scaffolded_{kind}") for kind in KINDS]
    for project in projects:
        install(project, tmp_path, monkeypatch)
    found = discover()
    for project in projects:
        assert [str(problem) for problem in found.problems if problem.distribution == project.distribution] == []
        [plugin] = [plugin for plugin in found.plugins if plugin.distribution == project.distribution]
        assert [(spec.kind, spec.name) for spec in plugin.specs] == [(project.kind, project.name)]
    roots = [str(tmp_path / project.distribution) for project in projects]
    parts = [
        Path(root, part) for root, project in zip(roots, projects, strict=True) for part in ("tests", project.package)
    ]
    options = ["-q", "-c", Path(roots[0], "pyproject.toml"), "-p", "no:cacheprovider", "-rfE"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, [*options, *parts])],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*roots, *filter(None, sys.path)])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed > sum(len(kzoo.testing.checks(kind)) for kind in KINDS) * 0.7
