"""Studies whose trials train nothing, through the command line: what is proposed, pruned, lost, shared and told."""

import csv
import json
import math
from pathlib import Path

import optuna
import pytest

import kzoo as package
from kzoo.comparing import workers
from kzoo.errors import KzooError, UsageError
from kzoo.runs.configure import configure
from kzoo.runs.folder import list_runs
from kzoo.tuning.folder import folder_of
from kzoo.tuning.plan import Asked, plan_of
from kzoo.tuning.progress import Progress
from kzoo.tuning.study import open_study

SEARCH = ("--search", "optimizer.learning_rate=1e-5..1:log")
WORDS = ("tune", "mnist", "-r", "quick", "--optimizer", "adam:learning_rate=0.1", "--metric", "val_loss", *SEARCH)


@pytest.fixture
def orders(tmp_path, monkeypatch):
    """Have runs trained by a worker that trains nothing; return a function that says what becomes of which trial."""
    told = tmp_path / "told.json"
    monkeypatch.setenv("KZOO_TEST_TOLD", str(told))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(workers, "_MODULE", "made_up_worker")
    monkeypatch.setattr("kzoo.comparing.page._pictures", lambda found: {})
    monkeypatch.setattr("kzoo.comparing.comparison._fingerprint", lambda config, **_: fingerprint(config))
    monkeypatch.chdir(tmp_path)

    def order(**what):
        told.write_text(json.dumps({name.removeprefix("trial_"): one for name, one in what.items()}), "utf-8")

    order()
    return order


def fingerprint(config):
    return {split: f"{split}-{config.seed}" for split in ("train", "validation")} | {"test": "test"}


def apart(rate):
    return abs(math.log10(rate) + 2) + 0.5**4


def kept(trial_path="runs/studies/*/study.db"):
    """Return the trials as Optuna itself reads them from the file."""
    [file] = Path().glob(trial_path)
    address = f"sqlite:///{file}"
    [name] = optuna.get_all_study_names(address)
    return optuna.load_study(study_name=name, storage=address)


def test_a_study_from_its_first_trial_to_its_verdict(kzoo, orders):
    orders(trial_3="fail")
    asked = ("--trials", "8", "--seeds", "3", "--pruner", "median:n_startup_trials=1", "--json")
    code, out, err = kzoo(*WORDS, *asked)
    assert code == 0, err
    found = json.loads(out)
    study = kept()
    assert (study.direction.name, len(study.trials)) == ("MINIMIZE", 8)
    states = [trial.state.name for trial in study.trials]
    assert states[3] == "FAIL"
    assert "PRUNED" in states
    assert [row["status"] for row in found["trials"]] == [
        {"COMPLETE": "done", "PRUNED": "pruned", "FAIL": "failed"}[state] for state in states
    ]
    assert study.trials[0].params == {"optimizer.learning_rate": 0.1}  # the default is in the space
    for trial in study.trials:
        if trial.state.name == "COMPLETE":
            assert trial.value == pytest.approx(apart(trial.params["optimizer.learning_rate"]))
    assert found["best"]["trial"] == study.best_trial.number
    assert found["trials"][3]["error"] == "The loss stopped being a finite number."

    # The winner's file is what `kzoo run -c` takes, and the new seeds are new.
    [file] = Path("runs/studies").glob("*/best.toml")
    settings = configure(file=file)
    best = study.best_trial.params["optimizer.learning_rate"]
    assert settings.optimizer.kwargs["learning_rate"] == best
    assert settings.values["report"]
    assert f"trial {study.best_trial.number} of the study" in file.read_text("utf-8")
    compared = found["comparison"]
    assert (compared["cells"], compared["seeds"]) == (["default", "tuned"], [1, 2, 3])
    row = next(one for one in compared["measures"] if one["measure"] == "val_loss" and one["cell"] == "tuned")
    assert row["difference"] == pytest.approx(apart(best) - apart(0.1))
    assert row["better"] == "lower"
    assert any("val_loss" in text and "default" in text for text in found["summary"])

    # Each trial is an ordinary run that says what it is a part of.
    runs = [run for run in list_runs(Path("runs"), "mnist") if run.manifest().part_of]
    assert sorted(run.manifest().part_of["trial"] for run in runs) == list(range(8))
    code, out, _ = kzoo("runs")
    assert out.count("pruned") == states.count("PRUNED")
    rows = list(csv.DictReader(next(Path("runs/studies").glob("*/trials.csv")).read_text("utf-8").splitlines()))
    assert [row["status"] for row in rows] == [row["status"] for row in found["trials"]]
    assert all((file.parent / row["path"] / "run.json").is_file() for row in rows)

    # The same command has nothing left to do; more trials are trained on top.
    before = len(list_runs(Path("runs")))
    code, out, _ = kzoo(*WORDS, *asked)
    assert (code, json.loads(out)["trials"]) == (0, found["trials"])
    assert len(list_runs(Path("runs"))) == before


