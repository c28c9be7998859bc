"""Commands that plugins add to the command line."""

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kzoo.cli import main
from kzoo.plugins.own_commands import OWN_COMMANDS, typed
from kzoo.plugins.registry import get_registry, set_plugin_choice

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")


def fresh(arguments, *folders, **environment):
    """Run the command line in a process of its own; return its output and the modules that it imported."""
    script = (
        "import json, sys\nfrom kzoo.cli import main\ncode = main(sys.argv[1:])\nsys.stdout.flush()\n"
        "print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)"
    )
    path = os.pathsep.join([*map(str, folders), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
        timeout=120,
    )
    code, modules = json.loads(done.stderr.splitlines()[-1])
    return code, done.stdout, modules


class TestCalled:
    @pytest.mark.parametrize(
        "name", ["good-greeting", "good_greeting", "good-day", "kzoo-good:good-greeting", "Kzoo_Good:good_day"]
    )
    def test_by_every_name(self, name, kzoo, plugins):
        plugins("good")
        code, out, err = kzoo(name, "you", "--times", "2", "--json")
        assert (code, err) == (0, "about to greet\n")
        assert json.loads(out) == [{"name": "you", "times": 2}]

    def test_what_it_returns_is_the_exit_code(self, kzoo, plugins):
        plugins("good")
        assert kzoo("good-greeting", "you", "--times", "0")[0] == 3

    def test_one_of_several_in_a_typer(self, kzoo, plugins):
        plugins("good")
        assert kzoo("good-race", "first") == (0, "PLACE\n    1\n", "")
        _, out, _ = kzoo("good-race", "--help")
        assert "second" in out
        assert "--install-completion" not in out, "shells complete the whole of kzoo"

    def test_help_has_the_look_of_ours(self, kzoo, plugins):
        plugins("good")
        code, out, err = kzoo("good-greeting", "-h")
        assert (code, err) == (0, "")
        assert out.startswith("Usage: kzoo good-greeting [OPTIONS]")
        assert "--strict-plugins can be added to" in out

    def test_wrong_usage_names_the_command(self, kzoo, plugins):
        plugins("good")
        code, out, err = kzoo("good-greeting")
        assert (code, out) == (2, "")
        assert err.endswith("See `kzoo good-greeting --help`.\n")

    def test_what_it_raises_is_for_its_authors(self, kzoo, plugins):
        plugins("good")
        code, out, err = kzoo("good-race", "second")
        assert (code, out) == (1, "")
        assert err.startswith("error: unexpected RuntimeError in kzoo_good.commands: out of breath. Run it again with")
        assert "the command is of kzoo-good 1.2, so please report it to its authors" in err
        assert "https://" not in err
        assert err.count("\n") == 1

    def test_its_module_is_imported_when_it_is_called(self, kzoo, plugins):
        plugins("good")
        kzoo("--help")
        kzoo("list-plugins")
        kzoo("good-nothing")
        assert "kzoo_good.plugin" in sys.modules
        assert "kzoo_good.commands" not in sys.modules
        kzoo("good-greeting", "you")
        assert "kzoo_good.commands" in sys.modules

    @pytest.mark.parametrize("place", [0, 1])
    @pytest.mark.parametrize("choice", [["--no-plugins"], ["--no-plugin", "good"], ["--no-plugin=kzoo-good"]])
    def test_a_plugin_that_is_switched_off_has_none(self, choice, place, kzoo, plugins):
        plugins("good")
        arguments = ["good-greeting", "you"]
        arguments[place:place] = choice
        code, out, err = kzoo(*arguments)
        assert (code, out) == (2, "")
        assert err.startswith("error: No command named `good-greeting`.")
        assert "kzoo_good.plugin" not in sys.modules
        assert "good-greeting" not in kzoo("--help", *choice)[1]


class TestUnknown:
    def test_nearest_of_ours_and_of_plugins(self, kzoo, plugins):
        plugins("good")
        for name, near in (("good-greting", "good-greeting"), ("list-loses", "list-losses"), ("evalute", "evaluate")):
            code, out, err = kzoo(name)
            assert (code, out) == (2, "")
            assert f"error: No command named `{name}`. Did you mean `{near}`" in err
            assert "`kzoo --help` shows all of them" in err

    def test_another_kind_of_that_name(self, kzoo, plugins):
        plugins("good")
        assert "There is a pipeline of that name." in kzoo("cifar10")[2]
        assert "There is a command of that name." in kzoo("info", "good-greeting")[2]

    def test_a_plugin_that_failed(self, kzoo, plugins):
        plugins("bad_import")
        code, _, err = kzoo("something-of-it")
        assert code == 2
        assert "may belong to a plugin that could not be loaded: skipped kzoo-bad-import 0.2 (import)" in err


class TestNames:
    def test_those_of_kzoo_cannot_be_taken(self, kzoo, plugins):
        plugins("command_of_kzoo")
        problem = (
            "skipped kzoo-command-of-kzoo 0.2 (spec): command 'list_losses': `list-losses` is one of kzoo's own "
            "commands, whose names no plugin may take; command 'serve': `run` is one of kzoo's own commands, whose "
            "names no plugin may take\n"
        )
        code, out, err = kzoo("list-losses", "--search", "emd")
        assert (code, err) == (0, problem)
        assert "squared_emd" in out
        assert kzoo("serve-tea") == (0, "", problem)
        code, out, err = kzoo("list-plugins", "--search", "kzoo-command-of-kzoo", "--json")
        [row] = json.loads(out)
        assert row["publishes"] == {"command": 1}
        assert row["status"].startswith("partly skipped (spec) command 'list_losses'")

    @pytest.mark.parametrize("name", OWN_COMMANDS)
    def test_ours_need_no_plugin(self, name, kzoo):
        get_registry.cache_clear()
        for written in (name, name.replace("-", "_"), f"kzoo:{name}"):
            assert kzoo(written, "--help")[0] == 0
        assert get_registry.cache_info().currsize == 0

    def test_neither_of_two_has_the_bare_one(self, kzoo, plugins):
        plugins("same_commands")
        code, out, err = kzoo("make-tea")
        assert (code, out) == (2, "")
        assert err == (
            "error: The command `make-tea` is published by several distributions. Name the one you mean: "
            "`kzoo-tea-a:make-tea` (1.0) or `kzoo-tea-b:make-tea` (2.0).\n"
        )
        assert kzoo("kzoo-tea-b:make-tea") == (0, "tea of b\n", "")
        assert kzoo("make-tea", "--no-plugin", "kzoo-tea-b") == (0, "tea of a\n", "")
        assert kzoo("kzoo-tea-a:make-tea", "--help")[1].startswith("Usage: kzoo kzoo-tea-a:make-tea")


class TestBroken:
    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("bad-import", "`kzoo_bad_command_parts:command` failed: No module named 'kzoo_fixture_that_nobody_has'"),
            (
                "bad-attribute",
                "`kzoo_bad_command:nothing` failed: module 'kzoo_bad_command' has no attribute",
            ),
            ("bad-annotation", "`kzoo_bad_command:annotated` failed: it is no command: "),
            ("bad-typer", "`kzoo_bad_command_empty:app` failed: it is no command: "),
        ],
    )
    def test_one_paragraph_names_distribution_and_version(self, name, reason, kzoo, plugins):
        plugins("bad_command")
        code, out, err = kzoo(name)
        assert (code, out) == (1, "")
        said = err.splitlines()[-1]
        start = f"error: The command `{name}` of kzoo-bad-command 0.2 could not be loaded: its target "
        assert said.startswith(start + reason)
        assert said.endswith("Install what is missing, upgrade kzoo-bad-command, or report it to its authors.")
        assert "Traceback" not in err

    def test_debug_shows_the_traceback(self, kzoo, plugins):
        plugins("bad_command")
        assert "kzoo_bad_command_parts.py" in kzoo("bad-import", "--debug")[2]

    def test_faulty_specs_are_refused_and_the_others_kept(self, kzoo, plugins):
        plugins("bad_command")
        [problem] = [problem for problem in get_registry().problems if problem.distribution == "kzoo-bad-command"]
        assert problem.names == ("Bad-Name", "bad_section")
        assert problem.kinds == ("command",)
        assert "command 'bad_section': `section` must be words that start with a capital, not ''" in str(problem)
        assert [entry.name for entry in get_registry().commands() if not entry.first_party] == [
            "bad_annotation",
            "bad_attribute",
            "bad_import",
            "bad_typer",
        ]

    def test_check_plugin_says_which(self, kzoo, plugins):
        plugins("bad_command")
        code, out, _ = kzoo("check-plugin", "kzoo-bad-command", "--only", "spec", "--only", "target", "--json")
        assert code == 1
        reports = {report["name"]: report for report in json.loads(out)["reports"]}
        assert set(reports) == {"kzoo-bad-command"} | {
            f"kzoo-bad-command:bad-{what}" for what in ("annotation", "attribute", "import", "typer")
        }
        assert not any(report["ok"] for report in reports.values())
        [check] = reports["kzoo-bad-command:bad-import"]["checks"]
        assert check["check"] == "target"
        assert "No module named 'kzoo_fixture_that_nobody_has'" in check["reason"]


