import subprocess
import sys
import types

import pytest
import typer

from kzoo.cli import app, options
from kzoo.errors import KzooError, UsageError
from kzoo.plugin import CommandSpec
from kzoo.plugins.own_commands import OWN_COMMANDS
from kzoo.plugins.registry import get_registry

COMMANDS = OWN_COMMANDS | {entry.written: entry.spec for entry in get_registry().commands() if entry.first_party}


@pytest.fixture
def command(monkeypatch):
    """Return a function that adds the command ``crash``, which calls what it is given."""

    def add(function):
        module = types.ModuleType("kzoo_test_command")

        def crash(word: str = "") -> int | None:
            """Crash."""
            return function()

        module.crash = crash
        monkeypatch.setitem(sys.modules, module.__name__, module)
        spec = CommandSpec(name="crash", target="kzoo_test_command:crash", section="Plugins", summary="Crash.")
        monkeypatch.setitem(OWN_COMMANDS, "crash", spec)

    return add


def raiser(error):
    def function():
        raise error

    return function


class TestExitCodes:
    @pytest.mark.parametrize(("value", "code"), [(None, 0), (0, 0), (5, 5)])
    def test_of_a_command(self, value, code, kzoo, command):
        command(lambda: value)
        assert kzoo("crash") == (code, "", "")

    def test_exit(self, kzoo, command):
        command(raiser(typer.Exit(130)))
        assert kzoo("crash") == (130, "", "")

    def test_an_error_of_ours(self, kzoo, command):
        command(raiser(KzooError("The loss `x` of kzoo-foo 0.2 is broken.\nUpgrade it.")))
        assert kzoo("crash") == (1, "", "error: The loss `x` of kzoo-foo 0.2 is broken. Upgrade it.\n")

    def test_wrong_usage(self, kzoo, command):
        command(raiser(UsageError("No such thing.")))
        assert kzoo("crash") == (2, "", "error: No such thing.\n")

    def test_ctrl_c(self, kzoo, command):
        command(raiser(KeyboardInterrupt()))
        assert kzoo("crash") == (130, "", "interrupted\n")

    def test_anything_else(self, kzoo, command):
        command(raiser(ZeroDivisionError("by\nzero")))
        code, out, err = kzoo("crash")
        assert (code, out) == (1, "")
        assert err.startswith(f"error: unexpected ZeroDivisionError in {__name__}: by zero. Run it again with --debug")
        assert "https://" in err
        assert "Traceback" not in err
        assert err.count("\n") == 1

    def test_a_package_that_cannot_be_imported(self, kzoo, command):
        command(raiser(ImportError("libGL.so.1: cannot open shared object file", name="cv2")))
        code, out, err = kzoo("crash")
        assert (code, out) == (1, "")
        assert err.startswith("error: `cv2`, which this needs, cannot be imported: libGL.so.1: cannot open")

    def test_an_exception_that_cannot_be_shown(self, kzoo, command):
        class SilentError(Exception):
            def __str__(self):
                raise OSError

        command(raiser(SilentError()))
        code, out, err = kzoo("crash")
        assert (code, out) == (1, "")
        assert err.startswith(f"error: unexpected SilentError in {__name__}: (its text cannot be shown: its __str__")


@pytest.mark.parametrize("error", [KzooError("ours"), ZeroDivisionError("theirs")])
@pytest.mark.parametrize("place", [0, 1])
def test_debug_shows_the_traceback_wherever_it_stands(error, place, kzoo, command):
    command(raiser(error))
    arguments = ["crash"]
    arguments.insert(place, "--debug")
    code, out, err = kzoo(*arguments)
    assert (code, out) == (1, "")
    assert "Traceback (most recent call last)" in err
    assert "in function" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list-loses"], "error: No command named `list-loses`. Did you mean `list-losses`"),
        (["list-losses", "--nope"], "error: No such option"),
        (["list-losses", "--search"], "'--search' requires an argument. See `kzoo list-losses --help`."),
        (["info"], "error: Missing argument 'NAME'. See `kzoo info --help`."),
        (["--nope"], "See `kzoo --help`."),
        (["--no-plugin"], "'--no-plugin' requires an argument"),
        (["list-losses", "--no-plugin", "kzoo-nix"], "error: --no-plugin names `kzoo-nix`, but no such plugin"),
        (["list-losses", "--no-plugin=kzoo"], "kzoo's own components cannot be switched off"),
        (["info", "emd:p"], "each with a value, as in `emd:p=VALUE`"),
        (["run", "mnist", "my settings.toml"], "are given with -c: kzoo run mnist -c 'my settings.toml'."),
        (["info", "=2"], "error: `=2` is not a component reference"),
    ],
)
def test_wrong_usage(arguments, said, kzoo):
    code, out, err = kzoo(*arguments)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