@pytest.mark.long
def test_a_trial_that_was_stopped_goes_on(kzoo, orders):
    orders(trial_2="stop")
    code, out, err = kzoo(*WORDS, "--trials", "4", "--seeds", "0")
    assert (code, out) == (130, "")
    assert "stopped with 2 of 4 trials done. The same command goes on with it." in " ".join(err.split())
    stopped = kept().trials[2]
    assert stopped.state.name == "RUNNING"
    code, out, err = kzoo(*WORDS, "--trials", "4", "--seeds", "0", "--json")
    assert code == 0, err
    study = kept()
    assert len(study.trials) == 4
    assert study.trials[2].params == stopped.params
    assert study.trials[2].state.is_finished()
    assert len(list_runs(Path("runs"))) == 4  # it was no new run


@pytest.mark.long_but_first
@pytest.mark.parametrize("sampler", ["random", "tpe:n_startup_trials=2"])
def test_a_kill_changes_no_proposal(orders, sampler):
    """What is proposed follows from the trials before, and not from how often a process was begun."""
    plan = planned(sampler=sampler, trials=4)
    found = []
    for root, parts in (("whole", [4]), ("parts", [1, 1, 2])):
        had = []
        for count in parts:
            study = opened(plan, root)  # as a new process does
            for _ in range(count):
                trial = study.next()
                had.append(trial.optuna.params["optimizer.learning_rate"])
                study.optuna.tell(trial.number, apart(had[-1]))
        found.append(had)
    assert found[0] == found[1]
    assert len(set(found[0])) == 4


@pytest.mark.long
def test_a_process_that_dies_is_a_trial_that_failed(kzoo, orders):
    orders(trial_1="die")
    code, out, err = kzoo(*WORDS, "--trials", "3", "--seeds", "0", "--json")
    assert code == 0, err
    assert "SIGKILL" in json.loads(out)["trials"][1]["error"]
    assert [trial.state.name for trial in kept().trials] == ["COMPLETE", "FAIL", "COMPLETE"]


@pytest.mark.long
def test_where_all_fail_it_is_said(kzoo, orders):
    orders(trial_0="fail", trial_1="fail")
    code, out, err = kzoo(*WORDS, "--trials", "2", "--quiet")
    assert (code, out) == (1, "")
    assert "no winner: 2 of 2 trials failed. The first, trial 0: The loss stopped being a finite number" in err
    assert not list(Path("runs/studies").glob("*/best.toml"))


def test_a_study_with_another_space_is_refused(kzoo, orders):
    opened(planned(study="mine"))
    other = [word.replace("1e-5..1:log", "1e-3..1:log") for word in WORDS]
    code, out, err = kzoo(*other, "--trials", "2", "--study", "mine")
    assert (code, out) == (2, "")
    assert "its search is `optimizer.learning_rate=1e-05..1:log`, now `optimizer.learning_rate=0.001..1:log`" in err
    for more, words in (
        (("--seed", "4"), "its `seed` is 0, now 4"),
        (("--search", "train.epochs=1..3:int"), "its search is `no train.epochs`, now `train.epochs=1..3:int`"),
        (("--metric", "val_accuracy"), "its metric is `val_loss`, now `val_accuracy`"),
    ):
        code, _, err = kzoo(*WORDS, *more, "--study", "mine")
        assert code == 2
        assert words in err
    assert len(kept().trials) == 1  # that of the default, which waits


@pytest.mark.long
def test_data_that_changed_is_no_trial_of_the_study(kzoo, orders):
    opened(planned(trials=1)).optuna.set_user_attr(
        "kzoo_data", {"train": "train-0", "validation": "other", "test": "test"}
    )
    code, _, err = kzoo(*WORDS, "--trials", "1")
    assert code == 1
    assert "Its data is not that of the trials before (the validation split differs)" in err
    assert kept().trials[0].state.name == "FAIL"


