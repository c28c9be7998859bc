"""``run``, ``evaluate``, ``predict`` and ``runs`` as a user types them, in one process on the embedded sample."""

import csv
import errno
import json
import os
import re
import signal
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from kzoo.cli import main
from kzoo.errors import UsageError
from kzoo.runs.config import DataSettings, RunSettings, TrainSettings
from kzoo.runs.folder import Run, list_runs

TINY = ["--recipe", "quick", "--epochs", "1", "--limit", "60", "--batch-size", "20", "-o", "report=false"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One tiny run that the tests of evaluate and predict share."""
    root = tmp_path_factory.mktemp("trained")
    assert main(["run", "mnist", *TINY, "--loss", "emd:p=2", "--quiet", "--out", str(root)]) == 0
    return list_runs(root)[0]


class TestHelp:
    """What is expected of a table is what msgspec says of it, and of the fixture's pipeline what its classes say."""

    @pytest.fixture(autouse=True)
    def _loom(self, plugins):
        plugins("loom")

    def rows(self, kzoo, *arguments):
        """Return the rows of the page by their first column, and what went to stderr."""
        code, out, err = kzoo(*arguments, "--help")
        assert code == 0
        found = re.findall(r"(?m)^  (\S.*?)(?:  +|\n {4,})(\S.*(?:\n {4,}\S.*)*)", out)
        return {name: " ".join(text.split()) for name, text in found}, err

    def test_the_settings_of_every_run(self, kzoo):
        rows, err = self.rows(kzoo, "run")
        assert err == ""
        for prefix, table in (("", RunSettings), ("data.", DataSettings), ("train.", TrainSettings)):
            (schema,) = msgspec.json.schema(table)["$defs"].values()
            for name, known in schema["properties"].items():
                row = rows[f"{prefix}{name}"]
                parts = [known, *known.get("anyOf", ())]
                assert row.startswith(next(part["description"] for part in parts if "description" in part))
                if known.get("default") not in (None, ""):
                    default = known["default"]
                    assert f"[default: {default if isinstance(default, str) else json.dumps(default)}" in row
                for bound in ("minimum", "exclusiveMaximum"):
                    assert str(known.get(bound, "")) in row
                for value in known.get("enum", ()):
                    assert value in row

    def test_it_imports_nothing_heavy(self):
        script = (
            "import sys; from kzoo.cli import main; code = main(['run', '--help']); "
            "sys.exit(code or ', '.join({'numpy', 'keras', 'tensorflow', 'PIL'} & {*sys.modules}) or 0)"
        )
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stderr) == (0, "")
        assert "train.epochs" in done.stdout

    @pytest.mark.parametrize("arguments", [("loom",), ("--epochs", "3", "loom", "--torn", "mend")])
    def test_what_the_pipeline_adds(self, kzoo, arguments):
        rows, err = self.rows(kzoo, "run", *arguments)
        assert err == ""
        torn = "What is done about torn cloth. [default: stop; stop, skip or mend]"
        assert rows["data.torn"] == rows["--torn VALUE"] == torn
        counted = "[default: 8; a whole number of at least 1 and at most 2147483648]"
        assert rows["--thread-count VALUE"] == f"The threads of the network. {counted}"
        assert "train.epochs" in rows
        assert "model.pattern" not in rows

    @pytest.mark.parametrize("arguments", [("predict", "loom"), ("predict", "loom", "a.png"), ("capture", "loom", "0")])
    def test_the_settings_of_a_reader_and_of_a_recording(self, kzoo, arguments):
        rows, err = self.rows(kzoo, *arguments)
        assert err == ""
        assert rows["--upside-down / --no-upside-down"] == "Whether the cloth hangs upside down. [default: false]"
        assert rows["--lamp VALUE"] == "The light. [default: day; day or night]"
        assert rows["--name VALUE"] == "What is written below."

    @pytest.mark.parametrize("command", ["predict", "capture"])
    def test_without_a_pipeline_the_page_says_how_to_see_more(self, kzoo, command):
        code, out, err = kzoo(command, "--help")
        assert (code, err) == (0, "")
        assert f"`kzoo {command} PIPELINE --help` shows" in out

    @pytest.mark.parametrize("command", ["run", "predict", "capture"])
    def test_a_name_that_nobody_has_is_said_beside_the_page(self, kzoo, command):
        rows, err = self.rows(kzoo, command, "nothing_has_this_name")
        assert "-h, --help" in rows
        assert err.count("\n") == 1
        assert err.startswith("warning: The settings are not shown. ")
        assert "`nothing_has_this_name`" in err