class TestGlobalOptions:
    @pytest.mark.parametrize("place", [0, 1])
    def test_no_plugins_before_or_after(self, place, kzoo, plugins):
        plugins("good", "bad_import")
        arguments = ["list-losses"]
        arguments.insert(place, "--no-plugins")
        code, out, err = kzoo(*arguments)
        assert code == 0
        assert "good_loss" not in out
        assert "kzoo-bad-import" not in err
        assert "kzoo_good.plugin" not in sys.modules

    @pytest.mark.parametrize("written", [["--no-plugin", "kzoo_good"], ["--no-plugin=good"]])
    def test_no_plugin(self, written, kzoo, plugins):
        plugins("good", "noisy")
        assert "good_loss" not in kzoo("list-losses", *written)[1]
        assert "kzoo_good.plugin" not in sys.modules
        assert "kzoo_noisy" in sys.modules
        _, out, err = kzoo(*written, "--no-plugin", "kzoo-noisy", "list-losses")
        assert "noisy" not in out + err

    def test_strict(self, kzoo, plugins):
        plugins("bad_import")
        code, out, err = kzoo("list-losses", "--strict-plugins")
        assert (code, out) == (1, "")
        assert err.startswith("error: --strict-plugins is set and not every plugin is in order: ")

    def test_kzoo_plugins(self, kzoo, plugins, monkeypatch):
        plugins("good", "bad_import")
        monkeypatch.setenv("KZOO_PLUGINS", "kzoo-good")
        _, out, err = kzoo("list-losses")
        assert "good_loss" in out
        assert "kzoo-bad-import" not in err

    def test_hoist(self):
        assert options.hoist(["run", "x", "--debug", "-o", "a=1", "--no-plugin", "b", "--no-plugin=c"]) == [
            "--debug",
            "--no-plugin",
            "b",
            "--no-plugin=c",
            "run",
            "x",
            "-o",
            "a=1",
        ]
        assert options.hoist(["run", "--", "--debug"]) == ["run", "--", "--debug"]
        assert options.hoist(["run", "--no-plugin"]) == ["--no-plugin", "run"]

    def test_debugging_is_off_again_in_the_next_call(self, kzoo):
        kzoo("list-losses", "--debug")
        assert options.debugging()
        kzoo("list-losses")
        assert not options.debugging()

    @pytest.mark.parametrize("arguments", [["--version"], ["list-losses", "--version"], ["--debug", "--version"]])
    def test_version(self, arguments, kzoo):
        import kzoo as package

        assert kzoo(*arguments) == (0, f"kzoo {package.__version__}\n", "")


class TestProblems:
    def test_one_line_each_and_results_all_the_same(self, kzoo, plugins):
        plugins("bad_import", "good")
        code, out, err = kzoo("list-losses")
        mine = [line for line in err.splitlines() if "kzoo-bad-import" in line]
        assert mine == ["skipped kzoo-bad-import 0.2 (import): No module named 'kzoo_fixture_that_nobody_has'"]
        assert code == 0
        assert "good_loss" in out

    def test_traceback_with_debug(self, kzoo, plugins):
        plugins("bad_import")
        _, _, err = kzoo("list-losses", "--debug")
        assert "Traceback" in err
        assert "kzoo_bad_import.py" in err

    def test_asking_for_a_component_of_a_failed_plugin_reports_the_failure(self, kzoo, plugins):
        plugins("bad_import")
        _, _, err = kzoo("info", "kzoo-bad-import:thing")
        assert "could not be loaded: skipped kzoo-bad-import 0.2 (import): No module named" in err.splitlines()[-1]


class TestHelp:
    def test_every_command_is_in_the_help(self, kzoo):
        code, out, err = kzoo("--help")
        assert (code, err) == (0, "")
        for name, spec in COMMANDS.items():
            assert f"  {name} " in out
            assert spec.summary in out
        assert "--install-completion" in out
        assert "--show-completion" in out

    def test_no_arguments_show_the_help(self, kzoo):
        assert kzoo() == kzoo("--help") == kzoo("-h")

    @pytest.mark.parametrize("name", COMMANDS)
    def test_help_of_a_command(self, name, kzoo):
        code, out, err = kzoo(name, "--help")
        assert (code, err) == (0, "")
        assert f"Usage: kzoo {name}" in out
        described = out.splitlines()[2].split()
        assert described[0] == COMMANDS[name].summary.split()[0], "the list of commands says something else"

    def test_color(self, kzoo, monkeypatch):
        plain = kzoo("--help")[1]
        monkeypatch.setattr("kzoo.cli.output.uses_color", lambda stream: True)
        found = app.build().get_help(
            typer.main.get_command(typer.Typer(callback=lambda: None)).make_context("kzoo", [])
        )
        assert "\x1b[1mComponents:\x1b[0m" in found
        assert "\x1b[36mlist-losses\x1b[0m" in found
        assert "\x1b" not in plain


def test_a_reader_that_goes_away_is_no_error():
    script = "from kzoo.cli import main; import sys; sys.exit(main(['list-losses']))"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 141


def test_the_registry_is_loaded_only_where_it_is_needed(kzoo):
    get_registry.cache_clear()
    kzoo("list-losses", "--help")
    assert get_registry.cache_info().currsize == 0
    kzoo("list-losses")
    assert get_registry.cache_info().currsize == 1
