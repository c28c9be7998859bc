"""Words that people type for a command that has another name."""

import pytest

from kzoo._version import __version__
from kzoo.plugins.own_commands import OWN_COMMANDS


def test_version_help_and_list_do_what_is_meant(kzoo):
    assert kzoo("version") == (0, f"kzoo {__version__}\n", "")
    assert kzoo("help") == kzoo("--help")
    assert kzoo("help", "list-losses") == kzoo("list-losses", "--help")
    assert kzoo("list", "losses", "--search", "emd", "--json") == kzoo("list-losses", "--search", "emd", "--json")
    assert kzoo("--no-plugins", "version") == (0, f"kzoo {__version__}\n", "")


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (["train", "mnist", "--epochs", "3"], "`kzoo run mnist --epochs 3`"),
        (["eval", "my runs/a"], "`kzoo evaluate 'my runs/a'`"),
        (["losses"], "`kzoo list-losses`"),
        (["list_metrics_of", "x"], "No command named `list_metrics_of`"),
        (["resume"], "`kzoo run --resume last`"),
        (["help", "train"], "`kzoo run --help`"),
        (["version", "mnist"], "No command named `version`"),
    ],
)
def test_what_is_meant_is_said(line, meant, kzoo):
    code, out, err = kzoo(*line)
    assert (code, out) == (2, "")
    assert meant in err


def test_a_list_of_what(kzoo):
    code, out, err = kzoo("list")
    assert (code, out) == (2, "")
    assert all(f"`kzoo {name}`" in err for name in OWN_COMMANDS if name.startswith("list-"))


def test_every_other_word_leads_to_a_command():
    from kzoo.cli.meant import _NAMES

    assert set(_NAMES.values()) <= set(OWN_COMMANDS)
    assert not set(_NAMES) & set(OWN_COMMANDS)


def test_a_command_of_a_plugin_keeps_its_name(kzoo, plugins, monkeypatch):
    from kzoo.cli import app

    plugins("good")
    own = app._find
    monkeypatch.setattr(app, "_find", lambda name: own("list-losses" if name == "list" else name))
    code, _, err = kzoo("list", "losses")
    assert code == 2
    assert "unexpected extra argument" in err
