"""``kzoo new-plugin``: what it says, and what it refuses."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from kzoo.cli import main
from kzoo.cli.new_plugin import _complete_kind, _complete_license
from kzoo.scaffold import KINDS, files_of, plan


@pytest.fixture
def kzoo(capsys, tmp_path, monkeypatch):
    """Return a function that calls the command line in an empty folder; exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        code = main(["new-plugin", *arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_it_says_what_it_wrote_and_what_comes_next(kzoo, tmp_path):
    code, out, err = kzoo("kzoo-my-loss")
    assert (code, err) == (0, "")
    files = list(files_of(plan("kzoo-my-loss")))
    assert out.splitlines() == [
        f"kzoo-my-loss: the loss `my`, as `MyLoss` in {len(files)} files",
        *(f"  {file}" for file in files),
        "Next:",
        "  cd kzoo-my-loss",
        '  python -m pip install -e ".[dev]"',
        "  python -m pytest",
        "  kzoo run mnist --recipe quick --loss my",
    ]
    assert all((tmp_path / "kzoo-my-loss" / file).is_file() for file in files)


def test_json(kzoo, tmp_path):
    arguments = ["--kind", "metric", "--name", "hit-rate", "--out", "a place", "--license", "none", "--author", "Ada"]
    code, out, err = kzoo("kzoo-hits", *arguments, "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    folder = str(Path("a place", "kzoo-hits"))
    project = plan("kzoo-hits", kind="metric", name="hit_rate", license="none", author="Ada")
    assert said == {
        "folder": folder,
        "distribution": "kzoo-hits",
        "package": "kzoo_hits",
        "kind": "metric",
        "name": "hit_rate",
        "class": "HitRateMetric",
        "license": "none",
        "files": list(files_of(project)),
        "next": [
            f"cd {shlex.quote(folder)}",
            'python -m pip install -e ".[dev]"',
            "python -m pytest",
            "kzoo run mnist --recipe quick --metric hit_rate",
        ],
        "warnings": [],
    }
    for name, text in files_of(project).items():
        assert (tmp_path / folder / name).read_text(encoding="utf-8") == text


def test_a_name_that_kzoo_has(kzoo):
    code, out, err = kzoo("kzoo-emd-loss")
    assert code == 0
    assert "publishes a loss `emd`, too. Where both are installed, yours is called `kzoo-emd-loss:emd`." in err
    assert out.splitlines()[-1] == "  kzoo run mnist --recipe quick --loss kzoo-emd-loss:emd"


def test_a_name_that_another_plugin_has(kzoo, plugins):
    plugins("good")
    code, out, err = kzoo("kzoo-my-loss", "--name", "goodloss", "--json")
    assert code == 0
    assert "kzoo-good 1.2 publishes a loss `goodloss`, too." in json.loads(out)["warnings"][0]
    assert err.startswith("warning: kzoo-good 1.2")


def test_a_package_that_is_installed(kzoo):
    code, _, err = kzoo("numpy")
    assert code == 0
    assert "A package `numpy` is installed here" in err


def test_its_own_name_once_it_is_installed_is_no_conflict(kzoo, plugins):
    plugins("good")
    code, _, err = kzoo("kzoo-good", "--name", "good-loss", "--out", "again")
    assert (code, err) == (0, "")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["my loss"], 2, "`my loss` cannot be the name of a distribution"),
        (["kzoo-my-loss", "--name", "a:b"], 2, "`a:b` cannot be the name of a component"),
        (
            ["kzoo-my-loss", "--kind", "layer"],
            2,
            "--kind takes loss, metric, optimizer, regularizer, tracker, not `layer`.",
        ),
        (["kzoo-my-loss", "--license", "GPL"], 2, "--license takes Apache-2.0, MIT, BSD-3-Clause, none, not `GPL`."),
        (["kzoo-my-loss", "--out", "there"], 1, "kzoo-my-loss is there already, and is left as it is."),
        ([], 2, "Missing argument"),
    ],
)
def test_refused(arguments, code, text, kzoo, tmp_path):
    (tmp_path / "there" / "kzoo-my-loss").mkdir(parents=True)
    found, out, err = kzoo(*arguments)
    assert (found, out) == (code, "")
    assert text in " ".join(err.split())
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert list((tmp_path / "there" / "kzoo-my-loss").iterdir()) == []


def test_completion():
    assert _complete_kind("") == list(KINDS)
    assert _complete_kind("m") == ["metric"]
    assert _complete_license("B") == ["BSD-3-Clause"]


def test_nothing_heavy_is_imported(tmp_path):
    code = (
        "import sys; from kzoo.cli import main; main(['new-plugin', 'kzoo-my-loss']); "
        "print(sorted({'keras', 'numpy', 'tensorflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
