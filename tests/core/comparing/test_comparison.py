"""A grid from its plan to its record, without training: what became of its runs is made up."""

import io
import json

import pytest
from made_up_runs import made_up
from rich.console import Console

import kzoo
from kzoo.cluster.places import Place
from kzoo.comparing import comparison
from kzoo.comparing.comparison import compare_grid, compare_runs, runs_meant
from kzoo.comparing.folder import ComparisonFolder, folder_for
from kzoo.comparing.grid import Asked, grid_of
from kzoo.comparing.processes import Trained
from kzoo.comparing.progress import Progress
from kzoo.engine.listener import Silent
from kzoo.errors import KzooError, UsageError


@pytest.fixture
def grid():
    return grid_of(
        Asked(pipeline="mnist", losses=["emd", "focal"], seeds=2, common={"recipe": "quick", "data": "sample"})
    )


@pytest.fixture
def compare(grid, tmp_path, monkeypatch):
    """Return a function that compares the grid where training comes to this, and the record that is left."""

    def call(trained):
        monkeypatch.setattr(comparison, "train_all", lambda order, watcher: trained)
        said = []
        progress = Progress(grid, say=said.append, warn=said.append)
        return compare_grid(grid, root=tmp_path, place=Place(), watcher=progress, listener=Silent())

    return call


def record_in(root):
    [folder] = (root / "comparisons").iterdir()
    return json.loads((folder / "comparison.json").read_text("utf-8"))


def test_a_stop_is_recorded(grid, compare, tmp_path):
    run = made_up(tmp_path, "emd", 0, accuracy=0.9)
    with pytest.raises(KeyboardInterrupt, match="1 of 4 runs done"):
        compare(Trained(runs={grid.jobs[0]: run}, stopped=True))
    found = record_in(tmp_path)
    assert (found["status"], len(found["runs"]), found["seeds"]) == ("interrupted", 1, [0, 1])
    [folder] = (tmp_path / "comparisons").iterdir()
    assert ComparisonFolder(folder).runs() == [run.path.resolve()]


def test_where_all_of_one_way_fail_there_is_nothing_to_compare(grid, compare, tmp_path):
    runs = {job: made_up(tmp_path, "emd", job.seed, accuracy=0.9) for job in grid.jobs if job.cell == "emd"}
    failures = {job: "The loss is NaN." for job in grid.jobs if job.cell == "focal"}
    with pytest.raises(KzooError, match=r"2 of 4 runs failed. The first, `focal` with seed 0: The loss is NaN"):
        compare(Trained(runs=runs, failures=failures))
    record = record_in(tmp_path)
    assert (record["status"], len(record["failures"]), len(record["runs"])) == ("failed", 2, 2)


@pytest.mark.long
def test_where_one_fails_the_rest_is_judged(grid, compare, tmp_path):
    *rest, last = grid.jobs
    runs = {job: made_up(tmp_path, str(job.config.loss), job.seed, accuracy=0.9) for job in rest}
    found = compare(Trained(runs=runs, failures={last: "The loss is NaN."}))
    assert found.failures == {("focal", 1): "The loss is NaN."}
    assert "The run of `focal` with seed 1 failed: The loss is NaN." in found.notes
    assert (found.pairs, record_in(tmp_path)["status"]) == (1, "failed")


@pytest.mark.parametrize("lost", [0, 3])
def test_a_run_that_failed_leaves_the_pairs_that_there_are(grid, compare, tmp_path, monkeypatch, lost):
    monkeypatch.setattr("kzoo.comparing.page._pictures", lambda found: {})
    runs = {job: made_up(tmp_path, str(job.config.loss), job.seed, accuracy=0.9) for job in grid.jobs}
    failed = grid.jobs[lost]
    del runs[failed]
    found = compare(Trained(runs=runs, failures={failed: "The loss is NaN."}))
    assert f"The run of `{failed.cell}` with seed {failed.seed} failed: The loss is NaN." in found.notes
    assert any(f"no pair for the seeds {failed.seed}," in note for note in found.notes)
    assert (found.cells, found.pairs) == (["emd", "focal"], 1)
    runs, folder = runs_meant([str(found.folder.path)], tmp_path)
    again = compare_runs(runs, root=tmp_path, listener=Silent(), folder=folder)
    assert (again.cells, again.failures, again.notes) == (found.cells, found.failures, found.notes)


