"""The command that ``kzoo info`` suggests for a component is one to copy: it fits, and it trains."""

import json
import math
import shlex

import pytest

from kzoo.cli import main
from kzoo.plugins.registry import get_registry

KINDS = ("loss", "metric", "optimizer", "schedule", "regularizer")
BRIEF = ("--recipe", "quick", "--data", "sample", "--epochs", "1", "--limit", "32", "-o", "report=false")


def components():
    """Return every component that comes with kzoo."""
    for kind in KINDS:
        for entry in get_registry().entries(kind):
            if entry.first_party:
                yield pytest.param(kind, entry.name, id=f"{kind}-{entry.name}")


def shown(kind, name, capsys):
    assert main(["info", name, "--kind", kind, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.long_but_first
@pytest.mark.parametrize(("kind", "name"), list(components()))
def test_it_fits(kind, name, capsys, tmp_path):
    """Data is read, and the network compiled with it; that each trains, tests/zoo/test_matrix.py says."""
    known = shown(kind, name, capsys)
    if not known["command"]:
        assert known["python"]
        return
    program, *arguments = shlex.split(known["command"])
    assert program == "kzoo"
    assert main([*arguments, *BRIEF, "--out", str(tmp_path), "--dry-run"]) == 0
    assert "Everything fits" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("kind", "name"), [("loss", "huber"), ("loss", "emd"), ("loss", "ctc"), ("optimizer", "adan"), ("schedule", "join")]
)
def test_it_trains(kind, name, capsys, tmp_path):
    _, *arguments = shlex.split(shown(kind, name, capsys)["command"])
    assert main([*arguments, *BRIEF, "--out", str(tmp_path), "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert math.isfinite(record["results"]["test"]["loss"]), record


@pytest.mark.parametrize(
    ("kind", "name", "pipeline"),
    [
        ("loss", "emd", "fingers"),  # runs on classes without an order too, with a caution
        ("loss", "huber", "regression"),
        ("metric", "f1_score", "cifar10"),
        ("loss", "hinge", "cats_vs_dogs"),  # a caution wherever it runs
        ("loss", "arcface", "embedding"),
        ("loss", "ctc", "transcription"),
        ("metric", "psnr", "restoration"),
        ("loss", "ciou", "yolov3"),  # a part of a detector's loss: yolo:box=ciou
        ("loss", "dfl", "yolov3"),  # yolo:sides=dfl, with a head that has bins
        ("regularizer", "entropy", "cifar10"),
        ("regularizer", "decov", "cats_vs_dogs"),
        ("loss", "yolo", "yolov3"),
    ],
)
def test_the_pipeline_is_the_first_that_it_is_made_for(kind, name, pipeline, capsys):
    known = shown(kind, name, capsys)
    assert known["command"].split()[:3] == (["kzoo", "run", pipeline] if pipeline else [])
    assert f'kzoo.{kind}("{name}' in known["python"]


def test_a_part_of_a_loss_is_shown_within_it(capsys):
    assert shown("loss", "wiou", capsys)["command"] == "kzoo run yolov3 --loss yolo:box=wiou"


def test_settings_that_a_loss_needs_are_shown_with_it(capsys):
    assert shown("loss", "dfl", capsys)["command"] == "kzoo run yolov3 --loss yolo:sides=dfl -o model.bins=16"