def planned(search=(SEARCH[1],), **asked):
    common = {"recipe": "quick", "optimizer": "adam:learning_rate=0.1"}
    return plan_of(Asked(pipeline="mnist", search=search, metric="val_loss", common=common, **asked))


def opened(plan, root="runs"):
    return open_study(plan, folder_of(Path(root), plan.name), Path(root))


def test_two_processes_never_have_the_same_trial(orders):
    plan = planned(trials=4)
    one, other = opened(plan), opened(plan)
    had = [one.next(), other.next(), one.next()]
    assert [trial.number for trial in had] == [0, 1, 2]
    assert len(other.running()) == 3
    # One that is let go of is taken up by the other, as when its process is killed; it is not lost, and no new one.
    had[1].claim.release()
    had += [one.next(), other.next()]
    assert [trial.number for trial in had] == [0, 1, 2, 1, 3]
    assert one.next() is None
    one.tell(had[0], "failed", None, "no luck")
    assert len(other.running()) == 3
    assert other.next() is None
    assert "no luck" in one.trials()[0].user_attrs["error"]


def test_without_validation_data_there_is_nothing_to_judge_by(kzoo, orders):
    code, out, err = kzoo(*WORDS, "--data", "sample", "--limit", "20", "-o", "data.validation_fraction=0")
    assert (code, out) == (2, "")
    assert "there is none (data.validation_fraction is 0)" in err
    assert not Path("runs").exists()


def test_a_person_sees_what_is_trained_and_what_is_best(orders):
    study = opened(planned(trials=9))
    lines = []
    progress = Progress(study, say=lines.append, warn=pytest.fail)
    trial = study.next()
    progress.began(trial.job)
    progress.epoch(trial.job, 2, 4, {"val_loss": 0.25})
    assert str(next(iter(progress.table().columns[0].cells))) == "trial 0"
    assert str(next(iter(progress.table().columns[1].cells))) == "2/4 val_loss 0.2500"
    study.optuna.tell(trial.number, 0.125)
    progress.ended(trial.job, "done", None)
    assert lines == ["1/9  trial 0: done  optimizer.learning_rate=0.1"]
    shown = [str(next(iter(column.cells))) for column in progress.table().columns]
    assert shown == ["trial 0", "0.1250", "optimizer.learning_rate=0.1"]


def test_settings_that_do_not_fit_together_are_a_trial_that_failed(orders, monkeypatch):
    study = opened(planned(trials=3))
    fitting = type(study.plan).settings

    def refused(plan, values, **more):
        if values["optimizer.learning_rate"] == 0.1:  # that of the first trial
            message = "These do not fit together."
            raise UsageError(message)
        return fitting(plan, values, **more)

    monkeypatch.setattr(type(study.plan), "settings", refused)
    had = [study.next(), study.next()]
    assert [trial.number for trial in had] == [1, 2]
    assert study.next() is None
    [failed, *_] = study.trials()
    assert (failed.state.name, failed.user_attrs["error"]) == ("FAIL", "These do not fit together.")


def test_over_its_budget_no_trial_begins(orders, monkeypatch):
    study = opened(planned(budget="10s"))
    begun = study.next()
    monkeypatch.setattr("time.monotonic", lambda: study.until + 1)
    assert study.over()
    assert study.next() is None
    begun.claim.release()
    assert study.next().number == begun.number  # what was begun is brought to its end all the same


def test_a_grid_is_gone_through_once(orders):
    search = ("optimizer.learning_rate=0.1,0.01,0.001", "train.batch_size=16..48:int,step=32")
    study = opened(planned(search=search, sampler="grid"))
    had = []
    while trial := study.next():
        had.append((trial.optuna.params["optimizer.learning_rate"], trial.optuna.params["train.batch_size"]))
        study.optuna.tell(trial.number, apart(float(had[-1][0])))
    assert sorted(had) == sorted((rate, size) for rate in ("0.1", "0.01", "0.001") for size in (16, 48))
    assert study.best().params["optimizer.learning_rate"] == "0.01"


