"""Components and pipelines that fail: whose it is, what it said and where; never "unexpected", never exit code 0."""

import re
from pathlib import Path

import pytest

import kzoo
from kzoo.cli import main
from kzoo.models.saving import read_card
from kzoo.runs.folder import list_runs

SAID = r"torn thread.*faults\.py, line 27"

# The component; when it fails; how; what is said besides its name and distribution.
ROWS = [
    ("loss", "graph", "exit", r"failed in the run: it called sys\.exit\(0\)"),
    ("metric", "first", "raise", rf"failed when it was called: RuntimeError: {SAID}"),
    ("optimizer", "first", "raise", rf"failed in the run: RuntimeError: {SAID}"),
    ("regularizer", "first", "none", "gives None for a kernel"),
    ("schedule", "first", "raise", rf"failed where its learning rate was asked for: RuntimeError: {SAID}"),
    ("metric", "result", "dict", "gives a dict"),
    ("loss", "init", "raise", rf"failed when it was made: RuntimeError: {SAID}"),
    ("loss", "init", "exit", r"it called sys\.exit\(0\)"),
    ("loss", "first", "value", f"does not take what this network puts out.*{SAID}"),
    ("loss", "first", "unspeakable", r"UnspeakableError, whose text cannot be read.*faults\.py"),
    ("loss", "first", "beyond", f"Beyond: {SAID}"),
    ("loss", "first", "keyboard", "raised KeyboardInterrupt, and nobody asked for a stop"),
    ("loss", "first", "none", "gives None in its `call`"),
    ("loss", "first", "text", "gives `a number` in its `call`"),
    ("loss", "first", "dict", "gives a `dict` in its `call`"),
    ("loss", "first", "nan", "has no gradient"),
    ("loss", "first", "pairs", r"values of shape \(2, 2\) in its `call` for 2 samples"),
    ("loss", "graph", "raise", f"failed in the run: RuntimeError: {SAID}"),
    ("loss", "graph", "keyboard", "raised KeyboardInterrupt, and nobody asked for a stop"),
    ("loss", "third", "none", "None values not supported"),
    ("loss", "steps", "raise", f"failed in the run: RuntimeError: {SAID}"),
    ("loss", "steps", "exit", "SystemExit: 0"),
    ("loss", "steps", "nan", "failed in the run: InvalidArgumentError: "),
    ("loss", "config", "raise", rf"get_config`\): RuntimeError: {SAID}"),
    ("loss", "config", "none", "should return a dict. It returned: None"),
    ("metric", "init", "raise", SAID),
    ("metric", "third", "raise", f"failed in the run: RuntimeError: {SAID}"),
    ("metric", "graph", "raise", SAID),
    ("metric", "epoch_end", "raise", rf"{SAID}.*The best model so far is \S+best\.keras"),
    ("metric", "result", "text", "gives `a number` as its result"),
    ("metric", "result", "exit", r"sys\.exit\(0\)"),
    ("metric", "config", "raise", SAID),
    ("optimizer", "init", "raise", SAID),
    ("optimizer", "first", "exit", r"sys\.exit\(0\)"),
    ("optimizer", "steps", "raise", SAID),
    ("optimizer", "config", "raise", SAID),
    ("schedule", "init", "raise", SAID),
    ("schedule", "graph", "raise", SAID),
    ("schedule", "config", "raise", SAID),
    ("schedule", "first", "text", "begins with the learning rate `a number`"),
    ("schedule", "first", "nan", "begins with the learning rate `nan`"),
    ("regularizer", "init", "raise", SAID),
    ("regularizer", "graph", "raise", SAID),
    ("regularizer", "steps", "raise", SAID),
    ("regularizer", "config", "raise", SAID),
    ("regularizer", "first", "text", "gives `a number` for a kernel"),
    ("regularizer", "first", "shape", r"gives values of shape \(3, 3\) for a kernel"),
]
"""The first six are of the quick battery: one of each kind, and a result that is no number."""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, plugins):
    monkeypatch.chdir(tmp_path)
    plugins("failing")
    return tmp_path


def refused(capsys, *arguments):
    """Return the one paragraph that a run ends with."""
    code = main(["run", *arguments, "--data", "sample", "--quiet"])
    out, err = capsys.readouterr()
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert (out, len(errors)) == ("", 1), err
    assert code in (1, 2)
    assert "unexpected" not in err
    assert not any(line.startswith("Traceback") for line in err.splitlines() if "torn" not in err)
    return errors[0]


