"""What ``python -m benchmarks components`` calls ok: a command that ended well and measured finite numbers alone."""

import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest

from kzoo.plugins.registry import get_registry

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "every_component.py"))


@pytest.mark.parametrize("wrong", [math.nan, math.inf, None])
@pytest.mark.parametrize("where", ["loss", "accuracy"])
def test_a_measure_that_is_no_finite_number_is_named(where, wrong):
    good = {"loss": 0.5, "accuracy": 0.9, "AP_large": None}
    assert not TOOL["_outcome"]([good, good], good).wrong
    assert TOOL["_outcome"]([{**good, where: wrong}, good], good).wrong == f"epoch 1 {where} is {wrong}"
    assert TOOL["_outcome"]([good, good], {**good, where: wrong}).wrong == f"test {where} is {wrong}"


def test_every_component_that_is_listed_is_tried():
    tried = TOOL["_chosen"](SimpleNamespace(kind=None, only=None))
    assert len(set(tried)) == len(tried)
    for kind in ("loss", "metric", "optimizer", "schedule", "regularizer", "tracker", "pipeline"):
        assert [name for one, name in tried if one == kind] == get_registry().names(kind)


def test_a_command_that_is_refused_is_not_ok(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    outcome = TOOL["tried"]("kzoo run mnist --loss none_such", ["--data", "sample"])
    assert outcome.wrong.startswith("ended with 2: ")
    assert "none_such" in outcome.wrong
    assert Path.cwd() == tmp_path
    assert list(tmp_path.iterdir()) == []
