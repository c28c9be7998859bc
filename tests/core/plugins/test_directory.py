"""The directory of plugins: its form, and what the commands make of it."""

import importlib.util
import json
from pathlib import Path

import pytest

from kzoo.cli import listing
from kzoo.errors import KzooError
from kzoo.plugins import directory as module
from kzoo.plugins.directory import directory, read_directory

ROOT = Path(__file__).parents[3]
ENTRY = """
[[plugin]]
distribution = "kzoo-tea"
summary = "A loss that waits for tea."
kinds = ["loss", "command"]
home = "https://example.org/kzoo-tea"
license = "Apache-2.0 OR MIT"
added = 2026-11-30
"""


@pytest.fixture(scope="module")
def script():
    """The script that the workflow calls."""
    spec = importlib.util.spec_from_file_location("plugin_directory", ROOT / "docs" / "plugin_directory.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def result(**changes):
    return {
        "distribution": "kzoo-tea", "version": "1.2", "kzoo": "0.1.0", "python": "3.11.2", "date": "2026-11-30",
        "counts": {"passed": 9, "failed": 0}, "result": "passed", "says": "", **changes,
    }  # fmt: skip


def test_kzoos_own_keeps_its_rules():
    names = [one.distribution for one in directory()]
    assert names == sorted(set(names))


def test_an_entry_is_read():
    [one] = read_directory(ENTRY)
    assert (one.distribution, one.kinds, one.added.year) == ("kzoo-tea", ("loss", "command"), 2026)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"kzoo-tea"', '"Kzoo_Tea"', "distribution"),
        ('"kzoo-tea"', '"kzoo--tea"', "the canonical spelling of its name is kzoo-tea"),
        ('"kzoo-tea"', '"kzoo"', "kzoo itself is no plugin"),
        ("A loss that waits for tea.", "Tea", "summary"),
        ('["loss", "command"]', "[]", "kinds"),
        ('["loss", "command"]', '["los"]', "no kind `los`"),
        ("https://", "http://", "home"),
        ("Apache-2.0 OR MIT", "free for all", "license"),
        ("2026-11-30", '"soon"', "added"),
        ("added", "stars = 5\nadded", "stars"),
        ("[[plugin]]", "[[plugins]]", "plugins"),
        ("[[plugin]]", "[[plugin]", "no TOML"),
        ("", ENTRY, "there twice"),
        ("", ENTRY.replace("kzoo-tea", "kzoo-zen"), "in the order of their names"),
    ],
)
def test_what_breaks_a_rule_is_named(old, new, said):
    text = ENTRY.replace(old, new) if old else new + ENTRY
    with pytest.raises(KzooError, match=said):
        read_directory(text)


def test_it_is_listed_with_what_is_installed(kzoo, monkeypatch, plugins):
    plugins("good")
    entry = ENTRY.replace("kzoo-tea", "kzoo-good")
    monkeypatch.setattr(module, "directory", lambda: read_directory(entry + ENTRY))
    code, out, err = kzoo("list-plugins", "--available", "--json")
    assert (code, err) == (0, "")
    assert [(row["distribution"], row["installed"]) for row in json.loads(out)] == [
        ("kzoo-good", "1.2"),
        ("kzoo-tea", ""),
    ]
    code, out, err = kzoo("list-plugins", "--available", "--search", "coffee")
    assert (code, out) == (0, "")
    assert "it has 2" in err


def test_an_empty_one_says_how_to_add_to_it(kzoo, monkeypatch):
    monkeypatch.setattr(module, "directory", list)
    code, out, err = kzoo("list-plugins", "--available")
    assert (code, out) == (0, "")
    assert listing._ADDING in err
    heading = listing._ADDING.partition("#")[2].replace("-", " ")
    assert f"\n## {heading.capitalize()}\n" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_page_is_that_of_the_directory_and_its_results(script):
    results = script.known(script.RESULTS)
    assert script.PAGE.read_text("utf-8") == script.page(directory(), results)
    assert {one["distribution"] for one in results} <= {one.distribution for one in directory()}


def test_results_are_gathered_and_shown(script, tmp_path):
    listed = read_directory(ENTRY + ENTRY.replace("kzoo-tea", "kzoo-zen"))
    (tmp_path / "kzoo-tea.json").write_text(json.dumps(result(version="1.3")), "utf-8")
    (tmp_path / "kzoo-gone.json").write_text(json.dumps(result(distribution="kzoo-gone")), "utf-8")
    found = script.gathered(listed, [result()], tmp_path)
    assert [(one["distribution"], one["version"]) for one in found] == [("kzoo-tea", "1.3")]
    page = script.page(listed, found)
    assert "| 1.3 | passed (9 passed) | 2026-11-30, kzoo 0.1.0 |" in page
    assert "[kzoo-zen](https://example.org/kzoo-zen)" in page
    assert "not checked yet" in page


@pytest.mark.parametrize(
    "changes", [{"result": "great"}, {"says": "x" * 501}, {"counts": {"a b": 1}}, {"more": 1}, {"version": 3}]
)
def test_what_is_no_result_is_not_taken(changes, script):
    with pytest.raises(ValueError, match="no result of a check"):
        script.valid(result(**changes))


def test_the_workflow_calls_the_script():
    import yaml

    text = (ROOT / ".github" / "workflows" / "plugins.yml").read_text("utf-8")
    workflow = yaml.safe_load(text)
    assert workflow[True]["schedule"]  # `on` is true in YAML 1.1
    for command in ("list", 'check "$PLUGIN"', "gather"):
        assert f"docs/plugin_directory.py {command}" in text
    rights = {name: job.get("permissions", workflow["permissions"]) for name, job in workflow["jobs"].items()}
    assert rights["check"] == {"contents": "read"}, "a plugin's code runs there"