@pytest.mark.long_but_first(2)
@pytest.mark.parametrize(("kind", "when", "how", "words"), ROWS)
def test_a_component_that_fails_is_named(kind, when, how, words, capsys, folder):
    reference = f"failing_{kind}:when={when},how={how}"
    if kind == "schedule":
        reference = f"sgd:learning_rate=failing_schedule(when={when},how={how})"
    said = refused(capsys, "tiny", f"--{'optimizer' if kind == 'schedule' else kind}", reference)
    assert f"he {kind} `failing_{kind}" in said
    assert "kzoo-failing 0.1" in said
    assert re.search(r"\(\S+kzoo_failing/\w+\.py, line \d+\)", said)
    assert re.search(words, said), said
    for run in list_runs(folder / "runs"):
        assert run.manifest().status == "failed"
        assert run.manifest().error
        assert not run.model_path.exists()


LOSSES = [("checked_loss:", "per_sample"), ("failing_loss:when=first,", "call")]


def line_of(formula):
    """Return the line in which a function of the plugin's losses begins."""
    import kzoo_failing.losses

    lines = Path(kzoo_failing.losses.__file__).read_text("utf-8").splitlines()
    return 1 + next(at for at, line in enumerate(lines) if line.startswith(f"    def {formula}("))


@pytest.mark.long_but_first
@pytest.mark.parametrize(
    ("reference", "formula", "how", "words"),
    [
        (reference, formula, how, words)
        for how, words in (("none", "gives None in its"), ("pairs", r"gives values of shape \(2, 2\) in its"))
        for reference, formula in LOSSES
    ],
)
def test_a_wrong_answer_names_the_line_of_the_formula(reference, formula, how, words, capsys, folder):
    said = refused(capsys, "tiny", "--loss", f"{reference}how={how}")
    assert re.search(rf"{words} `{formula}`.*kzoo_failing/losses\.py, line {line_of(formula)}\)", said), said


@pytest.mark.long_but_first
@pytest.mark.parametrize(("reference", "formula"), LOSSES)
def test_a_loss_of_one_number_for_a_batch_is_said(reference, formula, capsys, folder):
    assert main(["run", "tiny", "--data", "sample", "--dry-run", "--loss", f"{reference}how=one"]) == 0
    said = capsys.readouterr().err
    name = reference.partition(":")[0]
    words = rf"warning: The loss `{name}` of kzoo-failing 0\.1 gives one number for a whole batch in its `{formula}` "
    assert re.search(rf"{words}\(\S+losses\.py, line {line_of(formula)}\).*return shape \(N,\)", said), said


@pytest.mark.parametrize(
    ("method", "how", "words"),
    [
        ("recipes", "raise", f"failed in `recipes`: RuntimeError: {SAID}"),
        ("recipes", "none", "returned None from `recipes`, where a dict is due"),
        ("source", "exit", r"failed in `source`: it called sys\.exit\(0\)"),
        ("source", "none", "returned None from `source`, where a DataSource is due"),
        ("sample", "raise", rf"failed in `source\(\)\.sample\.make`: RuntimeError: {SAID}"),
        ("sample", "dict", "type `dict` from `source\\(\\).sample.make`, where a Dataset is due"),
        ("train", "none", "returned None as `train` of what"),
        ("build", "keyboard", "failed in `build`: it raised KeyboardInterrupt"),
        ("build", "text", "type `str` from `build`, where a Built is due"),
        ("model", "none", "returned None as the model of `build`, where a keras.Model is due"),
        ("card", "text", "type `str` as `card` of what `build` returns"),
        ("augment", "raise", rf"failed where its batches were made \(`augment`, `encode`\): RuntimeError: {SAID}"),
        ("augment", "none", "failed where its batches were made.*cannot unpack"),
        ("classes", "", r"outputs of shape \(None, 5\) for 3 classes, where \(None, 3\) is due"),
    ],
)
def test_a_pipeline_that_fails_is_named(method, how, words, capsys, folder, monkeypatch):
    from kzoo.plugins.registry import get_registry
    from kzoo.plugins.targets import load_target

    module = __import__(load_target(get_registry().pipeline("tiny")).__module__, fromlist=["FAULT"])
    monkeypatch.setattr(module, "FAULT", (method, how))
    said = refused(capsys, "tiny")
    assert "The pipeline `tiny` of kzoo-failing 0.1" in said
    assert re.search(r"kzoo_failing/\w+\.py, line \d+\)", said)
    assert re.search(words, said), said
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("raise", rf"failed after the training \(`finish`\): RuntimeError: {SAID}"),
        ("text", "returned an object of the type `str` from `finish`, where a dict is due"),
    ],
)
def test_what_fails_after_the_training_leaves_the_model(how, words, capsys, folder, monkeypatch):
    import kzoo_failing.pipelines

    monkeypatch.setattr(kzoo_failing.pipelines, "FAULT", ("finish", how))
    said = refused(capsys, "tiny")
    assert "The pipeline `tiny` of kzoo-failing 0.1" in said
    assert re.search(words, said), said
    (run,) = list_runs(folder / "runs")
    assert run.manifest().status == "failed"
    assert read_card(run.model_path).own == {}