def test_a_comparison_that_is_judged_again_keeps_its_names(grid, compare, tmp_path, monkeypatch):
    monkeypatch.setattr("kzoo.comparing.page._pictures", lambda found: {})
    runs = {job: made_up(tmp_path, str(job.config.loss), job.seed, accuracy=0.9) for job in grid.jobs}
    folder = compare(Trained(runs=runs)).folder
    file = folder.path / "comparison.json"
    file.write_text(file.read_text("utf-8").replace('"emd"', '"default"').replace('"focal"', '"tuned"'), "utf-8")
    runs, path = runs_meant([str(folder.path)], tmp_path)
    assert compare_runs(runs, root=tmp_path, listener=Silent(), folder=path).cells == ["default", "tuned"]


def test_data_that_is_not_there_is_refused_before_anything_is_made(tmp_path):
    common = {"recipe": "quick", "data": str(tmp_path / "none.npz")}
    missing = grid_of(Asked(pipeline="mnist", losses=["emd", "focal"], seeds=2, common=common))
    with pytest.raises(UsageError, match="no file or folder of that name exists"):
        compare_grid(missing, root=tmp_path, place=Place(), watcher=None, listener=Silent())
    assert list(tmp_path.iterdir()) == []


def test_nothing_named_is_refused(tmp_path):
    with pytest.raises(UsageError, match="Name what to compare"):
        kzoo.compare([], out=tmp_path)


def test_where_all_of_the_first_way_fail_the_next_takes_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr("kzoo.comparing.page._pictures", lambda found: {})
    common = {"recipe": "quick", "data": "sample"}
    grid = grid_of(Asked(pipeline="mnist", losses=["poly1", "emd", "focal"], seeds=2, common=common))
    failures = {job: "The loss is NaN." for job in grid.jobs if job.cell == "poly1"}
    runs = {
        job: made_up(tmp_path, job.cell, job.seed, accuracy=0.9) for job in reversed(grid.jobs) if job not in failures
    }
    monkeypatch.setattr(comparison, "train_all", lambda order, watcher: Trained(runs=runs, failures=failures))
    with Progress(grid, say=None, warn=print) as progress:
        found = compare_grid(grid, root=tmp_path, place=Place(), watcher=progress, listener=Silent())
    assert "No run of `poly1` is done, so the others are compared with `emd`." in found.notes
    assert (found.cells, found.pairs, len(found.failures)) == (["emd", "focal"], 2, 2)
    record = record_in(tmp_path)
    assert (record["status"], record["cells"]) == ("failed", ["emd", "focal"])


def test_where_no_two_are_left_as_a_pair_it_is_said_why(grid, compare, tmp_path):
    kept = {("emd", 0), ("focal", 1)}
    runs = {
        job: made_up(tmp_path, job.cell, job.seed, accuracy=0.9) for job in grid.jobs if (job.cell, job.seed) in kept
    }
    failures = {job: "The loss is NaN." for job in grid.jobs if job not in runs}
    with pytest.raises(KzooError, match=r"no run has a seed .* 2 of 4 runs failed. The first, .*: The loss is NaN"):
        compare(Trained(runs=runs, failures=failures))


def test_two_processes_cannot_make_one_comparison(tmp_path):
    folder = folder_for(tmp_path, "plan", "mnist", ["a", "b"])
    folder.write({"plan": "plan"})
    assert folder_for(tmp_path, "plan", "mnist", ["a", "b"]) == folder
    assert folder_for(tmp_path, "another", "mnist", ["a", "b"]) != folder
    with folder.held(), pytest.raises(KzooError, match="being made by another process"), folder.held():
        pass
    for text, words in (("{", "cannot be read"), ("[]", "is not the record"), ('{"schema_version": 9}', "newer kzoo")):
        folder.record_path.write_text(text, "utf-8")
        with pytest.raises(KzooError, match=words):
            folder.runs()


def test_a_terminal_shows_one_table(grid, tmp_path):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, _environ={"TERM": "xterm"})
    with Progress(grid, say=None, warn=print, console=console) as progress:
        progress.ended(grid.jobs[0], "reused", made_up(tmp_path, "emd", 0, accuracy=0.75))
        progress.began(grid.jobs[1])
        progress.epoch(grid.jobs[1], 1, 3, {"loss": 0.3, "val_loss": 0.2, "val_accuracy": 0.5, "accuracy": 0.4})
        progress.ended(grid.jobs[3], "failed", None)
    last = screen.getvalue().rpartition("mnist:")[2]
    for words in ("1 of 4 runs", "0.7500", "1/2", "0/2, 1 failed", "seed 0: 1/3 val_accuracy 0.5"):
        assert words in last
    assert "loss 0" not in last
