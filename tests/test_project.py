"""What the project says of itself is true: metadata, documents, layout."""

import dataclasses
import importlib.metadata
import inspect
import re
import tomllib
from pathlib import Path

import pytest

from kzoo import hookspecs, plugin
from kzoo.cli.app import COMMANDS
from kzoo.config import _OPTIONAL, DEFAULTS
from kzoo.registry import get_registry
from kzoo.targets import load_target

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLUGINS = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
RUNNING = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_installed_entry_points_are_those_of_the_project():
    """They go stale in an editable install: `python -m pip install -e .` renews them."""
    installed = {p.name: p.value for p in importlib.metadata.distribution("kzoo").entry_points if p.group == "kzoo"}
    assert installed == PROJECT["project"]["entry-points"]["kzoo"]


def test_every_first_party_plugin_loads():
    assert [str(problem) for problem in get_registry().problems if problem.distribution == "kzoo"] == []


@pytest.mark.parametrize("hook", hookspecs.HOOKS)
def test_the_documents_give_every_hook_with_its_signature(hook):
    answer = inspect.signature(getattr(hookspecs, hook)).return_annotation
    assert f"{hook}() -> {answer}" in PLUGINS.replace("\\|", "|")


@pytest.mark.parametrize("spec", plugin.KINDS.values(), ids=lambda spec: spec.__name__)
def test_the_documents_give_every_field_of_every_spec(spec):
    for field in dataclasses.fields(spec):
        assert re.search(rf"^\| `{field.name}` \|", PLUGINS, re.MULTILINE), field.name


def test_the_documents_give_every_setting():
    keys = []
    for key, value in DEFAULTS.items():
        keys += [f"{key}.{inner}" for inner in value] if isinstance(value, dict) and value else [key]
    for key in [*keys, *_OPTIONAL]:
        assert f"`{key}" in RUNNING, key


def test_every_command_in_the_readme_exists():
    blocks = "".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    named = set(re.findall(r"\bkzoo ([a-z][a-z-]+)", blocks)) | set(re.findall(r"`kzoo ([a-z][a-z-]+)", README))
    assert named
    assert named <= set(COMMANDS)


def test_the_documents_link_to_files_that_exist():
    for document in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), (document.name, link)


@pytest.mark.parametrize("entry", get_registry().entries("pipeline"), ids=lambda entry: entry.name)
def test_a_pipelines_spec_is_true_of_its_class(entry):
    pipeline = load_target(entry)
    assert (pipeline.name, pipeline.task) == (entry.name, entry.spec.task)
    assert sorted(pipeline().recipes()) == sorted(entry.spec.recipes)


def test_the_wheel_would_hold_the_three_packages_with_their_recipes():
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert [Path(p).name for p in packages] == ["kzoo", "kzoo_plugins", "kzoo_zoo"]
    for package in packages:
        assert (ROOT / package / "py.typed").exists()