@pytest.mark.long
def test_one_trial_that_is_the_default_has_nothing_to_be_compared_with(kzoo, orders):
    code, out, err = kzoo(*WORDS, "--trials", "1", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["comparison"] is None
    assert found["summary"][-1] == "These are the default settings: nothing better was found."


@pytest.mark.long
def test_from_python_it_is_the_same(orders, tmp_path):
    asked = {
        "search": {"optimizer.learning_rate": [0.1, 0.01, 0.001], "loss": ["focal:gamma=2,alpha=0.25", "emd"]},
        "recipe": "quick",
        "optimizer": "adam:learning_rate=0.1",
        "sampler": "grid",
        "metric": "val_accuracy",
        "seeds": 2,
        "verbose": 0,
    }
    found = package.tune("mnist", **asked)
    assert len(found.trials) == 6
    assert {row["loss"] for row in found.trials} == {"focal:gamma=2,alpha=0.25", "emd"}
    assert found.params["optimizer.learning_rate"] == 0.01
    assert found.value == pytest.approx(1 / (1 + 0.5**4))
    assert found.comparison.cells == ["default", "tuned"]
    assert found.verdict.verdict == "too few seeds to tell"
    assert "does not show that it beats the default" in " ".join(found.summary)
    assert repr(found).startswith("<kzoo study mnist-")
    assert "<table>" in found._repr_html_()
    assert found.to_dict()["best"]["value"] == found.value
    again = package.tune("mnist", **asked)
    assert again.trials == found.trials
    with pytest.raises(UsageError, match="must give `loss` a range as text, or a list"):
        package.tune("mnist", search={"loss": 3})


@pytest.mark.long
def test_five_that_fail_alike_end_the_search_and_the_table_is_there_from_the_first(kzoo, orders):
    orders(**{f"trial_{number}": "fail" for number in range(5)})
    code, out, err = kzoo(*WORDS, "--trials", "7", "--seeds", "0")
    assert (code, out) == (1, "")
    assert "5 of 5 trials failed for one reason, and the other 2 were not begun" in " ".join(err.split())
    assert len(kept().trials) == 5
    orders(trial_6="stop")
    code, _, err = kzoo(*WORDS, "--trials", "7", "--seeds", "0")
    assert code == 130, err
    rows = csv.DictReader(next(Path("runs/studies").glob("*/trials.csv")).read_text("utf-8").splitlines())
    assert [row["status"] for row in rows] == ["failed"] * 5 + ["done", "running"]


def test_another_storage_is_used_as_it_is(kzoo, orders):
    address = f"sqlite:///{Path.cwd() / 'elsewhere.db'}"
    study = opened(planned(database=address, study="far"))
    begun = study.next()
    assert len(optuna.load_study(study_name="far", storage=address).trials) == 1
    assert not list(Path("runs/studies").glob("*/study.db"))
    # Another machine with the same storage knows nothing of the folder, and leaves its trials alone.
    begun.claim.release()
    elsewhere = opened(planned(database=address, study="far"), "other")
    other = elsewhere.next()
    assert (other.number, len(elsewhere.running())) == (1, 2)
    code, _, err = kzoo(*WORDS, "--database", "nonsense", "--study", "none")
    assert code == 1
    assert "The storage of the study, nonsense, cannot be opened" in err
    assert not Path("runs/studies/none").exists()
    code, _, err = kzoo(*WORDS, "--on", "ray", "--store", "file:///tmp/store")
    assert code == 2
    assert "name a database that all of them reach" in err


def test_a_storage_that_fails_is_said_without_its_password(orders, monkeypatch):
    study = opened(planned())
    monkeypatch.setattr(study, "storage", "postgresql://me:secret@there/studies")
    Path(study.folder.database).write_bytes(b"no database")
    with pytest.raises(KzooError, match=r"postgresql://me:\*\*\*@there/studies, cannot be used"):
        study.next()


@pytest.mark.long_but_first
@pytest.mark.parametrize("sampler", ["random", "tpe:multivariate=true", "gp:n_startup_trials=1", "qmc"])
def test_samplers_propose_what_is_searched(orders, sampler):
    if sampler.startswith("gp"):
        pytest.importorskip("torch")
    study = opened(planned(sampler=sampler, pruner="none", trials=4, study=sampler.partition(":")[0]))
    rates = []
    for _ in range(4):
        trial = study.next()
        rates.append(trial.optuna.params["optimizer.learning_rate"])
        study.optuna.tell(trial.number, apart(rates[-1]))
    assert len(set(rates)) == 4
    assert all(1e-5 <= rate <= 1 for rate in rates)