class TestHelp:
    def sections(self, out):
        found = {}
        for block in out.split("\n\n"):
            heading, *rows = block.strip("\n").splitlines()
            found[heading.rstrip(":")] = [row.split()[0] for row in rows]
        return found

    def test_in_their_sections_after_ours(self, kzoo, plugins):
        plugins("good", "same_commands")
        code, out, err = kzoo("--help")
        assert (code, err) == (0, "")
        found = self.sections(out)
        assert found["Pipelines"][-3:] == ["export-darknet", "good-greeting", "import-darknet"]
        assert found["Commands of plugins"] == ["good-race", "kzoo-tea-a:make-tea", "kzoo-tea-b:make-tea"]
        own = [name for name, spec in OWN_COMMANDS.items() if spec.section == "Components"]
        assert found["Components"] == own
        assert "good-greeting   Greet somebody." in out

    def test_a_broken_plugin_costs_one_line(self, kzoo, plugins):
        plain = kzoo("--help")[1]
        plugins("bad_import")
        code, out, err = kzoo("--help")
        assert (code, out) == (0, plain)
        assert err == "skipped kzoo-bad-import 0.2 (import): No module named 'kzoo_fixture_that_nobody_has'\n"

    def test_it_is_shown_even_where_the_choice_of_plugins_is_wrong(self, kzoo, monkeypatch):
        monkeypatch.setenv("KZOO_PLUGINS", "kzoo-nix")
        code, out, err = kzoo("--help")
        assert code == 0
        assert "  list-losses " in out
        assert err.startswith("warning: The commands of plugins are not shown. KZOO_PLUGINS names `kzoo-nix`")

    def test_nothing_heavy_is_imported(self, plugins):
        heavy = {"tensorflow", "keras", "numpy", "rich", "kzoo_good.commands", "kzoo_zoo.yolov3.darknet.commands"}
        code, out, modules = fresh(["--help"], *plugins("good"))
        assert code == 0
        assert "good-greeting" in out
        assert not heavy & set(modules)


