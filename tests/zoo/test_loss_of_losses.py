"""A loss of losses from the command line to the saved model and back."""

import csv
import json
import subprocess
import sys
import tomllib

import pytest

import kzoo
from kzoo.cli import main
from kzoo.errors import UsageError

LOSS = "mixture:losses=[crossentropy,focal(gamma=3),emd(p=1)],weights=[1,0.5,0]"
BRIEF = ["--recipe", "quick", "--data", "sample", "--epochs", "1", "--limit", "32", "-o", "report=false", "--json"]
PARTS = ("categorical_crossentropy_loss", "focal_loss", "emd_loss")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


def ran(capsys, *arguments):
    assert main([*arguments]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def trained(root, capsys):
    """Return the folder of a run that was trained once for all tests."""
    runs = [*root.glob("mnist/*")]
    if not runs:
        ran(capsys, "run", "mnist", "--loss", LOSS, "--metric", "emd", *BRIEF, "--out", str(root))
        runs = [*root.glob("mnist/*")]
    return runs[0]


def test_its_parts_are_logged_apart(trained):
    (row,) = csv.DictReader((trained / "metrics.csv").open())
    assert {"loss", "accuracy", "emd", *PARTS} <= set(row)
    loss, *parts = (float(row[f"val_{name}"]) for name in ("loss", *PARTS))
    assert loss == pytest.approx(parts[0] + 0.5 * parts[1], rel=1e-5)
    assert float(row["val_emd"]) == pytest.approx(10 * parts[2], rel=1e-5)  # one in classes, one in all ten of them
    record = json.loads((trained / "run.json").read_text())
    assert record["label"] == f"quick-{LOSS}"
    inside = {"loss crossentropy": "kzoo:crossentropy", "loss focal:gamma=3": "kzoo:focal", "loss emd:p=1": "kzoo:emd"}
    inside |= {"loss": "kzoo:mixture", "metric emd": "kzoo:emd"}
    assert {what: record["plugins"][what]["name"] for what in inside} == inside
    assert any(what.startswith("schedule one_cycle:") for what in record["plugins"])  # in the recipe's optimizer


@pytest.mark.long
def test_its_settings_replay_the_run(trained, tmp_path, capsys):
    table = tomllib.loads((trained / "config.toml").read_text())["loss"]
    assert table["losses"] == ["crossentropy", {"name": "focal", "gamma": 3}, {"name": "emd", "p": 1}]
    monitored = ("-o", "train.monitor=val_focal_loss", "-o", "train.keep=best")
    again = ran(capsys, "run", "-c", str(trained / "config.toml"), *monitored, "--json", "--out", str(tmp_path))
    before = json.loads((trained / "run.json").read_text())["results"]["test"]
    assert again["results"]["test"] == before


@pytest.mark.long
def test_its_saved_model_loads_in_a_fresh_process(trained):
    program = (
        "import sys, kzoo; loss = kzoo.load_model(sys.argv[1]).loss; "
        "assert [type(one).__name__ for one in loss.losses] == ['CategoricalCrossentropy', 'Focal', 'EMD']; "
        "assert (loss.losses[1].gamma, loss.losses[2].p, loss.weights) == (3, 1, [1, 0.5, 0])"
    )
    subprocess.run([sys.executable, "-c", program, str(trained)], check=True)


def test_what_no_part_logs_cannot_be_monitored(trained, tmp_path, capsys):
    arguments = ["-o", "train.monitor=val_dice_loss", "-o", "train.keep=best", "--out", str(tmp_path)]
    assert main(["run", "-c", str(trained / "config.toml"), *arguments]) == 2
    assert "It logs: val_loss, val_categorical_crossentropy_loss, val_focal_loss" in " ".join(
        capsys.readouterr().err.split()
    )


@pytest.mark.parametrize(
    "more",
    [
        {"metrics": ["mse:name=loss"]},
        {"metrics": ["mse:name=val_accuracy"]},
        {"loss": "mixture:losses=[mse,mae(name=val)]"},
    ],
    ids=str,
)
def test_a_name_that_the_log_has_for_something_else_is_refused(more, tmp_path):
    with pytest.raises(UsageError, match=r"would be called `(loss|val_accuracy|val_loss)`"):
        kzoo.run("regression", recipe="quick", data="sample", out=tmp_path, **more)
