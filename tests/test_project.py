"""What the project says of itself is true: metadata, documents, layout."""

import dataclasses
import importlib.metadata
import inspect
import json
import re
import tomllib
from pathlib import Path

import pytest

from kzoo import plugin
from kzoo.models import archive, network, onnx_file, onnx_messages, rehearsal, weights
from kzoo.plugins import hookspecs
from kzoo.plugins.own_commands import OWN_COMMANDS
from kzoo.plugins.registry import get_registry
from kzoo.plugins.targets import load_target
from kzoo.runs.config import DataSettings, RunSettings, TrainSettings
from kzoo.scaffold import files_of, plan
from kzoo.settings import known_names
from kzoo.tasks import task_named
from kzoo.testing.publication import CHECKS

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLUGINS = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
RUNNING = (ROOT / "docs" / "running.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
WRITING = (ROOT / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_installed_entry_points_are_those_of_the_project():
    """They go stale in an editable install: `python -m pip install -e .` renews them."""
    installed = {p.name: p.value for p in importlib.metadata.distribution("kzoo").entry_points if p.group == "kzoo"}
    assert installed == PROJECT["project"]["entry-points"]["kzoo"]


def test_every_first_party_plugin_loads():
    assert [str(problem) for problem in get_registry().problems if problem.distribution == "kzoo"] == []


@pytest.mark.parametrize("form", ["bug", "component", "plugin"])
def test_the_forms_for_issues_are_as_github_reads_them(form):
    import yaml

    found = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / f"{form}.yml").read_text(encoding="utf-8"))
    assert {"name", "description", "body"} <= set(found)
    kinds = {"markdown", "input", "textarea", "dropdown", "checkboxes"}
    assert {one["type"] for one in found["body"]} <= kinds
    asked = [one for one in found["body"] if one["type"] != "markdown"]
    assert len({one["id"] for one in asked}) == len(asked)
    assert all(one["attributes"]["label"] for one in asked)
    named = set(re.findall(r"`kzoo ([a-z][a-z-]+)", json.dumps(found)))
    assert named <= set(OWN_COMMANDS)
    assert form != "bug" or "doctor" in named


@pytest.mark.parametrize("hook", hookspecs.HOOKS)
def test_the_documents_give_every_hook_with_its_signature(hook):
    answer = inspect.signature(getattr(hookspecs, hook)).return_annotation
    assert f"{hook}() -> {answer}" in PLUGINS.replace("\\|", "|")


@pytest.mark.parametrize("spec", plugin.KINDS.values(), ids=lambda spec: spec.__name__)
def test_the_documents_give_every_field_of_every_spec(spec):
    for field in dataclasses.fields(spec):
        assert re.search(rf"^\| `{field.name}` \|", PLUGINS, re.MULTILINE), field.name


@pytest.mark.parametrize(("table", "prefix"), [(RunSettings, ""), (DataSettings, "data."), (TrainSettings, "train.")])
def test_the_documents_give_every_setting(table, prefix):
    for name in known_names(table):
        assert f"`{prefix}{name}" in RUNNING, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_documents_exists(page):
    text = page.read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```(?:sh|console)\n(.*?)```", text, re.DOTALL))
    named = set(re.findall(r"^\$? ?kzoo ([a-z][a-z-]+)", blocks, re.MULTILINE)) | set(
        re.findall(r"`kzoo ([a-z][a-z-]+)", text)
    )
    assert named or page.name not in ("README.md", "CONTRIBUTING.md")
    of_plugins = {entry.written for entry in get_registry().commands() if entry.first_party}
    of_the_example = {"make-tea", "kzoo-tea", "count-textures"}
    assert named <= {*OWN_COMMANDS, *of_plugins, *of_the_example}


def test_the_documents_give_no_field_that_no_spec_has():
    table = PLUGINS.partition("## Specs")[2].partition("\n## ")[0]
    fields = {field.name for spec in plugin.KINDS.values() for field in dataclasses.fields(spec)}
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == fields


