"""What may be installed, and what installs it."""

import subprocess
import sys

import pytest

from kzoo.cli import install as command
from kzoo.errors import KzooError, UsageError
from kzoo.plugins import environment as module
from kzoo.plugins import roll
from kzoo.plugins.environment import environment, wanted
from kzoo.plugins.roll import Roll


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("kzoo-tea", "kzoo-tea"),
        ("Kzoo_Tea==1.2", "kzoo-tea"),
        ("kzoo-tea[hot]>=1,<2", "kzoo-tea"),
        ("kzoo.tea ~= 1.0", "kzoo-tea"),
    ],
)
def test_a_name(text, name):
    assert (wanted(text).distribution, wanted(text).path) == (name, False)


def test_a_path(tmp_path):
    for name in ("kzoo_tea-1.2-py3-none-any.whl", "kzoo_tea-1.2.tar.gz"):
        (tmp_path / name).touch()
        assert wanted(str(tmp_path / name)) == module.Wanted(str(tmp_path / name), "kzoo-tea", path=True)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "Kzoo_Tea"\n', "utf-8")
    assert wanted(f"{tmp_path}/").distribution == "kzoo-tea"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kzoo", "kzoo itself is no plugin"),
        ("KZOO==9", "kzoo itself is no plugin"),
        ("--index-url=http://evil", "neither a name on PyPI nor a path"),
        ("git+https://example.org/x", "neither a name on PyPI nor a path"),
        ("kzoo-tea @ https://example.org/x.whl", "neither a name on PyPI nor a path"),
        ("kzoo-tea; rm", "no name of a distribution"),
        ("./nothing", "no ./nothing to install"),
        ("nothing.whl", "no nothing.whl to install"),
        ("tests/", "no pyproject.toml"),
        ("", "no name of a distribution"),
    ],
)
def test_what_is_neither(text, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").mkdir()
    with pytest.raises(UsageError, match=said):
        wanted(text)


def test_pip_is_asked_for_the_environment_of_this_python(monkeypatch):
    calls = []
    monkeypatch.setattr(
        subprocess, "run", lambda given, **_: calls.append(given) or subprocess.CompletedProcess(given, 0)
    )
    environment().install(["kzoo-tea"])
    environment().remove(["kzoo-tea"])
    assert calls[0][:4] == [sys.executable, "-m", "pip", "install"]
    assert calls[0][-1] == "kzoo-tea"
    assert calls[1] == [sys.executable, "-m", "pip", "uninstall", "--yes", "kzoo-tea"]


def test_what_kzoo_was_installed_with_stays(monkeypatch):
    import keras

    held = []

    def ran(given, **_):
        with open(given[given.index("--constraint") + 1], encoding="utf-8") as file:  # noqa: PTH123
            held.append(file.read().split())
        return subprocess.CompletedProcess(given, 1)

    monkeypatch.setattr(subprocess, "run", ran)
    with pytest.raises(KzooError, match=r"pip install` ended with exit code 1 .*kzoo==.* were to stay"):
        environment().install(["kzoo-tea"])
    assert f"keras=={keras.__version__}" in held[0]


def test_uv_where_there_is_no_pip(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(module.shutil, "which", {"uv": "/bin/uv"}.get)
    calls = []
    monkeypatch.setattr(
        subprocess, "run", lambda given, **_: calls.append(given) or subprocess.CompletedProcess(given, 0)
    )
    environment().remove(["kzoo-tea"])
    assert calls == [["/bin/uv", "pip", "uninstall", "--python", sys.executable, "kzoo-tea"]]
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    with pytest.raises(KzooError, match="ensurepip"):
        environment()


def test_a_python_of_the_system_is_left_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(module.sysconfig, "get_path", lambda name: str(tmp_path))
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    with pytest.raises(KzooError, match=r"the system manages.*python3 -m venv"):
        environment()


@pytest.mark.parametrize(
    ("name", "said"), [("pipx_metadata.json", "pipx inject"), ("uv-receipt.toml", "uv tool install")]
)
def test_who_looks_after_an_environment_is_said(name, said, monkeypatch, tmp_path):
    (tmp_path / name).touch()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert said in environment().note


class TestCommand:
    @pytest.fixture
    def place(self, monkeypatch):
        """Return the calls of the installer, and the rolls before and after."""
        calls, rolls = [], []

        class Place:
            python, note = "python", ""
            install = remove = calls.append

        Place.install = Place.remove = staticmethod(calls.append)
        monkeypatch.setattr(module, "environment", Place)
        monkeypatch.setattr(roll, "call_roll", lambda: rolls.pop(0))
        return calls, rolls

    @staticmethod
    def roll(*rows):
        plugins = [
            {"distribution": name, "version": version, "entry_point": "tea", "status": status}
            for name, version, status in rows
        ]
        return Roll(plugins, [("loss", "tea", name) for name, _, status in rows if status == "ok"])

    def test_what_has_come_is_told(self, place, kzoo):
        calls, rolls = place
        rolls += [self.roll(), self.roll(("kzoo-tea", "1.2", "ok"))]
        code, out, err = kzoo("install", "kzoo-tea==1.2", "--no-index", "-f", "wheels", "-U")
        assert code == 0, err
        assert calls == [["--upgrade", "--no-index", "--find-links", "wheels", "kzoo-tea==1.2"]]
        assert out.splitlines()[1].split() == ["kzoo-tea", "1.2", "loss", "tea", "ok"]
        assert "is not in kzoo's directory" in err

    def test_what_is_no_plugin(self, place, kzoo):
        _, rolls = place
        rolls += [self.roll(), self.roll()]
        code, _, err = kzoo("install", "kzoo-tea")
        assert code == 1
        assert "kzoo-tea was installed and is no plugin of kzoo" in err
        assert "pip uninstall kzoo-tea" in err

    def test_what_was_there_before_or_is_needed_is_not_to_go(self, place, kzoo, monkeypatch):
        _, rolls = place
        rolls += [self.roll(), self.roll()] * 2
        code, _, err = kzoo("install", "NumPy")
        assert code == 1
        assert "numpy was there before and is no plugin of kzoo" in err
        assert "uninstall" not in err
        monkeypatch.setattr(module, "installed", set)  # as where an extra of kzoo brings it
        code, _, err = kzoo("install", "numpy")
        assert code == 1
        assert "numpy was installed and is no plugin of kzoo: it publishes nothing. Leave it" in err
        assert "uninstall" not in err

    def test_what_is_broken(self, place, kzoo):
        _, rolls = place
        rolls += [self.roll(), self.roll(("kzoo-tea", "1.2", "skipped (import) No module named 'x'"))]
        code, out, err = kzoo("install", "kzoo-tea")
        assert code == 1
        assert "No module named 'x'" in out
        assert "`kzoo uninstall kzoo-tea`" in err

    def test_taking_away(self, place, kzoo):
        calls, rolls = place
        there = self.roll(("kzoo-tea", "1.2", "ok"), ("kzoo", "0.1.0", "ok"))
        rolls += [there, there]
        code, _, err = kzoo("uninstall", "tea")
        assert (code, calls) == (2, [])
        assert "add --yes" in err.lower()
        rolls[:] = [there, self.roll()]
        code, _, err = kzoo("uninstall", "Kzoo_Tea", "--yes")
        assert (code, calls) == (0, [["kzoo-tea"]])
        assert "loss tea" in err

    @pytest.mark.parametrize(("name", "said"), [("kzoo", "kzoo itself"), ("numpy", "There is no plugin `numpy`")])
    def test_what_is_not_taken_away(self, name, said, place, kzoo):
        calls, rolls = place
        rolls += [self.roll(("kzoo", "0.1.0", "ok"))]
        code, _, err = kzoo("uninstall", name, "--yes")
        assert (code, calls) == (2, [])
        assert said in err


def test_the_roll_of_a_process_of_its_own():
    found = roll.call_roll()
    assert found.versions()["kzoo"]
    assert "emd" in found.names_of("kzoo")["loss"]
    assert command.install.__doc__
