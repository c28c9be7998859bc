"""What is in the files of a new plugin, for every kind, license and length of name."""

import ast
import re
import subprocess
import sys
import tomllib

import pytest
from packaging.requirements import Requirement

import kzoo.testing
from kzoo.discovery import discover
from kzoo.registry import set_plugin_choice
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


@pytest.fixture
def forget():
    """Take the modules that a test imported from its own folder out of the process again."""
    import keras

    known = set(sys.modules)
    yield
    for name in [name for name in sys.modules if name not in known and name.startswith("kzoo_scaffolded")]:
        del sys.modules[name]
    # Only the test's own: a module of the kit that was imported meanwhile stays imported, and so must what it registered.
    objects = keras.saving.get_custom_objects()
    for name in [name for name in objects if name.startswith("kzoo_scaffolded")]:
        objects.pop(name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("forget")
def test_the_component_conforms(kind, tmp_path, monkeypatch):
    """All of the kit but the check in a fresh process, which tests/test_third_party.py sees to for a loss."""
    project = plan("kzoo-scaffolded", kind=kind, name="scaffolded")
    install(project, tmp_path, monkeypatch)
    found = discover()
    assert [str(problem) for problem in found.problems if problem.distribution == project.distribution] == []
    [plugin] = [plugin for plugin in found.plugins if plugin.distribution == project.distribution]
    [spec] = plugin.specs
    assert (spec.kind, spec.name) == (kind, "scaffolded")
    set_plugin_choice(None)
    try:
        only = tuple(name for name in kzoo.testing.checks(kind) if name != "fresh_process")
        report = getattr(kzoo.testing, f"check_{kind}")(project.qualified, only=only)
    finally:
        set_plugin_choice(None)
    report.raise_if_failed()
