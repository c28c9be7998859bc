"""Run folders: never overwritten, found again, refused when broken."""

import datetime as dt
import json
import re
from pathlib import Path

import pytest

from kzoo.errors import KzooError, UsageError
from kzoo.plugins.reference import Reference
from kzoo.runs import folder
from kzoo.runs.config import DEFAULTS, RunConfig
from kzoo.runs.folder import Run, create_run, find_run, list_runs
from kzoo.runs.lock import training
from kzoo.runs.manifest import SCHEMA_VERSION, Manifest, TrainingRecord

WHOLE = {"schema_version": SCHEMA_VERSION, "status": "done", "pipeline": "p", "data": {}}


@pytest.fixture
def config():
    return RunConfig.merge(
        [
            ("default", DEFAULTS),
            ("x", {"pipeline": "p", "recipe": "quick", "loss": {"name": "emd", "p": 1}, "optimizer": {"name": "sgd"}}),
        ]
    )


def test_runs_of_one_second_get_folders_of_their_own(tmp_path, config):
    runs = [create_run(tmp_path, config, Manifest()) for _ in range(3)]
    assert len({run.path for run in runs}) == 3
    assert all("quick-emd-p-1-s0" in run.path.name for run in runs)
    assert [run.manifest().status for run in runs] == ["running"] * 3


def test_the_folder_of_a_loss_of_losses_has_a_plain_name(tmp_path, config):
    text = "mixture:losses=[soft_dice(smooth=1),focal(gamma=2),crossentropy],weights=[1,0.5,2]"
    values = {**config.values, "loss": Reference.parse(text).to_mapping()}
    name = create_run(tmp_path, RunConfig(values), Manifest()).path.name
    assert re.fullmatch(r"\d{8}T\d{6}Z-quick-mixture-losses-soft-dice-smooth-1-focal-gamma-2-cros\w*-s0", name), name
    assert len(name) < 90


def test_the_settings_of_a_run_are_read_back(tmp_path, config):
    run = create_run(tmp_path, config, Manifest(environment={"extra": 1}))
    assert run.config().loss == config.loss
    assert run.manifest().environment == {"extra": 1}
    run.update(status="done", results={"test": {"loss": float("nan")}})
    assert run.manifest().status == "done"
    assert run.manifest().test_results == {"loss": None}
    assert json.loads(run.manifest_path.read_text("utf-8"))["extra"] == 1


def test_a_run_is_found_by_folder_file_name_start_and_last(tmp_path, config, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "runs"
    first = create_run(root, config, Manifest())
    second = create_run(root, config, Manifest())
    assert find_run(str(first.path)).path == first.path
    assert find_run(str(first.config_path)).path == first.path
    assert find_run(second.name, root).path == second.path
    assert find_run(second.path.name, root).path == second.path
    assert find_run("last", root).path == second.path
    with pytest.raises(UsageError, match="several runs"):
        find_run(first.path.name[:8], root)
    with pytest.raises(UsageError, match="of the 2 run"):
        find_run("nonsense", root)
    assert [run.path for run in list_runs(root)] == [first.path, second.path]


def test_the_last_run_is_the_one_made_last_whatever_the_clock_said(tmp_path, config, monkeypatch):
    class Clock(dt.datetime):
        times = iter([10, 12, 9, 11])

        @classmethod
        def now(cls, tz=None):
            return cls(2026, 1, 1, next(cls.times), tzinfo=tz)

    monkeypatch.setattr(folder.dt, "datetime", Clock)
    made = [create_run(tmp_path, config, Manifest()).path for _ in range(3)]
    assert [run.path for run in list_runs(tmp_path)] == made
    assert find_run("last", tmp_path).path == made[2]
    old = create_run(tmp_path, config, Manifest())  # of an older kzoo, which counted nothing
    old.update(number=0)
    assert [run.path for run in list_runs(tmp_path)] == [made[0], old.path, made[1], made[2]]
    (made[1] / "run.json").write_text("{")
    assert {run.path for run in list_runs(tmp_path)} == {*made, old.path}
    assert list_runs(tmp_path, "another") == []


def test_a_run_whose_record_cannot_be_read_keeps_its_number(tmp_path, config):
    made = [create_run(tmp_path, config, Manifest()) for _ in range(3)]
    record = made[2].manifest_path.read_text("utf-8")
    made[2].manifest_path.write_text("{")
    later = [create_run(tmp_path, config, Manifest()) for _ in range(2)]
    made[2].manifest_path.write_text(record)
    assert [run.number() for run in (*made, *later)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("text", ["", " "])
def test_an_empty_text_is_no_run_and_not_this_folder(tmp_path, config, monkeypatch, kzoo, text):
    monkeypatch.chdir(create_run(tmp_path, config, Manifest()).path)
    code, _, err = kzoo("run", "--resume", text)
    assert (code, "An empty text names no run, perhaps from a variable" in " ".join(err.split())) == (2, True)


def test_on_a_terminal_of_80_columns_names_of_runs_are_in_one_piece(tmp_path, config, monkeypatch, capsys):
    import sys

    from kzoo.cli import main

    run = create_run(tmp_path, config, Manifest(status="done"))
    monkeypatch.setenv("COLUMNS", str(len(run.name) + 10))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["runs", "--out", str(tmp_path)]) == 0
    assert run.name in capsys.readouterr().out


def test_a_run_is_still_training_only_while_somebody_holds_its_lock(tmp_path, config):
    run = create_run(tmp_path, config, Manifest())
    assert run.status() == "killed"
    (run.path / "metrics.csv").write_text("epoch,loss\n1,0.5\n2,0.4\n")
    assert run.epochs() == f"2/{config.train.epochs}"
    with training(run.path):
        assert run.status() == "running"
        assert "is still training. Its model may be that of an early epoch" in run.caution()
        run.update(training=TrainingRecord(epochs=2))
        assert "was trained, and is still being tested" in run.caution()
    run.update(status="done")
    assert run.status() == "done"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "done"}, ""),
        ({"status": "running"}, "was killed before its end. `kzoo run --resume` goes on with it."),
        (
            {"status": "interrupted", "signal": "SIGTERM", "training": TrainingRecord(epochs=2)},
            "by SIGTERM after 2 whole",
        ),
        (
            {"status": "interrupted", "signal": "SIGINT", "completed": ["trained", "saved"]},
            "was trained and not tested",
        ),
        ({"status": "failed", "error": "No room."}, "failed: No room."),
    ],
)
def test_a_run_that_did_not_come_to_its_end_says_so(tmp_path, config, changes, words):
    run = create_run(tmp_path, config, Manifest())
    run.update(**changes)
    assert words in run.caution()
    assert bool(run.caution()) == bool(words)
    if words:
        assert run.name in run.caution()
    run.manifest_path.write_text("{")
    assert "cannot be told" in run.caution()