class TestCompletion:
    def offers(self, capsys, monkeypatch, *words):
        monkeypatch.setenv("_KZOO_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", "\n".join(words))
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        assert main([]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        return [line for line in captured.out.splitlines() if line]

    @pytest.mark.parametrize(
        ("words", "offers"),
        [
            (["kzoo", "good-"], ["good-greeting", "good-race"]),
            (["kzoo", "good-greeting", "--t"], ["--times"]),
            (["kzoo", "good-race", "sec"], ["second"]),
            (["kzoo", "kzoo-tea"], ["kzoo-tea-a:make-tea", "kzoo-tea-b:make-tea"]),
            (["kzoo", "kzoo-tea-a", ":", "ma"], ["make-tea"]),
            (["kzoo", "make-tea", "--ti"], []),
            (["kzoo", "bad-import", "--ti"], []),
            (["kzoo", "info", "good-gr"], []),
            (["kzoo", "info", "--kind", "c"], []),
            (["kzoo", "check-plugin", "kzoo-good", "--kind", "c"], ["command"]),
        ],
    )
    def test_bash(self, words, offers, capsys, monkeypatch, plugins):
        plugins("good", "same_commands", "bad_command")
        assert self.offers(capsys, monkeypatch, *words) == offers

    def test_a_wrong_choice_of_plugins_leaves_ours(self, capsys, monkeypatch):
        monkeypatch.setenv("KZOO_PLUGINS", "kzoo-nix")
        assert self.offers(capsys, monkeypatch, "kzoo", "list-p") == ["list-pipelines", "list-plugins"]


class TestOtherCommands:
    def test_info_is_of_components_and_pipelines(self, kzoo, plugins):
        plugins("good")
        code, _, err = kzoo("info", "good_greeting", "--kind", "command")
        assert code == 2
        assert err.startswith("error: There is no kind `command`. The kinds are loss,")
        assert "command" not in err.partition("The kinds are")[2]

    def test_a_command_hides_no_component_of_its_name(self, kzoo, plugins, monkeypatch):
        [folder] = plugins("good")
        assert folder.is_dir()
        import kzoo_good.plugin

        from kzoo.plugin import CommandSpec, hookimpl

        spec = CommandSpec(name="good_loss", target="kzoo_good.commands:greet", aliases=("gl",))
        monkeypatch.setattr(kzoo_good.plugin, "kzoo_commands", hookimpl(lambda: [spec]))
        set_plugin_choice(None)
        assert [entry.kind for entry in get_registry().find("good_loss")] == ["loss"]
        assert [entry.kind for entry in get_registry().find("gl")] == ["loss"]
        assert kzoo("good-loss", "you")[0] == 0

    def test_check_plugin_takes_the_kind(self, kzoo, plugins):
        plugins("good")
        code, out, _ = kzoo("check-plugin", "kzoo-good", "--kind", "command", "--only", "target", "--json")
        assert code == 0
        assert [report["name"] for report in json.loads(out)["reports"] if report["ok"]] == [
            "kzoo-good:good-greeting",
            "kzoo-good:good-race",
        ]


def test_the_page_s_example_works(kzoo, tmp_path, monkeypatch):
    package = tmp_path / "kzoo_tea"
    package.mkdir()
    (package / "__init__.py").touch()
    for file in ("plugin.py", "commands.py"):
        [code] = re.findall(rf"```python\n# kzoo_tea/{file}\n(.*?)```", PAGE, re.DOTALL)
        (package / file).write_text(code, encoding="utf-8")
    about = tmp_path / "kzoo_tea-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: kzoo-tea\nVersion: 1.0\n", encoding="utf-8")
    (about / "entry_points.txt").write_text("[kzoo]\ntea = kzoo_tea.plugin\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert importlib.metadata.version("kzoo-tea") == "1.0"
    assert kzoo("make-tea", "green", "-m", "2") == (0, "TEA    MINUTES\ngreen        2\n", "")
    assert kzoo("make-tea", "green", "-m", "0") == (2, "", "error: Tea draws for at least a minute, not 0.\n")
    assert "\nKitchen:\n  make-tea  Make tea.\n" in kzoo("--help")[1]
    for module in ("kzoo_tea", "kzoo_tea.plugin", "kzoo_tea.commands"):
        sys.modules.pop(module, None)
    set_plugin_choice(None)


def test_the_list_says_what_the_functions_say(kzoo):
    for entry in get_registry().commands():
        if entry.first_party:
            assert kzoo(typed(entry.name), "--help")[1].splitlines()[2].strip() == entry.spec.summary
