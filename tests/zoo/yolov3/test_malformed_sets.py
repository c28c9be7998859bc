"""Wrong annotation sets on the command line: each is refused in one paragraph, and nothing is left behind."""

import re

import pytest
from malformed_sets import SETS

from kzoo.cli import main


def _files(folder):
    return sorted(str(path) for path in folder.rglob("*"))


def test_there_are_many():
    assert len(SETS) >= 90


@pytest.mark.long_but_first(25)
@pytest.mark.parametrize("name", SETS)
def test_refused_in_one_paragraph_and_nothing_written(name, tmp_path, capsys):
    make, says = SETS[name]
    (tmp_path / "set").mkdir()
    data = make(tmp_path / "set")
    before = _files(tmp_path)
    code = main(["run", "yolov3", "--recipe", "quick", "--data", str(data), "--out", str(tmp_path / "runs")])
    out, err = capsys.readouterr()
    assert code in (1, 2)
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "unexpected" not in err
    assert re.search(says, err), err
    assert _files(tmp_path) == before