def test_the_help_of_a_run_has_the_settings_of_its_reader(trained, folder, kzoo, monkeypatch):
    from kzoo_zoo.mnist.pipeline import Mnist

    monkeypatch.setattr("kzoo.models.saved.load_model", None)
    assert "--prepare / --no-prepare" in kzoo("predict", str(trained.path), "--help")[1]
    monkeypatch.setattr(Mnist, "reader_settings", DataSettings)
    _, out, err = kzoo("predict", str(trained.path), "--help")
    assert err == ""
    assert "--validation-fraction VALUE" in out[out.index("Flags of mnist") :]


@pytest.fixture
def images(tmp_path):
    generator = np.random.default_rng(0)
    for name in ("a.png", "b.png"):
        Image.fromarray(generator.integers(0, 256, (40, 30), dtype=np.uint8)).save(tmp_path / name)
    (tmp_path / "broken.png").write_bytes(b"nonsense")
    return tmp_path


def test_a_run_leaves_all_that_was_promised(folder, capsys):
    assert main(["run", "mnist", *TINY, "--loss", "emd", "--metric", "emd", "--seed", "3"]) == 0
    out, err = capsys.readouterr()
    (run,) = list_runs(folder / "runs")
    assert str(run.path.relative_to(folder)) in out
    assert "accuracy" in out
    assert "kzoo evaluate" in err
    assert "order of the classes" in err
    manifest = run.manifest()
    assert manifest.status == "done"
    assert manifest.seed == 3
    assert manifest.data.used == "sample"
    assert manifest.data.sizes == {"train": 60, "validation": 60, "test": 60}
    assert set(manifest.test_results) == {"loss", "accuracy", "emd"}
    assert manifest.plugins["loss"]["name"] == "kzoo:emd"
    assert manifest.environment["flags"]["TF_ENABLE_ONEDNN_OPTS"] == os.environ["TF_ENABLE_ONEDNN_OPTS"]
    assert manifest.training.steps == 3
    rows = list(csv.DictReader((run.path / "metrics.csv").open()))
    assert [row["epoch"] for row in rows] == ["1"]
    assert float(rows[0]["val_loss"]) > 0
    assert {path.name for path in run.path.iterdir()} == {
        "config.toml", "run.json", "metrics.csv", "model.keras", "best.keras", ".training.lock",
    }  # fmt: skip


@pytest.mark.long
def test_the_settings_of_a_run_replay_to_the_same_weights(folder):
    assert main(["run", "mnist", *TINY, "--loss", "emd", "--regularizer", "l2", "--quiet"]) == 0
    (first,) = list_runs(folder / "runs")
    assert main(["run", "-c", str(first.config_path), "--quiet"]) == 0
    second = list_runs(folder / "runs")[1]
    assert first.manifest().results == second.manifest().results
    assert tomllib.loads(first.config_path.read_text()) == tomllib.loads(second.config_path.read_text())


@pytest.mark.long
def test_auto_means_the_sample_where_there_is_nothing_to_download(folder, capsys):
    small = ["--recipe", "quick", "--epochs", "1", "--limit", "40", "--quiet"]
    assert main(["run", "regression", *small, "--data", "auto"]) == 0
    out, err = capsys.readouterr()
    (warning,) = [line for line in err.splitlines() if line.startswith("warning: ")]
    assert "Training on the embedded sample" in warning
    assert "there is no data set to download for this pipeline" in warning
    assert "--data" in warning
    (run,) = list_runs(folder / "runs")
    data = run.manifest().data
    assert (data.requested, data.used, data.reason) == ("auto", "sample", "")
    page = (run.path / "report.html").read_text("utf-8")
    assert "these results say nothing about the real task" in page
    for text in (out, err, page):
        assert "could not be downloaded" not in text
    assert main(["run", "regression", *small, "--data", "real", "--out", "other"]) == 1
    assert "There is no data set to download for this pipeline" in capsys.readouterr().err
    assert not (folder / "other").exists()


