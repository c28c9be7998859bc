"""Run folders: never overwritten, found again, refused when broken."""

import json
import re

import pytest

from kzoo.errors import KzooError, UsageError
from kzoo.runs.config import DEFAULTS, RunConfig
from kzoo.runs.folder import Run, create_run, find_run, list_runs
from kzoo.runs.manifest import SCHEMA_VERSION, Manifest

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