def test_the_documents_say_which_spec_has_a_field():
    table = PLUGINS.partition("## Specs")[2].partition("\n## ")[0]
    everybody = {spec.__name__ for spec in plugin.KINDS.values()}
    for name, of in re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE):
        said = set(re.findall(r"`(\w+)`", of))
        said = everybody - said if of.startswith("all") else said
        found = {s.__name__ for s in plugin.KINDS.values() if name in {field.name for field in dataclasses.fields(s)}}
        assert said == found, name


def test_the_documents_give_every_check_of_a_distribution():
    table = PLUGINS.partition("## Checking a plugin")[2].partition("\n## ")[0]
    for check in (*CHECKS, "target", "states"):
        assert f"`{check}`" in table, check


def test_the_code_in_the_documents_is_what_the_command_writes():
    written = "\n".join(files_of(plan("kzoo-my-loss")).values())
    blocks = re.findall(r"```(?:python|toml)\n(.*?)```", WRITING, re.DOTALL)
    assert len(blocks) == 4
    for block in blocks:
        assert block in written, block


def test_every_component_in_the_readme_exists():
    named = re.findall(r"`([a-z][a-z0-9_]*)`", README.partition("## Components")[2].partition("\n## ")[0])
    registry = get_registry()
    assert len(named) > 40
    for name in named:
        assert any(entry.first_party for entry in registry.find(name)), name


def test_the_floors_are_those_that_the_linter_holds():
    [contract] = [c for c in PROJECT["tool"]["importlinter"]["contracts"] if c["type"] == "layers"]
    held = [set(layer.split(" : ")) - {"__main__", "_version"} for layer in contract["layers"]]
    text = re.search(r"```text\n(cli\b.*?)```", CONTRIBUTING, re.DOTALL)[1]
    said = [set(line.split("  ")[0].strip().split(", ")) for line in text.splitlines()]
    assert said == [floor for floor in held if floor]


def test_the_page_on_security_gives_the_limits_that_hold():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    table = page.partition("| of a model file |")[2].partition("\n\n")[0]
    held = (
        archive.MAX_MEMBERS, archive.MAX_GROWTH, archive.MAX_DEPTH, archive.MAX_BRANCHES, network.MAX_LAYERS,
        network.MAX_CALLS,
        network.MAX_NUMBER, network.MAX_STEPS, network.MAX_INPUT, rehearsal.MAX_ACTIVATION, rehearsal.SPARE,
        weights.MAX_OBJECTS,
    )  # fmt: skip
    assert {f"{limit:,}" for limit in held} <= set(re.findall(r"[\d,]*\d", table))
    sizes = {
        name: f"{size // 2**20} MB" if size >= 2**20 else f"{size // 2**10} kB"
        for name, size in archive.MAX_JSON.items()
    }
    assert ", ".join(sizes[name] for name in ("config.json", "kzoo.json", "metadata.json")) in table
    assert (archive.MAX_DIRECTORY, archive.SMALL) == (2**20, 64 * 2**20)


def test_the_page_on_security_gives_the_limits_of_exported_models():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    table = page.partition("| of an exported model |")[2].partition("\n\n")[0]
    held = (onnx_file.MAX_FILE, network.MAX_CALLS, onnx_messages.MAX_WEIGHTS, onnx_messages.MAX_ATTRIBUTES,
            onnx_messages.MAX_ENTRIES, archive.MAX_DEPTH, archive.MAX_BRANCHES, network.MAX_INPUT,
            onnx_file.MAX_ACTIVATION)  # fmt: skip
    assert {f"{limit:,}" for limit in held} <= set(re.findall(r"[\d,]*\d", table))


def test_the_documents_link_to_files_that_exist():
    for document in PAGES:
        for link in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), (document.name, link)


@pytest.mark.parametrize("entry", get_registry().entries("pipeline"), ids=lambda entry: entry.name)
def test_a_pipelines_spec_is_true_of_its_class(entry):
    pipeline = load_target(entry)
    assert pipeline.name == entry.name
    assert task_named(entry.spec.task).name == entry.spec.task
    assert sorted(pipeline().recipes()) == sorted(entry.spec.recipes)


def test_the_wheel_would_hold_the_three_packages_with_their_recipes():
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert [Path(p).name for p in packages] == ["kzoo", "kzoo_plugins", "kzoo_zoo"]
    for package in packages:
        assert (ROOT / package / "py.typed").exists()