@pytest.mark.long
def test_progress_is_plain_lines_where_nobody_watches(capsys):
    assert main(["run", "mnist", *TINY, "--epochs", "2"]) == 0
    err = capsys.readouterr().err
    assert "epoch 1/2  loss" in err
    assert "img/s" in err
    assert "\x1b" not in err


@pytest.mark.long
def test_quiet_says_nothing_but_results(capsys):
    assert main(["run", "mnist", *TINY, "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert "accuracy" in out
    assert err == ""


def test_json_results(capsys):
    assert main(["run", "mnist", *TINY, "--json", "--quiet"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["status"] == "done"
    assert 0 <= found["results"]["test"]["accuracy"] <= 1


def test_print_config_and_dry_run_write_nothing(folder, capsys):
    assert main(["run", "cifar10", "--print-config", "--loss", "emd:p=1", "-o", "train.keep=best"]) == 0
    out = capsys.readouterr().out
    assert tomllib.loads(out)["loss"] == {"name": "emd", "p": 1}
    assert '"best" # -o' in out
    assert main(["run", "cifar10", "--print-config", "-o", "model.none=1"]) == 2
    assert "`model.none`" in capsys.readouterr().err
    assert main(["run", "cifar10", "--print-config", "-o", "train.keep=best", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["settings"]["train"]["keep"], found["origins"]["train.keep"]) == ("best", "-o")
    assert main(["run", "mnist", *TINY, "--dry-run"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "Everything fits; nothing was trained." in said.err
    assert main(["run", "mnist", *TINY, "--dry-run", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["fits"], found["pipeline"], found["task"]) == (True, "mnist", "classification")
    assert found["model"]["parameters"] > 0
    assert found["data"]["sizes"]["train"] > 0
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "nonsense"], ["No pipeline named `nonsense`"]),
        (["run"], ["mnist"]),
        (["run", "mnist", "--recipe", "quik"], ["`quick`"]),
        (["run", "mnist", *TINY, "--loss", "categorical_crosentropy"], ["Did you mean `categorical_crossentropy`"]),
        (["run", "mnist", *TINY, "--loss", "scaled_mse"], ["regression", "categorical_crossentropy"]),
        (["run", "mnist", *TINY, "--loss", "emd:q=1"], ["`q`", "ground_distance"]),
        (["run", "mnist", *TINY, "--metric", "precision_at_recall"], ["precision_at_recall"]),
        (["run", "mnist", *TINY, "-o", "model.depth=3"], ["`model.depth`", "model.network"]),
        (["run", "mnist", *TINY, "-o", "augment.angle=3"], ["`augment.angle`", "augment.reach"]),
        (["run", "mnist", *TINY, "-o", "model.network=big"], ["default, general or classic"]),
        (["run", "mnist", *TINY, "-o", "train.monitor=val_f1"], ["val_f1", "val_accuracy"]),
        (["run", "mnist", *TINY, "--data", "nowhere"], ["nowhere"]),
        (["run", "mnist", "-c", "missing.toml"], ["missing.toml"]),
        (["run", "mnist", *TINY, "-q", "-v"], ["leave out one of them"]),
        (["evaluate", "nonsense"], ["no run `nonsense`"]),
        (["evaluate", "missing.keras"], ["missing.keras"]),
        (["evaluate", "one", "two"], ["One model is tested at a time, not `one` and `two`"]),
        (["evaluate", "--coco", "one.json"], ["none is named"]),
        (["predict", "nonsense", "x.png"], ["nonsense"]),
    ],
)
def test_a_mistake_is_one_paragraph_and_leaves_nothing(folder, capsys, arguments, words):
    code = main(arguments)
    out, err = capsys.readouterr()
    assert code in (1, 2)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "Traceback" not in err
    for word in words:
        assert word in errors[0]
    assert out == ""
    assert not (folder / "runs").exists()


def test_a_single_class_is_nothing_to_train_on(folder, capsys):
    images, labels = np.zeros((60, 28, 28), np.uint8), np.zeros(60, int)
    np.savez("one.npz", x_train=images, y_train=labels, x_test=images, y_test=labels)
    assert main(["run", "mnist", *TINY, "--data", "one.npz"]) == 1
    assert "There is only one class to train on, `0`" in capsys.readouterr().err
    assert not list_runs(folder / "runs")


def test_a_loss_that_is_no_number_fails_and_says_where(folder, capsys, foreign):
    assert main(["run", "mnist", *TINY, "--loss", "never_a_number"]) == 1
    assert "stopped being a finite number in epoch 1" in capsys.readouterr().err
    (run,) = list_runs(folder / "runs")
    assert run.manifest().status == "failed"


def test_a_disk_that_fills_up_is_one_clear_error_and_keeps_the_best_model(folder, capsys, monkeypatch, images):
    from kzoo.training import callbacks

    written = callbacks.write_text

    def full_after_one_epoch(path, text):
        if text.count("\n") > 2:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        written(path, text)

    monkeypatch.setattr(callbacks, "write_text", full_after_one_epoch)
    assert main(["run", "mnist", *TINY, "--epochs", "3"]) == 1
    err = capsys.readouterr().err
    (run,) = list_runs(folder / "runs")
    assert "No space left on device" in err
    assert str(run.best_path.relative_to(folder)) in err
    assert run.manifest().status == "failed"
    assert main(["predict", str(run.path), "a.png"]) == 0
    assert [path.name for path in run.path.glob(".*")] == [".training.lock"]


def test_ctrl_c_keeps_the_model_and_says_where(folder, capsys, monkeypatch):
    from kzoo.training import trainer

    class Interrupted(trainer._Course):
        def _steps(self):
            os.kill(os.getpid(), signal.SIGINT)
            super()._steps()

    monkeypatch.setattr(trainer, "_Course", Interrupted)
    assert main(["run", "mnist", *TINY, "--epochs", "3"]) == 130
    err = capsys.readouterr().err
    (run,) = list_runs(folder / "runs")
    assert run.manifest().status == "interrupted"
    assert run.manifest().signal == "SIGINT"
    assert run.model_path.exists()
    assert str(run.model_path.relative_to(folder)) in err
    assert err.endswith(f"Next: kzoo run --resume {run.path.relative_to(folder)}\n")
    assert main(["predict", str(run.path), "nothing.png"]) != 0
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert main(["run", "--resume", "last", "--quiet"]) == 0
    assert run.manifest().status == "done"


@pytest.mark.long
def test_evaluate_is_scikit_learns_report(trained, capsys):
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    from kzoo.data.sources import load_splits
    from kzoo.data.splits import DataRequest
    from kzoo.engine.listener import Silent
    from kzoo.models.saving import load_model
    from kzoo_zoo.mnist.pipeline import Mnist

    assert main(["evaluate", str(trained.path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"] == pytest.approx(trained.manifest().test_results, rel=1e-5)
    confusion = np.array(found["confusion"])
    assert confusion.sum() == found["size"] == 60
    assert found["metrics"]["accuracy"] == pytest.approx(np.trace(confusion) / 60)
    test = load_splits(Mnist().source(), DataRequest("sample"), Silent()).test
    predicted = load_model(trained.path).predict(test.x, verbose=0).argmax(-1)
    assert main(["evaluate", str(trained.path), "--data", "sample", "--json"]) == 0
    whole = json.loads(capsys.readouterr().out)
    precision, recall, f1, support = precision_recall_fscore_support(test.y, predicted, zero_division=0)
    assert whole["metrics"]["accuracy"] == pytest.approx(accuracy_score(test.y, predicted))
    rows = list(whole["per_class"].values())
    np.testing.assert_allclose([row["precision"] for row in rows], precision)
    np.testing.assert_allclose([row["recall"] for row in rows], recall)
    np.testing.assert_allclose([row["f1"] for row in rows], f1)
    assert [row["support"] for row in rows] == support.tolist()


def test_evaluate_shows_tables_and_takes_a_bare_model(trained, capsys):
    assert main(["evaluate", str(trained.model_path)]) == 0
    out = capsys.readouterr().out
    assert "PRECISION" in out.upper()
    assert "PREDICTED" in out.upper()


def test_evaluate_on_other_classes_is_refused(trained, tmp_path, capsys):
    data = tmp_path / "other.npz"
    x, y = np.zeros((30, 28, 28), np.uint8), np.arange(30) % 11
    np.savez(data, x_train=x, y_train=y, x_test=x, y_test=y)
    assert main(["evaluate", str(trained.path), "--data", str(data)]) == 2
    assert "same classes" in capsys.readouterr().err


def test_evaluate_on_classes_in_another_order_is_refused_as_that(trained):
    from kzoo.engine.listener import Silent
    from kzoo.inference.evaluation import evaluate
    from kzoo.models.saved import find_model

    saved = find_model(str(trained.path))
    turned = replace(saved, card=replace(saved.card, class_names=saved.card.class_names[::-1]))
    with pytest.raises(UsageError, match=r"9, 8, 7.*in this order.*0, 1, 2.*the same in another order"):
        evaluate(turned, data=None, listener=Silent())


@pytest.mark.long
def test_evaluate_and_predict_without_the_plugin(folder, capsys, foreign, images):
    assert main(["run", "mnist", *TINY, "--loss", "foreign:weight=2", "--quiet"]) == 0
    (run,) = list_runs(folder / "runs")
    foreign()
    capsys.readouterr()
    assert main(["evaluate", "last"]) == 1
    assert "pip install kzoo-foreign==1.4" in capsys.readouterr().err
    assert main(["predict", str(run.path), "a.png"]) == 0


def test_predict_is_what_keras_predicts(trained, images, capsys):
    from kzoo.models.saving import load_model

    plain = ["--no-prepare", "--json", "--top", "2"]
    assert main(["predict", str(trained.path), "a.png", "b.png", *plain]) == 0
    said = capsys.readouterr()
    assert "This model was trained on the embedded sample alone" in said.err
    found = [json.loads(line) for line in said.out.splitlines()]
    pixels = [np.asarray(Image.open(name).resize((28, 28), Image.Resampling.LANCZOS)) for name in ("a.png", "b.png")]
    expected = load_model(trained.path, compile=False).predict(np.stack(pixels)[..., None], verbose=0)
    for result, row in zip(found, expected, strict=True):
        np.testing.assert_allclose(list(result["probabilities"].values()), row, atol=1e-5)
        assert result["class"] == str(row.argmax())
        assert [entry["class"] for entry in result["top"]] == [str(k) for k in np.argsort(-row)[:2]]


def test_predict_reports_what_it_cannot_read_and_goes_on(trained, images, capsys):
    assert main(["predict", str(trained.path), str(images), "--csv", "out.csv"]) == 1
    out, err = capsys.readouterr()
    assert "broken.png" in err
    assert "1 of 3 images" in err
    assert "a.png" in out
    rows = list(csv.DictReader((images / "out.csv").open()))
    assert [Path(row["image"]).name for row in rows] == ["a.png", "b.png"]
    assert sum(float(rows[0][str(k)]) for k in range(10)) == pytest.approx(1, abs=1e-5)


def test_predict_takes_globs_and_says_when_nothing_fits(trained, images, capsys):
    assert main(["predict", str(trained.path), str(images / "[ab].png"), "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    assert main(["predict", str(trained.path), str(images / "*.gif")]) != 0
    assert "*.gif" in capsys.readouterr().err


def test_runs_lists_them_and_survives_a_broken_one(trained, capsys):
    root = trained.path.parent.parent
    broken = root / "mnist" / "20000101T000000Z-broken-s0"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    try:
        assert main(["runs", "--out", str(root)]) == 0
        out, err = capsys.readouterr()
    finally:
        (broken / "run.json").unlink()
        broken.rmdir()
    assert trained.path.name in out
    assert "done" in out
    (row,) = (line for line in out.splitlines() if broken.name in line)
    assert "unreadable" in row
    assert f"{broken / 'run.json'} cannot be read" in row
    assert err == ""
    assert main(["runs", "mnist", "--out", str(root), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert Run(trained.path).manifest().test_results == row["test"]


def test_runs_says_when_there_are_none(capsys):
    assert main(["runs"]) == 0
    assert "No runs" in capsys.readouterr().err