def test_what_is_found_out_after_the_training_is_stored_with_the_model(folder):
    assert main(["run", "tiny", "--data", "sample", "-o", "train.keep=best"]) == 0
    assert (
        main(["run", "tiny", "--data", "sample", "-o", "data.validation_fraction=0", "-o", "train.monitor=loss"]) == 0
    )
    with_validation, without = sorted(list_runs(folder / "runs"), key=lambda run: run.manifest().number)
    points = {"points": with_validation.manifest().data.sizes["validation"]}
    assert read_card(with_validation.model_path).own == read_card(with_validation.best_path).own == points
    assert read_card(without.model_path).own == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["abstract"], "pipeline `abstract` of kzoo-failing 0.1 failed when it was made: TypeError: Can't instantiate"),
        (["no_pipeline"], "pipeline `no_pipeline` of kzoo-failing 0.1 is an object of the type `dict`"),
        (["tiny", "--loss", "no_loss"], "loss `no_loss` of kzoo-failing 0.1 is None when it is made"),
        (["tiny", "--loss", "no_slope"], "loss `no_slope` of kzoo-failing 0.1 has no gradient"),
    ],
)
def test_what_is_none_of_its_kind_is_refused(arguments, words, capsys, folder):
    assert words in refused(capsys, *arguments)
    assert not (folder / "runs").exists()


def test_labels_that_are_no_class_are_counted(capsys, monkeypatch):
    import kzoo_failing.pipelines

    monkeypatch.setattr(kzoo_failing.pipelines, "FAULT", ("labels", ""))
    said = refused(capsys, "tiny")
    assert "The training data (16 points) has 14 of 14 labels that are no class, such as 7. There are 3 classes" in said


def test_an_optimizer_that_moves_nothing_is_said(capsys):
    assert main(["run", "tiny", "--data", "sample", "--optimizer", "failing_optimizer:when=first,how=nothing"]) == 0
    assert "Not one weight changed in 4 steps: the optimizer `failing_optimizer:" in capsys.readouterr().err


def test_weights_that_the_last_step_ruins_are_found(capsys, folder):
    # The one step of the only epoch: its loss is that of the weights before it.
    assert main(["run", "tiny", "--data", "sample", "-e", "1", "-b", "16", "-o", "data.validation_fraction=0",
                 "-o", "train.monitor=loss", "--optimizer", "failing_optimizer:when=first,how=nan"]) == 1  # fmt: skip
    err = capsys.readouterr().err
    (run,) = list_runs(folder / "runs")
    assert "2 of 2 weights of the model are not finite numbers after epoch 1: `" in err
    assert run.manifest().status == "failed"
    assert not run.model_path.exists()
    assert not run.best_path.exists()


def test_a_metric_that_fails_in_evaluate_is_named_too(capsys, monkeypatch):
    assert main(["run", "tiny", "--data", "sample", "-e", "1", "--metric", "failing_metric", "--quiet"]) == 0
    import kzoo_failing.metrics

    monkeypatch.setattr(kzoo_failing.metrics.FailingMetric, "due", lambda metric: kzoo_failing.metrics.fail("exit"))
    capsys.readouterr()
    assert main(["evaluate", "last"]) == 1
    said = capsys.readouterr().err
    assert "The metric `failing_metric` of kzoo-failing 0.1 failed in the test: it called sys.exit(0) (" in said


@pytest.mark.long
def test_a_model_of_a_run_that_was_killed_says_so(capsys):
    assert main(["run", "tiny", "--data", "sample", "-e", "1", "--quiet"]) == 0
    (run,) = list_runs(Path("runs"))
    run.update(status="running", training=None)
    run.model_path.unlink()
    capsys.readouterr()
    assert main(["evaluate", "last"]) == 0
    said = capsys.readouterr().err
    assert f"warning: The run {run.name} was killed before its end. `kzoo run --resume` goes on with it." in said
    assert f"This is the model of its best epoch so far, {run.best_path}." in said
    assert main(["report", "last"]) == 0
    assert "was killed before its end" in capsys.readouterr().err
    main(["predict", "last", "nothing.png"])
    assert "was killed before its end" in capsys.readouterr().err
    with pytest.warns(UserWarning, match="was killed before its end"):
        kzoo.open("last")
    with pytest.warns(UserWarning, match="was killed before its end"):
        kzoo.load_model(run.path)