def test_what_is_no_run_is_refused_with_the_reason(tmp_path):
    with pytest.raises(UsageError, match=r"holds no run\.json"):
        find_run(str(tmp_path))
    (tmp_path / "a.jpg").write_text("")
    with pytest.raises(UsageError, match="it is a file"):
        find_run(str(tmp_path / "a.jpg"))
    with pytest.raises(UsageError, match="There is no run `nonsense`: it is no folder, and there are no runs in"):
        find_run("nonsense", tmp_path)
    with pytest.raises(UsageError, match="no run"):
        find_run("last", tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "cannot be read"),
        ("[]", "not the manifest"),
        ("{}", "not the manifest"),
        (json.dumps({"schema_version": SCHEMA_VERSION + 1}), "newer kzoo"),
        (json.dumps({**WHOLE, "data": None}), "run.json is damaged: it holds no `data`"),
        (json.dumps({**WHOLE, "data": "x"}), "run.json is damaged: .*`object`.*`str`.*data"),
        (json.dumps({**WHOLE, "results": 3}), "run.json is damaged: .*results"),
        (json.dumps({**WHOLE, "results": {"test": 3}}), "run.json is damaged: .*results"),
        (json.dumps({**WHOLE, "training": {"history": 3}}), "run.json is damaged: .*history"),
        ("[" * 100_000, "cannot be read: maximum recursion depth"),
    ],
)
def test_a_broken_manifest_is_refused(tmp_path, content, words):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(KzooError, match=words):
        Run(tmp_path).manifest()


def test_settings_that_are_cut_off_name_their_run(tmp_path, config):
    run = create_run(tmp_path, config, Manifest())
    text = run.config_path.read_text()
    run.config_path.write_text(text[: text.index("[loss]")])
    with pytest.raises(KzooError, match=f"The settings of the run {re.escape(str(run.path))}.*names? no `loss`"):
        run.config()


def test_the_best_model_stands_for_the_final_one_only_where_there_never_was_one(tmp_path, config):
    run = create_run(tmp_path, config, Manifest())
    run.best_path.touch()
    assert run.saved_model() == run.best_path
    run.update(status="done")
    with pytest.raises(KzooError, match=r"model\.keras, is gone.* name .*best\.keras"):
        run.saved_model()
    run.model_path.touch()
    assert run.saved_model() == run.model_path


def test_a_root_that_cannot_be_written_is_one_clear_error(tmp_path, config):
    (tmp_path / "file").write_text("")
    with pytest.raises(KzooError, match="--out"):
        create_run(tmp_path / "file", config, Manifest())


def test_a_run_that_ends_records_its_models(tmp_path, config):
    run = create_run(tmp_path, config, Manifest())
    run.best_path.write_bytes(b"abc")
    assert run.update(timings={"train": 1.0}).models == {}
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert run.update(status="interrupted").models == {"best.keras": digest}
    run.model_path.write_bytes(b"abc")
    run.update(status="done")
    assert run.manifest().models == {"best.keras": digest, "model.keras": digest}


@pytest.mark.parametrize("name", ["config.toml", "run.json"])
def test_a_file_of_a_run_that_is_a_link_to_another_place_is_not_read(name, tmp_path, config):
    run = create_run(tmp_path / "runs", config, Manifest())
    moved = tmp_path / name
    (run.path / name).rename(moved)
    (run.path / name).symlink_to(moved)
    with pytest.raises(KzooError, match=rf"{re.escape(name)} is a link that leads out of its folder"):
        run.config() if name == "config.toml" else run.manifest()


def test_a_folder_that_cannot_be_searched_is_no_empty_one(tmp_path, config, monkeypatch):
    run = create_run(tmp_path, config, Manifest())
    iterate = Path.iterdir

    def refuse(path):
        if path == run.path.parent:
            raise PermissionError(13, "Permission denied", str(path))
        return iterate(path)

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(KzooError, match=r"cannot be listed: .*: Permission denied"):
        list_runs(tmp_path)
